//! What hashes promise, shown in both forms.

use std::collections::{BTreeMap, HashSet};

use super::*;
use crate::keyspace::{Random, Store};

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<Millis>)>;

const START: Millis = 1_000_000;

fn store() -> Store {
    let mut store = Store::new(1);
    store.set_now(START);
    store
}

fn name(n: usize) -> Vec<u8> {
    format!("field:{n}").into_bytes()
}

/// The hash `h` with so many fields, whose values are their names.
fn filled(fields: usize) -> Store {
    let mut store = store();
    let mut db = store.db(0);
    let mut hash = db.edit_or_new::<Hash>(b"h").expect("a hash");
    for n in 0..fields {
        assert!(hash.set(&name(n), &name(n)));
    }
    drop(hash);
    store
}

/// What a store holds that had a key once.
fn memory_of_nothing() -> usize {
    let mut store = filled(1);
    store.db(0).remove(b"h");
    store.memory()
}

fn edit<R>(store: &mut Store, change: impl FnOnce(&mut Edit<'_, Hash>) -> R) -> R {
    change(&mut store.db(0).edit_or_new::<Hash>(b"h").expect("a hash"))
}

fn view<R>(store: &mut Store, look: impl FnOnce(View<'_, Hash>) -> R) -> Option<R> {
    store.db(0).view::<Hash>(b"h").expect("a hash").map(look)
}

fn encoding(store: &mut Store) -> Option<&'static str> {
    store.db(0).info_uncounted(b"h").map(|hash| hash.encoding())
}

/// Whether the store says of the hash what the model says.
fn assert_same(store: &mut Store, model: &Model, now: Millis) {
    let live: Vec<Field<'_>> = model
        .iter()
        .map(|(name, (value, expiry))| Field { name, value, expiry: *expiry })
        .filter(|field| field.expiry.is_none_or(|when| when > now))
        .collect();
    view(store, |hash| {
        let mut fields: Vec<Field<'_>> = hash.iter().collect();
        fields.sort_by_key(|field| field.name);
        assert_eq!(fields, live);
        assert_eq!(hash.live(), live.len());
        for (name, (value, expiry)) in model {
            let is_live = expiry.is_none_or(|when| when > now);
            assert_eq!(hash.get(name), is_live.then_some(&value[..]));
            assert_eq!(hash.expiry(name), is_live.then_some(*expiry));
        }
    })
    .unwrap_or_else(|| assert!(live.is_empty()));
    let volatile = model.values().any(|(_, expiry)| expiry.is_some());
    let with_volatile: usize = store.iter().map(|(_, db)| db.with_volatile_fields()).sum();
    assert_eq!(with_volatile, volatile.into());
}

#[test]
fn behaves_like_a_map() {
    for seed in 0..60 {
        let mut random = Random::seeded(seed);
        let mut store = store();
        let limit = [0, 3, 20, 512][seed as usize % 4];
        store.shared.limits.hash_max_listpack_entries = limit;
        // Some hashes never hear of expiry, so that they stay small.
        let operations = if seed % 3 == 0 { 4 } else { 8 };
        let (mut model, mut now) = (Model::new(), START);
        for step in 0..600 {
            let field = name(random.below(if step < 300 { 40 } else { 8 }));
            let longest = [5, 70][random.below(10) / 9];
            let value = vec![b'v'; random.below(longest)];
            let when = now + [-5, 0, 1, 40, 1000][random.below(5)];
            let present = model.get(&field).filter(|(_, expiry)| expiry.is_none_or(|at| at > now));
            let present = present.cloned();
            let expiry = present.as_ref().and_then(|&(_, expiry)| expiry);
            match random.below(operations) {
                0 | 1 => {
                    assert_eq!(
                        edit(&mut store, |hash| hash.set(&field, &value)),
                        present.is_none()
                    );
                    model.insert(field, (value, None));
                }
                2 => {
                    let is_new = edit(&mut store, |hash| hash.replace(&field, &value));
                    assert_eq!(is_new, present.is_none());
                    model.insert(field, (value, expiry));
                }
                3 => {
                    let removed = edit(&mut store, |hash| hash.remove(&field));
                    assert_eq!(removed, present.is_some());
                    removed.then(|| model.remove(&field));
                }
                4 => {
                    edit(&mut store, |hash| hash.set_until(&field, &value, when));
                    match when > now {
                        true => drop(model.insert(field, (value, Some(when)))),
                        false if present.is_some() => drop(model.remove(&field)),
                        false => {}
                    }
                }
                5 => {
                    let expiry = [None, Some(when)][random.below(2)];
                    let found = edit(&mut store, |hash| hash.set_expiry(&field, expiry));
                    assert_eq!(found, present.is_some());
                    match present {
                        Some(_) if expiry.is_some_and(|when| when <= now) => {
                            drop(model.remove(&field));
                        }
                        Some((value, _)) => drop(model.insert(field, (value, expiry))),
                        None => {}
                    }
                }
                6 => {
                    now += random.below(30) as Millis;
                    store.set_now(now);
                }
                _ => {
                    let more = store.expire_some(1);
                    let mut due: Vec<Millis> =
                        model.values().filter_map(|&(_, expiry)| expiry).collect();
                    due.sort_unstable();
                    assert_eq!(more, due.iter().filter(|&&when| when <= now).count() > 1);
                    while store.expire_some(1) {}
                    model.retain(|_, (_, expiry)| expiry.is_none_or(|when| when > now));
                }
            }
            assert_same(&mut store, &model, now);
            let len = view(&mut store, |hash| hash.len()).unwrap_or(0);
            assert_eq!(len, model.len(), "fields that have expired are counted until they go");
            assert_eq!(store.db(0).contains(b"h"), len > 0, "an empty hash goes");
            if encoding(&mut store) == Some("listpack") {
                let fits = |(value, expiry): &(Vec<u8>, Option<Millis>)| {
                    value.len() <= 64 && expiry.is_none()
                };
                assert!(len <= limit && model.values().all(fits));
            }
        }
        store.db(0).remove(b"h");
        assert_eq!(store.memory(), memory_of_nothing(), "memory is counted to the last byte");
    }
}

#[test]
fn a_small_hash_keeps_the_order_in_which_fields_came() {
    let mut store = filled(5);
    edit(&mut store, |hash| {
        hash.set(&name(1), b"another");
        hash.remove(&name(2));
    });
    let names = view(&mut store, |hash| hash.iter().map(|field| field.name.to_vec()).collect());
    assert_eq!(names, Some(vec![name(0), name(1), name(3), name(4)]));
}

#[test]
fn a_hash_is_small_until_a_limit_is_passed() {
    let mut store = filled(512);
    assert_eq!(encoding(&mut store), Some("listpack"));
    edit(&mut store, |hash| hash.set(&name(7), &[b'v'; 64]));
    assert_eq!(encoding(&mut store), Some("listpack"));
    edit(&mut store, |hash| hash.set(&name(512), b"one more"));
    assert_eq!(encoding(&mut store), Some("hashtable"));
    edit(&mut store, |hash| (1..=512).all(|n| hash.remove(&name(n))));
    assert_eq!(encoding(&mut store), Some("hashtable"), "it stays large");

    let mut store = filled(1);
    edit(&mut store, |hash| hash.set(&[b'n'; 65], b"v"));
    assert_eq!(encoding(&mut store), Some("hashtable"));

    let mut store = filled(1);
    edit(&mut store, |hash| hash.set_expiry(b"no field", Some(START + 1)));
    assert_eq!(encoding(&mut store), Some("listpack"));
    edit(&mut store, |hash| hash.set_expiry(&name(0), Some(START + 1)));
    assert_eq!(encoding(&mut store), Some("hashtable"));
}

#[test]
fn a_field_that_has_expired_is_not_read() {
    let mut store = filled(3);
    edit(&mut store, |hash| hash.set_expiry(&name(1), Some(START + 10)));
    store.set_now(START + 9);
    assert_eq!(view(&mut store, |hash| hash.contains(&name(1))), Some(true));
    store.set_now(START + 10);
    view(&mut store, |hash| {
        assert!(!hash.contains(&name(1)));
        assert_eq!((hash.len(), hash.live(), hash.iter().count()), (3, 2, 2));
        let mut met = 0;
        hash.scan(0, 10, |_, _| met += 1);
        let mut random = Random::seeded(1);
        hash.pick_any(&mut random, 50, |field| {
            assert_ne!(field.name, name(1));
            true
        });
        hash.pick_distinct(&mut random, 3, |_| met += 1);
        assert_eq!(met, 4);
        for _ in 0..50 {
            assert_ne!(hash.pick(&mut random).map(|field| field.name), Some(&name(1)[..]));
        }
    });
    assert!(!edit(&mut store, |hash| hash.remove(&name(1))));
    assert!(edit(&mut store, |hash| hash.replace(&name(1), b"again")));
    assert_eq!(view(&mut store, |hash| hash.expiry(&name(1))), Some(Some(None)));
    assert_eq!(store.shared.expired_fields, 1);
}

#[test]
fn fields_go_in_slices_when_their_time_has_come() {
    let mut store = filled(100);
    edit(&mut store, |hash| {
        assert!((0..60).all(|n| hash.set_expiry(&name(n), Some(START + n as Millis / 2))));
    });
    // Those that were to expire at once did.
    assert_eq!(view(&mut store, |hash| hash.len()), Some(98));
    assert_eq!(store.next_expiry(), Some(START + 1));
    store.set_now(START + 1000);
    assert!(store.expire_some(50));
    assert_eq!(view(&mut store, |hash| hash.len()), Some(48));
    assert!(!store.expire_some(50));
    assert_eq!((view(&mut store, |hash| hash.len()), store.next_expiry()), (Some(40), None));
    assert_eq!(store.shared.expired_fields, 60);

    edit(&mut store, |hash| {
        (0..100).for_each(|n| _ = hash.set_expiry(&name(n), Some(START + 2000)));
    });
    store.set_now(START + 2000);
    assert!(!store.expire_some(1000));
    assert!(!store.db(0).contains(b"h"), "a hash goes with its last field");
}

#[test]
fn the_database_knows_which_hashes_have_fields_that_expire() {
    let mut store = filled(3);
    let volatile = |store: &Store| store.iter().map(|(_, db)| db.with_volatile_fields()).sum();
    edit(&mut store, |hash| hash.set_expiry(&name(1), Some(START + 10)));
    assert_eq!(volatile(&store), 1_usize);
    store.db(0).rename(b"h", b"other");
    store.db(0).rename(b"other", b"h");
    assert_eq!((volatile(&store), store.next_expiry()), (1, Some(START + 10)));
    edit(&mut store, |hash| hash.set(&name(1), b"to stay"));
    assert_eq!((volatile(&store), store.next_expiry()), (0, None));
    edit(&mut store, |hash| hash.set_expiry(&name(1), Some(START + 10)));
    store.db(0).set_string(b"h", b"a string", None);
    assert_eq!((volatile(&store), store.next_expiry()), (0, None));
}

#[test]
fn a_scan_visits_every_field_that_stays() {
    for seed in 0..20 {
        let mut random = Random::seeded(seed);
        let mut store = filled(600);
        let mut met = HashSet::new();
        let mut cursor = 0;
        loop {
            cursor = view(&mut store, |hash| {
                hash.scan(cursor, 7, |name, _| _ = met.insert(name.to_vec()))
            })
            .unwrap_or(0);
            if cursor == 0 {
                break;
            }
            edit(&mut store, |hash| {
                for _ in 0..random.below(20) {
                    let other = name(300 + random.below(600));
                    if !hash.remove(&other) {
                        hash.set(&other, b"v");
                    }
                }
            });
        }
        assert!((0..300).all(|n| met.contains(&name(n))));
    }
}

#[test]
fn a_small_hash_is_scanned_in_one_step() {
    let mut store = filled(50);
    let mut met = 0;
    assert_eq!(view(&mut store, |hash| hash.scan(0, 1, |_, _| met += 1)), Some(0));
    assert_eq!(met, 50);
}

/// Chi-square of how often each of ten fields was picked, which was to be `each` times.
fn chi_square(counts: &BTreeMap<Vec<u8>, u32>, each: f64) -> f64 {
    assert_eq!(counts.len(), 10);
    counts.values().map(|&n| (f64::from(n) - each).powi(2) / each).sum()
}

#[test]
fn every_field_is_as_likely_to_be_picked() {
    // With nine degrees of freedom 27.9 is passed once in a thousand seeds.
    const BOUND: f64 = 27.9;
    for form in ["listpack", "hashtable", "with one that has expired"] {
        let mut store = filled(10);
        if form != "listpack" {
            edit(&mut store, |hash| hash.set_until(b"mortal", b"", START + 1));
            store.set_now(START + 1);
        }
        if form == "hashtable" {
            store.expire_some(1);
        }
        view(&mut store, |hash| {
            let mut random = Random::seeded(2);
            let mut counts = [const { BTreeMap::new() }; 3];
            for _ in 0..10_000 {
                let picked = hash.pick(&mut random).expect("a field").name.to_vec();
                *counts[0].entry(picked).or_default() += 1;
                hash.pick_distinct(&mut random, 3, |field| {
                    *counts[1].entry(field.name.to_vec()).or_default() += 1;
                });
            }
            hash.pick_any(&mut random, 10_000, |field| {
                *counts[2].entry(field.name.to_vec()).or_default() += 1;
                true
            });
            let squares = [
                chi_square(&counts[0], 1000.0),
                chi_square(&counts[1], 3000.0),
                chi_square(&counts[2], 1000.0),
            ];
            assert!(squares.iter().all(|&square| square < BOUND), "{form}: {squares:?}");
        });
    }
}

#[test]
fn picking_more_than_there_are_picks_all_once() {
    for fields in [1, 10, 1000] {
        let mut store = filled(fields);
        for count in [fields - 1, fields, fields + 5] {
            let picked: Option<Vec<Vec<u8>>> = view(&mut store, |hash| {
                let mut picked = Vec::new();
                let visit = |field: Field<'_>| picked.push(field.name.to_vec());
                hash.pick_distinct(&mut Random::seeded(5), count, visit);
                picked
            });
            let picked = picked.expect("a hash");
            assert_eq!(picked.len(), count.min(fields));
            assert_eq!(picked.iter().collect::<HashSet<_>>().len(), picked.len());
        }
    }
}

#[test]
fn a_huge_hash_is_freed_in_slices() {
    let mut store = filled(5000);
    edit(&mut store, |hash| {
        assert!((0..5000).all(|n| hash.set_expiry(&name(n), Some(START + 1 + n as Millis))));
    });
    store.db(0).remove(b"h");
    assert_eq!(store.memory(), memory_of_nothing());
    let mut before = store.unfreed();
    while store.free_some(500) {
        assert!(store.unfreed() < before);
        before = store.unfreed();
    }
    assert_eq!(store.unfreed(), 0);
}
