//! Failed logins: how long each address has to wait for the answer to the next one.
//!
//! Guessing a password takes many attempts, so each failure makes the next answer later. The answers of
//! an address follow one another, whatever connections they are for: a second connection gets its answer
//! when the delay behind that of the first is over. How many guesses a second an address has is bounded by
//! the delay, and a client that hangs up frees nothing.
//!
//! An attempt that succeeds while answers are owed to its address waits as well, or the absence of an answer
//! would tell that a guess was wrong. But it waits for a second at most and not for all of them: other clients
//! may be behind the same address (a proxy, a container's bridge) and have nothing to do with the guesses. The
//! client is logged in at once, so it does not lose its place meanwhile. When the answers to come take
//! [`MOST_OWED`], attempts from there are refused without being looked at: in the long run an address has no more
//! of them than answers, right or wrong.
//!
//! The table has an end. The address whose answers have been given for longest, or will be first, is forgotten when
//! there is one too many: of an attack from more addresses than that, none can be told from others anyway.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::peer::Address;

/// No answer comes later behind the one before it, and none of a login that succeeds comes later, in µs.
const LONGEST: u64 = 1_000_000;

/// An address from which no login has failed for so long, in µs, has a clean slate.
const FORGIVEN: u64 = 60_000_000;

/// While the answers that an address is owed take so long, in µs, no login from there is looked at. A client has
/// no more time to log in, unless `auth-timeout` says so.
const MOST_OWED: u64 = 60_000_000;

/// So many addresses are remembered: half a megabyte.
const MOST: usize = 4096;

/// Addresses from which logins have failed.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    known: BTreeMap<Origin, Failure>,
    /// When the last answer is given, and to which of them.
    ends: BTreeSet<(u64, Origin)>,
}

#[derive(Debug, Clone, Copy)]
struct Failure {
    /// How long the last answer comes behind the one before it, in µs. 0: a login has succeeded since.
    delay: u64,
    /// When the last answer is given, in µs of [`crate::clock::Now::mono`].
    until: u64,
}

/// Where clients come from that can be told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Ip(IpAddr),
    Unix,
}

impl Failures {
    // ANCHOR: add
    /// A login has failed. Returns for how many µs the answer is put off, if the first one is for `first`.
    pub(crate) fn add(&mut self, addr: &Address, first: u64, now: u64) -> u64 {
        let Some(origin) = origin(addr).filter(|_| first > 0) else {
            return 0;
        };
        let known = self.remove(origin).filter(|failure| failure.until + FORGIVEN > now);
        let (delay, from) = match known {
            Some(failure) => ((failure.delay * 2).clamp(first, LONGEST), failure.until.max(now)),
            None => (first, now),
        };
        let until = from + delay;
        self.insert(origin, Failure { delay, until });
        until - now
    }
    // ANCHOR_END: add

    /// A login has succeeded. Later failures start anew. Returns for how many µs the answer is put off.
    pub(crate) fn forgive(&mut self, addr: &Address, now: u64) -> u64 {
        let Some(origin) = origin(addr) else {
            return 0;
        };
        match self.remove(origin) {
            Some(failure) if failure.until > now => {
                self.insert(origin, Failure { delay: 0, ..failure });
                (failure.until - now).min(LONGEST)
            }
            _ => 0,
        }
    }

    /// Whether the answer to the last failure there is still put off.
    pub(crate) fn owes_answer(&self, addr: &Address, now: u64) -> bool {
        self.owed(addr, now) > 0
    }

    /// Whether so many answers are put off there that no login may be tried.
    pub(crate) fn owes_too_much(&self, addr: &Address, now: u64) -> bool {
        self.owed(addr, now) >= MOST_OWED
    }

    /// The µs until the last answer.
    fn owed(&self, addr: &Address, now: u64) -> u64 {
        let known = origin(addr).and_then(|origin| self.known.get(&origin));
        known.map_or(0, |failure| failure.until.saturating_sub(now))
    }

    fn insert(&mut self, origin: Origin, failure: Failure) {
        if self.known.len() >= MOST
            && let Some((_, first)) = self.ends.pop_first()
        {
            self.known.remove(&first);
        }
        self.known.insert(origin, failure);
        self.ends.insert((failure.until, origin));
    }

    fn remove(&mut self, origin: Origin) -> Option<Failure> {
        let failure = self.known.remove(&origin)?;
        self.ends.remove(&(failure.until, origin));
        Some(failure)
    }
}

/// Of IPv6 only the network counts: a machine has as many addresses in it as it likes. A program that
/// keeps a server in its own process does not have to guess.
fn origin(addr: &Address) -> Option<Origin> {
    const NETWORK: u128 = u128::MAX << 64;
    match addr {
        Address::Tcp(addr) => Some(Origin::Ip(match addr.ip().to_canonical() {
            IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & NETWORK).into()),
            ip => ip,
        })),
        Address::Unix(_) => Some(Origin::Unix),
        Address::Local => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: u64 = 25_000;

    fn at(ip: &str) -> Address {
        Address::Tcp((ip.parse::<IpAddr>().expect("an address"), 4711).into())
    }

    fn numbered(number: u32) -> Address {
        Address::Tcp((std::net::Ipv4Addr::from(number), 1).into())
    }

    #[test]
    fn the_delay_doubles_up_to_a_second() {
        let (mut failures, mut now) = (Failures::default(), 0);
        for millis in [25, 50, 100, 200, 400, 800, 1000, 1000] {
            let delay = failures.add(&at("192.0.2.1"), FIRST, now);
            assert_eq!(delay / 1000, millis);
            now += delay;
        }
    }

    #[test]
    fn answers_of_an_address_follow_one_another() {
        let mut failures = Failures::default();
        let delays = [(); 8].map(|()| failures.add(&at("192.0.2.1"), FIRST, 0) / 1000);
        assert_eq!(delays, [25, 75, 175, 375, 775, 1575, 2575, 3575]);
        assert_eq!(failures.add(&at("192.0.2.1"), FIRST, 3_000_000), 1_575_000);
    }

    #[test]
    fn each_address_has_its_own() {
        let mut failures = Failures::default();
        failures.add(&at("192.0.2.1"), FIRST, 0);
        let unix = Address::Unix("/run/respd".into());
        for other in [&at("192.0.2.2"), &at("2001:db8::1"), &unix] {
            assert_eq!(failures.add(other, FIRST, 0), FIRST);
        }
        for same in [&at("::ffff:192.0.2.1"), &at("2001:db8::2"), &unix] {
            assert_eq!(failures.add(same, FIRST, 0), 3 * FIRST);
        }
        assert_eq!(failures.add(&at("2001:db8:0:1::1"), FIRST, 0), FIRST);
        assert_eq!(failures.add(&Address::Local, FIRST, 0), 0);
        assert_eq!(failures.add(&at("192.0.2.1"), 0, 0), 0, "turned off");
    }

    #[test]
    fn success_and_time_heal() {
        let mut failures = Failures::default();
        let addr = at("192.0.2.1");
        failures.add(&addr, FIRST, 0);
        assert_eq!(failures.forgive(&addr, FIRST), 0);
        assert_eq!(failures.add(&addr, FIRST, FIRST), FIRST);
        assert_eq!(failures.add(&addr, FIRST, FORGIVEN), 2 * FIRST);
        assert_eq!(failures.add(&addr, FIRST, 3 * FORGIVEN), FIRST);
        assert_eq!((failures.known.len(), failures.ends.len()), (1, 1));
    }

    #[test]
    fn success_waits_for_a_second_at_most_and_frees_no_answer() {
        let mut failures = Failures::default();
        let addr = at("192.0.2.1");
        failures.add(&addr, FIRST, 0);
        assert_eq!(failures.forgive(&addr, 5_000), 20_000);
        assert_eq!(failures.add(&addr, FIRST, 5_000), 20_000 + FIRST, "it starts anew, behind it");
        for _ in 0..20 {
            failures.add(&addr, FIRST, 5_000);
        }
        assert_eq!(failures.forgive(&addr, 5_000), LONGEST);
        assert_eq!(failures.forgive(&at("192.0.2.2"), 5_000), 0);
    }

    #[test]
    fn an_address_that_is_owed_a_minute_tries_no_more() {
        let mut failures = Failures::default();
        let addr = at("192.0.2.1");
        let tries = (0..1000).take_while(|_| {
            let may = !failures.owes_too_much(&addr, 0);
            failures.add(&addr, FIRST, 0);
            may
        });
        assert_eq!(tries.count(), 65);
        assert!(!failures.owes_too_much(&at("192.0.2.2"), 0));
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let mut failures = Failures::default();
        failures.add(&numbered(0), FIRST, 0);
        failures.add(&numbered(0), FIRST, 0);
        for number in 1..=MOST as u32 {
            failures.add(&numbered(number), FIRST, u64::from(number));
        }
        assert_eq!((failures.known.len(), failures.ends.len()), (MOST, MOST));
        assert_eq!(failures.add(&numbered(0), FIRST, 5000), 75_000 - 5000 + 100_000, "owed most");
        assert_eq!(failures.add(&numbered(1), FIRST, 50_000), FIRST, "the first is forgotten");
        assert_eq!(failures.add(&numbered(9), FIRST, 50_000), 2 * FIRST);
    }

    #[test]
    fn an_answer_is_owed_for_as_long_as_it_is_put_off() {
        let mut failures = Failures::default();
        let addr = at("192.0.2.1");
        assert!(!failures.owes_answer(&addr, 0));
        failures.add(&addr, FIRST, 0);
        assert!(failures.owes_answer(&addr, FIRST - 1));
        assert!(!failures.owes_answer(&addr, FIRST));
        assert!(!failures.owes_answer(&at("192.0.2.2"), 0));
    }
}
