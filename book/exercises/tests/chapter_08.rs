use respd_exercises::chapter_08::{Deadlines, TURNS_A_MOMENT, Timed, advance};

#[test]
fn what_is_due_goes_in_its_order() {
    let mut deadlines = Deadlines::default();
    assert_eq!(deadlines.next(), None);
    for (key, when) in [("c", 30), ("a", 10), ("b", 20), ("b2", 20), ("late", 10)] {
        deadlines.set(key, when);
    }
    deadlines.set("late", 1000);
    deadlines.remove("c");
    deadlines.remove("none");
    assert_eq!(deadlines.next(), Some(10));
    assert_eq!(deadlines.take_due(9), [""; 0]);
    assert_eq!(deadlines.take_due(20), ["a", "b", "b2"]);
    assert_eq!(deadlines.next(), Some(1000));
    assert_eq!(deadlines.take_due(1000), ["late"]);
    assert_eq!((deadlines.next(), deadlines.take_due(u64::MAX)), (None, Vec::new()));
}

/// A pause until 10, and a command that it holds back: what that sets expires 5 later.
#[derive(Default)]
struct Paused {
    pause: Option<u64>,
    expiry: Option<u64>,
    told: Vec<u64>,
    expired: Option<u64>,
}

impl Timed for Paused {
    fn next_deadline(&self) -> Option<u64> {
        self.pause.into_iter().chain(self.expiry).min()
    }

    fn turn(&mut self, now: u64) {
        assert!(self.told.last().is_none_or(|&last| last <= now), "time goes back");
        self.told.push(now);
        if self.pause.take_if(|until| *until <= now).is_some() {
            self.expiry = Some(now + 5);
        }
        if self.expiry.take_if(|when| *when <= now).is_some() {
            self.expired = Some(now);
        }
    }
}

#[test]
fn what_falls_due_happens_at_its_own_time() {
    let mut paused = Paused { pause: Some(10), ..Paused::default() };
    assert_eq!(advance(&mut paused, 0, 14), 14);
    assert_eq!((paused.expiry, paused.expired, paused.told.last()), (Some(15), None, Some(&14)));
    assert_eq!(advance(&mut paused, 14, 100), 114);
    assert_eq!((paused.expired, paused.told.last()), (Some(15), Some(&114)));
    // It sleeps between.
    assert!(paused.told.len() <= 6, "{:?}", paused.told);
}

/// Something that always has to be told the time.
struct Restless(usize);

impl Timed for Restless {
    fn next_deadline(&self) -> Option<u64> {
        Some(0)
    }

    fn turn(&mut self, _: u64) {
        self.0 += 1;
        assert!(self.0 <= TURNS_A_MOMENT + 1, "too many turns at one moment");
    }
}

#[test]
fn a_moment_ends() {
    let mut restless = Restless(0);
    assert_eq!(advance(&mut restless, 5, 5), 10);
    assert!(restless.0 > 2, "it had something to do at once");
}
