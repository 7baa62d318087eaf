//! The files of `tests/conversations`.

use std::fs;
use std::path::{Path, PathBuf};

use respd::internals::conversation::Conversation;

/// Where the families are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conversations")
}

/// Every conversation, family by family. Panics with the line that cannot be read.
pub fn all() -> Vec<Conversation> {
    let mut found = Vec::new();
    for family in entries(&folder()).into_iter().filter(|path| path.is_dir()) {
        let is_text = |path: &PathBuf| path.extension().is_some_and(|end| end == "txt");
        for path in entries(&family).into_iter().filter(is_text) {
            let name = path.strip_prefix(folder()).unwrap().display().to_string();
            found.push(read(&name, &fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(!found.is_empty());
    found
}

/// Reads the text of a conversation. Panics with the line that cannot be read.
pub fn read(name: &str, text: &str) -> Conversation {
    Conversation::read(name, text).unwrap_or_else(|mistake| panic!("{name}: {mistake}"))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
