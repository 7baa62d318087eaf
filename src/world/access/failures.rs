//! Failed logins: how long each address has to wait for the answer to the next one.
//!
//! Guessing a password takes many attempts. The more of them have failed, the longer is the answer put
//! off; who knows a password waits for nothing. Others at the same address are not held up either.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::world::Address;

/// No answer is put off for longer, in µs.
const LONGEST: u64 = 1_000_000;

/// An address from which nobody has failed for so long, in µs, has a clean slate.
const FORGIVEN: u64 = 60_000_000;

/// So many addresses are remembered, the latest.
const MOST: usize = 1024;

/// Addresses from which logins have failed.
#[derive(Debug, Default)]
pub struct Failures {
    /// The one that failed last is the last.
    known: VecDeque<Failure>,
}

#[derive(Debug)]
struct Failure {
    origin: Origin,
    /// For how long the last answer was put off, and until when, in µs.
    delay: u64,
    until: u64,
}

/// Where somebody comes from who can be told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Ip(IpAddr),
    Unix,
}

impl Failures {
    /// A login has failed. Returns for how many µs the answer is put off, if the first one is for `first`.
    pub fn add(&mut self, addr: &Address, first: u64, now: u64) -> u64 {
        let Some(origin) = origin(addr).filter(|_| first > 0) else {
            return 0;
        };
        while self.known.front().is_some_and(|oldest| oldest.until + FORGIVEN <= now) {
            self.known.pop_front();
        }
        let known = self.known.iter().position(|failure| failure.origin == origin);
        let delay = match known.and_then(|at| self.known.remove(at)) {
            Some(failure) => (failure.delay * 2).clamp(first, LONGEST),
            None => first,
        };
        if self.known.len() == MOST {
            self.known.pop_front();
        }
        self.known.push_back(Failure { origin, delay, until: now + delay });
        delay
    }

    /// Somebody has logged in from there.
    pub fn forgive(&mut self, addr: &Address) {
        if let Some(origin) = origin(addr).filter(|_| !self.known.is_empty()) {
            self.known.retain(|failure| failure.origin != origin);
        }
    }

    /// Whether the answer to the last failure there is still put off.
    pub fn owes_answer(&self, addr: &Address, now: u64) -> bool {
        let is_owed =
            |failure: &Failure| Some(failure.origin) == origin(addr) && failure.until > now;
        self.known.iter().any(is_owed)
    }
}

/// Of IPv6 only the network counts: everybody has as many addresses in theirs as they like. A program that
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

    #[test]
    fn the_delay_doubles_up_to_a_second() {
        let mut failures = Failures::default();
        let delays = [(); 8].map(|()| failures.add(&at("192.0.2.1"), FIRST, 0) / 1000);
        assert_eq!(delays, [25, 50, 100, 200, 400, 800, 1000, 1000]);
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
            assert_eq!(failures.add(same, FIRST, 0), 2 * FIRST);
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
        failures.forgive(&addr);
        assert_eq!(failures.add(&addr, FIRST, 0), FIRST);
        assert_eq!(failures.add(&addr, FIRST, FORGIVEN), 2 * FIRST);
        assert_eq!(failures.add(&addr, FIRST, 3 * FORGIVEN), FIRST);
        assert_eq!(failures.known.len(), 1);
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let mut failures = Failures::default();
        for number in 0..=MOST as u32 {
            failures.add(&Address::Tcp((std::net::Ipv4Addr::from(number), 1).into()), FIRST, 0);
        }
        assert_eq!(failures.known.len(), MOST);
        assert_eq!(failures.add(&at("0.0.0.0"), FIRST, 0), FIRST, "the first is forgotten");
        assert_eq!(failures.add(&at("0.0.0.9"), FIRST, 0), 2 * FIRST);
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
