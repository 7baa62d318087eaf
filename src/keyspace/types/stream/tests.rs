//! Streams beside what the reference said of equal ones, and beside a plain model.

use std::collections::BTreeMap;

use super::*;
use crate::keyspace::{Db, Millis, Random, Store};

const KEY: &[u8] = b"s";

/// Random changes of a stream and what Valkey 9.1 said of it after some: XINFO STREAM, XINFO GROUPS and DEBUG
/// DIGEST-VALUE. In the order of a line: length, radix tree keys and nodes, last id, greatest deleted id, entries added,
/// first and last entry, digest; of each group name, last id, entries read, lag, pending.
const RECORDED: &str = include_str!("recorded.txt");

fn id(word: &str) -> Id {
    let (ms, seq) = word.split_once('-').unwrap();
    Id::new(ms.parse().unwrap(), seq.parse().unwrap())
}

fn edit<R>(store: &mut Store, change: impl FnOnce(&mut Edit<'_, Stream>) -> R) -> R {
    change(&mut store.db(0).edit_or_new::<Stream>(KEY).unwrap())
}

fn view<'a>(db: &'a mut Db<'_>) -> View<'a, Stream> {
    db.view::<Stream>(KEY).unwrap().unwrap()
}

/// Does what a line says.
fn play(store: &mut Store, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        ["limits", bytes, entries] => {
            *store = Store::new(1);
            store.shared.limits.stream_node_max_bytes = bytes.parse().unwrap();
            store.shared.limits.stream_node_max_entries = entries.parse().unwrap();
        }
        ["add", new, ref fields @ ..] => {
            let fields = fields.chunks_exact(2).map(|f| (f[0].as_bytes(), f[1].as_bytes()));
            edit(store, |stream| stream.append(id(new), fields));
        }
        ["del", entry] => _ = edit(store, |stream| stream.remove(id(entry))),
        ["trim", by, is_exact, threshold, limit, trimmed] => {
            let by = match by {
                "MAXLEN" => TrimBy::Length(threshold.parse().unwrap()),
                _ => TrimBy::Id(id(threshold)),
            };
            let limit = Some(limit.parse().unwrap()).filter(|&limit| limit > 0);
            let trim = Trim { by, whole_nodes_only: is_exact == "~", limit };
            let count = edit(store, |stream| stream.trim(trim));
            assert_eq!(count.to_string(), trimmed, "{line}");
        }
        ["setid", last, added, deleted] => edit(store, |stream| {
            stream.set_last_id(id(last));
            stream.set_entries_added(added.parse().unwrap());
            stream.set_max_deleted_id(id(deleted));
        }),
        ["create", name, last, read] => edit(store, |stream| {
            assert!(stream.create_group(name.as_bytes(), id(last), read.parse().ok()));
        }),
        ["setg", name, last, read] => edit(store, |stream| {
            stream
                .edit_group(name.as_bytes(), |group, _| group.set_id(id(last), read.parse().ok()));
        }),
        ["read", name, count] => edit(store, |stream| {
            stream.edit_group(name.as_bytes(), |group, entries| {
                group.create_consumer(b"c", 0);
                let consumer = group.consumer(b"c").unwrap().id();
                let Some(from) = group.last_id().next() else { return };
                for entry in entries.range(from, Id::MAX).take(count.parse().unwrap()) {
                    group.advance(entry.id, entries);
                    group.deliver(entry.id, consumer, 0);
                }
            });
        }),
        _ => panic!("{line}"),
    }
}

/// What the reference would say of a stream, in one line.
fn told(store: &mut Store) -> String {
    fn shown<T: ToString>(value: Option<T>) -> String {
        value.map_or("-".into(), |value| value.to_string())
    }
    let digest = store.db(0).digest_of(KEY).to_hex();
    let mut db = store.db(0);
    let stream = view(&mut db);
    let Counters { last_id, max_deleted_id, entries_added } = stream.entries().counters();
    let (first, last) = (shown(stream.first_id()), shown(stream.last_entry_id()));
    let mut told = format!(
        "= {} {} {} {last_id} {max_deleted_id} {entries_added} {first} {last} {digest}",
        stream.len(),
        stream.nodes(),
        stream.radix_nodes()
    );
    for group in stream.groups() {
        let name = String::from_utf8_lossy(group.name());
        let (read, lag) = (shown(group.entries_read()), shown(stream.lag(group)));
        told += &format!(" | {name} {} {read} {lag} {}", group.last_id(), group.pending());
    }
    told
}

#[test]
fn the_reference_says_the_same_of_an_equal_stream() {
    let recorded = RECORDED;
    let mut store = Store::new(1);
    for (number, line) in recorded.lines().enumerate() {
        match line.starts_with('=') {
            true => assert_eq!(told(&mut store), line, "line {}", number + 1),
            false => play(&mut store, line),
        }
        if !line.starts_with("limits") {
            let mut db = store.db(0);
            stream(view(&mut db).entry).check();
        }
    }
}

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

#[derive(Default)]
struct Model {
    entries: BTreeMap<Id, Fields>,
    last_id: Id,
    max_deleted_id: Id,
    added: u64,
    groups: BTreeMap<Vec<u8>, ModelGroup>,
}

#[derive(Default)]
struct ModelGroup {
    last_id: Id,
    /// When and how often it was delivered, and to which consumer.
    pending: BTreeMap<Id, (Millis, u64, Vec<u8>)>,
    /// When it was seen and active.
    consumers: BTreeMap<Vec<u8>, (Millis, Option<Millis>)>,
}

impl Model {
    /// Keeps the entries that an exact trim leaves. Returns how many go.
    fn trim(&mut self, by: TrimBy) -> usize {
        let before = self.entries.len();
        match by {
            TrimBy::Length(most) => {
                while self.entries.len() as u64 > most {
                    self.entries.pop_first();
                }
            }
            TrimBy::Id(least) => self.entries.retain(|&id, _| id >= least),
        }
        before - self.entries.len()
    }
}

fn owned(entry: StreamEntry<'_>) -> (Id, Fields) {
    let fields = entry.fields().map(|(name, value)| (name.to_vec(), value.to_vec()));
    (entry.id, fields.collect())
}

/// A consumer's name, and a group's: few of both, so that they are hit again.
fn name(random: &mut Random) -> Vec<u8> {
    let long = [b"c".as_slice(), b"a consumer with a name that is rather long"][random.below(2)];
    [long, &[b'0' + random.below(4) as u8]].concat()
}

fn random_id(model: &Model, random: &mut Random) -> Id {
    let last = model.last_id.ms + 2;
    match random.below(3) {
        0 => Id::new(random.below(last as usize) as u64, random.below(3) as u64),
        _ => {
            let from = Id::new(random.below(last as usize) as u64, 0);
            model.entries.range(from..).next().map_or(from, |(&id, _)| id)
        }
    }
}

/// Changes stream and model in the same way.
fn change(store: &mut Store, model: &mut Model, random: &mut Random, now: Millis) {
    let id = random_id(model, random);
    let group = name(random);
    match random.below(16) {
        0..=4 => {
            for _ in 0..1 + random.below(40) {
                let last = model.last_id;
                let id = match random.below(4) {
                    0 => Id::new(last.ms, last.seq + 1),
                    1 => Id::new(last.ms + 1, random.below(1 << 40) as u64),
                    step => Id::new(last.ms + step as u64, 0),
                };
                let names = [&["f"][..], &["f", "g"], &["g", "f"], &[], &["other"]];
                let names = names[[0, 0, 0, 0, 1, 2, 3, 4][random.below(8)]];
                let value = |n| vec![b'0' + n as u8; [0, 1, 3, 130, 20_000][n % 5]];
                let fields: Fields = (names.iter())
                    .map(|name| (name.as_bytes().to_vec(), value(random.below(1000).isqrt() % 34)))
                    .collect();
                let borrowed = fields.iter().map(|(name, value)| (&name[..], &value[..]));
                edit(store, |stream| stream.append(id, borrowed));
                model.entries.insert(id, fields);
                (model.last_id, model.added) = (id, model.added + 1);
            }
        }
        5 | 6 => {
            let is_there = model.entries.remove(&id).is_some();
            assert_eq!(edit(store, |stream| stream.remove(id)), is_there);
            if is_there {
                model.max_deleted_id = model.max_deleted_id.max(id);
            }
        }
        7 => {
            let by = match random.below(2) {
                0 => TrimBy::Id(id),
                _ => TrimBy::Length((model.entries.len() * random.below(20) / 16) as u64),
            };
            let trim = Trim { by, whole_nodes_only: false, limit: None };
            let nodes = edit(store, |stream| {
                let whole = stream.trim(Trim { whole_nodes_only: true, ..trim });
                whole + stream.trim(trim)
            });
            assert_eq!(nodes, model.trim(by));
        }
        8 => {
            let is_new = !model.groups.contains_key(&group);
            assert_eq!(edit(store, |stream| stream.create_group(&group, id, None)), is_new);
            let fresh = ModelGroup { last_id: id, ..ModelGroup::default() };
            model.groups.entry(group).or_insert(fresh);
        }
        9 if random.below(4) == 0 => {
            let was_there = model.groups.remove(&group).is_some();
            assert_eq!(edit(store, |stream| stream.destroy_group(&group)), was_there);
        }
        _ => {
            let expected = model.groups.get_mut(&group);
            let found = edit(store, |stream| {
                stream.edit_group(&group, |group, entries| {
                    let expected = expected.expect("the model has the group");
                    change_group(group, expected, entries, id, random, now);
                })
            });
            assert_eq!(found.is_some(), model.groups.contains_key(&group));
        }
    }
}

fn change_group(
    group: &mut Group,
    model: &mut ModelGroup,
    entries: &Entries,
    id: Id,
    random: &mut Random,
    now: Millis,
) {
    let consumer = name(random);
    match random.below(8) {
        0 if random.below(3) == 0 => {
            let count = model.pending.values().filter(|(_, _, owner)| *owner == consumer).count();
            model.pending.retain(|_, (_, _, owner)| *owner != consumer);
            let expected = model.consumers.remove(&consumer).map(|_| count);
            assert_eq!(group.delete_consumer(&consumer), expected);
        }
        1 => {
            (model.last_id, _) = (id, group.set_id(id, None));
        }
        2 | 3 => {
            let acknowledged: Vec<Id> = model.pending.range(id..).map(|(&id, _)| id).collect();
            for id in acknowledged.into_iter().take(random.below(50)) {
                assert!(group.acknowledge(id) && !group.acknowledge(id));
                model.pending.remove(&id);
            }
        }
        kind => {
            let is_new = group.create_consumer(&consumer, now).is_some();
            assert_eq!(is_new, !model.consumers.contains_key(&consumer));
            let figures = model.consumers.entry(consumer.clone()).or_insert((now, None));
            let known = group.consumer(&consumer).unwrap().id();
            if kind == 4 {
                // As XCLAIM does it.
                let pending = Pending { id, delivered_at: now - 9, deliveries: 7, consumer: known };
                group.assign(pending);
                model.pending.insert(id, (now - 9, 7, consumer));
                return;
            }
            *figures = (now, Some(now));
            group.set_seen(known, now);
            group.set_active(known, Some(now));
            let from = group.last_id().next().unwrap();
            for entry in entries.range(from, Id::MAX).take(random.below(200)) {
                group.advance(entry.id, entries);
                group.deliver(entry.id, known, now);
                model.last_id = entry.id;
                model.pending.insert(entry.id, (now, 1, consumer.clone()));
            }
        }
    }
}

/// Compares all that a view shows.
fn compare(store: &mut Store, model: &Model, random: &mut Random) {
    let (_, db) = store.iter().next().unwrap();
    assert_eq!(db.data_memory(), db.entries.iter().map(Entry::memory).sum::<usize>());
    let mut db = store.db(0);
    let view = view(&mut db);
    stream(view.entry).check();
    stream(view.entry).clone().check();
    let counters = (view.last_id(), view.max_deleted_id(), view.entries_added());
    assert_eq!(counters, (model.last_id, model.max_deleted_id, model.added));
    assert_eq!(view.len(), model.entries.len());
    assert_eq!(view.first_id(), model.entries.keys().next().copied());
    assert_eq!(view.last_entry_id(), model.entries.keys().next_back().copied());
    let (from, to) = match random.below(2) {
        0 => (Id::MIN, Id::MAX),
        _ => (random_id(model, random), random_id(model, random)),
    };
    let expected: Vec<_> = match from <= to {
        true => model.entries.range(from..=to).map(|(&id, f)| (id, f.clone())).collect(),
        false => Vec::new(),
    };
    assert!(view.range(from, to).map(owned).eq(expected.iter().cloned()));
    assert!(view.range(from, to).rev().map(owned).eq(expected.iter().rev().cloned()));
    // From both ends by turns.
    let (mut range, mut left) = (view.range(from, to), expected.into_iter());
    for _ in 0..50 {
        let (entry, other) = match random.below(2) {
            0 => (range.next(), left.next()),
            _ => (range.next_back(), left.next_back()),
        };
        assert_eq!(entry.map(owned), other);
    }
    let id = random_id(model, random);
    let expected = model.entries.get(&id).map(|fields| (id, fields.clone()));
    assert_eq!(view.get(id).map(owned), expected);
    assert!(view.groups().map(Group::name).eq(model.groups.keys().map(Vec::as_slice)));
    for (name, expected) in &model.groups {
        compare_group(view.group(name).unwrap(), expected, from, to);
    }
}

fn compare_group(group: &Group, model: &ModelGroup, from: Id, to: Id) {
    assert_eq!((group.last_id(), group.pending()), (model.last_id, model.pending.len()));
    let shown = |pending: &Pending| {
        let owner = group.consumer_of(pending.consumer).unwrap().name().to_vec();
        (pending.id, (pending.delivered_at, pending.deliveries, owner))
    };
    let in_range = |id: Id| from <= id && id <= to;
    let expected: Vec<_> =
        model.pending.iter().map(|(&id, pending)| (id, pending.clone())).collect();
    let expected = expected.into_iter().filter(|(id, _)| in_range(*id));
    assert!(group.pending_range(from, to).map(shown).eq(expected.clone()));
    assert!(group.pending_range(from, to).rev().map(shown).eq(expected.clone().rev()));
    assert!(group.consumers().map(Consumer::name).eq(model.consumers.keys().map(Vec::as_slice)));
    for (name, &(seen_at, active_at)) in &model.consumers {
        let consumer = group.consumer(name).unwrap();
        assert_eq!((consumer.seen_at, consumer.active_at), (seen_at, active_at));
        let own = expected.clone().filter(|(_, (_, _, owner))| owner == name);
        assert!(group.pending_of(consumer.id(), from, to).map(shown).eq(own));
        let count = model.pending.values().filter(|(_, _, owner)| owner == name).count();
        assert_eq!(consumer.pending(), count);
    }
}

#[test]
fn a_stream_behaves_like_an_ordered_map() {
    for (seed, limits) in
        [(4096, 100), (0, 3), (200, 0), (1, 1), (0, 0), (1 << 20, 1000)].iter().enumerate()
    {
        let mut random = Random::seeded(seed as u64);
        let (mut store, mut model) = (Store::new(1), Model::default());
        store.shared.limits.stream_node_max_bytes = limits.0;
        store.shared.limits.stream_node_max_entries = limits.1;
        edit(&mut store, |_| ());
        for step in 0..400 {
            change(&mut store, &mut model, &mut random, step);
            if step % 20 == 0 {
                compare(&mut store, &model, &mut random);
                store.free_some(100);
            }
        }
        assert!(store.db(0).remove(KEY));
        while store.free_some(7) {}
        assert_eq!(store.unfreed(), 0);
    }
}

/// A stream of so many entries, with so many in a node.
fn filled(entries: u64, in_a_node: usize) -> Store {
    let mut store = Store::new(1);
    store.shared.limits.stream_node_max_entries = in_a_node;
    edit(&mut store, |stream| {
        (1..=entries)
            .for_each(|n| stream.append(Id::new(n, 0), [(&b"f"[..], &b"v"[..])].into_iter()));
    });
    store
}

#[test]
fn a_limit_holds_for_nodes_that_go_by_the_block() {
    for (limit, gone) in [(1, 0), (5, 4), (200, 200), (201, 200), (1000, 1000), (2000, 1000)] {
        let trims = [TrimBy::Length(0), TrimBy::Id(Id::MAX)];
        for by in trims {
            let mut store = filled(1000, 2);
            let trim = Trim { by, whole_nodes_only: true, limit: Some(limit) };
            assert_eq!(edit(&mut store, |stream| stream.trim(trim)), gone, "{limit}");
            compare_length(&mut store, 1000 - gone);
        }
    }
}

fn compare_length(store: &mut Store, length: usize) {
    let mut db = store.db(0);
    let view = view(&mut db);
    stream(view.entry).check();
    assert_eq!(view.len(), length);
}

#[test]
fn what_goes_with_a_huge_stream_is_freed_in_slices() {
    let by = TrimBy::Length(10);
    let trim = Trim { by, whole_nodes_only: false, limit: None };
    let changes: [&dyn Fn(&mut Store); 3] = [
        &|store| edit(store, |stream| assert_eq!(stream.trim(trim), 19_990)),
        &|store| edit(store, |stream| assert!(stream.destroy_group(b"g"))),
        &|store| assert!(store.db(0).remove(KEY)),
    ];
    for change in changes {
        let mut store = filled(20_000, 100);
        edit(&mut store, |stream| {
            stream.create_group(b"g", Id::MIN, None);
            let _ = stream.edit_group(b"g", |group, entries| {
                for (n, entry) in entries.range(Id::MIN, Id::MAX).enumerate() {
                    let name = (n / 100).to_string();
                    group.create_consumer(name.as_bytes(), 0);
                    let consumer = group.consumer(name.as_bytes()).unwrap().id();
                    group.deliver(entry.id, consumer, 0);
                }
            });
        });
        let before = store.memory();
        change(&mut store);
        // A node that is cut at its side is freed at once.
        assert!(before.abs_diff(store.memory() + store.unfreed()) < 10_000);
        let mut slices = 0;
        while store.free_some(10) {
            slices += 1;
        }
        assert!(slices > 10, "{slices}");
        assert_eq!(store.unfreed(), 0);
    }
}

#[test]
fn what_a_deleted_consumer_had_is_swept_by_later_changes() {
    for others in [0, 1] {
        let mut store = filled(200, 100);
        edit(&mut store, |stream| stream.create_group(b"g", Id::MIN, None));
        let before = store.memory();
        let deliver = |store: &mut Store, name: &[u8], from: u64, to: u64| {
            edit(store, |stream| {
                let _ = stream.edit_group(b"g", |group, _| {
                    let new = group.create_consumer(name, 0);
                    let id = new.or(group.consumer(name).map(Consumer::id)).unwrap();
                    (from..to).for_each(|ms| group.deliver(Id::new(ms, 0), id, 0));
                });
            });
        };
        deliver(&mut store, b"a", 1, 100);
        deliver(&mut store, b"b", 100, 100 + others);
        let delete = |store: &mut Store, name: &[u8]| {
            edit(store, |stream| stream.edit_group(b"g", |group, _| group.delete_consumer(name)))
        };
        assert_eq!(delete(&mut store, b"a"), Some(Some(99)));
        compare_length(&mut store, 200);
        let mut db = store.db(0);
        let group = view(&mut db).group(b"g").unwrap();
        assert_eq!((group.pending(), group.consumer(b"a").is_none()), (others as usize, true));
        assert!(group.get(Id::new(50, 0)).is_none());
        // Some of it is another's before it has been swept.
        deliver(&mut store, b"b", 95, 99);
        deliver(&mut store, b"a", 50, 52);
        for _ in 0..10 {
            edit(&mut store, |stream| stream.edit_group(b"g", |_, _| ()));
            compare_length(&mut store, 200);
        }
        let mut db = store.db(0);
        let group = view(&mut db).group(b"g").unwrap();
        assert_eq!(
            (group.pending(), group.consumer(b"a").unwrap().pending()),
            (6 + others as usize, 2)
        );
        assert_eq!(delete(&mut store, b"a"), Some(Some(2)));
        assert_eq!(delete(&mut store, b"b"), Some(Some(4 + others as usize)));
        assert!(store.memory() <= before + 200, "{} {before}", store.memory());
    }
}
