//! What the targets in `fuzz/` need of this room, which nothing else outside of the crate sees.

use super::file::{Loaded, Loader};
use super::footer::seal;
use crate::keyspace::Store;

/// A payload with this body.
pub fn sealed(body: &[u8]) -> Vec<u8> {
    let mut payload = body.to_vec();
    seal(&mut payload);
    payload
}

/// Loads a file that comes in pieces of so many bytes: the digest of what it holds, or what is wrong.
pub fn load(file: &[u8], piece: usize) -> Result<String, String> {
    let (mut store, mut loader) = (Store::new(16), Loader::new().unverified());
    let (mut used, mut there) = (0, 0);
    loop {
        let loaded = loader.load(&file[used..there], &mut store, usize::MAX);
        match loaded.map_err(|error| error.to_string())? {
            Loaded::More { used: 0 } if there == file.len() => {
                return Err(loader.cut_short().to_string());
            }
            Loaded::More { used: 0 } => there = (there + piece).min(file.len()),
            Loaded::More { used: more }
            | Loaded::Aux { used: more, .. }
            | Loaded::Function { used: more, .. } => used += more,
            Loaded::Over { .. } => return Ok(store.digest().to_hex()),
        }
    }
}
