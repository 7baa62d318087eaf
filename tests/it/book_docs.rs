//! The page of the book that is written from the code: which function runs a command, and in which file it is.
//!
//! The table of commands knows its handlers, but not their names: these are read from the source, where each row is
//! written as `Spec::new("get", 2, …, get)`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use respd::internals::dispatch::Row;

use crate::{docs, table};

const PAGE: &str = "book/src/commands.md";

/// A row as it is written.
struct Written {
    /// Its file, in the repository.
    file: String,
    /// The constant that it is in.
    list: String,
    name: String,
    /// The path of its handler, or the constant of its subcommands.
    last: String,
    is_container: bool,
    /// The constant of its subcommands, if it is a command beside them.
    below: Option<String>,
}

/// The handler of HELP is the same for all containers, and stands apart.
const HELP: &str = "src/dispatch/help.rs";

/// The files of `src/` with handlers, and what is in them above their tests.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let help = fs::read_to_string(root.join(HELP)).unwrap();
    let mut found = BTreeMap::from([(HELP.to_owned(), help)]);
    let mut folders = vec!["src/commands".to_owned(), "src/scripting".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let name = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
            if root.join(&name).is_dir() {
                folders.push(name);
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(root.join(&name)).unwrap();
                let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
                found.insert(name, code.to_owned());
            }
        }
    }
    found
}

/// The arguments of a call, whose `(` has just been read.
fn arguments(code: &str) -> Vec<String> {
    let (mut depth, mut in_text, mut found) = (0, false, vec![String::new()]);
    let mut chars = code.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => in_text = !in_text,
            '\\' if in_text => _ = chars.next(),
            '(' | '[' if !in_text => depth += 1,
            ')' if !in_text && depth == 0 => break,
            ')' | ']' if !in_text => depth -= 1,
            ',' if !in_text && depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        found.last_mut().unwrap().push(char);
    }
    found.retain(|argument| !argument.trim().is_empty());
    found.iter().map(|argument| argument.trim().trim_matches('"').to_owned()).collect()
}

/// The constant of rows, or of one, that this code breaks off in.
fn list_around(code: &str) -> &str {
    let is_of_rows = |rest: &&str| rest.starts_with(" &[Spec]") || rest.starts_with(" Spec =");
    let constants = code.rsplit("const ").filter_map(|rest| rest.split_once(':'));
    let lists = constants.filter(|(_, rest)| is_of_rows(rest)).map(|(name, _)| name);
    lists.into_iter().next().unwrap_or_default()
}

/// All rows in the source.
fn written(sources: &BTreeMap<String, String>) -> Vec<Written> {
    let mut found = Vec::new();
    for (file, code) in sources.iter().filter(|(file, _)| *file != HELP) {
        for (call, is_container) in
            [("Spec::new(\"", false), ("Spec::new(\n", false), ("Spec::container(", true)]
        {
            for (at, _) in code.match_indices(call) {
                let open = at + call.find('(').unwrap() + 1;
                let arguments = arguments(&code[open..]);
                let list = list_around(&code[..at]).to_owned();
                let [name, .., last] = &arguments[..] else { panic!("{file}: {arguments:?}") };
                let own = code[open..].split("Spec::").next().unwrap_or_default();
                let below =
                    own.split_once(".subcommands(").and_then(|(_, rest)| rest.split_once(')'));
                found.push(Written {
                    file: file.clone(),
                    list,
                    name: name.clone(),
                    last: last.clone(),
                    is_container,
                    below: below.map(|(list, _)| list.to_owned()),
                });
            }
        }
    }
    found
}

/// The file in which a handler is, which a row in `file` names by this path.
fn file_of<'s>(sources: &'s BTreeMap<String, String>, file: &'s str, path: &str) -> &'s str {
    let mut parts = path.rsplit("::");
    let name = parts.next().unwrap_or_default();
    let is_here = |code: &str| code.contains(&format!("fn {name}("));
    if parts.next().is_none() && is_here(&sources[file]) {
        return file;
    }
    let module = path.rsplit("::").nth(1).unwrap_or_default();
    let folder = file.trim_end_matches("/mod.rs").trim_end_matches(".rs");
    let has_name = |other: &&String| {
        let lines = sources[*other].lines().filter(|line| line.starts_with("pub"));
        lines.into_iter().any(is_here)
    };
    let mut others: Vec<&String> = sources.keys().filter(has_name).collect();
    if !module.is_empty() {
        let in_module = |other: &&String| {
            other.ends_with(&format!("/{module}.rs"))
                || other.ends_with(&format!("/{module}/mod.rs"))
        };
        others.retain(in_module);
    }
    if others.len() > 1 {
        let near: Vec<&String> =
            others.iter().copied().filter(|other| other.starts_with(folder)).collect();
        others = if near.is_empty() { others } else { near };
    }
    match others[..] {
        [one] => one,
        _ => panic!("{path}, of {file}, is in {others:?}"),
    }
}

/// The full name of each row in the source, its handler and the file of that.
fn handlers(sources: &BTreeMap<String, String>) -> BTreeMap<String, (String, String)> {
    let written = written(sources);
    let lists = written.iter().filter_map(|row| match row.is_container {
        true => Some((row.last.rsplit("::").next()?, &*row.name)),
        false => Some((row.below.as_deref()?, &*row.name)),
    });
    let containers: BTreeMap<&str, &str> = lists.collect();
    let mut found = BTreeMap::new();
    for row in written.iter().filter(|row| !row.is_container) {
        // A row that is a constant of its own is listed elsewhere by that name.
        let listed = format!("::{},", row.list);
        let elsewhere = || {
            let list = |code: &String| Some(list_around(&code[..code.find(&listed)?]).to_owned());
            sources.values().filter_map(list).find_map(|list| containers.get(&*list))
        };
        let full = match containers.get(&*row.list).or_else(elsewhere) {
            Some(container) => format!("{container}|{}", row.name),
            None => row.name.clone(),
        };
        let file = file_of(sources, &row.file, &row.last);
        let name = row.last.rsplit("::").next().unwrap_or_default();
        found.insert(full, (name.to_owned(), file.to_owned()));
    }
    found
}

#[test]
#[cfg_attr(not(feature = "lua"), ignore = "a build without scripts has fewer commands")]
fn every_command_has_its_handler() {
    let (table, sources) = (table::table(), sources());
    let handlers = handlers(&sources);
    let groups: BTreeSet<&str> = table.rows().map(|row| row.group).collect();
    let mut page = String::new();
    for group in groups {
        page += &format!("\n## {group}\n\n");
        let mut rows: Vec<&Row> = table.rows().filter(|row| row.group == group).collect();
        // A container is nothing but its subcommands.
        rows.retain(|row| row.subcommands.is_empty() || handlers.contains_key(&row.full_name));
        rows.sort_by_key(|row| &row.full_name);
        for row in rows {
            let found = handlers.get(&row.full_name);
            let (handler, file) = found.unwrap_or_else(|| panic!("no row of {}", row.full_name));
            let name = row.full_name.to_ascii_uppercase().replace('|', " ");
            let short = file.strip_prefix("src/").unwrap_or(file);
            page += &format!("* `{name}`: `{handler}` in [{short}](../../{file})\n");
        }
    }
    docs::says(PAGE, &(page + "\n"));
}

#[test]
fn rows_are_read_as_they_are_written() {
    let code = "const GET: &[Spec] = &[Spec::new(\"get\", 2, A | B, get).doc(\"1\", \"a, b\")];\n\
                const OF: &[Spec] = &[Spec::new(\n\"sub\", f(1, 2), \")\", m::sub,\n)];";
    let sources = BTreeMap::from([("src/commands/x.rs".to_owned(), code.to_owned())]);
    let rows = written(&sources);
    let shown: Vec<[&str; 3]> = rows.iter().map(|row| [&*row.list, &row.name, &row.last]).collect();
    assert_eq!(shown, [["GET", "get", "get"], ["OF", "sub", "m::sub"]]);
}
