//! Payloads that others have made, payloads of our own, and what is left of both when they are damaged.

use proptest::prelude::*;

use super::footer::{checked, checked_of_any, seal};
use super::strings::Reader;
use super::{read, write};
use crate::keyspace::types::list::Side;
use crate::keyspace::types::stream::Id;
use crate::keyspace::{Hash, List, Random, Set, Store, Stream, Zset};

const RECORDED: &str = include_str!("tests/payloads.txt");

const NOW: i64 = 1_700_000_000_000;

struct Recorded {
    name: &'static str,
    payload: Vec<u8>,
    digest: &'static str,
}

fn recorded() -> Vec<Recorded> {
    let lines = RECORDED.lines().filter(|line| !line.starts_with('#'));
    let recorded = lines.map(|line| {
        let [name, hex, digest] = line.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let payload = (0..hex.len()).step_by(2).map(byte).collect();
        Recorded { name, payload, digest }
    });
    recorded.collect()
}

fn store() -> Store {
    let mut store = Store::new(1);
    store.set_now(NOW);
    store
}

fn restored(body: &[u8]) -> Option<Store> {
    let mut store = store();
    read::value(&mut Reader::new(body), &mut store.db(0), b"k")?;
    Some(store)
}

fn digest(store: &mut Store) -> String {
    store.db(0).digest_of(b"k").to_hex()
}

fn dumped(store: &mut Store) -> Option<Vec<u8>> {
    let mut db = store.db(0);
    let limits = db.limits();
    let mut payload = Vec::new();
    write::value(&mut payload, db.info(b"k")?, limits);
    Some(payload)
}

/// A value that was read is one that can be written and read again.
fn assert_lasts(store: &mut Store, name: &str) {
    let before = digest(store);
    if let Some(payload) = dumped(store) {
        let mut again = restored(&payload).unwrap_or_else(|| panic!("{name}: {payload:x?}"));
        assert_eq!(digest(&mut again), before, "{name}");
        assert_eq!(dumped(&mut again).map(|payload| payload.len()), Some(payload.len()), "{name}");
    }
}

#[test]
fn payloads_of_others_are_read() {
    assert!(recorded().len() > 70);
    for Recorded { name, payload, digest: expected } in recorded() {
        let body = checked_of_any(&payload).unwrap_or_else(|| panic!("{name}: refused"));
        assert_eq!(checked(&payload).is_some(), !name.starts_with("Redis 8.2"), "{name}");
        let mut store = restored(body).unwrap_or_else(|| panic!("{name}: malformed"));
        assert_eq!(digest(&mut store), expected, "{name}");
        assert_lasts(&mut store, name);
    }
}

/// Where the order of elements is not left to chance, and no time has passed.
#[test]
fn what_valkey_writes_is_written_alike() {
    let mut alike = 0;
    for Recorded { name, payload, .. } in recorded() {
        let is_ordered =
            !name.contains("large set") && !name.contains("hash") && !name.contains("group");
        if name.starts_with("Valkey 9.1") && is_ordered {
            let mut store = restored(checked(&payload).unwrap()).unwrap();
            let mut ours = dumped(&mut store).unwrap();
            seal(&mut ours);
            assert!(ours == payload, "{name}");
            alike += 1;
        }
    }
    assert!(alike > 12, "{alike}");
}

#[test]
fn a_payload_that_is_cut_is_none() {
    for Recorded { name, payload, .. } in recorded() {
        for end in 0..payload.len() {
            assert_eq!(checked_of_any(&payload[..end]), None, "{name}");
        }
        let body = checked_of_any(&payload).unwrap();
        // Old files go on behind their first value.
        if !name.starts_with("file") {
            for end in 0..body.len() {
                assert!(restored(&body[..end]).is_none(), "{name} cut at {end}");
            }
        }
    }
}

#[test]
fn a_payload_that_is_changed_is_a_value_or_none() {
    for Recorded { name, payload, .. } in recorded() {
        let body = checked_of_any(&payload).unwrap();
        // Long ones are full of elements that are like each other.
        for at in (0..body.len()).step_by(1 + body.len() / 60) {
            let bits = if body.len() < 60 { 0..8 } else { at % 7..at % 7 + 2 };
            for bit in bits {
                let mut changed = body.to_vec();
                changed[at] ^= 1 << bit;
                if let Some(mut store) = restored(&changed) {
                    assert_lasts(&mut store, name);
                }
            }
        }
    }
}

/// The checksum of a payload keeps damage out, and not a payload that is made so on purpose: its checksum is right.
#[test]
fn a_payload_that_is_made_up_is_a_value_that_holds_together_or_none() {
    let mut payloads = recorded();
    payloads.retain(|recorded| recorded.payload.len() < 2000);
    let mut random = Random::seeded(3);
    let (mut values, mut empty) = (0, store());
    empty.db(0).clear();
    for _ in 0..100_000 {
        let Recorded { name, payload, .. } = &payloads[random.below(payloads.len())];
        let mut body = checked_of_any(payload).unwrap().to_vec();
        for _ in 0..1 + random.below(3) {
            let at = random.below(body.len());
            body[at] = match random.below(2) {
                0 => body[at] ^ 1 << random.below(8),
                _ => random.next_u64() as u8,
            };
        }
        seal(&mut body);
        let body = checked_of_any(&body).expect("the checksum is right");
        let Some(mut store) = restored(body) else { continue };
        values += 1;
        if values % 8 == 0 {
            assert_lasts(&mut store, name);
            store.db(0).clear();
            while store.free_some(1000) {}
            assert_eq!(store.memory(), empty.memory(), "{name}");
        }
    }
    assert!(values > 10_000, "{values}");
}

#[test]
fn what_is_there_twice_or_not_at_all_is_no_value() {
    for bad in [
        &b""[..],
        b"\x01\x00",
        b"\x02\x00",
        b"\x04\x00",
        b"\x05\x00",
        b"\x12\x00",
        b"\x02\x02\x01a\x01a",
        b"\x04\x02\x01a\x01b\x01a\x01b",
        b"\x16\x01\x01a\x01b\xfb\xff\xff\xff\xff\xff\xff\xff",
        b"\x03\x01\x01a\xfd",
        b"\x03\x01\x01a\x03foo",
        b"\x05\x01\x01a\0\0\0\0\0\0\xf8\x7f",
        b"\x63",
        b"\x01\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x01a",
        b"\x00\x0ahello",
    ] {
        assert!(restored(bad).is_none(), "{bad:?}");
    }
    let mut expired = restored(b"\x16\x01\x01a\x01b\x01\0\0\0\0\0\0\0").unwrap();
    assert!(!expired.db(0).contains(b"k"), "a field that has expired leaves no key");
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        any::<i16>().prop_map(|n| n.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..80),
        (0_usize..10_000).prop_map(|length| vec![b'x'; length]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(kind in 0..6, texts in prop::collection::vec(text(), 1..300)) {
        let mut made = store();
        let mut db = made.db(0);
        for (n, text) in texts.iter().enumerate() {
            match kind {
                0 => db.set_string(b"k", text, None),
                1 => {
                    let mut list = db.edit_or_new::<List>(b"k").unwrap();
                    list.push(Side::Right, std::iter::once(&text[..]));
                }
                2 => _ = db.edit_or_new::<Set>(b"k").unwrap().add(text),
                3 => {
                    let score = n as f64 * 0.37 - 20.0;
                    db.edit_or_new::<Zset>(b"k").unwrap().insert(text, score);
                }
                4 if n % 3 == 2 => {
                    let mut hash = db.edit_or_new::<Hash>(b"k").unwrap();
                    hash.set_until(text, b"v", NOW + 1 + n as i64);
                }
                4 => _ = db.edit_or_new::<Hash>(b"k").unwrap().set(text, text),
                _ => {
                    let mut stream = db.edit_or_new::<Stream>(b"k").unwrap();
                    let fields = [(&b"f"[..], &text[..]), (&text[..], b"12")];
                    stream.append(Id::new(1 + n as u64 / 2, n as u64), fields[n % 2..].iter().copied());
                }
            }
        }
        assert_lasts(&mut made, "made here");
    }

    #[test]
    fn nothing_is_too_strange(kind in 0_u8..30, body in prop::collection::vec(any::<u8>(), 0..100)) {
        let body = [&[kind], &body[..]].concat();
        if let Some(mut store) = restored(&body) {
            assert_lasts(&mut store, "by chance");
        }
    }
}
