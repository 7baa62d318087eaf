//! The handshake and what keeps a connection alive: AUTH ECHO HELLO PING QUIT RESET SELECT.

use crate::access::DEFAULT_NAME;
use crate::access::UserId;
use crate::dispatch::spec::category::CONNECTION;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::{Databases, Spec};
use crate::dispatch::{Ctx, permission};
use crate::error::{self, Error};
use crate::session::{Departure, Doom, ReplyMode};
use crate::telemetry::peer_log::Cause;
use crate::text::number;
use crate::wire::{Args, Protocol};
use crate::world::World;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new(
        "auth",
        -2,
        NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY | SENTINEL,
        auth,
    )
    .acl(CONNECTION)
    .doc(
        "1.0.0",
        "O(N), N being the number of passwords the user has",
        "[username]@6.0 password",
        "Logs the connection in, as the default user or as the one named.",
    )
    .history(&[("6.0.0", "Takes a user name as well as a password.")])
    .secret(|_, index| index > 0),
    Spec::new("echo", 2, LOADING | STALE | FAST, echo).acl(CONNECTION).doc(
        "1.0.0",
        "O(1)",
        "message",
        "Sends its argument back.",
    ),
    Spec::new(
        "hello",
        -1,
        NO_CALL | NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY | SENTINEL,
        hello,
    )
    .acl(CONNECTION)
    .doc(
        "6.0.0",
        "O(1)",
        "[arguments: protover [AUTH username password] [SETNAME clientname]]",
        "Chooses the protocol version, and may log in and name the connection in the same \
            step.",
    )
    .history(&[
        ("8.1.0", "The reply has an `availability_zone` when the server was given one."),
        ("6.2.0", "Without arguments it describes the connection and changes nothing."),
    ])
    .secret(|args, index| {
        index > 2 && (args.is(index - 1, "AUTH") || index > 3 && args.is(index - 2, "AUTH"))
    }),
    Spec::new("ping", -1, FAST | SUBSCRIBER | SHOWS_HEALTH | SENTINEL, ping)
        .acl(CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc("1.0.0", "O(1)", "[message]", "Answers PONG, or the message it was given."),
    Spec::new(
        "quit",
        -1,
        NO_CALL | UNQUEUED | NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY | SUBSCRIBER,
        quit,
    )
    .acl(CONNECTION)
    .doc("1.0.0", "O(1)", "", "Closes the connection after the replies that are still owed."),
    Spec::new(
        "reset",
        1,
        NO_CALL | UNQUEUED | NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY | SUBSCRIBER,
        reset,
    )
    .acl(CONNECTION)
    .doc("6.2.0", "O(1)", "", "Puts the connection back into the state of a new one."),
    Spec::new("select", 2, LOADING | STALE | FAST | ALLOW_BUSY, select)
        .acl(CONNECTION)
        .databases(Databases::Selects(1))
        .doc("1.0.0", "O(1)", "index", "Changes the database that the connection works on."),
];

/// AUTH [username] password
fn auth(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (name, password) = match args.len() {
        2 if ctx.world.access.user(UserId::DEFAULT).nopass => {
            return Err(ctx.world.config.persona.no_password());
        }
        2 => (DEFAULT_NAME, &args[1]),
        3 => (&args[1], &args[2]),
        _ => return Err(error::SYNTAX),
    };
    let user = login(ctx, args, name, password)?;
    ctx.world.log_in(ctx.slot, user);
    ctx.reply.ok();
    Ok(())
}

/// ECHO message
fn echo(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.reply.bulk(&args[1]);
    Ok(())
}

/// HELLO [protover [AUTH username password] [SETNAME clientname]]
///
/// Everything is looked at before anything changes: a HELLO that fails leaves no trace.
fn hello(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut protocol = ctx.client().protocol;
    if let Some(version) = args.get(1) {
        protocol = match number::parse_i64(version) {
            Some(2) => Protocol::Resp2,
            Some(3) => Protocol::Resp3,
            Some(_) => return Err(error::NOPROTO),
            None => return Err(error::HELLO_VERSION),
        };
    }
    let mut credentials = None;
    let mut name = None;
    let mut options = args.options(2);
    while let Some(option) = options.peek() {
        if let Some([name, password]) = options.values("AUTH") {
            credentials = Some((name, password));
        } else if let Some(given) = options.value("SETNAME") {
            validate_name("Client names", given)?;
            name = Some(given);
        } else {
            return Err(error::quoting("Syntax error in HELLO option '", option, "'"));
        }
    }
    let user = match credentials {
        Some((name, password)) => Some(login(ctx, args, name, password)?),
        None if !ctx.world.is_unauthenticated(ctx.slot) => None,
        None => match ctx.world.config.persona.hello_without_login() {
            Some(refusal) => return Err(refusal),
            None => None,
        },
    };

    if let Some(user) = user {
        ctx.world.log_in(ctx.slot, user);
    }
    let client = ctx.client_mut();
    client.protocol = protocol;
    if let Some(name) = name {
        client.name = name.into();
    }
    ctx.reply.set_protocol(protocol);
    describe_server(ctx);
    Ok(())
}

/// The reply to HELLO.
fn describe_server(ctx: &mut Ctx<'_>) {
    let client = ctx.client();
    let (id, protocol) = (client.id, client.protocol);
    let persona = ctx.world.config.persona;
    let (mode, role) = mode_and_role(ctx);
    let reply = &mut ctx.reply;
    reply.map(6 + usize::from(role.is_some()));
    reply.bulk(b"server");
    reply.bulk(persona.server.as_bytes());
    reply.bulk(b"version");
    reply.bulk(persona.version.as_bytes());
    reply.bulk(b"proto");
    reply.int(protocol.number().into());
    reply.bulk(b"id");
    reply.int(id as i64);
    reply.bulk(b"mode");
    reply.bulk(mode.as_bytes());
    if let Some(role) = role {
        reply.bulk(b"role");
        reply.bulk(role.as_bytes());
    }
    reply.bulk(b"modules");
    reply.array(0);
}

/// What the port is to its clients, and its part in replication: those of the persona, unless a test has made the port a
/// node or a Sentinel.
pub(super) fn mode_and_role(ctx: &Ctx<'_>) -> (&'static str, Option<&'static str>) {
    if ctx.world.sentinel_of(ctx.slot).is_some() {
        return ("sentinel", None);
    }
    let persona = ctx.world.config.persona;
    match ctx.world.node_of(ctx.slot) {
        None => (persona.mode, Some("master")),
        Some(node) => {
            let mode = if node.is_in_cluster { "cluster" } else { "standalone" };
            (mode, Some(if node.primary.is_some() { "replica" } else { "master" }))
        }
    }
}

/// PING [message]
///
/// Among messages of RESP2 its reply looks like one of them.
fn ping(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    match args.len() {
        1 | 2 if ctx.client().is_resp2_subscriber() => {
            ctx.reply.array(2);
            ctx.reply.bulk(b"pong");
            ctx.reply.bulk(args.get(1).unwrap_or_default());
        }
        1 => ctx.reply.status("PONG"),
        2 => ctx.reply.bulk(&args[1]),
        _ => return Err(error::wrong_arity(ctx.row.spec.name)),
    }
    Ok(())
}

/// QUIT
fn quit(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.world.clients.doom(ctx.slot, Doom::AfterReply, Departure::Quit);
    ctx.reply.ok();
    Ok(())
}

/// RESET
///
/// Back to a new connection: RESP2, database 0, no name, replies on, and logged in only if no client has
/// to be. The library's name and version and the capabilities stay; they are the program's.
fn reset(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.world.end_session(ctx.slot);
    ctx.world.log_out(ctx.slot);
    ctx.world.clients.set_no_evict(ctx.slot, false);
    let client = ctx.client_mut();
    client.protocol = Protocol::Resp2;
    client.db = 0;
    client.name = Box::default();
    // To skip its own reply is what the client asked for before.
    if client.reply_mode == ReplyMode::Off {
        client.reply_mode = ReplyMode::On;
    }
    client.no_touch = false;
    ctx.reply.set_protocol(Protocol::Resp2);
    ctx.reply.status("RESET");
    Ok(())
}

/// SELECT index
fn select(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.client_mut().db = database(ctx, &args[1])?;
    ctx.reply.ok();
    Ok(())
}

/// The number of a database that exists.
pub(crate) fn database(ctx: &Ctx<'_>, text: &[u8]) -> Result<usize, Error> {
    let index = number::parse_i64(text).ok_or(error::NOT_AN_INTEGER)?;
    let index = i32::try_from(index).map_err(|_| error::NOT_AN_INT)?;
    match usize::try_from(index) {
        Ok(index) if index < databases(ctx) => Ok(index),
        _ => Err(error::DB_INDEX),
    }
}

/// How many databases the client may select: a cluster has one.
fn databases(ctx: &Ctx<'_>) -> usize {
    match ctx.world.cluster_node_of(ctx.slot) {
        Some(_) => 1,
        None => ctx.world.store.databases(),
    }
}

/// Names show in CLIENT LIST, one client a line and one field a word: so they are printable and have
/// no spaces. `what` begins the error.
pub(crate) fn validate_name(what: &str, name: &[u8]) -> Result<(), Error> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        return Ok(());
    }
    Err(Error::text(format!("ERR {what} cannot contain spaces, newlines or special characters.")))
}

/// Whom the name and the password open. A failure is counted and logged, without the password, and its
/// answer put off: see [`crate::access::Failures`].
///
/// In a transaction nothing can be put off. There a login fails as long as the answer to the last failed
/// one still would be, so that guessing is no faster in it.
fn login(ctx: &mut Ctx<'_>, args: Args<'_>, name: &[u8], password: &[u8]) -> Result<UserId, Error> {
    let now = ctx.now().mono;
    let addr = ctx.client().peer.addr.clone();
    let first = u64::from(ctx.world.config.auth_failure_delay) * 1000;
    let access = &mut ctx.world.access;
    if first > 0 && access.failures.owes_too_much(&addr, now) {
        return Err(error::TOO_MANY_FAILED_LOGINS);
    }
    let is_too_early =
        first > 0 && !ctx.frame.may_wait() && access.failures.owes_answer(&addr, now);
    if let Some(user) = access.login(name, password).filter(|_| !is_too_early) {
        let delay = access.failures.forgive(&addr, now);
        if delay > 0 && first > 0 {
            ctx.put_off_reply(delay);
        }
        return Ok(user);
    }
    let delay = if is_too_early { 0 } else { access.failures.add(&addr, first, now) };
    permission::log_login(ctx, args, name);
    let World { peer_log, clients, .. } = &mut *ctx.world;
    let id = clients[ctx.slot].id;
    peer_log.log(Cause::Login, now, format_args!("client {id} at {addr} failed to log in"));
    if delay > 0 {
        ctx.put_off_reply(delay);
    }
    Err(ctx.world.config.persona.wrong_password())
}
