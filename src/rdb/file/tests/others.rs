//! Files that other servers wrote.

use super::*;

#[test]
fn files_of_others_are_loaded_as_valkey_loads_them() {
    for (name, digest) in digests() {
        let read = load(&file(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.digest(), digest, "{name}");
    }
}

#[test]
fn what_a_file_says_of_itself_is_handed_on() {
    let read = load(&file("redis-7.0.rdb")).unwrap();
    let names: Vec<&str> = read.aux.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(names, ["redis-ver", "redis-bits", "ctime", "used-mem", "aof-base"]);
    assert_eq!(read.aux[1].1, "64");
    let [library] = &read.functions[..] else { panic!("{:?}", read.functions) };
    assert!(library.starts_with(b"#!lua name=lib\n"));
    let read = load(&file("valkey-9.1-cluster.rdb")).unwrap();
    assert!(read.aux.iter().any(|(name, _)| name == "slot-info"));
    assert_eq!(read.tally.keys, 31);
}

#[test]
fn values_of_modules_are_refused_by_name() {
    let said = |name| load(&file(name)).err().unwrap().to_string();
    assert_eq!(
        said("redis_40_with_module.rdb"),
        "a value of the module type 'ReJSON-RL', which is not there, of key 'foo' at byte 190"
    );
    assert_eq!(
        said("redis_60_with_module_aux.rdb"),
        "data of the module 'test__rdb', which is not there at byte 89"
    );
}

#[test]
fn empty_values_are_dropped() {
    let read = load(&file("corrupt_empty_keys.rdb")).unwrap();
    assert_eq!(read.tally, Tally { empty: 9, ..Tally::default() });
}

#[test]
fn keys_that_have_expired_are_dropped_unless_a_log_goes_on() {
    let file = file("keys_with_expiry.rdb");
    let read = load(&file).unwrap();
    assert_eq!(read.tally, Tally { expired: 1, ..Tally::default() });
    let loader = Loader::new().keeping_expired();
    let mut read = load_in_pieces(&file, loader, usize::MAX, usize::MAX).unwrap();
    assert_eq!(read.tally, Tally { keys: 1, ..Tally::default() });
    assert_eq!(read.store.shared.now, NOW);
    assert!(!read.store.expire_some(10));
    assert_eq!(read.store.shared.expired, 1);
}

#[test]
fn a_hash_may_lose_all_fields_or_keep_them() {
    // Two fields that expired in 1970, and a key behind them.
    let mut file = b"VALKEY080\x16\x01h\x02".to_vec();
    for name in [b'a', b'b'] {
        file.extend([1, name, 1, b'v']);
        file.extend(1000_i64.to_le_bytes());
    }
    file.extend(b"\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0");
    let read = load(&file).unwrap();
    assert_eq!(read.tally, Tally { keys: 1, expired_hashes: 1, ..Tally::default() });
    let loader = Loader::new().keeping_expired();
    let mut read = load_in_pieces(&file, loader, 1, 1).unwrap();
    assert_eq!(read.tally, Tally { keys: 2, ..Tally::default() });
    let parts = read.store.db(0).info_uncounted(b"h").unwrap().with_expired().elements();
    assert_eq!(parts, 2);
}

#[test]
fn what_stands_behind_the_file_is_left_to_the_caller() {
    let file = file("rdb-preamble.aof");
    let read = load(&file).unwrap();
    assert!(
        file[read.used..].starts_with(b"*2\r\n$6\r\nSELECT"),
        "{}",
        file[read.used..].escape_ascii()
    );
    assert_eq!(load_in_pieces(&file, Loader::new(), 1, 1).unwrap().used, read.used);
}

/// A file of Valkey's that goes on like this, without a checksum.
fn valkey(items: &[u8]) -> Vec<u8> {
    [b"VALKEY080", items, b"\xff\0\0\0\0\0\0\0\0"].concat()
}

#[test]
fn what_cannot_be_loaded_is_named_with_its_place() {
    for (file, said) in [
        (b"REDIS0014".to_vec(), "a version that is not known: REDIS 14 at byte 0"),
        (b"REDIS0000".to_vec(), "a version that is not known: REDIS 0 at byte 0"),
        (b"VALKEY079".to_vec(), "a version that is not known: VALKEY 79 at byte 0"),
        (b"VALKEY0x0".to_vec(), "no snapshot: neither REDIS nor VALKEY and a version at byte 0"),
        (
            b"*1\r\n$4\r\nPING\r\n".to_vec(),
            "no snapshot: neither REDIS nor VALKEY and a version at byte 0",
        ),
        (
            valkey(b"\xfe\x10"),
            "database 16, and there are 16 ('databases' says how many) at byte 9",
        ),
        (
            valkey(b"\x00\x01k\x01v\x00\x01k\x01w"),
            "key 'k' for the second time in database 0 at byte 14",
        ),
        (
            valkey(b"\x00\x01k\x01v\xfe\x03\x00\x01k\x01v\x02\x01k\x01\x01m"),
            "key 'k' for the second time in database 3 at byte 21",
        ),
        (valkey(b"\x2a\x01k\x01v"), "no type of value and no opcode: 42 at byte 9"),
        (valkey(b"\x02\x01k\x02\x01m\x01m"), "malformed value of type 2 of key 'k' at byte 17"),
        (valkey(b"\x00\xc4k\x01v"), "malformed key or string at byte 9"),
        (valkey(b"\xfa\xc4k\x01v"), "malformed text about the file at byte 9"),
        (valkey(b"\xfb\x01\x82"), "malformed sizes of a database at byte 9"),
        (valkey(b"\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff"), "malformed key or string at byte 9"),
        (
            valkey(b"\xf6\x01a"),
            "functions as they were before their release (7.0-rc2 and before) at byte 9",
        ),
        (valkey(b"\xf3\x01n\x80\x00\x01\x00\x00"), "malformed import of slots at byte 9"),
        (
            b"VALKEY080\xff\x01\0\0\0\0\0\0\0".to_vec(),
            "the checksum is 236c80c18fa49d43, and 0000000000000001 is stated at byte 10",
        ),
        (b"VALKEY080\x00\x01k\x09v".to_vec(), "the file is cut short at byte 9"),
        (b"VALKEY080\x02\x01k\x03\x01v\x01".to_vec(), "the file is cut short at byte 15"),
        (Vec::new(), "the file is cut short at byte 0"),
    ] {
        for (piece, work) in [(usize::MAX, usize::MAX), (1, 1)] {
            let error = load_in_pieces(&file, Loader::new(), piece, work).err().unwrap();
            assert_eq!(error.to_string(), said, "{}", file.escape_ascii());
        }
    }
    let unsummed = Loader::new().unverified();
    let file = b"VALKEY080\xff\x01\0\0\0\0\0\0\0";
    assert!(load_in_pieces(file, unsummed, 1, 1).is_ok());
}

#[test]
fn slots_and_seconds_are_passed_over_or_understood() {
    let file = valkey(b"\xf4\x05\x01\x00\xf3\x04task\x02\x00\x05\x41\x00\x42\x00\xfd\xff\xff\xff\x7f\xf8\x05\x00\x01k\x01v\x00\x01l\x01w");
    let mut read = load(&file).unwrap();
    assert_eq!(read.tally.keys, 2);
    let expiry = |read: &mut Read, key| read.store.db(0).expiry(key).unwrap();
    assert_eq!(expiry(&mut read, b"k"), Some(2_147_483_647_000));
    assert_eq!(expiry(&mut read, b"l"), None);
    assert_eq!(read.store.db(0).info_uncounted(b"k").unwrap().idle(), 5);
    assert_eq!(read.store.db(0).info_uncounted(b"l").unwrap().idle(), 0);
}
