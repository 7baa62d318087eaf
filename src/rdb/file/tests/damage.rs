//! Files that are damaged, and files that come in pieces.

use super::*;

/// The files, and one of ours.
fn files() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> =
        digests().into_iter().map(|(name, _)| (name.clone(), file(&name))).collect();
    let mut read = load(&file("valkey-9.1.rdb")).unwrap();
    files.push(("ours".into(), saved(&mut read.store, Dialect::Valkey)));
    files.retain(|(_, file)| file.len() < 8000);
    files
}

/// A store that was loaded from so many bytes is one that can be used, saved and emptied.
fn assert_sound(mut read: Read, bytes: &[u8], name: &str) {
    let digest = read.digest();
    // A byte of LZF is at most 88 of a string; a byte of a string at most an element.
    let most = 100_000 + 88 * 100 * bytes.len();
    assert!(read.store.memory() < most, "{name}: {} of {}", read.store.memory(), bytes.len());
    let again = load(&saved(&mut read.store, Dialect::Valkey));
    let again = again.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(again.digest(), digest, "{name}");
    for mut store in [again.store, read.store] {
        (0..store.databases()).for_each(|db| _ = store.db(db).clear());
        while store.free_some(1000) {}
        let left = store.memory() - Store::new(16).memory();
        assert_eq!(left, 0, "{name}: {}", bytes.escape_ascii());
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_cut_short() {
    for (name, file) in files() {
        for end in 0..file.len() {
            let error = load(&file[..end]).err().unwrap_or_else(|| panic!("{name} cut at {end}"));
            assert_eq!(error.defect, Defect::CutShort, "{name} cut at {end}: {error}");
            assert!(error.offset <= end as u64);
        }
    }
}

#[test]
fn pieces_make_the_same_as_the_whole() {
    for (name, file) in files() {
        let whole = load(&file).unwrap();
        for (piece, work) in [(1, 1), (1, usize::MAX), (7, 3), (usize::MAX, 1), (64, 2)] {
            let read = load_in_pieces(&file, Loader::new(), piece, work).unwrap();
            assert_eq!(read.digest(), whole.digest(), "{name} in pieces of {piece}");
            assert_eq!(read.tally, whole.tally);
            assert_eq!(
                (read.used, read.aux, read.functions),
                (whole.used, whole.aux.clone(), whole.functions.clone())
            );
        }
    }
}

#[test]
fn a_file_may_be_split_anywhere() {
    for (name, file) in files().into_iter().filter(|(name, _)| name != "valkey-9.1-lfu.rdb") {
        let whole = load(&file).unwrap().digest();
        for piece in (1..file.len()).step_by(1 + file.len() / 300) {
            let read = load_in_pieces(&file, Loader::new(), piece, usize::MAX).unwrap();
            assert_eq!(read.digest(), whole, "{name} split at {piece}");
        }
    }
}

#[test]
fn a_file_of_which_bytes_are_changed_is_another_or_refused() {
    let files = files();
    let mut random = Random::seeded(41);
    let (mut loaded, mut refused) = (0, 0);
    for round in 0..100_000 {
        let (name, file) = &files[random.below(files.len())];
        let mut changed = file.clone();
        for _ in 0..1 + random.below(2) {
            let at = random.below(changed.len());
            changed[at] = match random.below(3) {
                0 => random.below(256) as u8,
                1 => changed[at] ^ 1 << random.below(8),
                _ => [0, 0x3f, 0x7f, 0x80, 0x81, 0xc3, 0xff][random.below(7)],
            };
        }
        let loader = if round % 2 == 0 { Loader::new() } else { Loader::new().unverified() };
        match load_in_pieces(&changed, loader, usize::MAX, usize::MAX) {
            Ok(read) => {
                loaded += 1;
                // Saving all that is loaded takes its time.
                if loaded % 16 == 0 {
                    assert_sound(read, &changed, name);
                }
            }
            Err(error) => {
                refused += 1;
                assert!(error.offset <= changed.len() as u64, "{name}: {error}");
            }
        }
    }
    assert!(loaded > 5_000 && refused > 50_000, "{loaded} {refused}");
}

/// Lengths that lie cost nothing: no memory is taken for what is only declared.
#[test]
fn lengths_that_lie_take_no_memory() {
    let most = b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff";
    for kind in 0..26_u8 {
        let mut file = [&b"VALKEY080"[..], &[kind], b"\x01k", most, most, most].concat();
        file.extend([0; 40]);
        assert!(load(&file).is_err(), "{kind}");
        let file =
            [&b"VALKEY080"[..], &[kind], b"\x01k", b"\xc3", b"\x05", most, b"\x00a\xe0\xff\x00"]
                .concat();
        assert!(load(&file).is_err(), "{kind}");
    }
}
