//! Files that other servers wrote.

use super::*;

#[test]
fn files_of_others_are_loaded_as_valkey_loads_them() {
    for (name, digest) in digests() {
        let read = load(&file(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.digest(), digest, "{name}");
    }
}
