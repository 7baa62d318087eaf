use std::collections::HashMap;

use respd_exercises::chapter_11::{LONGEST, MOST_FIELDS, SmallHash, Table};

/// The bytes of the compact form.
fn row(hash: &SmallHash) -> &[u8] {
    match hash {
        SmallHash::Compact(bytes) => bytes,
        SmallHash::Large(_) => panic!("it is large"),
    }
}

fn is_large(hash: &SmallHash) -> bool {
    matches!(hash, SmallHash::Large(_))
}

#[test]
fn a_small_hash_is_a_row_of_words() {
    let mut hash = SmallHash::default();
    assert!(hash.set(b"name", b"Ada"));
    assert_eq!(row(&hash), b"\x02\x00\x04name\x04\x03Ada\x03");
    assert!(hash.set(b"", b""));
    assert!(!hash.set(b"name", b"Grace"));
    assert_eq!(row(&hash), b"\x04\x00\x04name\x04\x05Grace\x05\x00\x00\x00\x00");
    assert_eq!(
        (hash.get(b"name"), hash.get(b""), hash.len()),
        (Some(&b"Grace"[..]), Some(&b""[..]), 2)
    );
    // A value is no name.
    assert!(!hash.remove(b"Grace"));
    assert_eq!((hash.get(b"Grace"), hash.get(b"nam")), (None, None));
    assert!(hash.remove(b"name"));
    assert_eq!((row(&hash), hash.get(b"name")), (&b"\x02\x00\x00\x00\x00\x00"[..], None));
}

#[test]
fn what_passes_a_limit_is_large_and_stays_so() {
    let mut hash = SmallHash::default();
    for n in 0..MOST_FIELDS as u8 {
        assert!(hash.set(&[n], b"v"));
    }
    assert!(!hash.set(&[0], b"w") && !is_large(&hash), "the field was there");
    assert!(hash.set(b"more", b"v") && is_large(&hash));
    assert_eq!(
        (hash.len(), hash.get(&[0]), hash.get(b"more")),
        (MOST_FIELDS + 1, Some(&b"w"[..]), Some(&b"v"[..]))
    );
    assert!(hash.remove(b"more") && !hash.remove(b"more") && is_large(&hash));

    let mut hash = SmallHash::default();
    hash.set(b"k", &[b'x'; LONGEST]);
    assert!(!is_large(&hash));
    assert!(!hash.set(b"k", &[b'x'; LONGEST + 1]), "the field was there");
    assert!(is_large(&hash) && hash.get(b"k").map(<[u8]>::len) == Some(LONGEST + 1));
}

#[test]
fn both_forms_are_what_a_map_is() {
    let (mut hash, mut model) = (SmallHash::default(), HashMap::new());
    let mut random = 1_u64;
    for step in 0..5000 {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Few names at first, so that it stays small.
        let names = if step < 2500 { MOST_FIELDS as u64 } else { 40 };
        let name = format!("field:{}", (random >> 40) % names).into_bytes();
        let value = vec![b'v'; (random >> 50) as usize % 60];
        if (random >> 35) % 3 == 0 {
            assert_eq!(hash.remove(&name), model.remove(&name).is_some());
        } else {
            assert_eq!(hash.set(&name, &value), model.insert(name.clone(), value).is_none());
        }
        assert_eq!(hash.get(&name), model.get(&name).map(Vec::as_slice));
        assert_eq!((hash.len(), is_large(&hash)), (model.len(), is_large(&hash) && step >= 2500));
    }
    assert!(is_large(&hash));
}

#[test]
fn no_insertion_has_a_bad_moment() {
    let mut table = Table::default();
    for key in 0..50_000_u64 {
        let before = table.moved;
        table.insert(key * 7, key);
        assert!(table.moved - before <= 64, "{} entries at key {key}", table.moved - before);
        let known = key / 2;
        assert_eq!((table.get(key * 7), table.get(known * 7)), (Some(key), Some(known)));
    }
    assert_eq!((table.get(1), table.get(350_000)), (None, None));
    assert!(table.longest() <= 64, "{} are looked at for one key", table.longest());
}
