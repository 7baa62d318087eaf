//! How COMMAND and COMMAND INFO spell a row: fields in an array, known by their places.

use std::ops::Range;

use super::statuses;
use crate::config::persona::{Generation, Persona};
use crate::dispatch::descriptions::Descriptions;
use crate::dispatch::spec::{Begin, Find, KeySpec, flag, key, names_of};
use crate::dispatch::{Row, Table, keys};
use crate::wire::{Protocol, Reply};

/// The reply to COMMAND.
pub(crate) fn describe_all(table: &Table, persona: &Persona, protocol: Protocol) -> Descriptions {
    let mut reply = Reply::new(Vec::new(), protocol);
    let mut places = vec![0..0; table.len()];
    reply.array(table.command_count());
    for row in table.commands() {
        describe(&mut reply, table, row, persona, &mut places);
    }
    Descriptions { bytes: reply.into_inner(), places }
}

/// The first six, seven or all ten fields of a row; those of its subcommands are nested in the last. Notes in `places` where
/// each row is described.
fn describe(
    reply: &mut Reply,
    table: &Table,
    row: &Row,
    persona: &Persona,
    places: &mut [Range<usize>],
) {
    let start = reply.len();
    let (first, last, step) = keys::legacy_range(&row.spec);
    let fields = persona.command_fields();
    reply.array(fields);
    reply.bulk(row.full_name.as_bytes());
    reply.int(row.spec.arity.into());
    statuses(reply, &flags(row, persona));
    reply.int(first);
    reply.int(last);
    reply.int(step);
    if fields > 6 {
        categories(reply, table, row);
    }
    if fields > 7 {
        describe_further(reply, table, row, persona, places);
    }
    places[row.id.index()] = start..reply.len();
}

/// Flags, as the persona calls them: there were slow commands in the log before there were others.
fn flags(row: &Row, persona: &Persona) -> Vec<&'static str> {
    let mut names = names_of(row.flags, flag::NAMES);
    if !persona.is_at_least("8.1.0") {
        let renamed = names.iter_mut().filter(|name| **name == "skip_commandlog");
        renamed.for_each(|name| *name = "skip_slowlog");
    }
    names
}

/// The fields that came with subcommands.
fn describe_further(
    reply: &mut Reply,
    table: &Table,
    row: &Row,
    persona: &Persona,
    places: &mut [Range<usize>],
) {
    reply.set(row.spec.tips.len());
    for tip in row.spec.tips {
        reply.bulk(tip.as_bytes());
    }
    reply.set(row.spec.key_specs().len());
    for key_spec in row.spec.key_specs() {
        describe_keys(reply, key_spec);
    }
    match row.subcommands.len() {
        0 if persona.generation != Generation::Valkey9 => reply.set(0),
        count => reply.array(count),
    }
    for &sub in &row.subcommands {
        describe(reply, table, table.row(sub), persona, places);
    }
}

/// Categories as rules name them: `@read`.
fn categories(reply: &mut Reply, table: &Table, row: &Row) {
    let categories = row.spec.categories();
    let names: Vec<&str> = table
        .categories()
        .filter(|&(bit, _)| categories & bit != 0)
        .map(|(_, name)| name)
        .collect();
    reply.set(names.len());
    for name in names {
        reply.status(&format!("@{name}"));
    }
}

fn describe_keys(reply: &mut Reply, spec: &KeySpec) {
    let has_note = !spec.note.is_empty();
    reply.map(3 + usize::from(has_note));
    if has_note {
        reply.bulk(b"notes");
        reply.bulk(spec.note.as_bytes());
    }
    reply.bulk(b"flags");
    statuses(reply, &names_of(spec.flags, key::NAMES));
    reply.bulk(b"begin_search");
    match spec.begin {
        Begin::Index(index) => search(reply, "index", &[("index", Fact::Number(index as i64))]),
        Begin::Keyword { word, from } => search(
            reply,
            "keyword",
            &[("keyword", Fact::Word(word)), ("startfrom", Fact::Number(from.into()))],
        ),
        Begin::Unknown => search(reply, "unknown", &[]),
    }
    reply.bulk(b"find_keys");
    match spec.find {
        Find::Range { last, step, limit } => search(
            reply,
            "range",
            &[
                ("lastkey", Fact::Number(last.into())),
                ("keystep", Fact::Number(step as i64)),
                ("limit", Fact::Number(limit as i64)),
            ],
        ),
        Find::Number { number, first, step } => search(
            reply,
            "keynum",
            &[
                ("keynumidx", Fact::Number(number as i64)),
                ("firstkey", Fact::Number(first as i64)),
                ("keystep", Fact::Number(step as i64)),
            ],
        ),
        Find::Unknown => search(reply, "unknown", &[]),
    }
}

enum Fact {
    Word(&'static str),
    Number(i64),
}

/// One step of finding keys: its type, and the facts it needs.
fn search(reply: &mut Reply, kind: &str, facts: &[(&str, Fact)]) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(facts.len());
    for (name, fact) in facts {
        reply.bulk(name.as_bytes());
        match fact {
            Fact::Word(word) => reply.bulk(word.as_bytes()),
            Fact::Number(number) => reply.int(*number),
        }
    }
}
