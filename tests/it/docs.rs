//! The documents of the repository: what in them is written from the code, and what they name.
//!
//! `RESPD_WRITE_DOCS=1 cargo test --test it docs` writes the parts that come from the code: the commands in
//! `docs/commands.md`, the personas in `docs/personas.md`, the lines of the core in `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use respd::internals::config::persona::PERSONAS;
use respd::internals::dispatch::{Row, Table, synopsis};

use crate::{personas, table};

/// What each client library makes of each persona, as `scripts/clients` found it.
const CLIENTS: &str = include_str!("../clients/personas.txt");

/// The most lines of the page that a newcomer reads first.
const README_LINES: usize = 150;

/// The rooms of the core: what is read in an afternoon. The others may be skipped.
const CORE: &[(&str, &[&str])] = &[
    ("`text/`", &["text"]),
    (
        "`error.rs`, `clock.rs`, `peer.rs`, `shared_bytes.rs`",
        &["error.rs", "clock.rs", "peer.rs", "shared_bytes.rs"],
    ),
    ("`wire/`", &["wire"]),
    ("`session/`", &["session"]),
    ("`listeners/`", &["listeners"]),
    ("`dispatch/`", &["dispatch"]),
    ("`engine.rs`, `engine/`", &["engine.rs", "engine"]),
    ("`net/`", &["net"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Every document, by its path in the repository.
fn pages() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["", "docs", "docs/decisions"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(root()).unwrap();
                found.push(name.to_str().unwrap().to_owned());
            }
        }
    }
    found
}

/// Holds `page` to `text` between the lines `<!-- generated -->` and `<!-- /generated -->`, or, if the
/// environment has RESPD_WRITE_DOCS, makes it so.
pub fn says(page: &str, text: &str) {
    let (begin, end) = ("<!-- generated -->\n", "<!-- /generated -->");
    let whole = read(page);
    let (before, behind) = whole.split_once(begin).unwrap_or_else(|| panic!("{page}: no {begin}"));
    let (said, after) = behind.split_once(end).unwrap_or_else(|| panic!("{page}: no {end}"));
    if env::var_os("RESPD_WRITE_DOCS").is_some() {
        fs::write(root().join(page), [before, begin, text, end, after].concat()).unwrap();
    } else {
        assert!(said == text, "{page} is behind: RESPD_WRITE_DOCS=1 cargo test --test it docs");
    }
}

// Written from the code.

#[test]
#[cfg_attr(not(feature = "lua"), ignore = "a build without scripts has fewer commands")]
fn every_command_is_listed() {
    let table = table::table();
    let groups: BTreeSet<&str> = table.rows().map(|row| row.group).collect();
    let links: Vec<String> = groups.iter().map(|group| format!("[{group}](#{group})")).collect();
    let mut list = format!("\n{}\n", links.join(", "));
    for group in groups {
        list += &format!("\n## {group}\n\n| command | since | time | |\n|---|---|---|---|\n");
        let mut rows: Vec<&Row> = table.rows().filter(|row| row.group == group).collect();
        rows.retain(|row| is_listed(&table, row));
        rows.sort_by_key(|row| &row.full_name);
        for row in rows {
            let spec = &row.spec;
            let note = if table::is_disabled(row) { " Disabled." } else { "" };
            let (usage, complexity) = (usage(row), spec.complexity.replace('|', "\\|"));
            list += &format!(
                "| `{usage}` | {} | {complexity} | {}{note} |\n",
                spec.since, spec.summary
            );
        }
    }
    says("docs/commands.md", &(list + "\n"));
}

/// A container is listed by its subcommands, and itself if it runs alone or they are all disabled.
fn is_listed(table: &Table, row: &Row) -> bool {
    match row.container {
        Some(container) => !table::is_disabled(table.row(container)),
        None => row.subcommands.is_empty() || row.accepts(1) || table::is_disabled(row),
    }
}

/// The command as it is typed.
fn usage(row: &Row) -> String {
    let name = row.full_name.to_ascii_uppercase().replace('|', " ");
    match synopsis::render(&table::arguments(row)) {
        _ if table::is_disabled(row) => format!("{name} ..."),
        none if none.is_empty() => name,
        arguments => format!("{name} {}", arguments.replace('|', "\\|")),
    }
}

/// A line for each persona: who it says it is, what it has, and what clients make of it.
#[test]
#[cfg_attr(not(feature = "lua"), ignore = "a build without scripts has fewer commands")]
fn every_persona_is_listed() {
    let (clients, outcomes) = outcomes();
    let mut matrix = "\n| persona | `server` `version` in HELLO | mode | ports | commands | RESP3 \
        | subcommands | unauthenticated clients learn "
        .to_owned();
    clients.iter().for_each(|client| matrix += &format!("| {client} "));
    matrix += &format!("|\n|{}\n", "---|".repeat(8 + clients.len()));
    for persona in PERSONAS {
        let table = personas::table(persona);
        let [greeting, resp3] = match table.command(b"hello") {
            None => ["no HELLO".to_owned(), "no".to_owned()],
            Some(row) => {
                let alone = if row.accepts(1) { "" } else { ", must say which" };
                [format!("`{}` `{}`", persona.server, persona.version), format!("yes{alone}")]
            }
        };
        let ports = match persona.admin_port {
            0 => persona.port.to_string(),
            admin => format!("{}, admin {admin}", persona.port),
        };
        let subcommands = if persona.names_subcommands() { "commands" } else { "arguments" };
        let learn = if persona.hides_commands() { "nothing" } else { "which commands exist" };
        matrix += &format!(
            "| `{}` | {greeting} | {} | {ports} | {} | {resp3} | {subcommands} | {learn} ",
            persona.name,
            persona.mode,
            table.commands().count()
        );
        let found = &outcomes[persona.name];
        found.iter().for_each(|outcome| matrix += &format!("| {outcome} "));
        matrix += "|\n";
    }
    says("docs/personas.md", &(matrix + "\n"));
}

/// The clients, and what each makes of an open server of every persona.
fn outcomes() -> (Vec<String>, BTreeMap<String, Vec<String>>) {
    let lines = CLIENTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut rows = lines.map(words);
    let clients = rows.next().expect("a head").split_off(2);
    let open = rows.filter(|row| row[1] == "open");
    let outcomes = open.map(|mut row| (row[0].clone(), row.split_off(2))).collect();
    (clients, outcomes)
}

/// The lines of the core to the nearest hundred. What is written may be a tenth off, so that not every change
/// is one of the documentation.
#[test]
fn the_core_is_as_long_as_it_says() {
    let counted = CORE.iter().map(|(name, parts)| {
        let lines = parts.iter().map(|part| lines(&root().join("src").join(part))).sum::<usize>();
        (*name, lines)
    });
    let mut counted: Vec<(&str, usize)> = counted.collect();
    counted.push(("all of it", counted.iter().map(|(_, lines)| lines).sum()));
    let page = read("ARCHITECTURE.md");
    let is_near = |&(name, lines): &(&str, usize)| {
        let row = page.lines().find_map(|line| line.strip_prefix(&format!("| {name} | ")));
        let said = row.and_then(|row| row.strip_suffix(" |")?.parse::<usize>().ok());
        said.is_some_and(|said| said.abs_diff(lines) <= 100 + lines / 10)
    };
    if env::var_os("RESPD_WRITE_DOCS").is_none() && counted.iter().all(is_near) {
        return;
    }
    let mut list = "\n| room | lines |\n|---|---|\n".to_owned();
    for (name, lines) in counted {
        list += &format!("| {name} | {} |\n", (lines + 50) / 100 * 100);
    }
    says("ARCHITECTURE.md", &(list + "\n"));
}

/// The lines of a file above its tests, or of the files of a folder.
fn lines(path: &Path) -> usize {
    if path.is_dir() {
        let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        return files
            .filter(|path| path.file_name().unwrap() != "tests.rs")
            .map(|path| lines(&path))
            .sum();
    }
    let text = fs::read_to_string(path).unwrap();
    text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default().lines().count()
}

// What they name.

/// A release has an entry: the first version in the changelog is that of the crate.
#[test]
fn the_changelog_begins_with_this_version() {
    let changelog = read("CHANGELOG.md");
    let versions = changelog.lines().filter_map(|line| line.strip_prefix("## [")?.split_once(']'));
    let first = versions.map(|(version, _)| version).find(|version| *version != "Unreleased");
    assert_eq!(first, Some(env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= README_LINES, "README.md has {lines} lines, {README_LINES} are a sitting");
}

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = read(&page);
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let folder = root().join(&page).parent().unwrap().to_owned();
            let path = if file.is_empty() { root().join(&page) } else { folder.join(file) };
            if !path.exists() || !heading.is_empty() && !has_heading(&path, heading) {
                dead.push(format!("{page}: {target}"));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n  {}", dead.join("\n  "));
}

/// Returns whether a page has a heading with this anchor.
fn has_heading(page: &PathBuf, anchor: &str) -> bool {
    let text = fs::read_to_string(page).unwrap();
    text.lines().filter(|line| line.starts_with('#')).any(|line| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().replace(' ', "-") == anchor
    })
}

#[test]
fn paths_in_the_documents_exist() {
    let mut missing = Vec::new();
    for page in pages().iter().filter(|page| *page != "CHANGELOG.md") {
        let text = read(page);
        // Between backticks, as `src/engine.rs`.
        for quoted in text.split('`').skip(1).step_by(2) {
            let first = quoted.split('/').next().unwrap_or_default();
            let is_path = ["src", "tests", "docs", "scripts", "examples", "fuzz"].contains(&first);
            let path = quoted.split([' ', ':']).next().unwrap_or_default();
            if is_path
                && quoted.contains('/')
                && !path.contains(['<', '*'])
                && !root().join(path).exists()
            {
                missing.push(format!("{page}: {quoted}"));
            }
        }
    }
    assert!(missing.is_empty(), "paths that do not exist:\n  {}", missing.join("\n  "));
}

#[test]
fn every_room_is_on_the_map() {
    for page in ["README.md", "ARCHITECTURE.md"] {
        let text = read(page);
        for entry in fs::read_dir(root().join("src")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && !root().join(format!("src/{name}.rs")).exists() {
                assert!(text.contains(&format!("`{name}/`")), "{page} does not name `{name}/`");
            }
        }
    }
}
