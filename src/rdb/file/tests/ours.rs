//! Files of our own.

use super::*;

#[test]
fn what_is_saved_is_loaded() {
    for (name, digest) in digests() {
        for dialect in [Dialect::Valkey, Dialect::Redis] {
            let mut read = load(&file(&name)).unwrap();
            let ours = saved(&mut read.store, dialect);
            let again = load(&ours).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(again.digest(), digest, "{name}");
            assert_eq!(again.used, ours.len());
        }
    }
}
