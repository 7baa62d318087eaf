//! What a value consists of: one reading for digests, and for whatever writes values down.
//!
//! Each type says its parts once, in [`Collection::visit`](super::Collection::visit), in an order that a
//! value can be rebuilt in: adding the parts to an empty value of the type, one after another, makes an equal
//! one. (A sorted set that is large had better be large from the start: its compact form has no -0.) [`KeyInfo::visit`](super::keys::KeyInfo::visit) reads a value of any type, and
//! [`KeyInfo`](super::keys::KeyInfo) has what there is to know beside the parts: type, form, expiry, memory.
//!
//! A reading borrows the value and copies nothing. It can be broken off after any part.

use super::blob::Millis;
use super::large::hash::Field;
use super::large::stream::entries::Counters;
use super::large::stream::id::Id;
use super::large::stream::node::StreamEntry;

/// A part of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part<'a> {
    /// All of a string.
    Text(&'a [u8]),
    /// The next element of a list, the leftmost first.
    Element(&'a [u8]),
    /// A member of a set; they come in any order.
    Member(&'a [u8]),
    /// A member of a sorted set, the lowest score first.
    Scored { member: &'a [u8], score: f64 },
    /// A field of a hash that has not expired; they come in any order.
    Field(Field<'a>),
    /// The next entry of a stream.
    Entry(StreamEntry<'a>),
    /// What all entries that the stream has had leave behind: once, after those that it has.
    Counters(Counters),
    /// The next group of a stream, by name.
    Group { name: &'a [u8], last_id: Id, entries_read: Option<u64> },
    /// The next consumer of the last group, by name.
    Consumer { name: &'a [u8], seen_at: Millis, active_at: Option<Millis> },
    /// The next entry that is pending for the last consumer.
    Pending { id: Id, delivered_at: Millis, deliveries: u64 },
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::keyspace::types::list::Side;
    use crate::keyspace::types::stream::{ConsumerId, Pending, Trim, TrimBy};
    use crate::keyspace::{Hash, List, Set, Store, Stream, Zset};

    const NOW: i64 = 1000;

    /// A store with a key of every type in every form, called after its type and form.
    fn store() -> Store {
        let mut store = Store::new(2);
        store.set_now(NOW);
        store.shared.limits.list_max_listpack_size = 300;
        let mut db = store.db(0);
        db.set_string(b"string int", b"-12", None);
        db.set_string(b"string embstr", b"text", Some(NOW + 50));
        db.set_string(b"string raw", &[b'x'; 200], None);
        db.edit_string_of(b"string large", 40_000, |bytes, _| bytes.fill(b'y')).unwrap();
        for (key, count) in [("list compact", 5), ("list one node", 250), ("list nodes", 2000)] {
            let elements: Vec<String> = (0..count).map(|n| format!("e{n}")).collect();
            let mut list = db.edit_or_new::<List>(key.as_bytes()).unwrap();
            list.push(Side::Right, elements.iter().map(String::as_bytes));
        }
        for n in 0..1000_u32 {
            let (member, score) = (n.to_string(), f64::from(n) / 8.0 - 3.0);
            if n < 20 {
                db.edit_or_new::<Set>(b"set integers").unwrap().add(member.as_bytes());
                let word = format!("w{n}");
                db.edit_or_new::<Set>(b"set packed").unwrap().add(word.as_bytes());
                db.edit_or_new::<Zset>(b"zset compact").unwrap().insert(member.as_bytes(), score);
                db.edit_or_new::<Hash>(b"hash compact").unwrap().set(member.as_bytes(), b"v");
            }
            db.edit_or_new::<Set>(b"set large").unwrap().add(member.as_bytes());
            db.edit_or_new::<Zset>(b"zset large").unwrap().insert(member.as_bytes(), score);
            let mut hash = db.edit_or_new::<Hash>(b"hash large").unwrap();
            match n % 3 {
                0 => _ = hash.set_until(member.as_bytes(), b"v", NOW + 100 + i64::from(n)),
                _ => _ = hash.set(member.as_bytes(), b"v"),
            }
            drop(hash);
            // Some of these have expired when they are read, and are still there.
            let mut hash = db.edit_or_new::<Hash>(b"hash expiring").unwrap();
            hash.set_until(member.as_bytes(), b"v", NOW + 1 + i64::from(n % 2) * 100);
        }
        db.edit_or_new::<Zset>(b"zset large").unwrap().insert(b"zero", -0.0);
        db.edit_or_new::<Zset>(b"zset large").unwrap().insert(b"most", f64::INFINITY);
        add_streams(&mut store);
        store.shared.expires_lazily = true;
        store.set_now(NOW + 10);
        store
    }

    /// Streams: empty, of one node, of several with entries deleted, and with groups that have pending entries.
    fn add_streams(store: &mut Store) {
        let mut db = store.db(0);
        drop(db.edit_or_new::<Stream>(b"stream unused").unwrap());
        let fields = |value: &'static [u8]| std::iter::once((&b"field"[..], value));
        db.edit_or_new::<Stream>(b"stream emptied").unwrap().append(Id::new(7, 1), fields(b"v"));
        db.edit_or_new::<Stream>(b"stream emptied").unwrap().remove(Id::new(7, 1));
        for key in [&b"stream small"[..], b"stream nodes", b"stream groups"] {
            let mut stream = db.edit_or_new::<Stream>(key).unwrap();
            let count = if key == b"stream small" { 5 } else { 1000 };
            for n in 1..=count {
                match n % 7 {
                    0 => stream.append(Id::new(n, n), fields(b"v").chain(fields(b"w"))),
                    _ => stream.append(Id::new(n, 1000 - n), fields(b"12")),
                }
            }
        }
        let mut stream = db.edit_or_new::<Stream>(b"stream groups").unwrap();
        for n in (0..1000).step_by(3) {
            assert_eq!(stream.remove(Id::new(n, 1000 - n)), n % 7 != 0 && n > 0);
        }
        let by = TrimBy::Length(400);
        assert!(stream.trim(Trim { by, whole_nodes_only: false, limit: None }) > 0);
        assert!(stream.create_group(b"none", Id::MIN, None));
        assert!(stream.create_group(b"readers", Id::MIN, Some(0)));
        let _ = stream.edit_group(b"readers", |group, entries| {
            let consumers = [&b"b"[..], b"a", b""].map(|name| group.create_consumer(name, NOW));
            for (n, entry) in entries.range(Id::MIN, Id::new(700, 0)).enumerate() {
                group.advance(entry.id, entries);
                let consumer = consumers[n % 2].expect("it is new");
                group.deliver(entry.id, consumer, NOW - 5);
                group.set_active(consumer, Some(NOW - 5));
                if n % 5 == 0 {
                    group.acknowledge(entry.id);
                }
            }
        });
    }

    fn keys(store: &Store) -> Vec<Vec<u8>> {
        let (_, db) = store.iter().next().expect("the first database has keys");
        db.entries.iter().map(|entry| crate::keyspace::Keyed::key(entry).to_vec()).collect()
    }

    /// The parts of a value in one line each, in order unless the type has none.
    fn parts(store: &mut Store, db: usize, key: &[u8]) -> Vec<String> {
        let mut parts = Vec::new();
        let mut db = store.db(db);
        let found = db.info(key).expect("the key is there");
        let _ = found.visit(|part| {
            parts.push(format!("{part:?}"));
            ControlFlow::<()>::Continue(())
        });
        if key.starts_with(b"set") || key.starts_with(b"hash") {
            parts.sort_unstable();
        }
        parts
    }

    /// Where the last group and consumer of a stream went, which the next part may belong to.
    #[derive(Default)]
    struct Last {
        group: Vec<u8>,
        consumer: Option<ConsumerId>,
    }

    /// Adds a part to the value of a key, which is going to have so many elements.
    fn add(store: &mut Store, key: &[u8], part: Part<'_>, elements: usize, last: &mut Last) {
        let mut db = store.db(1);
        match part {
            Part::Text(text) => db.set_string(key, text, None),
            Part::Element(element) => {
                let mut list = db.edit_or_new::<List>(key).unwrap();
                list.push(Side::Right, std::iter::once(element));
            }
            Part::Member(member) => assert!(db.edit_or_new::<Set>(key).unwrap().add(member)),
            Part::Scored { member, score } => {
                let mut zset = db.edit_or_new::<Zset>(key).unwrap();
                zset.expect(elements, 0);
                assert_eq!(zset.insert(member, score), None);
            }
            Part::Entry(entry) => {
                db.edit_or_new::<Stream>(key).unwrap().append(entry.id, entry.fields());
            }
            Part::Counters(counters) => {
                db.edit_or_new::<Stream>(key).unwrap().set_counters(counters);
            }
            Part::Group { name, last_id, entries_read } => {
                let mut stream = db.edit::<Stream>(key).unwrap().expect("counters came first");
                assert!(stream.create_group(name, last_id, entries_read));
                last.group = name.to_vec();
            }
            Part::Consumer { name, seen_at, active_at } => {
                let mut stream = db.edit::<Stream>(key).unwrap().expect("counters came first");
                let consumer = stream.edit_group(&last.group, |group, _| {
                    let consumer = group.create_consumer(name, seen_at)?;
                    group.set_active(consumer, active_at);
                    Some(consumer)
                });
                last.consumer = consumer.flatten();
                assert!(last.consumer.is_some());
            }
            Part::Pending { id, delivered_at, deliveries } => {
                let consumer = last.consumer.expect("a consumer came before");
                let mut stream = db.edit::<Stream>(key).unwrap().expect("counters came first");
                let pending = Pending { id, delivered_at, deliveries, consumer };
                stream.edit_group(&last.group, |group, _| group.assign(pending));
            }
            Part::Field(Field { name, value, expiry }) => {
                let mut hash = db.edit_or_new::<Hash>(key).unwrap();
                assert!(match expiry {
                    Some(when) => hash.set_until(name, value, when),
                    None => hash.set(name, value),
                });
            }
        }
    }

    /// Whether a part is one of those that are counted: entries of a stream, and not what it has beside them.
    fn is_element(part: &Part<'_>) -> bool {
        !matches!(
            part,
            Part::Counters(_) | Part::Group { .. } | Part::Consumer { .. } | Part::Pending { .. }
        )
    }

    #[test]
    fn a_value_can_be_rebuilt_from_its_parts() {
        let mut store = store();
        for key in keys(&store) {
            let name = String::from_utf8_lossy(&key).into_owned();
            // What is read is a copy, since the parts borrow the store that they are added to.
            let mut source = Store::new(1);
            std::mem::swap(&mut source, &mut store);
            let mut rebuilt = Store::new(2);
            rebuilt.set_now(NOW + 10);
            rebuilt.shared.limits = source.shared.limits;
            let mut db = source.db(0);
            let found = db.info(&key).expect("the key is there");
            let (encoding, expiry) = (found.encoding(), found.expiry());
            let (mut count, mut last) = (0, Last::default());
            let _ = found.visit(|part| {
                count += usize::from(is_element(&part));
                add(&mut rebuilt, &key, part, found.elements(), &mut last);
                ControlFlow::<()>::Continue(())
            });
            if expiry.is_some() {
                rebuilt.db(1).set_expiry(&key, expiry);
            }
            assert_eq!(rebuilt.db(1).digest_of(&key), source.db(0).digest_of(&key), "{name}");
            assert_eq!(parts(&mut rebuilt, 1, &key), parts(&mut source, 0, &key), "{name}");
            if name.starts_with("hash") {
                let expiry = |store: &mut Store, db| {
                    store.db(db).view::<Hash>(&key).unwrap().and_then(|hash| hash.expiry(b"3"))
                };
                assert_eq!(expiry(&mut rebuilt, 1), expiry(&mut source, 0), "{name}");
            }
            if name != "string large" {
                assert_eq!(rebuilt.db(1).info(&key).unwrap().encoding(), encoding, "{name}");
            }
            let expected = match &name[..] {
                "hash expiring" => 500,
                _ => source.db(0).info(&key).unwrap().elements(),
            };
            assert_eq!(count, expected, "{name}");
            std::mem::swap(&mut source, &mut store);
        }
    }

    #[test]
    fn a_reading_can_be_broken_off() {
        let mut store = store();
        for key in keys(&store) {
            let mut db = store.db(0);
            let found = db.info(&key).unwrap();
            let most = found.elements().clamp(1, 3);
            let mut seen = 0;
            let flow = found.visit(|_| {
                seen += 1;
                if seen == most { ControlFlow::Break(seen) } else { ControlFlow::Continue(()) }
            });
            assert_eq!((flow, seen), (ControlFlow::Break(most), most));
        }
    }
}
