//! What holds for every row of the command table.
//!
//! Adding a command asks for no test here: each of these loops over the table. The rows tell the same
//! thing in several ways (arity, synopsis, key specs, flags), so most of these tests hold two of them
//! against each other, often by a [`Sample`] of what the synopsis allows.

use std::collections::BTreeSet;

use respd::internals::access::unimplemented;
use respd::internals::config::Config;
use respd::internals::dispatch::spec::{Begin, Find, category, flag, key};
use respd::internals::dispatch::synopsis::{self, Argument, Kind, Words};
use respd::internals::dispatch::{Row, Table, keys};
use respd::internals::embed::groups;
use respd::internals::embed::local::Local;
use respd::{OwnedArgs, Value};

/// The groups of COMMAND DOCS.
const GROUP_NAMES: &[&str] = &[
    "bitmap",
    "cluster",
    "connection",
    "generic",
    "geo",
    "hash",
    "hyperloglog",
    "list",
    "pubsub",
    "scripting",
    "server",
    "set",
    "sorted-set",
    "stream",
    "string",
    "transactions",
];

/// Their arity does not follow from their synopsis, in the reference neither.
const ODD_ARITY: &[&str] = &[
    "cluster|migrateslots",
    "cluster|syncslots",
    "debug",
    "geosearch",
    "geosearchstore",
    "quit",
    "replconf",
];

/// Containers of which every subcommand, HELP included, is an error here.
const DISABLED: &[&str] = &["cluster"];

/// The reference does not say how their time grows either.
const NO_COMPLEXITY: &[&str] = &["lolwut", "monitor", "sync", "xread"];

pub fn table() -> Table {
    Table::new(groups())
}

pub fn arguments(row: &Row) -> Vec<Argument> {
    synopsis::parse(row.spec.synopsis).unwrap_or_default()
}

/// Fails with the name of every row that `holds` is false for.
fn every_row(what: &str, holds: impl Fn(&Row) -> bool) {
    no_complaints(what, |row| if holds(row) { Vec::new() } else { vec![String::new()] });
}

/// Fails with whatever `complaints` finds in the rows.
fn no_complaints(what: &str, complaints: impl Fn(&Row) -> Vec<String>) {
    let table = table();
    let found = table.rows().flat_map(|row| {
        complaints(row).into_iter().map(|complaint| format!("{} {complaint}", row.full_name))
    });
    let found: Vec<String> = found.collect();
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn a_command_is_known_by_every_letter_of_its_name() {
    let table = table();
    for row in table.rows().filter(|row| row.container.is_none()) {
        let name = row.spec.name.as_bytes();
        let found = table.command(&name.to_ascii_uppercase()).map(|found| found.id);
        assert_eq!(found, Some(row.id), "{}", row.spec.name);
        for at in 0..name.len() {
            let mut other = name.to_vec();
            other[at] = b'~';
            assert!(table.command(&other).is_none(), "{}", String::from_utf8_lossy(&other));
        }
    }
}

#[test]
fn names_are_in_small_letters_and_unique() {
    let may_stand_in_a_name = |byte: u8| byte.is_ascii_lowercase() || b"-_".contains(&byte);
    every_row("names", |row| row.spec.name.bytes().all(may_stand_in_a_name));
    let table = table();
    assert_eq!(table.rows().count(), table.len(), "a row replaces another of its name");
    let names: BTreeSet<&str> = table.rows().map(|row| row.full_name.as_str()).collect();
    assert_eq!(names.len(), table.len(), "two subcommands have one name");
}

#[test]
fn rows_are_found_by_their_names() {
    let table = table();
    for row in table.rows() {
        let found = table.named(row.full_name.to_ascii_uppercase().as_bytes());
        assert_eq!(found.map(|found| found.id), Some(row.id), "{}", row.full_name);
    }
}

#[test]
fn tables_are_in_alphabetical_order() {
    for (group, rows) in groups() {
        assert!(rows.is_sorted_by_key(|row| row.name), "a table of the group {group}");
        for row in rows {
            assert!(row.subcommands.is_sorted_by_key(|sub| sub.name), "{}", row.name);
        }
    }
}

#[test]
fn groups_are_those_of_the_reference() {
    every_row("groups", |row| GROUP_NAMES.contains(&row.group));
}

#[test]
fn every_synopsis_can_be_read() {
    no_complaints("mistakes in a synopsis", |row| {
        synopsis::parse(row.spec.synopsis)
            .err()
            .map(|mistake| mistake.to_string())
            .into_iter()
            .collect()
    });
}

#[test]
fn every_row_is_documented() {
    let is_sentence = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_uppercase() || c == '`') && text.ends_with('.')
    };
    let is_version = |text: &str| {
        text.split('.').count() == 3 && text.split('.').all(|part| part.parse::<u8>().is_ok())
    };
    every_row("summaries", |row| is_sentence(row.spec.summary) && row.spec.summary.len() <= 100);
    every_row("complexities", |row| {
        !row.spec.complexity.is_empty() || NO_COMPLEXITY.contains(&row.full_name.as_str())
    });
    every_row("versions", |row| is_version(row.spec.since));
    every_row("histories", |row| {
        row.spec.history.iter().all(|(version, change)| is_version(version) && is_sentence(change))
    });
    every_row("deprecations", |row| {
        row.spec.deprecated.is_none_or(|(since, instead)| is_version(since) && !instead.is_empty())
    });
}

#[test]
fn the_arity_agrees_with_the_synopsis() {
    no_complaints("arity", |row| {
        if !row.subcommands.is_empty() || ODD_ARITY.contains(&row.full_name.as_str()) {
            return Vec::new();
        }
        let name = row.full_name.split('|').count();
        let Words { least, most } = Words::of_all(&arguments(row));
        let sign = if most == Some(least) { 1 } else { -1 };
        let told = sign * i16::try_from(name + least).unwrap();
        if row.spec.arity == told {
            Vec::new()
        } else {
            vec![format!("is {}, and the synopsis says {told}", row.spec.arity)]
        }
    });
}

#[test]
fn a_command_reads_or_writes_or_neither() {
    every_row("read and write", |row| !(row.has(flag::READ) && row.has(flag::WRITE)));
    every_row("deny when out of memory, and write nothing", |row| {
        !row.has(flag::DENYOOM) || row.has(flag::WRITE)
    });
    every_row("change keys, and are no writes", |row| {
        // A value may be stored in another way after it was read; then a note says so. What a script will do is
        // not known.
        row.spec.key_specs().iter().all(|spec| {
            let changes = spec.flags & (key::RW | key::OW | key::RM) != 0;
            !changes || row.has(flag::WRITE | flag::MAY_REPLICATE) || !spec.note.is_empty()
        })
    });
    every_row("write, and change none of their keys", |row| {
        let specs = row.spec.key_specs().iter();
        !row.has(flag::WRITE)
            || !keys::are_possible(&row.spec)
            // It changes what is known of the readers of a key alone.
            || row.full_name == "xreadgroup"
            || specs.clone().any(|spec| spec.flags & key::RO == 0)
    });
}

#[test]
fn derived_facts_are_not_written_in_rows() {
    every_row("categories that follow from flags", |row| {
        let mut bare = row.spec;
        bare.flags = flag::NONE;
        let written = bare.categories() & !category::SLOW;
        written & row.spec.acl(0).categories() == 0
    });
    every_row("movable keys", |row| !row.spec.has(flag::MOVABLEKEYS));
}

#[test]
fn keys_say_one_thing_that_is_done_to_them() {
    every_row("key flags", |row| {
        row.spec.key_specs().iter().all(|spec| {
            let done = spec.flags & (key::RO | key::RW | key::OW | key::RM);
            done.count_ones() == 1 || spec.flags & key::NOT_KEY != 0
        })
    });
}

#[test]
fn keys_stand_where_the_arity_makes_sure_of_arguments() {
    every_row("key specs", |row| {
        let least = usize::from(row.spec.arity.unsigned_abs());
        row.spec.key_specs().iter().all(|spec| match (spec.begin, spec.find) {
            // A range up to the end of the arguments may be empty.
            (Begin::Index(begin), Find::Range { last: ..0, .. }) => begin <= least,
            (Begin::Index(begin), Find::Range { last, .. }) => least > begin + last as usize,
            (Begin::Index(begin), Find::Number { number, .. }) => begin + number < least,
            (Begin::Index(begin), Find::Unknown) => begin < least,
            (Begin::Keyword { .. } | Begin::Unknown, _) => true,
        })
    });
}

#[test]
fn the_keys_of_a_request_are_those_of_the_synopsis() {
    no_complaints("keys", |row| {
        let sample = Sample::of(row);
        let request = OwnedArgs::from_iter(&sample.words);
        let is_unknown = row.spec.key_specs().iter().any(|spec| spec.begin == Begin::Unknown);
        let found = keys::of(&row.spec, request.args());
        let found = found.map(|keys| keys.iter().map(|key| key.index).collect());
        if is_unknown || found == Ok(sample.keys) {
            return Vec::new();
        }
        vec![format!("has {found:?} in {:?}", sample.words)]
    });
}

#[test]
fn passwords_are_secret() {
    no_complaints("secrets", |row| {
        let sample = Sample::of(row);
        let request = OwnedArgs::from_iter(&sample.words);
        // Logs ask about every argument, whatever is sent.
        for len in 1..=sample.words.len() {
            let cut = OwnedArgs::from_iter(&sample.words[..len]);
            let _ = (0..len).filter(|&index| row.spec.is_secret(cut.args(), index)).count();
        }
        let shown = (0..sample.words.len()).filter(|&index| {
            sample.words[index] == "password" && !row.spec.is_secret(request.args(), index)
        });
        shown.map(|index| format!("shows argument {index} of {:?}", sample.words)).collect()
    });
}

#[test]
fn a_container_has_help() {
    let mut local = Local::new(Config::default());
    let client = local.connect();
    let table = table();
    let containers = table.commands().filter(|row| !row.subcommands.is_empty());
    for row in containers.filter(|row| !is_disabled(row)) {
        let name = row.spec.name;
        let Value::Array(lines) = local.call(client, [name, "HELP"]) else {
            panic!("{name} HELP is no array");
        };
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        assert_eq!(lines.last().map(String::as_str), Some("    Print this help."), "{name}");
        for sub in row.subcommands.iter().map(|&id| table.row(id).spec.name.to_ascii_uppercase()) {
            let is_listed = lines.iter().any(|line| line.split(' ').next() == Some(sub.as_str()));
            assert!(is_listed, "{name} HELP does not list {sub}");
        }
    }
}

pub fn is_disabled(row: &Row) -> bool {
    DISABLED.contains(&row.spec.name)
}

/// A request that has every argument of a synopsis once, of alternatives the last. An argument's value
/// is its name, or `1` where a number is asked for.
struct Sample {
    words: Vec<String>,
    /// The places of the keys.
    keys: Vec<usize>,
}

impl Sample {
    fn of(row: &Row) -> Sample {
        let words = row.full_name.split('|').map(str::to_owned).collect();
        let mut sample = Sample { words, keys: Vec::new() };
        sample.push_all(&arguments(row));
        sample
    }

    fn push_all(&mut self, arguments: &[Argument]) {
        arguments.iter().for_each(|argument| self.push(argument));
    }

    fn push(&mut self, argument: &Argument) {
        let token = argument.token.into_iter().flat_map(|token| token.split(' '));
        self.words.extend(token.map(str::to_owned));
        match argument.kind {
            Kind::PureToken => {}
            Kind::Block => self.push_all(&argument.arguments),
            Kind::OneOf => argument.arguments.last().into_iter().for_each(|last| self.push(last)),
            Kind::Key => {
                self.keys.push(self.words.len());
                self.words.push(argument.name.clone());
            }
            Kind::Integer | Kind::UnixTime | Kind::Double => self.words.push("1".to_owned()),
            Kind::String | Kind::Pattern => self.words.push(argument.name.clone()),
        }
    }
}

/// Rules of users find commands in the table first, so a name that is in both says what is not so.
#[test]
fn what_is_implemented_is_not_listed_as_unimplemented() {
    let table = Table::new(groups());
    let mut seen = BTreeSet::new();
    for name in unimplemented::names() {
        assert!(table.named(name.as_bytes()).is_none(), "{name} is implemented");
        assert!(seen.insert(name), "{name} is listed twice");
        if let Some((container, _)) = name.split_once('|') {
            let is_known = seen.contains(container) || table.named(container.as_bytes()).is_some();
            assert!(is_known, "{container} is listed before {name}");
        }
    }
}
