//! What an embedder sees, as a list: `docs/public-api.txt` changes only when somebody means it to.
//!
//! The list is read from the source: what `lib.rs`, the wire and `respd::test` hand on, with the public methods, fields and
//! variants of each type and the traits that it has. What is `#[doc(hidden)]` is for respd's own program and tests.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The most items that an embedder may have to know of.
const MOST: usize = 200;

const STORED: &str = "docs/public-api.txt";

/// A name at the front: the module that hands it on, the room it comes from, its name there, and its name here.
struct Name {
    module: String,
    room: String,
    real: String,
    shown: String,
}

/// The names of `pub use room::{A, B as C};` in a file. Names of a module's own begin with `self`.
fn handed_on(module: &str, text: &str, room: Option<&str>) -> Vec<Name> {
    let mut names = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[doc(hidden)]" {
            lines.next();
            continue;
        }
        let Some(rest) = line.strip_prefix("pub use ") else { continue };
        let mut rest = rest.to_owned();
        while !rest.ends_with(';') {
            rest += lines.next().expect("an end").trim();
        }
        let (path, list) = match rest.split_once('{') {
            Some((path, list)) => (path, list),
            None => rest.rsplit_once("::").expect("a path"),
        };
        let path = path.trim_end_matches("::");
        for item in list.trim_end_matches([';', '}']).split(',').map(str::trim) {
            if item.is_empty() {
                continue;
            }
            let (real, shown) = item.split_once(" as ").unwrap_or((item, item));
            names.push(Name {
                module: module.to_owned(),
                room: room
                    .unwrap_or_else(|| path.split("::").next().unwrap_or_default())
                    .to_owned(),
                real: real.to_owned(),
                shown: shown.to_owned(),
            });
        }
    }
    names
}

/// The files of a room above their tests.
fn files(room: &str) -> Vec<(PathBuf, String)> {
    fn walk(path: &Path, found: &mut Vec<(PathBuf, String)>) {
        if path.is_dir() {
            let entries =
                fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry"));
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            paths.sort();
            paths.iter().for_each(|path| walk(path, found));
        } else if path.is_file() && path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(path).expect("a file");
            let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
            found.push((path.to_owned(), code.to_owned()));
        }
    }
    let mut found = Vec::new();
    walk(Path::new(&format!("src/{room}")), &mut found);
    walk(Path::new(&format!("src/{room}.rs")), &mut found);
    found
}

/// The items of a block: lines with four spaces before them, each up to its body.
fn members(block: &[&str], is_member: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_hidden = false;
    let mut at = 0;
    while at < block.len() {
        let line = block[at];
        at += 1;
        let Some(text) = line.strip_prefix("    ").filter(|text| !text.starts_with([' ', '}']))
        else {
            continue;
        };
        if text == "#[doc(hidden)]" {
            is_hidden = true;
            continue;
        }
        if text.starts_with(['#', '/']) {
            continue;
        }
        if is_member(text) && !is_hidden {
            let mut whole = text.to_owned();
            while !whole.ends_with(['{', ',', ';'])
                || whole.matches('(').count() > whole.matches(')').count()
            {
                let Some(more) = block.get(at) else { break };
                at += 1;
                let gap = if whole.ends_with('(') || more.trim() == ")" { "" } else { " " };
                whole = whole + gap + more.trim();
            }
            found.push(whole.trim_end_matches(['{', ',', ';']).trim_end().replace(",)", ")"));
        }
        is_hidden = false;
    }
    found
}

/// The lines of the item that begins at `start`, up to the bracket in the first column.
fn block<'t>(lines: &[&'t str], start: usize) -> Vec<&'t str> {
    if lines[start].ends_with(';') || lines[start].ends_with("{}") {
        return Vec::new();
    }
    lines[start + 1..].iter().take_while(|line| !line.starts_with(['}', ')'])).copied().collect()
}

fn describe(name: &Name, list: &mut BTreeSet<String>) {
    let shown = format!("{}{}", name.module, name.shown);
    let files = files(&name.room);
    let defines = |code: &str| {
        ["struct", "enum", "trait", "fn", "const", "type", "union"].iter().any(|kind| {
            code.lines().any(|line| {
                let rest = line.strip_prefix("pub ").and_then(|rest| rest.strip_prefix(kind));
                rest.and_then(|rest| rest.strip_prefix(' '))
                    .and_then(|rest| rest.strip_prefix(&*name.real))
                    .is_some_and(|rest| {
                        !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                    })
            })
        })
    };
    let in_test = name.module == "test::";
    let is_its_own = |path: &Path| (path.ends_with("embed/test.rs")) == in_test;
    let home = files
        .iter()
        .find(|(path, code)| is_its_own(path) && defines(code))
        .unwrap_or_else(|| panic!("{shown} is not in the room {}", name.room));
    for (path, code) in &files {
        if !is_its_own(path) || (path != &home.0 && defines(code)) {
            continue;
        }
        let lines: Vec<&str> = code.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let names_it = |text: &str| {
                let rest = text.strip_prefix(&*name.real);
                rest.is_some_and(|rest| {
                    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                })
            };
            if let Some((kind, rest)) =
                line.strip_prefix("pub ").and_then(|rest| rest.split_once(' '))
                && path == &home.0
                && names_it(rest)
            {
                let mut head = (*line).to_owned();
                if kind == "fn" {
                    let mut more = lines[at + 1..].iter();
                    while !head.ends_with('{') {
                        head = head + " " + more.next().expect("a body").trim();
                    }
                }
                let head =
                    head.trim_end_matches(['{', ';']).trim_end().replacen(&*name.real, &shown, 1);
                list.insert(head);
                for member in members(&block(&lines, at), |text| match kind {
                    "struct" => text.starts_with("pub "),
                    "enum" => true,
                    "trait" => text.starts_with("fn "),
                    _ => false,
                }) {
                    list.insert(format!("{shown}: {member}"));
                }
            }
            if let Some(rest) = line.strip_prefix("impl") {
                let head = rest.trim_end_matches(['{', '}']).trim_end();
                let (of_trait, of) = match head.split_once(" for ") {
                    Some((of_trait, of)) => (Some(of_trait), of),
                    None => (None, head.trim_start_matches(|c| c != ' ').trim_start()),
                };
                if !names_it(of) {
                    continue;
                }
                match of_trait {
                    Some(of_trait) => {
                        list.insert(format!("{shown}: impl{of_trait}"));
                    }
                    None => list.extend(
                        members(&block(&lines, at), |text| text.starts_with("pub "))
                            .into_iter()
                            .map(|member| format!("{shown}: {member}")),
                    ),
                }
            }
        }
    }
}

fn surface() -> BTreeSet<String> {
    let read = |path: &str| fs::read_to_string(path).expect("a file of the source");
    let mut names = handed_on("", &read("src/lib.rs"), None);
    names.retain(|name| name.shown != "test");
    let wire = handed_on("wire::", &read("src/wire/mod.rs"), Some("wire"));
    let at_front: BTreeSet<String> = names.iter().map(|name| name.real.clone()).collect();
    names.extend(wire.into_iter().filter(|name| !at_front.contains(&name.real)));
    for line in read("src/embed/test.rs").lines() {
        let declared = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
        if let Some(rest) = declared {
            let real = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            let (module, room) = ("test::".to_owned(), "embed".to_owned());
            names.push(Name { module, room, real: real.to_owned(), shown: real.to_owned() });
        }
    }
    let mut list = BTreeSet::new();
    names.iter().for_each(|name| describe(name, &mut list));
    let macros = read("src/wire/into_args.rs");
    for exported in macros.split("#[macro_export]\n").skip(1) {
        list.insert(exported.lines().next().unwrap_or_default().trim_end_matches(" {").to_owned());
    }
    list
}

#[test]
fn the_public_surface_is_the_one_that_is_stored() {
    let list = surface();
    let is_trait =
        |line: &&String| line.split_once(": ").is_some_and(|(_, rest)| rest.starts_with("impl"));
    let items = list.iter().filter(|line| !is_trait(line)).count();
    let mut text = format!("{items} items, and the traits that their types have.\n\n");
    list.iter().for_each(|line| writeln!(text, "{line}").expect("a string"));
    if std::env::var_os("RESPD_WRITE_DOCS").is_some() {
        fs::write(STORED, &text).expect("the list");
    }
    let stored = fs::read_to_string(STORED).unwrap_or_default();
    let old: BTreeSet<&str> = stored.lines().skip(2).collect();
    let new: BTreeSet<&str> = list.iter().map(String::as_str).collect();
    let gone: Vec<_> = old.difference(&new).collect();
    let come: Vec<_> = new.difference(&old).collect();
    assert!(
        gone.is_empty() && come.is_empty(),
        "the public surface has changed: if that is meant, RESPD_WRITE_DOCS=1 cargo test writes {STORED}\n\
         gone: {gone:#?}\ncome: {come:#?}"
    );
    assert!(items <= MOST, "{items} public items: an embedder has to know of {MOST} at most");
}
