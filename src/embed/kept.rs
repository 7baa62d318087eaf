//! Texts of an embedder that rows of commands hold.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The text, for as long as the process lives. Texts that are equal are kept once, so that many servers with the same
/// commands cost no more than one.
pub(super) fn kept(text: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(&text) = all.get(text) {
        return text;
    }
    let text: &'static str = Box::leak(text.into());
    all.insert(text);
    text
}
