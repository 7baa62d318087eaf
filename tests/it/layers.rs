//! The house rules of `src/`, held by reading it: who may import whom, and what a file looks like.
//!
//! The order of the layers, lowest first, is [`LAYERS`]. A file may name what stands to its left, never
//! what stands to its right or beside it. Within a room files form no circle but the few in `CIRCLES`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the left to the right. Those in one entry may not name each other.
const LAYERS: &[&[&str]] = &[
    &["text", "error", "clock", "peer", "shared_bytes"],
    &["wire", "keyspace"],
    &["config", "rdb"],
    &["telemetry", "conversation"],
    &["access"],
    &["listeners", "stage"],
    &["session"],
    &["world"],
    &["dispatch"],
    &["files"],
    &["persistence"],
    &["commands", "engine", "scripting"],
    &["net"],
    &["embed"],
    &["internals"],
    &["main"],
];

/// Rooms that may not name a room to the left of them: from, to.
const APART: &[(&str, &str)] = &[
    // The keyspace has errors of its own: what a client is told of them, dispatch says.
    ("keyspace", "error"),
];

/// Arrows between files of one room that close a circle and are meant to: from, to.
const CIRCLES: &[(&str, &str)] = &[
    // A row has a handler, and a handler sees its row.
    ("dispatch::spec", "dispatch::ctx"),
    ("dispatch::own", "dispatch::ctx"),
    // So does a closure beside commands.
    ("dispatch::table", "dispatch::hooks"),
];

/// Rooms whose `mod.rs` only lists their files.
const LISTS: &[&str] = &["access", "config"];

/// Files below `files` that open one of the system's all the same: which, and why.
const SYSTEM_FILES: &[(&str, &str)] = &[
    ("access/password.rs", "a password of ACL GENPASS comes from the system's random numbers"),
    ("telemetry/process.rs", "the system tells in `/proc` how much memory the process uses"),
];

/// The most lines a file may have above its tests.
const LONGEST: usize = 600;

/// A file of `src/`.
struct File {
    path: PathBuf,
    /// Its module: `["resp", "request"]`. `mod.rs` is the room itself.
    module: Vec<String>,
    text: String,
}

impl File {
    fn room(&self) -> &str {
        &self.module[0]
    }

    /// The code above the tests, comments and literals of text blanked out.
    fn code(&self) -> String {
        blank(self.above_tests())
    }

    fn above_tests(&self) -> &str {
        self.text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default()
    }

    /// What the code names of this crate: absolute paths, without `crate`.
    fn named(&self) -> Vec<Vec<String>> {
        let code = self.code();
        let mut found = Vec::new();
        for (root, at) in roots(&code) {
            let base = match root {
                Root::Crate => Vec::new(),
                Root::Super(levels) => {
                    self.module[..self.module.len().saturating_sub(levels)].to_vec()
                }
            };
            collect(&code[at..], base, &mut found);
        }
        found
    }
}

/// What a path starts from.
enum Root {
    Crate,
    /// So many times `super`.
    Super(usize),
}

/// Every path in `code` that starts from `crate` or `super`, and where it goes on behind the `::`.
fn roots(code: &str) -> Vec<(Root, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = code[from..].find("::").map(|at| from + at) {
        let word = code[..at].rsplit(|c: char| !is_word(c)).next().unwrap_or_default();
        let is_first = !code[..at - word.len()].ends_with("::");
        let mut behind = at + 2;
        match word {
            "crate" => found.push((Root::Crate, behind)),
            "super" if is_first => {
                let mut levels = 1;
                while code[behind..].starts_with("super::") {
                    behind += "super::".len();
                    levels += 1;
                }
                found.push((Root::Super(levels), behind));
            }
            _ => {}
        }
        from = behind;
    }
    found
}

/// The paths that `rest` begins with, braces opened: `a::{b, c::d}` are `a::b` and `a::c::d`.
fn collect(rest: &str, mut path: Vec<String>, found: &mut Vec<Vec<String>>) {
    let mut rest = rest;
    loop {
        let word: String = rest.chars().take_while(|&c| is_word(c)).collect();
        if !word.is_empty() {
            rest = &rest[word.len()..];
            path.push(word);
        } else if let Some(inner) = rest.strip_prefix('{') {
            for part in parts(inner) {
                collect(part, path.clone(), found);
            }
            return;
        }
        match rest.strip_prefix("::") {
            Some(more) => rest = more,
            None => break,
        }
    }
    found.push(path);
}

/// What stands between commas up to the brace that closes `inner`.
fn parts(inner: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.push(inner[start..at].trim());
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found.retain(|part| !part.is_empty());
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `text` without line comments and without what stands between double quotes.
fn blank(text: &str) -> String {
    let mut code = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|&c| c != '\n').is_some() {},
            // A character or byte literal of a quote is no text.
            '\'' if chars.peek() == Some(&'"') => {
                chars.next();
            }
            '"' => {
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => drop(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            _ => code.push(c),
        }
    }
    code
}

fn files() -> Vec<File> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(&source).unwrap().to_owned();
                let mut module: Vec<String> = path
                    .with_extension("")
                    .iter()
                    .map(|part| part.to_string_lossy().into_owned())
                    .collect();
                module.pop_if(|last| last == "mod");
                found.push(File { path, module, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 20, "this reads the wrong folder");
    found
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn every_room_has_a_layer() {
    let homeless: BTreeSet<String> = files()
        .iter()
        .map(|file| file.room().to_owned())
        .filter(|room| room != "lib" && layer(room).is_none())
        .collect();
    assert!(homeless.is_empty(), "rooms that `layers.rs` does not place: {homeless:?}");
}

// ANCHOR: arrows
#[test]
fn arrows_point_to_the_left() {
    let mut wrong = Vec::new();
    // `lib.rs` names every room, that is its task.
    for file in files().iter().filter(|file| file.room() != "lib") {
        let own = layer(file.room());
        for path in file.named() {
            let Some(room) = path.first() else { continue };
            let named = layer(room);
            let is_apart = APART.contains(&(file.room(), room));
            if room != file.room() && named.is_some() && (named >= own || is_apart) {
                wrong.push(format!("src/{} names {}", file.path.display(), path.join("::")));
            }
        }
    }
    assert_none("arrows to the right", &wrong);
}
// ANCHOR_END: arrows

/// Modules beside each other, at any depth, form no circle: two that need each other would be one. A folder
/// counts as one module with all that is in it. A module and what is inside it may name each other.
#[test]
fn modules_beside_each_other_form_no_circle() {
    let files = files();
    let modules = modules(&files);
    let exports = exports(&files, &modules);
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in &files {
        for path in file.named() {
            let path = resolve(path, &exports);
            let shared =
                file.module.iter().zip(&path).take_while(|(one, other)| one == other).count();
            if shared == 0 || shared >= file.module.len() || shared >= path.len() {
                continue;
            }
            let (from, to) = (file.module[..=shared].join("::"), path[..=shared].join("::"));
            if modules.contains(&to) && !CIRCLES.contains(&(&from, &to)) {
                arrows.entry(from).or_default().insert(to);
            }
        }
    }
    // Takes away what stands at either end of the arrows until nothing more goes: what stays is in a circle,
    // or between two.
    loop {
        let before: usize = arrows.values().map(BTreeSet::len).sum();
        let from: BTreeSet<String> = arrows.keys().cloned().collect();
        let to: BTreeSet<String> = arrows.values().flatten().cloned().collect();
        arrows.values_mut().for_each(|named| named.retain(|module| from.contains(module)));
        arrows.retain(|module, named| to.contains(module) && !named.is_empty());
        if arrows.values().map(BTreeSet::len).sum::<usize>() == before {
            break;
        }
    }
    let circles: Vec<String> =
        arrows.iter().map(|(from, to)| format!("{from} names {to:?}")).collect();
    assert_none("circles", &circles);
}

/// Every file and every folder as a path.
fn modules(files: &[File]) -> BTreeSet<String> {
    let prefixes = |file: &File| {
        let module = file.module.clone();
        (1..=module.len()).map(move |depth| module[..depth].join("::"))
    };
    files.iter().flat_map(prefixes).collect()
}

/// What files hand on under their own name with `pub use`: where each name really stands.
fn exports(files: &[File], modules: &BTreeSet<String>) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for file in files.iter().filter(|file| !["lib", "internals"].contains(&file.room())) {
        let code = file.code();
        let uses = ["pub use ", "pub(crate) use ", "pub(super) use "];
        for (at, word) in uses.iter().flat_map(|word| code.match_indices(word)) {
            let mut paths = Vec::new();
            collect(&code[at + word.len()..], Vec::new(), &mut paths);
            for mut path in paths {
                let Some(name) = path.last().cloned() else { continue };
                if path[0] == "crate" {
                    path.remove(0);
                } else if path[0] == "self" {
                    path.splice(..1, file.module.clone());
                } else {
                    path.splice(..0, file.module.clone());
                }
                if modules.contains(&path[..path.len() - 1].join("::")) {
                    found.insert([file.module.join("::"), name].join("::"), path);
                }
            }
        }
    }
    found
}

/// Where what a path names really stands.
fn resolve(mut path: Vec<String>, exports: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let is_export = |path: &[String]| {
        (1..=path.len()).find(|&depth| exports.contains_key(&path[..depth].join("::")))
    };
    // A name may be handed on through several files; a circle of such names would not compile.
    for _ in 0..8 {
        let Some(depth) = is_export(&path) else { break };
        let real = exports[&path[..depth].join("::")].clone();
        path.splice(..depth, real);
    }
    path
}

/// The files of these rooms name one another, so what stood in `mod.rs` would close circles.
#[test]
fn rooms_that_only_list_their_files_do() {
    let items = ["fn", "struct", "enum", "trait", "impl", "const", "static"];
    let more: Vec<String> = files()
        .iter()
        .filter(|file| LISTS.contains(&file.module.join("::").as_str()))
        .filter(|file| file.code().split(|c| !is_word(c)).any(|word| items.contains(&word)))
        .map(|file| file.path.display().to_string())
        .collect();
    assert_none("`mod.rs` with more than a list", &more);
}

/// A configuration, users and their rules are text to all that stands below `files`.
#[test]
fn no_file_is_touched_below_the_room_of_files() {
    let touching: Vec<String> = files()
        .iter()
        .filter(|file| file.room() != "lib" && layer(file.room()) < layer("files"))
        .filter(|file| !file.module.iter().any(|part| part == "tests"))
        .filter(|file| file.code().split(|c| !is_word(c)).any(|word| word == "fs"))
        .map(|file| file.path.display().to_string())
        .collect();
    let known: Vec<&str> = SYSTEM_FILES.iter().map(|&(file, _)| file).collect();
    assert_eq!(touching, known, "below `files`, these touch files, and those may");
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = files()
        .iter()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| format!("src/{}", file.path.display()))
        .collect();
    assert_none("files that do not start with //!", &silent);
}

#[test]
fn a_file_can_be_read_in_one_sitting() {
    let long: Vec<String> = files()
        .iter()
        .map(|file| (file, file.above_tests().lines().count()))
        .filter(|&(_, lines)| lines > LONGEST)
        .map(|(file, lines)| format!("src/{}: {lines} lines", file.path.display()))
        .collect();
    assert_none(&format!("files of more than {LONGEST} lines"), &long);
}

#[test]
fn nothing_is_unsafe() {
    let unsafe_files: Vec<String> = files()
        .iter()
        .filter(|file| blank(&file.text).split(|c| !is_word(c)).any(|word| word == "unsafe"))
        .map(|file| format!("src/{}", file.path.display()))
        .collect();
    assert_none("files with `unsafe`", &unsafe_files);
    for root in ["lib", "main"] {
        let forbidden = files()
            .iter()
            .any(|file| file.room() == root && file.text.contains("#![forbid(unsafe_code)]"));
        assert!(forbidden, "the root of {root} does not forbid unsafe code");
    }
}

#[test]
fn the_reader_of_paths_reads_them() {
    let file = File {
        path: PathBuf::from("wire/request.rs"),
        module: vec!["wire".to_owned(), "request".to_owned()],
        text: "use crate::{a, b::{c, d::e}};\nuse super::f::G; // crate::no\nlet s = \"crate::no\";\n\
               fn h(i: crate::j::K) { super::super::l() }\n#[cfg(test)]\nmod tests { use crate::no; }"
            .to_owned(),
    };
    let named: Vec<String> = file.named().iter().map(|path| path.join("::")).collect();
    assert_eq!(named, ["a", "b::c", "b::d::e", "wire::f::G", "j::K", "l"]);
}
