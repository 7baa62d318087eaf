//! One number for a value, and one for all databases: DEBUG DIGEST and DIGEST-VALUE.
//!
//! Two servers have the same data if their digests are the same, which test suites use to compare a
//! server with itself before and after. The recipe is Valkey's and so are the numbers:
//!
//! * what has no order (keys, the members of a set) is *joined*: the SHA-1 of each is XORed in;
//! * what has one (elements of a list, a field and its value) is *chained*: the SHA-1 of each is XORed
//!   in, and the result is replaced by its own SHA-1.

use std::io::Write as _;
use std::ops::ControlFlow;

use sha1::{Digest as _, Sha1};

use super::index::dict::Keyed;
use super::keys::KeyInfo;
use super::kind::Kind;
use super::visit::Part;
use super::{Db, Store};
use crate::text::double;

/// A digest as it is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Digest([u8; 20]);

impl Digest {
    /// In lower-case hexadecimal digits.
    pub(crate) fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn join(&mut self, bytes: &[u8]) {
        let hash: [u8; 20] = Sha1::digest(bytes).into();
        self.0.iter_mut().zip(hash).for_each(|(byte, other)| *byte ^= other);
    }

    fn chain(&mut self, bytes: &[u8]) {
        self.join(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    /// The digest of parts in their order.
    fn of(parts: &[&[u8]]) -> Digest {
        let mut digest = Digest::default();
        parts.iter().for_each(|part| digest.chain(part));
        digest
    }

    /// Adds a value and that it expires, but not when.
    fn add_value(&mut self, value: KeyInfo<'_>) {
        self.chain(&number_of(value.kind()).to_be_bytes());
        let mut digits = Vec::new();
        let _ = value.visit(|part| {
            match part {
                Part::Text(bytes) | Part::Element(bytes) => self.chain(bytes),
                Part::Member(member) => self.join(member),
                Part::Scored { member, score } => {
                    digits.clear();
                    double::push_shortest(&mut digits, score);
                    self.join(&Digest::of(&[member, &digits]).0);
                }
                Part::Entry(entry) => {
                    digits.clear();
                    let _ = write!(digits, "{}.{}", entry.id.ms, entry.id.seq);
                    self.chain(&digits);
                    for (name, value) in entry.fields() {
                        self.chain(name);
                        self.chain(value);
                    }
                }
                // The recipe leaves out what has read the entries, and those that are gone.
                Part::Counters(_)
                | Part::Group { .. }
                | Part::Consumer { .. }
                | Part::Pending { .. } => {}
                Part::Field(field) => self.join(&Digest::of(&[field.name, field.value]).0),
            }
            ControlFlow::<()>::Continue(())
        });
        if value.expiry().is_some() {
            self.join(b"!!expire!!");
        }
    }
}

/// The types, as the recipe counts them.
fn number_of(kind: Kind) -> u32 {
    match kind {
        Kind::String => 0,
        Kind::List => 1,
        Kind::Set => 2,
        Kind::Zset => 3,
        Kind::Hash => 4,
        // Modules have types of their own, whose number is 5.
        Kind::Stream => 6,
    }
}

impl Store {
    /// The digest of all keys of all databases that have not expired.
    pub(crate) fn digest(&self) -> Digest {
        let mut all = Digest::default();
        for (index, db) in self.iter().filter(|(_, db)| !db.is_empty()) {
            all.chain(&(index as u32).to_be_bytes());
            for entry in db.entries.iter() {
                if entry.expiry().is_none_or(|when| when > self.shared.now) {
                    let mut digest = Digest::of(&[entry.key()]);
                    digest.add_value(KeyInfo::new(entry, &self.shared));
                    all.join(&digest.0);
                }
            }
        }
        all
    }
}

impl Db<'_> {
    /// The digest of the value of `key`; all zeros if there is none.
    pub(crate) fn digest_of(&mut self, key: &[u8]) -> Digest {
        let mut digest = Digest::default();
        if let Some(value) = self.info_uncounted(key) {
            digest.add_value(value);
        }
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::types::list::Side;
    use crate::keyspace::types::stream::Id;
    use crate::keyspace::{Hash, List, Set, Stream, Zset};

    /// A store with something of every type. `order` says in which order it comes about.
    fn store(order: impl Iterator<Item = u32> + Clone) -> Store {
        let mut store = Store::new(3);
        for n in order.clone() {
            let key = format!("string:{n}");
            store.db(0).set_string(key.as_bytes(), b"value", None);
        }
        for n in order {
            let (mut db, member) = (store.db(2), n.to_string());
            db.edit_or_new::<Set>(b"set").unwrap().add(member.as_bytes());
            db.edit_or_new::<Zset>(b"zset").unwrap().insert(member.as_bytes(), f64::from(n) / 8.0);
            db.edit_or_new::<Hash>(b"hash").unwrap().set(member.as_bytes(), b"value");
        }
        let elements = [&b"a"[..], b"b", b"c"];
        let mut db = store.db(2);
        db.edit_or_new::<List>(b"list").unwrap().push(Side::Right, elements.into_iter());
        store
    }

    #[test]
    fn the_digest_does_not_depend_on_how_it_came_about() {
        for count in [3, 1000] {
            let (one, another) = (store(0..count), store((0..count).rev()));
            assert_eq!(one.digest(), another.digest());
            let mut other = store(0..count);
            other.db(2).set_expiry(b"list", Some(1));
            assert_ne!(one.digest(), other.digest());
            let mut other = store(0..count);
            other.swap(0, 1);
            assert_ne!(one.digest(), other.digest());
        }
    }

    #[test]
    fn digests_are_those_of_valkey() {
        let mut store = Store::new(1);
        assert_eq!(store.digest().to_hex(), "0".repeat(40));
        store.db(0).set_string(b"a", b"1", None);
        assert_eq!(store.digest().to_hex(), "943d800368fb9c0e951138f1bc0e313ac769d91f");
        let digest = store.db(0).digest_of(b"a").to_hex();
        assert_eq!(digest, "b4fc66738120fba0b5aa500ab5c2bf89cea1c5da");
        store.db(0).edit_or_new::<Zset>(b"z").unwrap().insert(b"m", 3.14e15);
        assert_eq!(
            store.db(0).digest_of(b"z").to_hex(),
            "9ae0f549cb77c9b8d8492a9c458d4f0c51aa32d8"
        );
        drop(store.db(0).edit_or_new::<Stream>(b"s").unwrap());
        let empty = store.db(0).digest_of(b"s").to_hex();
        assert_eq!(empty, "06bd01623de1d087bbd377851096317b1af476a2");
        let fields = [(&b"f"[..], &b"v"[..])].into_iter();
        store.db(0).edit_or_new::<Stream>(b"s").unwrap().append(Id::new(1, 1), fields);
        let digest = store.db(0).digest_of(b"s").to_hex();
        assert_eq!(digest, "2ed9a7a81688084b1f7eae33456ef7727d357031");
        assert_eq!(store.db(0).digest_of(b"none").to_hex(), "0".repeat(40));
    }
}
