//! Which keys go when memory is short: the eight policies of `maxmemory-policy`.
//!
//! Every entry has 24 bits that say how it was used. What they mean depends on the policy:
//!
//! * in general, when it was used last, in seconds, as far as 24 bits reach (half a year);
//! * under the two `lfu` policies, how often: the published scheme of a logarithmic counter of eight
//!   bits, which grows with probability 1/((counter - 5) × `lfu-log-factor` + 1) when the key is used
//!   and shrinks by one every `lfu-decay-time` minutes, and in the other sixteen bits the minute for
//!   which it was computed.
//!
//! The keys are not sorted by these numbers. [`Store::evict_one`] looks at a few keys at random
//! (`maxmemory-samples`), keeps the worst that it has ever seen in mind, and evicts the worst of all.
//! Only `volatile-ttl` is exact: the keys that expire are in order already.

use crate::keyspace::blob::Millis;
use crate::keyspace::changes::class;
use crate::keyspace::entry::Entry;
use crate::keyspace::{Keyed, PastUse, Random, Shared, Store};

/// What is evicted when memory is short: `maxmemory-policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Policy {
    VolatileLru,
    VolatileLfu,
    VolatileRandom,
    VolatileTtl,
    AllkeysLru,
    AllkeysLfu,
    AllkeysRandom,
    #[default]
    NoEviction,
}

impl Policy {
    /// The policies by their names, in the order in which errors list them.
    pub(crate) const NAMES: &'static [(&'static str, Policy)] = &[
        ("volatile-lru", Policy::VolatileLru),
        ("volatile-lfu", Policy::VolatileLfu),
        ("volatile-random", Policy::VolatileRandom),
        ("volatile-ttl", Policy::VolatileTtl),
        ("allkeys-lru", Policy::AllkeysLru),
        ("allkeys-lfu", Policy::AllkeysLfu),
        ("allkeys-random", Policy::AllkeysRandom),
        ("noeviction", Policy::NoEviction),
    ];

    pub(crate) fn name(self) -> &'static str {
        Policy::NAMES.iter().find(|(_, policy)| *policy == self).map_or("", |(name, _)| name)
    }

    /// Returns whether keys go by when they were used last.
    pub(crate) fn is_lru(self) -> bool {
        matches!(self, Policy::VolatileLru | Policy::AllkeysLru)
    }

    /// Whether it goes by how often keys are used, and not by when.
    pub(crate) fn is_lfu(self) -> bool {
        matches!(self, Policy::VolatileLfu | Policy::AllkeysLfu)
    }

    /// Whether only keys that expire are evicted.
    fn is_volatile(self) -> bool {
        use Policy::{VolatileLfu, VolatileLru, VolatileRandom, VolatileTtl};
        matches!(self, VolatileLru | VolatileLfu | VolatileRandom | VolatileTtl)
    }

    fn is_random(self) -> bool {
        matches!(self, Policy::VolatileRandom | Policy::AllkeysRandom)
    }
}

/// The directives about eviction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub(crate) policy: Policy,
    /// How many keys are looked at for each that is evicted: `maxmemory-samples`.
    pub(crate) samples: usize,
    /// How much slower the counter grows the higher it is: `lfu-log-factor`.
    pub(crate) lfu_log_factor: u32,
    /// After how many minutes the counter shrinks by one; 0: never. `lfu-decay-time`.
    pub(crate) lfu_decay_time: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { policy: Policy::default(), samples: 5, lfu_log_factor: 10, lfu_decay_time: 1 }
    }
}

/// What eviction remembers.
#[derive(Debug, Default)]
pub struct Eviction {
    pub(crate) settings: Settings,
    /// Whether lookups count as uses. Clients can ask for their own not to: CLIENT NO-TOUCH.
    pub(crate) is_blind: bool,
    /// Keys that had to go.
    pub evicted: u64,
    /// Seconds since 1970.
    clock: u32,
    /// The worst keys that were seen, the very worst last. They may be gone, or used again since.
    candidates: Vec<Candidate>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// The higher, the sooner the key goes.
    score: u32,
    db: usize,
    hash: u32,
}

/// How many candidates are kept in mind.
const CANDIDATES: usize = 16;

/// The counter of a key that is new, so that it is not evicted before it had a chance to be used.
const FIRST_COUNT: u32 = 5;

const SECONDS: u32 = (1 << 24) - 1;
const MINUTES: u32 = (1 << 16) - 1;
const COUNT: u32 = (1 << 8) - 1;

impl Eviction {
    pub(crate) fn set_now(&mut self, now: Millis) {
        self.clock = (now / 1000) as u32;
    }

    /// The usage of a key that is new.
    #[inline]
    pub(crate) fn first_use(&self) -> u32 {
        if self.settings.policy.is_lfu() {
            self.minute() << 8 | FIRST_COUNT
        } else {
            self.clock & SECONDS
        }
    }

    /// The usage of a key that was used so many seconds ago, or so often, whichever of the two the policy goes by.
    pub(crate) fn usage_of(&self, idle: Option<u64>, frequency: Option<u8>) -> Option<u32> {
        match self.settings.policy.is_lfu() {
            true => frequency.map(|frequency| self.minute() << 8 | u32::from(frequency)),
            false => idle.map(|idle| {
                let idle = u32::try_from(idle).unwrap_or(SECONDS).min(SECONDS);
                self.clock.wrapping_sub(idle) & SECONDS
            }),
        }
    }

    /// How a key with this usage has been used until now.
    pub(crate) fn past_use(&self, usage: u32) -> PastUse {
        match self.settings.policy.is_lfu() {
            true => PastUse { idle: None, frequency: u8::try_from(self.frequency(usage)).ok() },
            false => PastUse { idle: Some(self.idle(usage).into()), frequency: None },
        }
    }

    /// The entry is being used now.
    #[inline]
    pub(crate) fn touch(&self, entry: &mut Entry, random: &mut Random) {
        if self.is_blind {
            return;
        }
        let usage = match self.settings.policy.is_lfu() {
            true => self.minute() << 8 | self.grown(self.frequency(entry.usage()), random),
            false => self.clock & SECONDS,
        };
        // Writing what is there already would make the cache line one that has to be written back.
        if usage != entry.usage() {
            entry.set_usage(usage);
        }
    }

    /// Seconds since a key with this usage was used.
    pub(crate) fn idle(&self, usage: u32) -> u32 {
        self.clock.wrapping_sub(usage) & SECONDS
    }

    /// How often a key with this usage has been used lately: 0 to 255, on a logarithmic scale.
    pub(crate) fn frequency(&self, usage: u32) -> u32 {
        let elapsed = self.minute().wrapping_sub(usage >> 8) & MINUTES;
        let lost = elapsed.checked_div(self.settings.lfu_decay_time).unwrap_or(0);
        (usage & COUNT).saturating_sub(lost)
    }

    /// The counter after one more use.
    fn grown(&self, count: u32, random: &mut Random) -> u32 {
        let above = count.saturating_sub(FIRST_COUNT) as usize;
        let odds = above.saturating_mul(self.settings.lfu_log_factor as usize).saturating_add(1);
        match count < COUNT && random.below(odds) == 0 {
            true => count + 1,
            false => count,
        }
    }

    /// Minutes, as far as sixteen bits reach.
    fn minute(&self) -> u32 {
        (self.clock / 60) & MINUTES
    }

    /// The higher, the sooner a key with this usage goes.
    fn score(&self, usage: u32) -> u32 {
        match self.settings.policy.is_lfu() {
            true => COUNT - self.frequency(usage),
            false => self.idle(usage),
        }
    }

    /// Keeps a key in mind if it is among the worst.
    fn consider(&mut self, candidate: Candidate) {
        let known = |other: &Candidate| (other.db, other.hash) == (candidate.db, candidate.hash);
        self.candidates.retain(|other| !known(other));
        let place = self.candidates.partition_point(|other| other.score < candidate.score);
        if self.candidates.len() < CANDIDATES {
            self.candidates.insert(place, candidate);
        } else if place > 0 {
            self.candidates[..place].rotate_left(1);
            self.candidates[place - 1] = candidate;
        }
    }
}

/// How many keys are tried to find one that expires, before the order of expiry is asked, and how many
/// to find the one that expires next.
const TRIES: usize = 16;

impl Store {
    /// Removes the key that the policy would have go first, as far as it knows. Returns false if there is
    /// none that may go.
    pub(crate) fn evict_one(&mut self) -> bool {
        let settings = self.shared.eviction.settings;
        // ANCHOR: victim
        let victim = match settings.policy {
            Policy::NoEviction => None,
            Policy::VolatileTtl => self.first_to_expire(),
            policy if policy.is_random() => self.any_key(policy.is_volatile()),
            policy => {
                for _ in 0..settings.samples {
                    self.sample(policy.is_volatile());
                }
                // Where hardly any key expires, or all that were in mind are gone, one has to do.
                self.worst_candidate().or_else(|| self.any_key(policy.is_volatile()))
            }
        };
        // ANCHOR_END: victim
        let Some((db, at)) = victim else {
            return false;
        };
        let (db, shared) = (&mut self.databases[db], &mut self.shared);
        db.note_at(shared, at, class::EVICTED, "evicted");
        shared.effects.key_is_gone(db.index, db.entries.at(at).key());
        db.remove_at(shared, at);
        self.shared.eviction.evicted += 1;
        true
    }

    /// Looks at a key at random.
    fn sample(&mut self, is_volatile: bool) {
        if let Some((db, at)) = self.any_key(is_volatile) {
            let entry = self.databases[db].entries.at(at);
            let eviction = &mut self.shared.eviction;
            let score = eviction.score(entry.usage());
            eviction.consider(Candidate { score, db, hash: entry.hash() });
        }
    }

    /// The worst key in mind that is still there and as bad as it was.
    fn worst_candidate(&mut self) -> Option<(usize, usize)> {
        let is_volatile = self.shared.eviction.settings.policy.is_volatile();
        while let Some(candidate) = self.shared.eviction.candidates.pop() {
            let Some(db) = self.databases.get(candidate.db) else { continue };
            let at = db.entries.with_hash(candidate.hash).find(|&at| {
                let entry = db.entries.at(at);
                (entry.expiry().is_some() || !is_volatile)
                    && self.shared.eviction.score(entry.usage()) >= candidate.score
            });
            if let Some(at) = at {
                return Some((candidate.db, at));
            }
        }
        None
    }

    /// A key at random of all databases, or of those keys that expire.
    fn any_key(&mut self, is_volatile: bool) -> Option<(usize, usize)> {
        let Shared { roster, random, .. } = &mut self.shared;
        let tally = if is_volatile { &roster.volatile } else { &roster.keys };
        if tally.total() == 0 {
            return None;
        }
        let (index, place) = tally.locate(random.below(tally.total()))?;
        let db = &self.databases[index];
        if !is_volatile {
            return Some((index, place));
        }
        // If many keys expire, it is one of the first that are tried, and each is as likely.
        for _ in 0..TRIES {
            let at = random.below(db.len());
            if db.entries.at(at).expiry().is_some() {
                return Some((index, at));
            }
        }
        // If few do, some moment at random is near enough to one.
        let (first, last) = (db.expiries.first()?.0, db.expiries.last()?.0);
        let span = last.wrapping_sub(first) as u64;
        let moment = first.wrapping_add((random.next_u64() % span.max(1)) as i64);
        let (when, hash) = db.expiries.first_from(moment)?;
        Some((index, db.listed_at(when, hash)?))
    }

    /// The key that expires next. Among many that have been put off it may be a later one.
    fn first_to_expire(&mut self) -> Option<(usize, usize)> {
        let mut found = None;
        for _ in 0..TRIES {
            let (_, index) = self.shared.roster.next_key_due()?;
            let (when, hash) = self.databases[index].expiries.first()?;
            let db = &mut self.databases[index];
            let at = db.listed_at(when, hash)?;
            found = Some((index, at));
            if db.entries.at(at).expiry() == Some(when) {
                break;
            }
            db.list_anew(&mut self.shared, at);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(policy: Policy) -> Store {
        let mut store = Store::new(2);
        store.shared.random = Random::seeded(1);
        store.shared.eviction.settings.policy = policy;
        store
    }

    fn name(n: usize) -> Vec<u8> {
        format!("key:{n}").into_bytes()
    }

    /// Evicts half of a thousand keys, which were used last in the order of their numbers, one a second,
    /// and says which are left.
    fn left_of_a_thousand(policy: Policy, samples: usize) -> Vec<usize> {
        let mut store = store(policy);
        store.shared.eviction.settings.samples = samples;
        for n in 0..1000 {
            store.set_now(n as Millis * 1000);
            store.db(n % 2).set_string(&name(n), b"x", Some(1_000_000_000 + n as Millis));
        }
        (0..500).for_each(|_| assert!(store.evict_one()));
        assert_eq!(store.shared.eviction.evicted, 500);
        (0..1000).filter(|&n| store.db(n % 2).contains(&name(n))).collect()
    }

    #[test]
    fn keys_that_have_long_not_been_used_go_first() {
        for policy in [Policy::AllkeysLru, Policy::VolatileLru] {
            let left = left_of_a_thousand(policy, 5);
            let recent = left.iter().filter(|&&n| n >= 500).count();
            assert!(recent > 420, "{policy:?}: {recent} of the newer half");
            let ancient = left.iter().filter(|&&n| n < 200).count();
            assert!(ancient < 10, "{policy:?}: {ancient} of the oldest fifth");
            // More samples, better picks.
            let left = left_of_a_thousand(policy, 10);
            assert!(left.iter().filter(|&&n| n >= 500).count() > recent);
        }
    }

    #[test]
    fn keys_that_expire_soonest_go_first() {
        let left = left_of_a_thousand(Policy::VolatileTtl, 5);
        assert_eq!(left, (500..1000).collect::<Vec<_>>());
    }

    #[test]
    fn keys_that_have_been_put_off_go_later() {
        let mut store = store(Policy::VolatileTtl);
        for n in 0..100 {
            store.db(0).set_string(&name(n), b"x", Some(1000 + n as Millis));
        }
        for n in (0..100).step_by(10) {
            store.db(0).set_expiry(&name(n), Some(5000));
        }
        (0..90).for_each(|_| assert!(store.evict_one()));
        assert!((0..100).all(|n| store.db(0).contains(&name(n)) == (n % 10 == 0)));
    }

    #[test]
    fn any_key_may_be_the_one() {
        for policy in [Policy::AllkeysRandom, Policy::VolatileRandom] {
            let left = left_of_a_thousand(policy, 5);
            let recent = left.iter().filter(|&&n| n >= 500).count();
            assert!((200..300).contains(&recent), "{policy:?}: {recent} of the newer half");
        }
    }

    #[test]
    fn keys_that_are_seldom_used_go_first() {
        for policy in [Policy::AllkeysLfu, Policy::VolatileLfu] {
            let mut store = store(policy);
            for n in 0..1000 {
                store.db(0).set_string(&name(n), b"x", Some(1_000_000_000));
            }
            for n in 0..100 {
                (0..200).for_each(|_| assert!(store.db(0).string(&name(n)).is_ok()));
            }
            (0..800).for_each(|_| assert!(store.evict_one()));
            let popular = (0..100).filter(|&n| store.db(0).contains(&name(n))).count();
            assert_eq!(popular, 100, "{policy:?}");
        }
    }

    #[test]
    fn the_few_keys_that_expire_are_found_among_many() {
        for policy in [Policy::VolatileLru, Policy::VolatileLfu, Policy::VolatileRandom] {
            let mut store = store(policy);
            for n in 0..50_000 {
                let expiry = (n % 5000 == 7).then_some(1_000_000 + n as Millis);
                store.db(0).set_string(&name(n), b"x", expiry);
            }
            (0..10).for_each(|_| assert!(store.evict_one()));
            assert!(!store.evict_one());
            assert_eq!(store.db(0).len(), 49_990);
        }
    }

    #[test]
    fn nothing_goes_where_nothing_may() {
        for (_, policy) in Policy::NAMES {
            assert!(!store(*policy).evict_one());
        }
        let mut store = store(Policy::NoEviction);
        store.db(0).set_string(b"k", b"x", Some(1_000_000));
        assert!(!store.evict_one());
    }

    #[test]
    fn the_counter_is_logarithmic_and_fades() {
        // The uses and counters are those of the scheme's publication, for the default factor.
        for (uses, least, most) in [(100, 7, 14), (1000, 14, 24), (100_000, 120, 165)] {
            let mut store = store(Policy::AllkeysLfu);
            store.set_now(600_000);
            store.db(0).set_string(b"k", b"x", None);
            (0..uses).for_each(|_| assert!(store.db(0).string(b"k").is_ok()));
            let at = store.db(0).find(b"k").unwrap();
            let usage = store.databases[0].entries.at(at).usage();
            let count = store.shared.eviction.frequency(usage);
            assert!((least..=most).contains(&count), "{count} after {uses} uses");

            store.set_now(600_000 + 3 * 60_000);
            assert_eq!(store.shared.eviction.frequency(usage), count - 3);
            store.shared.eviction.settings.lfu_decay_time = 2;
            assert_eq!(store.shared.eviction.frequency(usage), count - 1);
            store.shared.eviction.settings.lfu_decay_time = 0;
            assert_eq!(store.shared.eviction.frequency(usage), count);
        }
    }

    #[test]
    fn a_blind_lookup_is_no_use() {
        let mut store = store(Policy::NoEviction);
        store.db(0).set_string(b"k", b"x", None);
        store.set_now(9000);
        store.shared.eviction.is_blind = true;
        assert!(store.db(0).string(b"k").is_ok());
        assert_eq!(store.shared.eviction.idle(store.databases[0].entries.at(0).usage()), 9);
        store.shared.eviction.is_blind = false;
        assert!(store.db(0).string(b"k").is_ok());
        assert_eq!(store.shared.eviction.idle(store.databases[0].entries.at(0).usage()), 0);
    }
}
