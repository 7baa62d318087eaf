//! Streams beside what the reference said of equal ones, and beside a plain model.

use super::*;
use crate::keyspace::{Db, Random, Store};

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
