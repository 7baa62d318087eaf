//! What can be done with a key whatever it holds: look at it, rename it, copy it, move it, and walk
//! through all of them.

use super::blob::Millis;
use std::ops::ControlFlow;

use super::changes::class;
use super::entry::{Body, Entry};
use super::index::dict::{self, Keyed, hash_of};
use super::kind::Kind;
use super::lifetime::evict::Eviction;
use super::types::string;
use super::value::Value;
use super::visit::Part;
use super::{Collection, Db, Hash, List, Set, Shared, Store, Stream, View, Zset};
use crate::shared_bytes::SharedBytes;

/// A key and its value seen from outside, which is no use of the value.
#[derive(Debug, Clone, Copy)]
pub struct KeyInfo<'a> {
    entry: &'a Entry,
    eviction: &'a Eviction,
    /// Fields that have expired by then are not there any more.
    now: Millis,
}

impl<'a> KeyInfo<'a> {
    pub(super) fn new(entry: &'a Entry, shared: &'a Shared) -> KeyInfo<'a> {
        KeyInfo { entry, eviction: &shared.eviction, now: shared.now }
    }

    /// With the fields that have expired and are still there.
    pub(super) fn at_any_time(entry: &'a Entry, eviction: &'a Eviction) -> KeyInfo<'a> {
        KeyInfo { entry, eviction, now: Millis::MIN }
    }

    /// The same, with the fields that have expired and are still there.
    pub(crate) fn with_expired(self) -> KeyInfo<'a> {
        KeyInfo { now: Millis::MIN, ..self }
    }

    pub fn kind(self) -> Kind {
        self.entry.kind()
    }

    /// The value, if it is a long string, which can be held on to without a copy.
    pub(crate) fn shared_text(self) -> Option<&'a SharedBytes> {
        match self.entry.body() {
            Body::Large(Value::String(string)) => Some(string.bytes()),
            _ => None,
        }
    }

    /// The value, if it is a stream.
    pub(crate) fn stream(self) -> Option<View<'a, Stream>> {
        (self.kind() == Kind::Stream).then(|| self.view())
    }

    /// The value, if it is a sorted set.
    pub(crate) fn zset(self) -> Option<View<'a, Zset>> {
        (self.kind() == Kind::Zset).then(|| self.view())
    }

    /// When the key expires, if it does.
    pub fn expiry(self) -> Option<Millis> {
        self.entry.expiry()
    }

    /// What OBJECT ENCODING calls the form of the value.
    pub fn encoding(self) -> &'static str {
        match (self.kind(), self.entry.body()) {
            (Kind::List, _) => self.view::<List>().encoding(),
            (Kind::Set, _) => self.view::<Set>().encoding(),
            (Kind::Zset, _) => self.view::<Zset>().encoding(),
            (Kind::Stream, _) => "stream",
            (Kind::Hash, Body::Compact(..)) => "listpack",
            (Kind::Hash, Body::Large(_)) => "hashtable",
            (Kind::String, Body::Compact(form, text)) => string::encoding(form, text),
            (Kind::String, Body::Large(_)) => "raw",
        }
    }

    /// How many nodes the value has if it is a list whose form is called `quicklist`.
    pub fn quicklist_nodes(self) -> Option<usize> {
        match self.kind() {
            Kind::List => self.view::<List>().quicklist_nodes(),
            _ => None,
        }
    }

    /// How many elements the value has. A string is one.
    pub fn elements(self) -> usize {
        match self.kind() {
            Kind::List => self.view::<List>().len(),
            Kind::Set => self.view::<Set>().len(),
            Kind::Zset => self.view::<Zset>().len(),
            Kind::Hash => self.view::<Hash>().len(),
            Kind::Stream => self.view::<Stream>().len(),
            Kind::String => 1,
        }
    }

    fn view<T: Collection>(self) -> View<'a, T> {
        View::at_time(self.entry, self.now)
    }

    /// Calls `visit` with every part of the value until it breaks off: see [`super::visit`].
    pub fn visit<B>(self, mut visit: impl FnMut(Part<'_>) -> ControlFlow<B>) -> ControlFlow<B> {
        match self.kind() {
            Kind::String => visit(Part::Text(string::text(self.entry).unwrap_or_default())),
            Kind::List => List::visit(self.view(), visit),
            Kind::Set => Set::visit(self.view(), visit),
            Kind::Zset => Zset::visit(self.view(), visit),
            Kind::Hash => Hash::visit(self.view(), visit),
            Kind::Stream => Stream::visit(self.view(), visit),
        }
    }

    /// Bytes of the value: those of its compact form, or all that its large one holds.
    pub fn size(self) -> usize {
        match self.entry.body() {
            Body::Compact(_, payload) => payload.len(),
            Body::Large(value) => value.memory(),
        }
    }

    /// Bytes of memory that key and value hold, with their place in the table.
    pub fn memory(self) -> usize {
        self.entry.memory() + size_of::<Entry>() + dict::INDEX_BYTES
    }

    /// Where in memory the value lies.
    pub fn address(self) -> usize {
        self.entry.address()
    }

    /// The twenty-four bits behind [`KeyInfo::idle`] and [`KeyInfo::frequency`].
    pub fn usage(self) -> u32 {
        self.entry.usage()
    }

    /// Seconds since the value was used. Meaningless under an LFU policy.
    pub fn idle(self) -> u32 {
        self.eviction.idle(self.entry.usage())
    }

    /// How often the value has been used lately, on a logarithmic scale. Meaningless unless the policy
    /// is an LFU one.
    pub fn frequency(self) -> u32 {
        self.eviction.frequency(self.entry.usage())
    }
}

impl Db<'_> {
    /// Looks at a key. It counts as no lookup.
    pub fn info_uncounted(&mut self, key: &[u8]) -> Option<KeyInfo<'_>> {
        let at = self.find(key)?;
        Some(KeyInfo::new(self.db.entries.at(at), self.shared))
    }

    /// As [`Db::info_uncounted`], counted as a lookup for reading.
    pub fn info(&mut self, key: &[u8]) -> Option<KeyInfo<'_>> {
        let found = self.find(key);
        if found.is_none() {
            self.announce(class::KEY_MISS, "keymiss", key);
        }
        self.counted(found)
    }

    /// As [`Db::info`], and there is no event if there is no key.
    pub fn info_untouched(&mut self, key: &[u8]) -> Option<KeyInfo<'_>> {
        let found = self.find(key);
        self.counted(found)
    }

    fn counted(&mut self, found: Option<usize>) -> Option<KeyInfo<'_>> {
        match found {
            Some(_) => self.shared.hits += 1,
            None => self.shared.misses += 1,
        }
        Some(KeyInfo::new(self.db.entries.at(found?), self.shared))
    }

    /// Uses a key without reading it. Returns whether there is one.
    pub fn touch(&mut self, key: &[u8]) -> bool {
        self.find_to_read(key).is_some()
    }

    /// Gives a key another name, replacing whatever has it. When it expires stays. Returns whether there is
    /// such a key.
    pub fn rename(&mut self, key: &[u8], name: &[u8]) -> bool {
        let hash = hash_of(key);
        if self.find_hashed(hash, key).is_none() {
            return false;
        }
        if key == name {
            return true;
        }
        self.remove(name);
        // Removing may have moved the key.
        let Some(at) = self.find_hashed(hash, key) else {
            return false;
        };
        let entry = self.db.take_at(self.shared, at);
        self.insert(renamed(entry, name));
        true
    }

    /// A key, every one as likely as the other.
    pub fn random_key(&mut self) -> Option<&[u8]> {
        while !self.is_empty() {
            let at = self.shared.random.below(self.len());
            let entry = self.db.entries.at(at);
            if entry.expiry().is_none_or(|when| when > self.shared.now) {
                return Some(self.db.entries.at(at).key());
            }
            self.db.expire_at(self.shared, at);
        }
        None
    }

    /// Calls `visit` with keys from `cursor` on and their types, as `Dict::scan` does.
    /// Keys that have expired are passed over.
    pub fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8], Kind)) -> u64 {
        let now = self.shared.now;
        self.db.entries.scan(cursor, count, |entry| {
            if entry.expiry().is_none_or(|when| when > now) {
                visit(entry.key(), entry.kind());
            }
        })
    }
}

/// A key of one of the databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPlace<'k> {
    pub db: usize,
    pub key: &'k [u8],
}

impl Store {
    /// Takes a key to another database, unless it is there already. Returns whether it was taken.
    pub fn relocate(&mut self, key: &[u8], from: usize, to: usize) -> bool {
        if from == to || self.db(to).contains(key) {
            return false;
        }
        let mut source = self.db(from);
        let Some(at) = source.find(key) else {
            return false;
        };
        let entry = source.db.take_at(source.shared, at);
        self.db(to).insert(entry);
        true
    }

    /// Copies a key and when it expires. Something else is replaced only `if_taken`. Returns whether it
    /// was copied. The two places differ.
    pub fn copy(&mut self, from: KeyPlace<'_>, to: KeyPlace<'_>, if_taken: bool) -> bool {
        if !self.db(from.db).touch(from.key) {
            return false;
        }
        if self.db(to.db).contains(to.key) && !if_taken {
            return false;
        }
        self.db(to.db).remove(to.key);
        let mut source = self.db(from.db);
        let Some(at) = source.find(from.key) else {
            return false;
        };
        let copy = source.db.entries.at(at).clone();
        self.db(to.db).insert(renamed(copy, to.key));
        true
    }
}

/// The entry with another key. OBJECT ENCODING may call a string another name beside a longer key.
fn renamed(mut entry: Entry, key: &[u8]) -> Entry {
    entry.rename(key);
    if let Body::Compact(form, text) = entry.body()
        && form.kind() == Kind::String
    {
        let form = string::settled(form, key.len(), text, false);
        entry.set_form(form);
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Random;
    use crate::keyspace::types::list::Side;
    use std::collections::{BTreeMap, HashSet};

    const DATABASES: usize = 3;

    /// A key's value and when it expires.
    type Model = BTreeMap<(usize, Vec<u8>), (Vec<u8>, Option<Millis>)>;

    /// What a key holds, in one line.
    fn shown(db: &mut Db<'_>, key: &[u8]) -> Vec<u8> {
        match db.kind(key) {
            Some(Kind::String) => db.string(key).unwrap().unwrap().to_vec(),
            Some(Kind::List) => {
                let list = db.view::<List>(key).unwrap().unwrap();
                list.iter().collect::<Vec<_>>().join(&b' ')
            }
            other => panic!("{other:?}"),
        }
    }

    /// All keys of a store, as [`Model`] has them.
    fn contents(store: &mut Store) -> Model {
        let mut found = Model::new();
        for index in 0..DATABASES {
            let mut keys = Vec::new();
            store.db(index).scan(0, usize::MAX, |key, _| keys.push(key.to_vec()));
            for key in keys {
                let mut db = store.db(index);
                let expiry = db.expiry(&key).unwrap();
                let value = shown(&mut db, &key);
                found.insert((index, key), (value, expiry));
            }
        }
        found
    }

    #[test]
    fn keys_behave_like_an_ordered_map() {
        for seed in 0..20 {
            let mut random = Random::seeded(seed);
            let mut store = Store::new(DATABASES);
            let mut model = Model::new();
            let mut now = 1_000_000;
            store.set_now(now);
            for step in 0..2000 {
                let mut pick = |below: usize| random.below(below);
                let (one, other) = (pick(DATABASES), pick(DATABASES));
                // Short and long names, so that blobs change their size.
                let key = format!("{:1$}", pick(12), 1 + 40 * pick(2)).into_bytes();
                let name = format!("{:1$}", pick(12), 1 + 40 * pick(2)).into_bytes();
                let when = now + pick(300) as Millis - 20;
                match pick(12) {
                    0 | 1 => {
                        let value = step.to_string().into_bytes();
                        store.db(one).set_string(&key, &value, None);
                        model.insert((one, key), (value, None));
                    }
                    2 => {
                        store.db(one).remove(&key);
                        let elements = (0..pick(300)).map(|n| n.to_string().into_bytes());
                        let elements: Vec<_> = elements.collect();
                        let mut db = store.db(one);
                        let mut list = db.edit_or_new::<List>(&key).unwrap();
                        list.push(Side::Right, elements.iter().map(Vec::as_slice));
                        drop(list);
                        model.remove(&(one, key.clone()));
                        if !elements.is_empty() {
                            model.insert((one, key), (elements.join(&b' '), None));
                        }
                    }
                    3 => {
                        let was_there = model.remove(&(one, key.clone())).is_some();
                        assert_eq!(store.db(one).remove(&key), was_there);
                    }
                    4 | 5 => {
                        let taken = model.get(&(one, key.clone())).cloned();
                        assert_eq!(store.db(one).rename(&key, &name), taken.is_some());
                        if let Some(value) = taken {
                            model.remove(&(one, key));
                            model.insert((one, name), value);
                        }
                    }
                    6 | 7 if (one, &key) != (other, &name) => {
                        let if_taken = pick(2) == 0;
                        let source = model.get(&(one, key.clone())).cloned();
                        let is_free = !model.contains_key(&(other, name.clone()));
                        let copied = store.copy(
                            KeyPlace { db: one, key: &key },
                            KeyPlace { db: other, key: &name },
                            if_taken,
                        );
                        assert_eq!(copied, source.is_some() && (is_free || if_taken));
                        if let (true, Some(value)) = (copied, source) {
                            model.insert((other, name), value);
                        }
                    }
                    8 => {
                        let is_free = !model.contains_key(&(other, key.clone()));
                        let moves = is_free && model.contains_key(&(one, key.clone()));
                        assert_eq!(store.relocate(&key, one, other), moves);
                        let place = (one, key.clone());
                        if moves && let Some(value) = model.remove(&place) {
                            model.insert((other, key), value);
                        }
                    }
                    9 => {
                        let is_there = store.db(one).set_expiry(&key, Some(when));
                        assert_eq!(is_there, model.contains_key(&(one, key.clone())));
                        if let Some(found) = model.get_mut(&(one, key)) {
                            found.1 = Some(when);
                        }
                    }
                    10 if step % 7 == 0 => {
                        store.swap(one, other);
                        let swapped = |db: usize| match db {
                            db if db == one => other,
                            db if db == other => one,
                            db => db,
                        };
                        let all = std::mem::take(&mut model);
                        model =
                            all.into_iter().map(|((db, key), v)| ((swapped(db), key), v)).collect();
                    }
                    _ => {
                        now += pick(30) as Millis;
                        store.set_now(now);
                        store.expire_some(pick(3));
                    }
                }
                model.retain(|_, (_, expiry)| expiry.is_none_or(|when| when > now));
                let any = store.db(one).random_key().map(<[u8]>::to_vec);
                match any {
                    Some(key) => assert!(model.contains_key(&(one, key))),
                    None => assert!(!model.keys().any(|&(db, _)| db == one)),
                }
                if step % 50 == 0 {
                    assert_eq!(contents(&mut store), model);
                }
            }
            assert_eq!(contents(&mut store), model);
            while store.expire_some(1) {}
            for (index, db) in store.iter() {
                let in_db = model.iter().filter(|((db, _), _)| *db == index);
                let times: Vec<Millis> = in_db.filter_map(|(_, (_, when))| *when).collect();
                assert_eq!(db.volatile(), times.len());
                let mean = times.iter().sum::<Millis>() / (times.len() as Millis).max(1);
                assert_eq!(db.mean_time_to_live(now), (mean - now).max(0));
            }
            // Those that have been put off are listed where they belong just before the first goes.
            let first = model.values().filter_map(|(_, when)| *when).min();
            store.set_now(first.map_or(now, |when| when - 1));
            while store.expire_some(1) {}
            assert_eq!(store.next_expiry(), first);
            let empty = Store::new(DATABASES).memory();
            store.clear();
            assert_eq!(store.memory(), empty);
            while store.free_some(10) {}
            assert_eq!((store.unfreed(), store.has_unfreed()), (0, false));
        }
    }

    #[test]
    fn a_scan_visits_every_key_that_stays() {
        for seed in 0..30 {
            let mut random = Random::seeded(seed);
            let mut store = Store::new(2);
            let mut now = 1000;
            store.set_now(now);
            let stays: HashSet<Vec<u8>> =
                (0..300).map(|n| format!("stays:{n}").into_bytes()).collect();
            // Some of those that do not stay come first, so that removing them moves the others.
            for n in 0..400 {
                store.db(0).set_string(format!("goes:{n}").as_bytes(), b"", None);
                if n < 300 {
                    store.db(0).set_string(format!("stays:{n}").as_bytes(), b"", None);
                }
            }
            let mut met = HashSet::new();
            let mut cursor = 0;
            let mut expires = HashSet::new();
            loop {
                let count = 1 + random.below(20);
                cursor = store.db(0).scan(cursor, count, |key, _| {
                    assert!(!expires.contains(key), "an expired key");
                    met.insert(key.to_vec());
                });
                if cursor == 0 {
                    break;
                }
                expires.clear();
                for _ in 0..random.below(8) {
                    let key = format!("goes:{}", random.below(400)).into_bytes();
                    let name = format!("goes:{}", random.below(400)).into_bytes();
                    match random.below(7) {
                        0 => store.db(0).set_string(&key, b"", None),
                        1 => drop(store.db(0).remove(&key)),
                        2 => drop(store.db(0).rename(&key, &name)),
                        3 => drop(store.relocate(&key, 0, 1)),
                        4 => drop(store.relocate(&key, 1, 0)),
                        5 if key != name => {
                            store.copy(
                                KeyPlace { db: 0, key: &key },
                                KeyPlace { db: 0, key: &name },
                                true,
                            );
                        }
                        _ => store.db(0).set_string(&key, b"", Some(now + 1)),
                    }
                }
                // Keys of the next step that have expired by then, and of which some are still there.
                now += 2;
                store.set_now(now - 1);
                store.db(0).scan(0, usize::MAX, |_, _| ());
                let mut all = Vec::new();
                store.db(0).scan(0, usize::MAX, |key, _| all.push(key.to_vec()));
                let mortal = |key: &Vec<u8>| store.db(0).expiry(key).flatten().is_some();
                expires.extend(all.into_iter().filter(mortal));
                store.set_now(now);
                store.expire_some(random.below(2));
            }
            assert!(stays.is_subset(&met));
        }
    }

    #[test]
    fn every_key_that_has_not_expired_is_as_likely_to_be_the_random_one() {
        let mut store = Store::new(1);
        store.shared.random = Random::seeded(11);
        store.set_now(1000);
        for n in 0..50_u8 {
            let expiry = (n >= 8).then_some(1001);
            store.db(0).set_string(&[n], b"", expiry);
        }
        store.set_now(1001);
        let mut counts = [0_u32; 8];
        for _ in 0..80_000 {
            let key = store.db(0).random_key().unwrap()[0];
            counts[usize::from(key)] += 1;
        }
        // Chi-square with seven degrees of freedom: 24.3 is passed once in a thousand seeds.
        let square: f64 =
            counts.iter().map(|&n| (f64::from(n) - 10_000.0).powi(2) / 10_000.0).sum();
        assert!(square < 24.3, "{square}");
    }

    #[test]
    fn information_counts_as_a_lookup_and_not_as_a_use() {
        let mut store = Store::new(1);
        store.set_now(10_000);
        store.db(0).set_string(b"key", b"value", None);
        store.set_now(15_000);
        assert_eq!(store.db(0).info_uncounted(b"key").unwrap().idle(), 5);
        assert_eq!((store.shared.hits, store.shared.misses), (0, 0));
        assert_eq!(store.db(0).info(b"key").unwrap().idle(), 5);
        assert!(store.db(0).info(b"none").is_none());
        assert_eq!((store.shared.hits, store.shared.misses), (1, 1));
        assert!(store.db(0).touch(b"key"));
        assert_eq!(store.db(0).info(b"key").unwrap().idle(), 0);
    }
}
