//! Users and what they may do: ACL and its subcommands.
//!
//! What rules mean is for [`crate::access`] to say, and whether they grant a request for
//! [`permission`]. Here are the words in which an operator asks and is answered.

use std::collections::BTreeSet;

use crate::access::UserId;
use crate::access::{self, Entry, Grammar, Reason, Selector, User, Vocabulary};
use crate::clock::Now;
use crate::config::Persona;
use crate::dispatch::help::help;
use crate::dispatch::permission::{self, Denied};
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::flag::*;
use crate::dispatch::table::Found;
use crate::dispatch::{Ctx, Row};
use crate::error::{self, Error};
use crate::files;
use crate::text::number;
use crate::wire::{Args, OwnedArgs, Reply};
use crate::world::World;

pub(crate) const TABLE: &[Spec] = &[Spec::container("acl", ACL).flags(SENTINEL).doc(
    "6.0.0",
    "Depends on the subcommand.",
    "",
    "Commands about users and what they may do.",
)];

const ACL: &[Spec] = &[
    Spec::new("cat", -2, NOSCRIPT | LOADING | STALE, acl_cat).doc(
        "6.0.0",
        "O(1), for the set of commands is fixed",
        "[category]",
        "Returns the categories, or the commands of one.",
    ),
    Spec::new("deluser", -3, ADMIN | NOSCRIPT | LOADING | STALE, acl_deluser)
        .secret(is_about_a_user)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc(
            "6.0.0",
            "O(1), amortized, for a user of ordinary size",
            "username...",
            "Deletes users and closes their connections.",
        ),
    Spec::new("dryrun", -4, ADMIN | NOSCRIPT | LOADING | STALE, acl_dryrun)
        .doc(
            "7.0.0",
            "O(1)",
            "username command [arg...]",
            "Tells whether a user could run a command, without running it.",
        )
        // The command may be AUTH.
        .secret(|_, index| index > 3),
    Spec::new("genpass", -2, NOSCRIPT | LOADING | STALE | SECRET_REPLY, acl_genpass).doc(
        "6.0.0",
        "O(1)",
        "[bits]",
        "Returns a random password.",
    ),
    Spec::new("getuser", 3, ADMIN | NOSCRIPT | LOADING | STALE, acl_getuser)
        .secret(is_about_a_user)
        .doc(
            "6.0.0",
            "O(N), N being the number of rules of the user",
            "username",
            "Describes a user.",
        )
        .history(&[
            ("6.2.0", "Patterns of channels."),
            ("7.0.0", "Selectors; patterns of keys and channels are in the form of rules."),
            ("9.1.0", "Rules about databases."),
        ]),
    Spec::new("help", 2, LOADING | STALE, help).doc("6.0.0", "O(1)", "", "Lists the subcommands."),
    Spec::new("list", 2, ADMIN | NOSCRIPT | LOADING | STALE | SECRET_REPLY, acl_list).doc(
        "6.0.0",
        "O(N), N being the number of users",
        "",
        "Returns the users in the form of an ACL file.",
    ),
    Spec::new("load", 2, ADMIN | NOSCRIPT | LOADING | STALE, acl_load).doc(
        "6.0.0",
        "O(N), N being the number of users",
        "",
        "Replaces the users by those of the ACL file.",
    ),
    Spec::new("log", -2, ADMIN | NOSCRIPT | LOADING | STALE, acl_log)
        .doc(
            "6.0.0",
            "O(N), N being the number of entries returned",
            "[operation: count | RESET]",
            "Returns or clears the log of what was denied.",
        )
        .history(&[("7.2.0", "Entries have an id, and times of creation and of the last change.")]),
    Spec::new("save", 2, ADMIN | NOSCRIPT | LOADING | STALE, acl_save)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc("6.0.0", "O(N), N being the number of users", "", "Writes the users to the ACL file."),
    Spec::new("setuser", -3, ADMIN | NOSCRIPT | LOADING | STALE, acl_setuser)
        .secret(is_about_a_user)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc(
            "6.0.0",
            "O(N), N being the number of rules given",
            "username [rule...]",
            "Creates a user, or changes one.",
        )
        .history(&[
            ("6.2.0", "Patterns of channels."),
            ("7.0.0", "Selectors, and permissions to read and to write keys."),
            ("9.1.0", "Rules about databases."),
        ]),
    Spec::new("users", 2, ADMIN | NOSCRIPT | LOADING | STALE, acl_users).doc(
        "6.0.0",
        "O(N), N being the number of users",
        "",
        "Returns the names of the users.",
    ),
    Spec::new("whoami", 2, NOSCRIPT | LOADING | STALE, acl_whoami).doc(
        "6.0.0",
        "O(1)",
        "",
        "Returns the name of the user that the connection is logged in as.",
    ),
];

/// The most bits that ACL GENPASS gives, and how many it gives unasked.
const MOST_BITS: i64 = 4096;
const USUAL_BITS: i64 = 256;

/// How many entries ACL LOG shows unasked.
const USUAL_ENTRIES: i64 = 10;

/// Neither names nor rules are for logs: rules have passwords in them.
fn is_about_a_user(_: Args<'_>, index: usize) -> bool {
    index >= 2
}

/// ACL CAT [category]
fn acl_cat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let names: Vec<&str> = match args.len() {
        2 => ctx.table.categories().map(|(_, name)| name).collect(),
        3 => {
            let unknown = || error::quoting("Unknown category '", &args[2], "'");
            let commands = ctx.table.category(&args[2]).ok_or_else(unknown)?;
            commands.into_iter().map(|id| ctx.table.full_name(id)).collect()
        }
        _ => return Err(error::subcommand_syntax("acl", &args[1])),
    };
    ctx.reply.array(names.len());
    names.iter().for_each(|name| ctx.reply.bulk(name.as_bytes()));
    Ok(())
}

/// ACL DELUSER username [username ...]
fn acl_deluser(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.from(2).any(|name| name == access::DEFAULT_NAME) {
        return Err(error::DEFAULT_USER);
    }
    let users: BTreeSet<UserId> =
        args.from(2).filter_map(|name| ctx.world.access.named(name)).collect();
    ctx.world.delete_users(&users, ctx.slot);
    ctx.reply.int(users.len() as i64);
    Ok(())
}

/// ACL DRYRUN username command [arg ...]
fn acl_dryrun(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let unknown = || error::quoting("User '", &args[2], "' not found");
    let user = ctx.world.access.named(&args[2]).ok_or_else(unknown)?;
    let request = OwnedArgs::from_iter(args.from(3));
    let request = request.args();
    let Found::Row(row) = ctx.table.find(request) else {
        return Err(error::quoting("Command '", &args[3], "' not found"));
    };
    if !row.accepts(request.len()) {
        return Err(error::wrong_arity(&row.full_name));
    }
    match permission::check(ctx.world, user, ctx.client().db, row, request) {
        Ok(()) => ctx.reply.ok(),
        Err(denied) => ctx.reply.bulk(&explain(&args[2], row, request, denied)),
    }
    Ok(())
}

/// What a user lacks, with more detail than the user itself is told.
fn explain(user: &[u8], row: &Row, request: Args<'_>, denied: Denied) -> Vec<u8> {
    let object = &request[denied.at];
    let (before, object, after) = match denied.reason {
        Reason::Command => ("run the '", row.full_name.as_bytes(), "' command"),
        Reason::Key => ("access the '", object, "' key"),
        Reason::Channel => ("access the '", object, "' channel"),
        Reason::Database | Reason::Auth | Reason::Certificate => ("access database ", object, ""),
    };
    let no = b" has no permissions to ";
    [b"User ", user, no, before.as_bytes(), object, after.as_bytes()].concat()
}

/// ACL GENPASS [bits]
fn acl_genpass(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let bits = match args.len() {
        2 => USUAL_BITS,
        3 => number::parse_i64(&args[2]).ok_or(error::NOT_AN_INTEGER)?,
        _ => return Err(error::subcommand_syntax("acl", &args[1])),
    };
    if !(1..=MOST_BITS).contains(&bits) {
        return Err(error::GENPASS_BITS);
    }
    let password = access::generate(bits as usize).map_err(|failed| {
        log::error!("ACL GENPASS: {failed}");
        error::INTERNAL
    })?;
    ctx.reply.bulk(password.as_bytes());
    Ok(())
}

/// ACL GETUSER username
fn acl_getuser(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let Some(user) = ctx.world.access.named(&args[2]) else {
        ctx.reply.null();
        return Ok(());
    };
    let user = ctx.world.access.user(user);
    let persona = ctx.world.config.persona;
    let has_databases = persona.is_at_least("9.1.0");
    let reply = &mut ctx.reply;
    reply.map(6 + usize::from(has_databases));
    reply.bulk(b"flags");
    let flags = user.flags().chain(more_flags(persona));
    reply.set_of(|reply| flags.map(|flag| reply.bulk(flag.as_bytes())).count());
    reply.bulk(b"passwords");
    reply.array(user.passwords().iter().len());
    user.passwords().iter().for_each(|hash| reply.bulk(hash.to_string().as_bytes()));
    describe_selector(reply, user.root(), has_databases);
    reply.bulk(b"selectors");
    reply.array(user.others().len());
    for selector in user.others() {
        reply.map(3 + usize::from(has_databases));
        describe_selector(reply, selector, has_databases);
    }
    Ok(())
}

/// What a user of Redis 8 is shown to have beside what is kept of it: payloads are checked, whatever its rules say.
fn more_flags(persona: &Persona) -> Option<&'static str> {
    persona.shows_checks_of_payloads().then_some("sanitize-payload")
}

/// Three pairs about a selector, or four.
fn describe_selector(reply: &mut Reply, selector: &Selector, has_databases: bool) {
    let mut pair = |name: &str, describe: &dyn Fn(&mut Vec<u8>)| {
        let mut rules = Vec::new();
        describe(&mut rules);
        reply.bulk(name.as_bytes());
        reply.bulk(&rules);
    };
    pair("commands", &|rules| selector.commands.describe(rules));
    pair("keys", &|rules| selector.keys.describe(rules));
    pair("channels", &|rules| selector.channels.describe(rules));
    if has_databases {
        pair("databases", &|rules| selector.databases.show(rules));
    }
}

/// ACL LIST
fn acl_list(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let users = ctx.world.access.users();
    let flag = more_flags(ctx.world.config.persona);
    ctx.reply.array(users.len());
    users.for_each(|user| ctx.reply.bulk(&access::line_with(user, flag)));
    Ok(())
}

/// ACL LOAD
fn acl_load(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let config = &ctx.world.config;
    let users =
        files::load_users(config, grammar(ctx)).ok_or_else(|| config.persona.no_acl_file())?;
    let users = users.map_err(|reason| Error::text([b"ERR ", &reason[..]].concat()))?;
    ctx.world.replace_users(users, ctx.slot);
    ctx.reply.ok();
    Ok(())
}

/// ACL LOG [count | RESET]
fn acl_log(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let count = match args.len() {
        2 => USUAL_ENTRIES,
        3 if args.is(2, "RESET") => {
            ctx.world.access.log.clear();
            ctx.reply.ok();
            return Ok(());
        }
        3 => number::parse_i64(&args[2]).ok_or(error::NOT_AN_INTEGER)?,
        _ => return Err(error::subcommand_syntax("acl", &args[1])),
    };
    let now = ctx.now();
    let entries = ctx.world.access.log.entries();
    let count = entries.len().min(usize::try_from(count).unwrap_or(0));
    ctx.reply.array(count);
    entries.take(count).for_each(|entry| describe_entry(ctx.reply, entry, now));
    Ok(())
}

fn describe_entry(reply: &mut Reply, entry: &Entry, now: Now) {
    let milliseconds = |time: Now| (time.wall / 1000) as i64;
    let age = milliseconds(now) - milliseconds(entry.updated);
    reply.map(10);
    reply.bulk(b"count");
    reply.int(entry.count as i64);
    reply.bulk(b"reason");
    reply.bulk(entry.what.reason.name().as_bytes());
    reply.bulk(b"context");
    reply.bulk(entry.what.context.name().as_bytes());
    reply.bulk(b"object");
    reply.bulk(&entry.what.object);
    reply.bulk(b"username");
    reply.bulk(&entry.what.user);
    reply.bulk(b"age-seconds");
    reply.double(age as f64 / 1000.0);
    reply.bulk(b"client-info");
    reply.bulk(&entry.client);
    reply.bulk(b"entry-id");
    reply.int(entry.id as i64);
    reply.bulk(b"timestamp-created");
    reply.int(milliseconds(entry.created));
    reply.bulk(b"timestamp-last-updated");
    reply.int(milliseconds(entry.updated));
}

/// ACL SAVE
fn acl_save(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let World { config, access, .. } = &*ctx.world;
    let file = config.aclfile.as_deref().ok_or_else(|| config.persona.no_acl_file())?;
    files::save_users(&config.locate(file), access.users()).map_err(|failed| {
        log::error!("ACL SAVE to {}: {failed}", file.display());
        error::ACL_SAVE_FAILED
    })?;
    log::info!("ACL SAVE to {}", file.display());
    ctx.reply.ok();
    Ok(())
}

/// ACL SETUSER username [rule [rule ...]]
///
/// The rules change a copy, which takes the user's place if all of them could be applied.
fn acl_setuser(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let name = &args[2];
    if access::has_spaces(name) {
        return Err(error::USER_NAME);
    }
    let words: Vec<&[u8]> = args.from(3).collect();
    let rules = access::join_selectors(&words).map_err(|at| {
        error::quoting("Unmatched parenthesis in acl selector starting at '", words[at], "'.")
    })?;
    let grammar = grammar(ctx);
    let mut user = match ctx.world.access.named(name) {
        Some(user) => ctx.world.access.user(user).clone(),
        None => User::new(name, grammar),
    };
    for rule in &rules {
        user.apply(rule, grammar).map_err(|reason| error::bad_acl_rule(rule, reason.text()))?;
    }
    ctx.world.set_user(user, ctx.slot);
    ctx.reply.ok();
    Ok(())
}

/// ACL USERS
fn acl_users(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let users = ctx.world.access.users();
    ctx.reply.array(users.len());
    users.for_each(|user| ctx.reply.bulk(&user.name));
    Ok(())
}

/// ACL WHOAMI
fn acl_whoami(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let name = &ctx.world.access.user(ctx.world.clients[ctx.slot].user).name;
    ctx.reply.bulk(name);
    Ok(())
}

/// What the words of rules mean on this server.
fn grammar<'a>(ctx: &Ctx<'a>) -> Grammar<'a> {
    Grammar::new(&ctx.world.config, ctx.table)
}
