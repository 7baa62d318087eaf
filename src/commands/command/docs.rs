//! How COMMAND DOCS spells a row: a map of what there is to say, down to every argument.

use super::statuses;
use crate::dispatch::synopsis::Argument;
use crate::dispatch::{Row, Table};
use crate::wire::Reply;

/// The documentation of a row; that of its subcommands is nested in it.
pub(crate) fn describe(reply: &mut Reply, table: &Table, row: &Row) {
    let spec = &row.spec;
    let arguments = table.arguments(row);
    let history = table.history(row);
    reply.map_of(|reply| {
        let mut fields = Fields::new(reply);
        fields.text("summary", spec.summary);
        fields.text("since", spec.since);
        fields.text("group", row.group);
        fields.text("complexity", spec.complexity);
        let flags = [("deprecated", spec.deprecated.is_some()), ("syscmd", spec.system)];
        fields.flags("doc_flags", &flags);
        if let Some((since, instead)) = spec.deprecated {
            fields.text("deprecated_since", since);
            fields.text("replaced_by", instead);
        }
        if !history.is_empty() {
            changes(fields.value("history"), &history);
        }
        if !arguments.is_empty() {
            describe_arguments(fields.value("arguments"), &arguments);
        }
        if !row.subcommands.is_empty() {
            subcommands(fields.value("subcommands"), table, row);
        }
        fields.written
    });
}

fn changes(reply: &mut Reply, history: &[(&str, &str)]) {
    reply.set(history.len());
    for (version, change) in history {
        reply.array(2);
        reply.bulk(version.as_bytes());
        reply.bulk(change.as_bytes());
    }
}

fn subcommands(reply: &mut Reply, table: &Table, container: &Row) {
    reply.map(container.subcommands.len());
    for &sub in &container.subcommands {
        let row = table.row(sub);
        reply.bulk(row.full_name.as_bytes());
        describe(reply, table, row);
    }
}

fn describe_arguments(reply: &mut Reply, arguments: &[Argument]) {
    reply.array(arguments.len());
    for argument in arguments {
        reply.map_of(|reply| describe_argument(reply, argument));
    }
}

/// Writes the fields of an argument, and returns how many there are.
fn describe_argument(reply: &mut Reply, argument: &Argument) -> usize {
    let mut fields = Fields::new(reply);
    fields.text("name", &argument.name);
    fields.text("type", argument.kind.as_str());
    if let Some(text) = argument.display_text() {
        fields.text("display_text", text);
    }
    if let Some(index) = argument.key_spec_index {
        fields.value("key_spec_index").int(index.into());
    }
    if let Some(token) = argument.token {
        // A token may be the empty word, and is there all the same.
        fields.value("token").bulk(token.as_bytes());
    }
    fields.text("since", argument.since.as_deref().unwrap_or_default());
    fields.text("deprecated_since", argument.deprecated_since.as_deref().unwrap_or_default());
    let flags = [
        ("optional", argument.optional),
        ("multiple", argument.multiple),
        ("multiple_token", argument.multiple_token),
    ];
    fields.flags("flags", &flags);
    if !argument.arguments.is_empty() {
        describe_arguments(fields.value("arguments"), &argument.arguments);
    }
    fields.written
}

/// The fields of a map, of which only those are written that have something to say.
struct Fields<'a> {
    reply: &'a mut Reply,
    written: usize,
}

impl<'a> Fields<'a> {
    fn new(reply: &'a mut Reply) -> Fields<'a> {
        Fields { reply, written: 0 }
    }

    /// Begins a field; the caller writes its value.
    fn value(&mut self, name: &str) -> &mut Reply {
        self.written += 1;
        self.reply.bulk(name.as_bytes());
        self.reply
    }

    fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.value(name).bulk(text.as_bytes());
        }
    }

    /// The names of those flags that are set.
    fn flags(&mut self, name: &str, flags: &[(&str, bool)]) {
        let set: Vec<&str> = flags.iter().filter(|flag| flag.1).map(|flag| flag.0).collect();
        if !set.is_empty() {
            statuses(self.value(name), &set);
        }
    }
}
