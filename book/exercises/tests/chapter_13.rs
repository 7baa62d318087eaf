use respd_exercises::chapter_13::{LEAST, MOST, Pace, Table};

/// Numbers that look like chance.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % most
    }
}

fn sorted(entries: &[(String, u64)]) -> Vec<(String, u64)> {
    let mut entries = entries.to_vec();
    entries.sort();
    entries
}

#[test]
fn what_is_recorded_is_what_there_was() {
    let mut random = Random(1);
    for round in 0..300 {
        let mut table = Table::default();
        for key in 0..random.below(20) {
            table.set(&format!("k{key}"), random.below(100));
        }
        table.begin();
        assert!(table.recorded.is_empty(), "nothing is copied when it begins");
        let expected = sorted(table.entries());
        let mut is_over = false;
        while !is_over {
            let before = table.recorded.len();
            let key = format!("k{}", random.below(25));
            match random.below(3) {
                0 => table.set(&key, 100 + random.below(100)),
                1 => table.remove(&key),
                _ => is_over = table.record_some(2),
            }
            assert!(table.recorded.len() <= before + 2, "a change pays for one key");
        }
        assert_eq!(sorted(&table.recorded), expected, "round {round}");
    }
}

#[test]
fn changes_come_through_while_it_is_recorded() {
    let mut table = Table::default();
    ["a", "b", "c"].iter().zip(1..).for_each(|(key, value)| table.set(key, value));
    table.begin();
    table.set("a", 10);
    table.remove("b");
    table.set("d", 4);
    while !table.record_some(1) {}
    let now = [("a", 10), ("c", 3), ("d", 4)].map(|(key, value)| (key.to_owned(), value));
    assert_eq!(sorted(table.entries()), now);
}

#[test]
fn a_slice_comes_to_take_the_time_that_it_is_to_take() {
    let mut pace = Pace { units: 4096, target: 250_000 };
    for nanos_per_unit in [50, 400, 3] {
        for _ in 0..20 {
            pace.learn(pace.units as u64 * nanos_per_unit);
        }
        let nanos = pace.units as u64 * nanos_per_unit;
        assert!((240_000..=260_000).contains(&nanos), "{nanos} ns at {nanos_per_unit} for each");
    }
}

#[test]
fn no_slice_changes_by_more_than_a_factor_of_two() {
    let mut pace = Pace { units: 4096, target: 250_000 };
    pace.learn(0);
    assert_eq!(pace.units, 4096);
    pace.learn(1);
    assert_eq!(pace.units, 8192);
    pace.learn(u64::MAX);
    assert_eq!(pace.units, 4096);
    (0..20).for_each(|_| pace.learn(1));
    assert_eq!(pace.units, MOST);
    (0..20).for_each(|_| pace.learn(u64::MAX));
    assert_eq!(pace.units, LEAST);
}
