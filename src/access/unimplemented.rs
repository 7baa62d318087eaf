//! The commands that rules may name although respd does not have them.
//!
//! Rules are written for the reference: `-psync -bgsave +@all -vadd` is in files that people use, and a file is
//! loaded as a whole or not at all. So a rule may name what the reference has. It is kept and shown as any
//! other, and grants nothing, since there is nothing to grant. A name that is not here either is a
//! mistake, and refused.
//!
//! A command that respd has is found in its table first. Its name does not belong here any more, and a test says so.

use crate::config::persona::Persona;

/// Names that came together.
struct Names {
    /// The version of Redis or Valkey, as in the table of commands.
    since: &'static str,
    /// Full names with spaces between them. A command with subcommands is named by itself, too.
    names: &'static str,
}

const fn reference(since: &'static str, names: &'static str) -> Names {
    Names { since, names }
}

/// As COMMAND LIST and COMMAND DOCS of Valkey 9.1 and Redis 8.2 name them.
const NAMES: &[Names] = &[
    reference("1.0.0", "slaveof"),
    reference("2.8.0", "psync"),
    reference("3.2.0", "script|debug"),
    reference("4.0.0", "module|load module|unload"),
    reference("5.0.0", "replicaof"),
    reference("6.2.0", "failover"),
    reference("7.0.0", "module|loadex"),
    reference("8.1.0", "client|import-source"),
    reference("9.1.0", "clusterscan"),
    reference(
        "8.2.0",
        "vadd vcard vdim vemb vgetattr vinfo vismember vlinks vrandmember vrem vsetattr vsim",
    ),
];

/// What a build without scripts does not have besides.
const SCRIPTS: &[Names] = &[
    reference("2.6.0", "eval evalsha script script|exists script|flush script|kill script|load"),
    reference("5.0.0", "script|help"),
    reference(
        "7.0.0",
        "eval_ro evalsha_ro fcall fcall_ro function function|delete function|dump function|flush \
         function|help function|kill function|list function|load function|restore function|stats",
    ),
    reference("8.0.0", "script|show"),
];

/// All that this build does not have.
fn groups() -> impl Iterator<Item = &'static Names> {
    let scripts = if cfg!(feature = "lua") { &[] } else { SCRIPTS };
    scripts.iter().chain(NAMES)
}

/// Whether the server that `persona` stands for has a command of this full name, in capitals or not, which is
/// not implemented here.
pub(crate) fn is_known(persona: &Persona, full_name: &[u8]) -> bool {
    groups().any(|group| {
        let mut names = group.names.split(' ');
        names.any(|name| {
            name.as_bytes().eq_ignore_ascii_case(full_name)
                && persona.has_command(name, group.since)
        })
    })
}

/// Whether a command of [`is_known`] has subcommands.
pub(crate) fn has_subcommands(name: &[u8]) -> bool {
    names().any(|full_name| {
        full_name
            .split_once('|')
            .is_some_and(|(container, _)| container.as_bytes().eq_ignore_ascii_case(name))
    })
}

/// The full names of all commands that are not implemented.
pub fn names() -> impl Iterator<Item = &'static str> {
    groups().flat_map(|group| group.names.split(' '))
}
