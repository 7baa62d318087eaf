//! Files of our own.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::*;
use crate::keyspace::keys::KeyInfo;
use crate::keyspace::types::list::Side;
use crate::keyspace::types::stream::Id;
use crate::keyspace::{
    Hash, KeyRecord, Kind, List, Outline, Part, PastUse, Recorder, Set, Stream, Zset,
};
use crate::rdb::write;

#[test]
fn what_is_saved_is_loaded() {
    for (name, digest) in digests() {
        for dialect in [Dialect::Valkey, Dialect::Redis74, Dialect::Redis] {
            let mut read = load(&file(&name)).unwrap();
            let ours = saved(&mut read.store, dialect);
            let again = load(&ours).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(again.digest(), digest, "{name}");
            assert_eq!(again.used, ours.len());
        }
    }
}

/// A string of some kind.
fn text(random: &mut Random) -> Vec<u8> {
    match random.below(6) {
        0 => (random.next_u64() as i64 >> random.below(64)).to_string().into_bytes(),
        1 => vec![b'x'; random.below(300)],
        2 => (0..random.below(100)).map(|_| random.next_u64() as u8).collect(),
        _ => format!("text {}", random.below(5000)).into_bytes(),
    }
}

/// A store with keys of all types in all forms.
fn random_store(random: &mut Random) -> Store {
    let mut store = store();
    for n in 0..60 {
        let key = format!("{n}:{}", String::from_utf8_lossy(&text(random))).into_bytes();
        let mut db = store.db([0, 0, 3, 15][random.below(4)]);
        let count = [1, 3, 20, 700][random.below(4)];
        match n % 6 {
            0 => db.set_string(&key, &text(random), None),
            1 => {
                let elements: Vec<_> = (0..count).map(|_| text(random)).collect();
                let mut list = db.edit_or_new::<List>(&key).unwrap();
                list.push(Side::Right, elements.iter().map(Vec::as_slice));
            }
            2 => {
                let has_integers = random.below(2) == 0;
                let mut set = db.edit_or_new::<Set>(&key).unwrap();
                for _ in 0..count {
                    match has_integers {
                        true => set.add(random.below(90_000).to_string().as_bytes()),
                        false => set.add(&text(random)),
                    };
                }
            }
            3 => {
                let mut zset = db.edit_or_new::<Zset>(&key).unwrap();
                for _ in 0..count {
                    zset.insert(&text(random), random.below(1000) as f64 / 8.0 - 9.0);
                }
            }
            4 => {
                let expires = random.below(2) == 0;
                let mut hash = db.edit_or_new::<Hash>(&key).unwrap();
                for at in 0..count {
                    let (name, value) = (text(random), text(random));
                    match expires && at % 3 == 1 {
                        true => _ = hash.set_until(&name, &value, NOW + 5 + at as i64),
                        false => _ = hash.set(&name, &value),
                    }
                }
            }
            _ => add_stream(&mut db.edit_or_new::<Stream>(&key).unwrap(), count, random),
        }
        if random.below(4) == 0 {
            db.set_expiry(&key, Some(NOW + 1 + random.below(1 << 40) as i64));
        }
    }
    store
}

fn add_stream(stream: &mut crate::keyspace::Edit<'_, Stream>, count: usize, random: &mut Random) {
    for n in 1..=count as u64 {
        let (name, value) = (text(random), text(random));
        let fields = [(&b"field"[..], &value[..]), (&name, b"12")];
        stream.append(
            Id::new(n * 3, random.below(9) as u64),
            fields.into_iter().take(1 + n as usize % 2),
        );
    }
    for n in (1..count as u64).step_by(3) {
        let id = stream.view().range(Id::new(n * 3, 0), Id::MAX).next().unwrap().id;
        stream.remove(id);
    }
    if random.below(2) == 0 {
        return;
    }
    assert!(stream.create_group(b"unread", Id::MIN, None));
    assert!(stream.create_group(b"readers", Id::MIN, Some(0)));
    let _ = stream.edit_group(b"readers", |group, entries| {
        let consumers = [&b"b"[..], b"a", b"c"].map(|name| group.create_consumer(name, NOW - 9));
        for (n, entry) in entries.range(Id::MIN, Id::new(600, 0)).enumerate() {
            group.advance(entry.id, entries);
            group.deliver(entry.id, consumers[n % 2].unwrap(), NOW - 5);
            group.set_active(consumers[n % 2].unwrap(), Some(NOW - 5));
        }
    });
}

type Keys = BTreeMap<(usize, Vec<u8>), (Option<i64>, Vec<u8>)>;

/// All keys, with when they expire and what they hold; sets and hashes sorted.
fn contents(store: &mut Store) -> Keys {
    let mut found = Keys::new();
    for db in 0..store.databases() {
        let mut keys = Vec::new();
        store.db(db).scan(0, usize::MAX, |key, _| keys.push(key.to_vec()));
        for key in keys {
            let mut parts = Vec::new();
            let db_of_key = &mut store.db(db);
            let info = db_of_key.info_uncounted(&key).unwrap();
            each(info, |part| parts.push(format!("{part:?}")));
            if matches!(info.kind(), Kind::Set | Kind::Hash) {
                parts.sort_unstable();
            }
            let (expiry, parts) = (info.expiry(), parts.join("\n").into_bytes());
            found.insert((db, key), (expiry, parts));
        }
    }
    found
}

fn each(info: KeyInfo<'_>, mut visit: impl FnMut(Part<'_>)) {
    let _ = info.visit(|part| {
        visit(part);
        ControlFlow::<()>::Continue(())
    });
}

#[test]
fn every_part_of_random_stores_comes_back() {
    let mut random = Random::seeded(5);
    for round in 0..30 {
        let mut made = random_store(&mut random);
        let header = header(&made, Dialect::Valkey);
        let file = saved_with(&mut made, header, round % 3 > 0);
        let mut read =
            load_in_pieces(&file, Loader::new(), 1 + random.below(9000), 1 + random.below(900))
                .unwrap();
        assert_eq!(contents(&mut read.store), contents(&mut made));
        // What Redis has no place for: when fields expire, and when a consumer was active.
        let mut read = load(&saved(&mut made, Dialect::Redis)).unwrap();
        assert_eq!(read.digest(), made.digest().to_hex());
        let expiries = |keys: Keys| {
            keys.into_iter().map(|(key, (expiry, _))| (key, expiry)).collect::<Vec<_>>()
        };
        assert_eq!(expiries(contents(&mut read.store)), expiries(contents(&mut made)));
    }
}

/// Tells a recorder all keys, large ones in parts, with others between, which are those of an equal store.
fn tell(recorder: &mut FileRecorder, store: &mut Store, twin: &mut Store, random: &mut Random) {
    let mut keys: Vec<(usize, Vec<u8>)> = contents(store).into_keys().collect();
    for at in (1..keys.len()).rev() {
        keys.swap(at, random.below(at + 1));
    }
    while let Some((db, key)) = keys.pop() {
        let mut db_of_key = store.db(db);
        let info = db_of_key.info_uncounted(&key).unwrap().with_expired();
        let record = KeyRecord { db, key: &key, expiry: info.expiry(), past: PastUse::default() };
        if info.elements() < 10 {
            recorder.key(&record, info);
            continue;
        }
        let (mut parts, mut expires, mut entries, mut groups) = (0, false, 0_usize, 0);
        each(info, |part| {
            parts += 1;
            entries += usize::from(matches!(part, Part::Entry(_)));
            groups += usize::from(matches!(part, Part::Group { .. }));
            expires |= matches!(part, Part::Field(field) if field.expiry.is_some());
        });
        let nodes = entries.div_ceil(50);
        recorder.begin(&record, Outline { kind: info.kind(), parts, expires, nodes, groups });
        let mut entries = 0;
        each(info, |part| {
            if matches!(part, Part::Entry(_)) {
                if entries % 50 == 0 {
                    recorder.node();
                }
                entries += 1;
            }
            recorder.part(part);
            if random.below(40) == 0
                && let Some((db, key)) = keys.pop()
            {
                let mut db_of_key = twin.db(db);
                let info = db_of_key.info_uncounted(&key).unwrap().with_expired();
                let (expiry, past) = (info.expiry(), PastUse::default());
                recorder.key(&KeyRecord { db, key: &key, expiry, past }, info);
            }
        });
        info.stream()
            .into_iter()
            .flat_map(|stream| stream.groups())
            .for_each(|group| recorder.group(group));
        recorder.end();
    }
}

#[test]
fn a_value_may_be_told_in_parts_and_others_between() {
    let mut random = Random::seeded(8);
    for dialect in [Dialect::Valkey, Dialect::Redis74, Dialect::Redis, Dialect::Valkey] {
        let mut made = random_store(&mut random);
        let output = Collected::default();
        let mut recorder = FileRecorder::new(header(&made, dialect), Box::new(output.clone()));
        let mut twin = load(&saved(&mut made, Dialect::Valkey)).unwrap().store;
        tell(&mut recorder, &mut made, &mut twin, &mut random);
        Box::new(recorder).finish();
        let mut read = load(&finished(&output, true)).unwrap();
        assert_eq!(read.digest(), made.digest().to_hex());
        if dialect != Dialect::Redis {
            assert_eq!(contents(&mut read.store), contents(&mut made));
        }
    }
}

#[test]
fn a_long_string_is_shared_and_not_copied() {
    let mut store = store();
    let long: Vec<u8> = (0..200_000_u32).map(|n| (n % 977 * n % 251) as u8).collect();
    let mut db = store.db(0);
    db.set_raw_string_to(b"long", long.clone());
    db.set_string(b"short", b"12", None);
    let address = db.string(b"long").unwrap().unwrap().as_ptr();
    let mut twin = super::store();
    let output = Collected::default();
    let mut recorder = FileRecorder::new(header(&store, Dialect::Valkey), Box::new(output.clone()));
    // Beside a value that is told in parts, too.
    twin.db(0).edit_or_new::<Set>(b"set").unwrap().add(b"member");
    let record = |key| KeyRecord { db: 0, key, expiry: None, past: PastUse::default() };
    let outline = Outline { kind: Kind::Set, parts: 1, expires: false, nodes: 0, groups: 0 };
    recorder.begin(&record(b"set"), outline);
    for key in [&b"long"[..], b"short"] {
        recorder.key(&record(key), store.db(0).info_untouched(key).unwrap());
    }
    recorder.part(Part::Member(b"member"));
    recorder.end();
    Box::new(recorder).finish();
    let shared = |chunk: &Chunk| chunk.shared.as_ref().map(|text| text.as_ptr());
    let addresses: Vec<_> = output.0.lock().unwrap().iter().filter_map(shared).collect();
    assert_eq!(addresses, [address]);
    // What the thread writes is what was there at the moment.
    store.db(0).edit_string(b"long", |text, from| text[from..].fill(0)).unwrap();
    twin.db(0).set_raw_string_to(b"long", long);
    twin.db(0).set_string(b"short", b"12", None);
    for compresses in [true, false] {
        let read = load(&finished(&output, compresses)).unwrap();
        assert_eq!(read.digest(), twin.digest().to_hex());
    }
}

#[test]
fn fields_that_expire_stay_where_redis_has_no_time_for_them() {
    let mut made = store();
    let mut db = made.db(0);
    for (key, fields) in [(&b"some"[..], 4), (b"all", 2)] {
        let mut hash = db.edit_or_new::<Hash>(key).unwrap();
        for n in 0..fields {
            let (name, when) = (format!("f{n}"), NOW + 10 + i64::from(n / 2) * 1000);
            hash.set_until(name.as_bytes(), b"v", when);
        }
    }
    made.shared.expires_lazily = true;
    made.set_now(NOW + 500);
    let record = |in_parts: bool, dialect: Dialect, made: &mut Store| {
        let output = Collected::default();
        let mut recorder =
            Box::new(FileRecorder::new(header(made, dialect), Box::new(output.clone())));
        for key in [&b"some"[..], b"all"] {
            let mut db = made.db(0);
            let info = db.info_uncounted(key).unwrap().with_expired();
            let past = PastUse::default();
            let record = KeyRecord { db: 0, key, expiry: None, past };
            if in_parts {
                let (kind, parts) = (Kind::Hash, info.elements());
                recorder
                    .begin(&record, Outline { kind, parts, expires: true, nodes: 0, groups: 0 });
                each(info, |part| recorder.part(part));
                recorder.end();
            } else {
                recorder.key(&record, info);
            }
        }
        (recorder.finish(), load(&finished(&output, true)).unwrap())
    };
    for in_parts in [false, true] {
        let (lasting, mut read) = record(in_parts, Dialect::Redis, &mut made);
        assert_eq!(lasting, 2, "fields that have not expired");
        assert_eq!(read.tally, Tally { keys: 1, empty: 1, ..Tally::default() });
        assert_eq!(read.store.db(0).info_uncounted(b"some").unwrap().elements(), 2);
        for dialect in [Dialect::Valkey, Dialect::Redis74] {
            let (lasting, read) = record(in_parts, dialect, &mut made);
            assert_eq!(lasting, 0);
            // They are loaded at NOW, when nothing of it had expired.
            assert_eq!(read.tally, Tally { keys: 2, ..Tally::default() });
        }
    }
}

#[test]
fn a_payload_of_a_hash_has_the_fields_that_have_expired_too() {
    let mut made = store();
    made.shared.expires_lazily = true;
    made.db(0).edit_or_new::<Hash>(b"h").unwrap().set_until(b"f", b"v", NOW + 1);
    made.set_now(NOW + 2);
    let mut payload = Vec::new();
    let mut db = made.db(0);
    let limits = db.limits();
    write::value(&mut payload, db.info_uncounted(b"h").unwrap(), limits);
    assert_eq!(payload[..2], [22, 1], "a field, with the time at which it expired");
}

#[test]
fn how_keys_were_used_is_told_if_the_policy_goes_by_it() {
    let mut made = store();
    made.db(0).set_string(b"k", b"v", None);
    made.set_now(NOW + 100_000);
    for (told_use, marks) in [
        (ToldUse::None, &b"\xfb\x01\x00\x00\x01k"[..]),
        (ToldUse::Idle, b"\xfb\x01\x00\xf8\x40\x64\x00\x01k"),
    ] {
        let header = Header {
            told_use,
            is_aof_base: true,
            functions: vec![b"code".to_vec()],
            ..header(&made, Dialect::Valkey)
        };
        let file = saved_with(&mut made, header, false);
        assert!(file.windows(marks.len()).any(|window| window == marks), "{}", file.escape_ascii());
        assert!(file.ends_with(&[0xff, 0, 0, 0, 0, 0, 0, 0, 0]));
        let read = load(&file).unwrap();
        assert_eq!(read.functions, [b"code"]);
        assert_eq!(read.aux[4], ("aof-base".into(), "1".into()));
    }
}

/// For real servers to load: `RESPD_FILES` is the folder that they go to.
#[test]
#[ignore = "writes files"]
fn files_for_other_servers() {
    let folder = std::path::PathBuf::from(std::env::var_os("RESPD_FILES").unwrap());
    let mut random = Random::seeded(77);
    let mut stores = vec![("random".to_string(), random_store(&mut random))];
    for name in ["valkey-9.1.rdb", "redis-7.0.rdb"] {
        stores.push((name.into(), load(&file(name)).unwrap().store));
    }
    for (name, mut store) in stores {
        for (dialect, word) in
            [(Dialect::Valkey, "valkey"), (Dialect::Redis74, "redis"), (Dialect::Redis, "redis")]
        {
            for sums in [true, false] {
                let header = header(&store, dialect);
                let file = saved_with(&mut store, header, sums);
                let name = format!("{name}-{word}-{sums}");
                std::fs::write(folder.join(format!("{name}.rdb")), file).unwrap();
                let digest = store.digest().to_hex();
                std::fs::write(folder.join(format!("{name}.digest")), digest).unwrap();
            }
        }
    }
}
