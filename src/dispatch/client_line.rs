//! How CLIENT LIST and CLIENT INFO show a client: one line of `field=value`, in Valkey's order.
//!
//! The figures are those of our own buffers. There is one output buffer for each client, which exists
//! only while something is to be sent, and no list of further ones (`oll`). It is the reply buffer
//! (`rbs`, `rbp`); when more than [`REPLY_BUFFER`] waits in it, it is output memory (`omem`), where
//! operators look for clients that do not read. Complete requests are run in the reactor's buffer; a
//! client's own (`qbuf`) holds only the beginning of an unfinished one.

use std::fmt::Display;
use std::io::Write;

use super::ctx::Ctx;
use crate::config::Persona;
use crate::listeners::Transaction;
use crate::listeners::pubsub::subscriptions::Topic::{Channel, Pattern, Shard};
use crate::listeners::tracking::tracker::Tracker;
use crate::listeners::watch::Watched;
use crate::peer::Kind;
use crate::session::outbox::REPLY_BUFFER;
use crate::session::{Client, Doom};
use crate::wire::Args;

/// Appends the line of `client`. `args` is the request that is running.
pub(crate) fn push(out: &mut Vec<u8>, ctx: &Ctx<'_>, args: Args<'_>, client: &Client) {
    let now = ctx.now().mono;
    let user = ctx.world.access.user(client.user);
    let persona = ctx.world.config.persona;
    let command = client.last_command.map_or("NULL", |id| {
        let name = &ctx.table.row(id).full_name;
        let container = name.split('|').next().unwrap_or(name);
        if persona.names_subcommands() { name } else { container }
    });
    let buffers = Buffers::of(ctx, args, client);

    let mut line = Line { out, persona, is_fresh: true };
    line.field("id", client.id);
    line.field("addr", &client.peer.addr);
    line.field("laddr", &client.peer.laddr);
    line.field("fd", client.peer.fd);
    line.bytes("name", &client.name);
    line.field("age", (now - client.created) / 1_000_000);
    line.field("idle", (now - client.active) / 1_000_000);
    line.field("flags", flags(client));
    line.field("capa", capabilities(client));
    line.field("db", client.db);
    for (field, topic) in [("sub", Channel), ("psub", Pattern), ("ssub", Shard)] {
        line.field(field, client.subscriptions().map_or(0, |names| names.len(topic)));
    }
    line.field("multi", client.transaction_len().map_or(-1, |commands| commands as i64));
    line.field("watch", client.watched().map_or(0, Watched::len));
    line.field("qbuf", client.unread());
    line.field("qbuf-free", client.inbox.capacity() - client.unread());
    line.field("argv-mem", buffers.arguments);
    line.field("multi-mem", client.transaction().map_or(0, Transaction::memory));
    line.field("rbs", buffers.output - buffers.waiting());
    line.field("rbp", buffers.written);
    line.field("obl", buffers.written - client.outbox.sent);
    line.field("oll", 0);
    line.field("omem", buffers.waiting());
    line.field("tot-mem", buffers.total);
    line.field("events", events(client));
    line.field("cmd", command);
    line.bytes("user", &user.name);
    line.field("redir", client.redirect());
    line.field("resp", client.protocol.number());
    line.bytes("lib-name", &client.lib_name);
    line.bytes("lib-ver", &client.lib_ver);
    if persona.is_redis() {
        // The thread that reads from the client: the one that serves everything.
        line.field("io-thread", 0);
    }
    line.field("tot-net-in", client.bytes_in);
    line.field("tot-net-out", client.bytes_out);
    line.field("tot-cmds", client.commands);
    out.push(b'\n');
}

/// The fields that came with a later version than any persona's first.
const LATER: &[(&str, &str)] = &[
    ("user", "6.0.0"),
    ("laddr", "6.2.0"),
    ("argv-mem", "6.2.0"),
    ("tot-mem", "6.2.0"),
    ("redir", "6.2.0"),
    ("ssub", "7.0.0"),
    ("multi-mem", "7.0.0"),
    ("rbs", "7.0.0"),
    ("rbp", "7.0.0"),
    ("resp", "7.0.0"),
    ("lib-name", "7.2.0"),
    ("lib-ver", "7.2.0"),
    ("watch", "8.0.0"),
    ("io-thread", "8.0.0"),
    ("tot-net-in", "8.0.0"),
    ("tot-net-out", "8.0.0"),
    ("tot-cmds", "8.0.0"),
    ("capa", "8.1.0"),
];

/// Tells whether a client is in a state that shows.
pub(crate) type Shows = fn(&Client) -> bool;

/// The letters of `flags`; `N` if there is none.
const FLAGS: &[(char, Shows)] = &[
    ('O', Client::is_monitor),
    ('P', Client::is_subscriber),
    ('x', |client| client.transaction_len().is_some()),
    ('b', |client| client.is_waiting),
    ('t', |client| client.tracker().is_some()),
    ('R', |client| client.tracker().is_some_and(|tracker| tracker.is_broken)),
    ('B', |client| client.tracker().is_some_and(Tracker::is_broadcast)),
    ('d', |client| client.watched().is_some_and(|watched| watched.is_dirty)),
    ('c', |client| client.doom == Doom::AfterReply),
    ('U', |client| client.peer.kind == Kind::Unix),
    ('r', Client::reads_replica),
    ('a', |client| client.peer.kind == Kind::Admin),
    ('e', |client| client.no_evict),
    ('T', |client| client.no_touch),
];

fn flags(client: &Client) -> String {
    let letters: String =
        FLAGS.iter().filter(|(_, shows)| shows(client)).map(|&(letter, _)| letter).collect();
    if letters.is_empty() { "N".to_owned() } else { letters }
}

/// Returns whether `flags` has the letter.
pub(crate) fn shows_flag(client: &Client, letter: u8) -> bool {
    let mut shown = FLAGS.iter().filter(|(_, shows)| shows(client));
    match letter {
        b'N' => shown.next().is_none(),
        letter => shown.any(|&(known, _)| known == char::from(letter)),
    }
}

/// The letters of what CLIENT CAPA was told.
fn capabilities(client: &Client) -> String {
    let letters = if client.redirect_capable { "r" } else { "" };
    letters.to_owned()
}

/// What the reactor waits for: `r` to read, `w` to write on.
fn events(client: &Client) -> &'static str {
    match (client.doom == Doom::No, client.stalled) {
        (true, true) => "rw",
        (true, false) => "r",
        (false, true) => "w",
        (false, false) => "",
    }
}

/// Bytes that a client's buffers hold.
struct Buffers {
    /// The arguments of its running request, or what is known of an unfinished one.
    arguments: usize,
    /// The output buffer, used or not.
    output: usize,
    /// What stands in it, sent or not.
    written: usize,
    total: usize,
}

impl Buffers {
    /// Bytes of an output buffer in which much waits.
    fn waiting(&self) -> usize {
        if self.written > REPLY_BUFFER { self.output } else { 0 }
    }

    fn of(ctx: &Ctx<'_>, args: Args<'_>, client: &Client) -> Buffers {
        // While its command runs, the client's output buffer is with the reply.
        let is_running = client.id == ctx.client().id;
        if is_running {
            Buffers {
                arguments: args.bytes(),
                output: ctx.reply.memory(),
                written: ctx.reply.len(),
                total: client.memory() + ctx.reply.memory(),
            }
        } else {
            Buffers {
                arguments: client.parser.memory(),
                output: client.outbox.bytes.capacity() + client.outbox.elsewhere(),
                written: client.outbox.bytes.len() + client.outbox.elsewhere(),
                total: client.memory(),
            }
        }
    }
}

/// A line that is being written.
struct Line<'a> {
    out: &'a mut Vec<u8>,
    persona: &'static Persona,
    is_fresh: bool,
}

impl Line<'_> {
    fn field(&mut self, name: &str, value: impl Display) {
        if self.begins(name) {
            write!(self.out, "{value}").expect("memory takes every write");
        }
    }

    /// Names are bytes that a client has sent.
    fn bytes(&mut self, name: &str, value: &[u8]) {
        if self.begins(name) {
            self.out.extend_from_slice(value);
        }
    }

    /// Writes the name of a field, if the persona has it.
    fn begins(&mut self, name: &str) -> bool {
        let later = LATER.iter().find(|(known, _)| *known == name);
        if let Some((_, since)) = later
            && self.persona.version_of_part("client|list", name, since).is_none()
        {
            return false;
        }
        if !std::mem::take(&mut self.is_fresh) {
            self.out.push(b' ');
        }
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'=');
        true
    }
}
