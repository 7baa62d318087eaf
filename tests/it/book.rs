//! The book: what its pages take from the code is there, and the bytes in them are what the server says.
//!
//! A page includes a listing by its anchor, `{{#include ../../src/wire/reply.rs:null}}`: the lines between
//! `// ANCHOR: null` and `// ANCHOR_END: null`. A block of code that is marked `resp` is a conversation, which is played.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use respd::internals::config::Config;
use respd::internals::embed::local::Local;
use respd::internals::wire::value;
use respd::{Value, wire};

/// The most lines of a listing: what is read without turning back.
const LONGEST: usize = 40;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files below a folder whose names end so, by their paths in the repository.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                found.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The pages, with what is in them.
fn pages() -> Vec<(String, String)> {
    let pages = files("book/src", ".md").into_iter();
    pages.map(|page| (page.clone(), read(&page))).collect()
}

/// What stands between `before` and `behind`, each time.
fn between<'t>(text: &'t str, before: &str, behind: &str) -> Vec<&'t str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(behind).next()).collect()
}

/// A path from a page, as one in the repository.
fn from_page(page: &str, target: &str) -> String {
    let mut path = PathBuf::from(page);
    path.pop();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => _ = path.pop(),
            other => path.push(other),
        }
    }
    path.to_str().unwrap().to_owned()
}

/// The listings that pages include: page, file, anchor.
fn listings() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (page, text) in pages() {
        for included in between(&text, "{{#include ", "}}") {
            let (file, anchor) = included.split_once(':').unwrap_or((included, ""));
            found.push((page.clone(), from_page(&page, file), anchor.to_owned()));
        }
    }
    found
}

/// The lines between the marks of an anchor.
fn listing(file: &str, anchor: &str) -> Option<usize> {
    let text = fs::read_to_string(root().join(file)).ok()?;
    let (begin, end) = (format!("// ANCHOR: {anchor}"), format!("// ANCHOR_END: {anchor}"));
    let is = |mark: &str| text.lines().position(|line| line.trim() == mark);
    Some(is(&end)?.checked_sub(is(&begin)? + 1)?).filter(|&lines| lines > 0)
}

#[test]
fn every_listing_is_in_the_source() {
    let mut wrong = Vec::new();
    for (page, file, anchor) in listings() {
        if file.ends_with(".svg") {
            continue; // Drawings are tested below.
        }
        match listing(&file, &anchor) {
            None => wrong.push(format!("{page}: {file} has no anchor `{anchor}`")),
            Some(lines) if lines > LONGEST => {
                wrong.push(format!("{page}: {file}:{anchor} has {lines} lines, {LONGEST} at most"));
            }
            Some(_) => {}
        }
    }
    assert!(wrong.is_empty(), "listings:\n  {}", wrong.join("\n  "));
}

/// The source is not full of marks that no page needs.
#[test]
fn every_anchor_is_of_a_listing() {
    let named: BTreeSet<(String, String)> =
        listings().into_iter().map(|(_, file, anchor)| (file, anchor)).collect();
    let mut idle = Vec::new();
    for file in ["src", "examples"].iter().flat_map(|folder| files(folder, ".rs")) {
        for anchor in between(&read(&file), "// ANCHOR: ", "\n") {
            if !named.contains(&(file.clone(), anchor.to_owned())) {
                idle.push(format!("{file}: {anchor}"));
            }
        }
    }
    assert!(idle.is_empty(), "anchors that no page includes:\n  {}", idle.join("\n  "));
}

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for (page, text) in pages() {
        // A chapter that is to come has an empty one, in the summary alone.
        let is_summary = page.ends_with("SUMMARY.md");
        for target in between(&text, "](", ")") {
            let file = target.split('#').next().unwrap_or_default();
            let is_here = file.is_empty() && (is_summary || target.len() > 1);
            let is_there = || root().join(from_page(&page, file)).exists();
            if !target.contains("://") && !is_here && !is_there() {
                dead.push(format!("{page}: {target}"));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n  {}", dead.join("\n  "));
}

/// Between backticks, as `src/engine.rs`.
#[test]
fn paths_in_the_book_exist() {
    let mut missing = Vec::new();
    for (page, text) in pages() {
        let prose = text.split("```").step_by(2).collect::<String>();
        for quoted in prose.split('`').skip(1).step_by(2) {
            let path = quoted.split([' ', ':']).next().unwrap_or_default();
            let first = path.split('/').next().unwrap_or_default();
            let is_path =
                ["src", "tests", "docs", "scripts", "examples", "fuzz", "book"].contains(&first);
            if is_path && path.contains('/') && !root().join(path).exists() {
                missing.push(format!("{page}: {quoted}"));
            }
        }
    }
    assert!(missing.is_empty(), "paths that do not exist:\n  {}", missing.join("\n  "));
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = read("book/src/SUMMARY.md");
    let listed: BTreeSet<String> = between(&summary, "](", ")")
        .into_iter()
        .filter(|target| !target.is_empty())
        .map(|target| from_page("book/src/SUMMARY.md", target))
        .collect();
    let there: BTreeSet<String> =
        files("book/src", ".md").into_iter().filter(|page| !page.ends_with("SUMMARY.md")).collect();
    assert_eq!(listed, there);
}

/// The stages of the course send learners to chapters.
#[test]
fn the_course_names_chapters_that_exist() {
    let stages = read("book/course/stages.py");
    let named = between(&stages, "\"book/src/", "\"");
    assert!(!named.is_empty());
    for chapter in named {
        assert!(root().join("book/src").join(chapter).exists(), "there is no {chapter}");
    }
}

/// A chapter's example is there, and an example of the book has a chapter.
#[test]
fn every_example_has_its_chapter() {
    let mut named = BTreeMap::new();
    for (page, text) in pages() {
        for example in between(&text, "--example book_", "`") {
            let number = &example[..2];
            assert!(page.contains(&format!("/{number}-")), "{page} names book_{example}");
            named.insert(format!("examples/book_{number}.rs"), page.clone());
        }
    }
    let mut examples = files("examples", ".rs");
    examples.retain(|file| file.starts_with("examples/book_"));
    assert_eq!(named.into_keys().collect::<Vec<_>>(), examples);
}

/// Drawings are read in light and in dark, and by those that do not see them. A page takes one in whole, which an empty
/// line would end.
#[test]
fn drawings_have_the_colour_of_the_text() {
    let mut included = BTreeSet::new();
    for (page, file, _) in listings() {
        if file.ends_with(".svg") {
            assert!(root().join(&file).exists(), "{page}: there is no {file}");
            included.insert(file);
        }
    }
    let drawings = files("book/src/img", ".svg");
    assert_eq!(included.into_iter().collect::<Vec<_>>(), drawings);
    for drawing in drawings {
        let text = read(&drawing);
        assert!(text.contains("currentColor"), "{drawing} has a colour of its own");
        assert!(text.contains("<title>") && text.contains("role=\"img\""), "{drawing}: no title");
        assert!(text.contains("viewBox") && !text.contains("\n\n"), "{drawing}");
        let colours = between(&text, "=\"#", "\"");
        assert!(colours.is_empty(), "{drawing} has the colours {colours:?}");
    }
}

/// The drawing of chapter 6 has the gates in their order, and the frames in which each stands.
#[test]
fn the_drawing_of_the_gates_is_the_list() {
    let source = read("src/dispatch/gates.rs");
    let list = between(&source, "// ANCHOR: gates\n", "// ANCHOR_END: gates")[0];
    let mut gates = Vec::new();
    for call in between(list, "self.", ")") {
        let (name, arguments) = call.split_once('(').unwrap_or((call, ""));
        let name = name.trim_end_matches("::<STAGED>");
        let frames = arguments.split(',').next().unwrap_or_default();
        if !["is_", "may_", "has_"].iter().any(|verb| name.starts_with(verb)) {
            continue;
        }
        let frames = match frames {
            "found" => "TOP | TRANSACTION | SCRIPT | REPLAY | CALL",
            named => named,
        };
        let frames = frames.split(" | ").map(str::to_lowercase).collect::<BTreeSet<_>>();
        gates.push((name.to_owned(), frames));
    }
    let drawing = read("book/src/img/gates.svg");
    let drawn = between(&drawing, "<g><text", "</g>").into_iter().map(|row| {
        let name = between(row, ">", "<")[0].to_owned();
        let frames = between(row, "class=\"", "\"").into_iter().map(str::to_lowercase);
        (name, frames.collect::<BTreeSet<_>>())
    });
    assert_eq!(drawn.collect::<Vec<_>>(), gates);
}

/// The bytes that a text stands for: `\r`, `\n`, `\x00`, and itself.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, escaped)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (byte, length) = match escaped.as_bytes() {
            [b'r', ..] => (b'\r', 1),
            [b'n', ..] => (b'\n', 1),
            [b'x', ..] => (u8::from_str_radix(&escaped[1..3], 16).unwrap(), 3),
            _ => panic!("what is \\{escaped}?"),
        };
        bytes.push(byte);
        rest = &escaped[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// The table of chapter 1 has every type, with bytes that are one.
#[test]
fn every_type_is_in_the_table_with_its_bytes() {
    let page = read("book/src/01-forty-bytes.md");
    let (_, table) = page.split_once("| `Value` |").expect("a table of types");
    let mut types = BTreeSet::new();
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        // A `|` in a cell is written with a backslash.
        let row = row.replace("\\|", "\0");
        let cells: Vec<String> =
            row.split('|').map(|cell| cell.trim().trim_matches('`').replace('\0', "|")).collect();
        let [_, kind, first, protocols, spelled, _, _] = &cells[..] else {
            panic!("not a row of five cells: {row}");
        };
        let (first, sent) = (first.as_str(), bytes(spelled));
        let (value, length) = value::decode(&sent).unwrap().unwrap_or_else(|| panic!("{row}"));
        assert_eq!(length, sent.len(), "{row}");
        let shown = format!("{value:?}");
        assert_eq!(shown.split(['(', ' ']).next(), Some(kind.as_str()), "{row}");
        assert!(spelled.starts_with(first), "{row}");
        // RESP2 has five types, and its nulls are lengths of them.
        let is_old = matches!(first, "+" | "-" | ":" | "$" | "*" | "$-1" | "*-1");
        let is_null = matches!(value, Value::NullBulk | Value::NullArray);
        let expected = match (is_old, is_null) {
            (true, true) => "2",
            (true, false) => "2, 3",
            (false, _) => "3",
        };
        assert_eq!(protocols, expected, "{row}");
        types.insert(kind.clone());
    }
    let source = read("src/wire/value.rs");
    let variants = between(&source, "pub enum Value {\n", "\n}\n")[0];
    let names = variants.lines().filter_map(|line| line.strip_prefix("    "));
    let names = names.filter(|line| line.starts_with(char::is_uppercase));
    let name = |line: &str| line.split([' ', '(', ',']).next().unwrap_or_default().to_owned();
    assert_eq!(types, names.map(name).collect());
}

/// Each block that is marked `resp` is a conversation with a new server: `>` is sent, `<` is received, and nothing more.
#[test]
fn conversations_in_the_book_are_true() {
    let mut played = 0;
    for (page, text) in pages() {
        for block in between(&text, "```resp\n", "```") {
            if !cfg!(feature = "lua") && block.contains("> EVAL ") {
                continue;
            }
            let mut local = Local::new(Config::default());
            let client = local.connect();
            let mut received = Vec::new();
            for line in block.lines() {
                let (kind, spelled) = line.split_at(2);
                match kind {
                    "> " => {
                        assert!(received.is_empty(), "{page}: before {line} comes {received:?}");
                        local.send(client, &bytes(spelled));
                        received = local.received(client);
                    }
                    "< " => {
                        let expected = bytes(spelled);
                        let shown = String::from_utf8_lossy(&received).into_owned();
                        assert!(received.starts_with(&expected), "{page}: {line}, not {shown:?}");
                        received.drain(..expected.len());
                    }
                    _ => panic!("{page}: {line}"),
                }
            }
            assert!(received.is_empty(), "{page}: at the end of\n{block}{received:?}");
            played += 1;
        }
    }
    assert!(played > 5, "{played} conversations");
}

/// The forty bytes are forty, and are read as the words that chapter 1 says.
#[test]
fn the_request_of_the_book_has_forty_bytes() {
    let mut request = Vec::new();
    wire::push_request(&mut request, [&b"SET"[..], b"greeting", b"welcome"].into_iter());
    assert_eq!(request.len(), 40);
    let spelled = request.escape_ascii().to_string();
    assert!(read("book/src/01-forty-bytes.md").contains(&format!("> {spelled}\n")));
}

/// The head of each room says which chapter is about it, and that chapter sends its readers into the room.
#[test]
fn rooms_and_chapters_name_each_other() {
    let mut rooms = files("src", "/mod.rs");
    rooms.retain(|file| file.matches('/').count() == 2 && !file.starts_with("src/main/"));
    rooms.push("src/engine.rs".to_owned());
    assert!(rooms.len() > 15, "{rooms:?}");
    let mut wrong = Vec::new();
    for room in rooms {
        let source = read(&room);
        let named = source.lines().find_map(|line| line.strip_prefix("//! The book: chapter "));
        let chapter = between(named.unwrap_or_default(), "(`", "`)").first().copied();
        let Some(chapter) = chapter.filter(|chapter| root().join(chapter).exists()) else {
            wrong.push(format!("{room} names no chapter"));
            continue;
        };
        let page = read(chapter);
        let title = page.lines().next().unwrap_or_default().trim_start_matches("# ");
        let number: u32 = chapter["book/src/".len()..][..2].parse().unwrap();
        let expected = format!("{number}, {title} (`{chapter}`).");
        if named != Some(&expected) {
            wrong.push(format!("{room}: {expected}"));
        }
        let (_, reading) = page.split_once("## What to read").expect("what to read");
        let reading = reading.split("\n## ").next().unwrap_or_default();
        let folder = room.trim_end_matches("mod.rs").trim_end_matches(".rs");
        if !reading.contains(folder) {
            wrong.push(format!("{chapter}: nothing to read in {folder}"));
        }
    }
    assert!(wrong.is_empty(), "rooms and chapters:\n  {}", wrong.join("\n  "));
}
