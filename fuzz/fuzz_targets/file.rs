//! Any bytes as a snapshot: a store or an error, the same however the bytes are cut.
//!
//! The first byte of the input says how long the pieces are.

#![no_main]

use libfuzzer_sys::fuzz_target;
use respd::internals::fuzzing::load;

fuzz_target!(|data: &[u8]| {
    let Some((&size, file)) = data.split_first() else { return };
    let piece = usize::from(size).max(1);
    assert_eq!(load(file, file.len().max(1)), load(file, piece), "in pieces of {piece}");
});
