//! HELP, made from the rows: what a container's subcommands are, and how each is called.
//!
//! A container gets it with one row:
//!
//! ```text
//! Spec::new("help", 2, LOADING | STALE, help).doc("5.0.0", "O(1)", "", "Lists the subcommands.")
//! ```
//!
//! The layout is Valkey's; the sentences are those of the rows.

use super::ctx::Ctx;
use super::spec::{Spec, flag};
use super::synopsis;
use super::table::{Row, Table};
use crate::error::{self, Error};
use crate::wire::Args;

/// Columns of a line, where words allow it.
const WIDTH: usize = 80;
const INDENT: usize = 4;

/// The subcommand that is its own explanation, and comes last.
const HELP: &str = "help";

/// The row that an embedder's container gets.
pub(crate) const ROW: Spec = Spec::new(HELP, 2, flag::LOADING | flag::STALE, help).doc(
    "",
    "O(1)",
    "",
    "Lists the subcommands.",
);

/// CONTAINER HELP
///
/// The handler of every container's own `help` row.
pub(crate) fn help(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let container = ctx.row.container.ok_or(error::INTERNAL)?;
    ctx.reply.help(&lines(ctx.table, ctx.table.row(container)));
    Ok(())
}

/// The lines for a container, its subcommands in alphabetical order.
pub(crate) fn lines(table: &Table, container: &Row) -> Vec<String> {
    let mut rows: Vec<&Row> = container.subcommands.iter().map(|&id| table.row(id)).collect();
    rows.retain(|row| row.spec.name != HELP);
    rows.sort_by_key(|row| row.spec.name);
    let alone = container.accepts(1).then(|| ("(no subcommand)".into(), container.spec.summary));
    let entries = rows.iter().map(|row| (usage(table, row), row.spec.summary));
    page(container.spec.name, alone.into_iter().chain(entries))
}

/// The lines for a command of this name: each entry is a way to call it, without the name, and what
/// that does.
pub(crate) fn page<'a>(
    name: &str,
    entries: impl IntoIterator<Item = (String, &'a str)>,
) -> Vec<String> {
    let name = name.to_ascii_uppercase();
    let mut lines =
        vec![format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")];
    for (usage, summary) in entries {
        // What does not fit stands below the arguments, not below the name.
        let hang = usage.find(' ').map_or(INDENT, |space| space + 1);
        wrap(&usage, 0, hang, &mut lines);
        if !summary.is_empty() {
            wrap(summary, INDENT, INDENT, &mut lines);
        }
    }
    lines.push("HELP".into());
    lines.push("    Print this help.".into());
    lines
}

/// `KILL ID client-id`: the name in capitals, and the synopsis in its plain form.
fn usage(table: &Table, row: &Row) -> String {
    let name = row.spec.name.to_ascii_uppercase();
    match &table.arguments(row)[..] {
        [] => name,
        arguments => format!("{name} {}", synopsis::render(arguments)),
    }
}

/// Breaks `text` between words, and indents its first line by `first` and the others by `rest`.
fn wrap(text: &str, first: usize, rest: usize, lines: &mut Vec<String>) {
    let mut line = " ".repeat(first);
    let mut is_fresh = true;
    for word in text.split(' ') {
        if !is_fresh && line.len() + 1 + word.len() > WIDTH {
            lines.push(std::mem::replace(&mut line, " ".repeat(rest)));
            is_fresh = true;
        }
        if !is_fresh {
            line.push(' ');
        }
        line.push_str(word);
        is_fresh = false;
    }
    lines.push(line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::spec::not_a_command;

    const SUBCOMMANDS: &[Spec] = &[
        Spec::new("help", 2, 0, help),
        Spec::new("wrap", -2, 0, not_a_command).doc(
            "1.0.0",
            "O(1)",
            "[filter: ID client-id | USER username | ADDR addr<ip:port> | LADDR laddr<ip:port>]",
            "Does more than fits into one line, which is why it is told in two lines of that size.",
        ),
        Spec::new("peek", 2, 0, not_a_command).doc("1.0.0", "O(1)", "", "Looks."),
        Spec::new("quiet", 2, 0, not_a_command),
    ];
    const CONTAINER: &[Spec] = &[Spec::container("tool", SUBCOMMANDS)];

    #[test]
    fn subcommands_are_listed_by_name_and_help_is_last() {
        let table = Table::new([("generic", CONTAINER)]);
        let lines = lines(&table, table.command(b"tool").unwrap());
        assert_eq!(
            lines.join("\n"),
            "\
TOOL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
PEEK
    Looks.
QUIET
WRAP [ID client-id | USER username | ADDR ip:port | LADDR ip:port]
    Does more than fits into one line, which is why it is told in two lines of
    that size.
HELP
    Print this help."
        );
    }

    #[test]
    fn a_long_usage_goes_on_below_its_arguments() {
        let lines = page("tool", [(format!("CUT{}", " [word]".repeat(12)), "Cuts.")]);
        assert_eq!(lines[1], format!("CUT{}", " [word]".repeat(11)));
        assert_eq!(lines[2], "    [word]");
        assert_eq!(lines[3], "    Cuts.");
    }
}
