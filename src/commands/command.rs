//! What the server knows of its own commands: COMMAND and its subcommands.
//!
//! Everything here is read from the table of rows; nothing is written down twice. How a row is spelt
//! for COMMAND INFO is in `command/info.rs`, for COMMAND DOCS in `command/docs.rs`.

mod docs;
mod info;

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};

use crate::dispatch::descriptions::Descriptions;
use crate::dispatch::help::help;
use crate::dispatch::keys::{self, Key};
use crate::dispatch::spec::category::CONNECTION;
use crate::dispatch::spec::flag::{self, LOADING, STALE};
use crate::dispatch::spec::{Spec, key, names_of};
use crate::dispatch::table::Found;
use crate::dispatch::{Ctx, Row, Table};
use crate::error::{self, Error};
use crate::text::glob::Glob;
use crate::wire::{Args, Mark, OwnedArgs, Reply};

pub(crate) const TABLE: &[Spec] =
    &[Spec::new("command", -1, LOADING | STALE | flag::SENTINEL, command)
        .subcommands(COMMAND)
        .acl(CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .doc(
            "2.8.13",
            "O(N), N being the number of commands",
            "",
            "Describes every command to a client library.",
        )];

const COMMAND: &[Spec] = &[
    Spec::new("count", 2, LOADING | STALE, command_count).acl(CONNECTION).doc(
        "2.8.13",
        "O(1)",
        "",
        "Returns the number of commands.",
    ),
    Spec::new("docs", -2, LOADING | STALE, command_docs)
        .acl(CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .doc(
            "7.0.0",
            "O(N), N being the number of commands asked for",
            "[command-name...]",
            "Returns the documentation of commands, their arguments included.",
        ),
    Spec::new("getkeys", -3, LOADING | STALE, command_getkeys).acl(CONNECTION).doc(
        "2.8.13",
        "O(N), N being the number of arguments of the command",
        "command [arg...]",
        "Returns the keys that a command would use.",
    ),
    Spec::new("getkeysandflags", -3, LOADING | STALE, command_getkeysandflags).acl(CONNECTION).doc(
        "7.0.0",
        "O(N), N being the number of arguments of the command",
        "command [arg...]",
        "Returns the keys that a command would use and what it would do to each.",
    ),
    Spec::new("help", 2, LOADING | STALE, help).acl(CONNECTION).doc(
        "5.0.0",
        "O(1)",
        "",
        "Lists the subcommands.",
    ),
    Spec::new("info", -2, LOADING | STALE, command_info)
        .acl(CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .doc(
            "2.8.13",
            "O(N), N being the number of commands asked for",
            "[command-name...]",
            "Describes the commands named, or all, to a client library.",
        )
        .history(&[("7.0.0", "Without names it describes all commands.")]),
    Spec::new("list", -2, LOADING | STALE, command_list)
        .acl(CONNECTION)
        .tips(&["nondeterministic_output_order"])
        .doc(
            "7.0.0",
            "O(N), N being the number of commands",
            "[FILTERBY (MODULE module-name | ACLCAT category | PATTERN pattern)]",
            "Returns the names of the commands, or of those that match.",
        ),
];

/// COMMAND
fn command(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.raw(&descriptions(ctx).bytes);
    Ok(())
}

/// What is said of every row, in the protocol of the client.
fn descriptions<'a>(ctx: &Ctx<'a>) -> &'a Descriptions {
    let (table, persona, protocol) = (ctx.table, ctx.world.config.persona, ctx.reply.protocol());
    table.descriptions(protocol, || info::describe_all(table, persona, protocol))
}

/// COMMAND COUNT
fn command_count(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.int(ctx.table.command_count() as i64);
    Ok(())
}

/// COMMAND DOCS [command-name...]
///
/// Names that name nothing are passed over.
fn command_docs(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let rows: Vec<&Row> = match args.len() {
        2 => ctx.table.commands().collect(),
        _ => args.from(2).filter_map(|name| ctx.table.named(name)).collect(),
    };
    ctx.reply.map(rows.len());
    // A name may be repeated as often as a request is long: to describe it takes a thousand times as long as to
    // copy what was written.
    let mut written = HashMap::new();
    for row in rows {
        match written.entry(row.id.index()) {
            Occupied(places) => {
                let &(from, to): &(Mark, Mark) = places.get();
                ctx.reply.repeat(from, to);
            }
            Vacant(place) => {
                let from = ctx.reply.mark();
                ctx.reply.bulk(row.full_name.as_bytes());
                docs::describe(ctx.reply, ctx.table, row);
                place.insert((from, ctx.reply.mark()));
            }
        }
        if ctx.reply.is_full() {
            break;
        }
    }
    Ok(())
}

/// COMMAND INFO [command-name...]
///
/// Names that name nothing are null.
fn command_info(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.len() == 2 {
        return command(ctx, args);
    }
    let (persona, descriptions) = (ctx.world.config.persona, descriptions(ctx));
    ctx.reply.array(args.len() - 2);
    for name in args.from(2) {
        let found = ctx.table.named(name);
        let found = found.filter(|row| row.container.is_none() || persona.names_subcommands());
        match found.and_then(|row| descriptions.of(row.id)) {
            Some(description) => ctx.reply.raw(description),
            None => ctx.reply.null(),
        }
        if ctx.reply.is_full() {
            break;
        }
    }
    Ok(())
}

/// COMMAND LIST [FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]
///
/// Subcommands are listed too, by their full names.
fn command_list(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let filter = Filter::parse(args)?;
    let names: Vec<&str> = ctx
        .table
        .rows()
        .filter(|row| filter.lets_through(ctx.table, row))
        .map(|row| row.full_name.as_str())
        .collect();
    ctx.reply.array(names.len());
    for name in names {
        ctx.reply.bulk(name.as_bytes());
    }
    Ok(())
}

/// Which rows COMMAND LIST returns.
enum Filter<'a> {
    All,
    /// No command comes from a module.
    Module,
    Category(&'a [u8]),
    Pattern(Glob<&'a [u8]>),
}

impl<'a> Filter<'a> {
    fn parse(args: Args<'a>) -> Result<Filter<'a>, Error> {
        match (args.len(), args.get(4)) {
            (2, _) => Ok(Filter::All),
            (5, Some(_)) if !args.is(2, "FILTERBY") => Err(error::SYNTAX),
            (5, Some(_)) if args.is(3, "MODULE") => Ok(Filter::Module),
            (5, Some(name)) if args.is(3, "ACLCAT") => Ok(Filter::Category(name)),
            (5, Some(pattern)) if args.is(3, "PATTERN") => {
                Ok(Filter::Pattern(Glob::ignoring_case(pattern)))
            }
            _ => Err(error::SYNTAX),
        }
    }

    fn lets_through(&self, table: &Table, row: &Row) -> bool {
        match self {
            Filter::All => true,
            Filter::Module => false,
            Filter::Category(name) => {
                table.category_named(name).is_some_and(|bit| row.spec.categories() & bit != 0)
            }
            Filter::Pattern(glob) => glob.matches(row.full_name.as_bytes()),
        }
    }
}

/// COMMAND GETKEYS command [arg...]
fn command_getkeys(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let request = OwnedArgs::from_iter(args.from(2));
    let keys = keys_of(ctx.table, request.args())?;
    ctx.reply.array(keys.len());
    for key in keys {
        ctx.reply.bulk(&request.args()[key.index]);
    }
    Ok(())
}

/// COMMAND GETKEYSANDFLAGS command [arg...]
fn command_getkeysandflags(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let request = OwnedArgs::from_iter(args.from(2));
    let keys = keys_of(ctx.table, request.args())?;
    ctx.reply.array(keys.len());
    for key in keys {
        ctx.reply.array(2);
        ctx.reply.bulk(&request.args()[key.index]);
        statuses(ctx.reply, &names_of(key.flags, key::NAMES));
    }
    Ok(())
}

/// The keys of a request that was not sent as one.
fn keys_of(table: &Table, request: Args<'_>) -> Result<Vec<Key>, Error> {
    let Found::Row(row) = table.find(request) else {
        return Err(error::GETKEYS_NO_COMMAND);
    };
    if !keys::are_possible(&row.spec) {
        return Err(error::GETKEYS_NO_KEYS);
    }
    if !row.accepts(request.len()) {
        return Err(error::GETKEYS_ARITY);
    }
    match keys::of(&row.spec, request).unwrap_or_default() {
        keys if keys.is_empty() && !row.has(flag::NO_MANDATORY_KEYS) => Err(error::GETKEYS_INVALID),
        keys => Ok(keys),
    }
}

/// Names as a set of simple strings.
fn statuses(reply: &mut Reply, names: &[&str]) {
    reply.set(names.len());
    for name in names {
        reply.status(name);
    }
}
