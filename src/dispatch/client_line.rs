//! How CLIENT LIST and CLIENT INFO show a client: one line of `field=value`, in Valkey's order.
//!
//! The figures are those of our own buffers. There is one output buffer for each client, which exists
//! only while something is to be sent, and no list of further ones (`oll`). It is the reply buffer
//! (`rbs`, `rbp`); when more than [`REPLY_BUFFER`] waits in it, it is output memory (`omem`), where
//! operators look for clients that do not read. Complete requests are run in the reactor's buffer; a
//! client's own (`qbuf`) holds only the beginning of an unfinished one.

use std::net::SocketAddr;

use super::ctx::Ctx;
use crate::config::Persona;
use crate::listeners::Transaction;
use crate::listeners::pubsub::subscriptions::Topic::{Channel, Pattern, Shard};
use crate::listeners::tracking::tracker::Tracker;
use crate::listeners::watch::Watched;
use crate::peer::{Address, Kind};
use crate::session::outbox::REPLY_BUFFER;
use crate::session::{Client, Doom};
use crate::text::number;
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

    let mut line = Line { out, persona, is_fresh: true, is_whole: persona.has_all_parts() };
    line.number("id", client.id);
    line.address("addr", &client.peer.addr);
    line.address("laddr", &client.peer.laddr);
    line.number("fd", client.peer.fd);
    line.bytes("name", &client.name);
    line.number("age", (now - client.created) / 1_000_000);
    line.number("idle", (now - client.active) / 1_000_000);
    line.letters("flags", flags(client), b"N");
    line.bytes("capa", capabilities(client));
    line.number("db", client.db);
    for (field, topic) in [("sub", Channel), ("psub", Pattern), ("ssub", Shard)] {
        line.number(field, client.subscriptions().map_or(0, |names| names.len(topic)));
    }
    line.number("multi", client.transaction_len().map_or(-1, |commands| commands as i64));
    line.number("watch", client.watched().map_or(0, Watched::len));
    line.number("qbuf", client.unread());
    line.number("qbuf-free", client.inbox.capacity() - client.unread());
    line.number("argv-mem", buffers.arguments);
    line.number("multi-mem", client.transaction().map_or(0, Transaction::memory));
    line.number("rbs", buffers.output - buffers.waiting());
    line.number("rbp", buffers.written);
    line.number("obl", buffers.written - client.outbox.sent);
    line.number("oll", 0);
    line.number("omem", buffers.waiting());
    line.number("tot-mem", buffers.total);
    line.bytes("events", events(client).as_bytes());
    line.bytes("cmd", command.as_bytes());
    line.bytes("user", &user.name);
    line.number("redir", client.redirect());
    line.number("resp", client.protocol.number());
    line.bytes("lib-name", &client.lib_name);
    line.bytes("lib-ver", &client.lib_ver);
    if persona.is_redis() {
        // The thread that reads from the client: the one that serves everything.
        line.number("io-thread", 0);
    }
    line.number("tot-net-in", client.bytes_in);
    line.number("tot-net-out", client.bytes_out);
    line.number("tot-cmds", client.commands);
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
const FLAGS: &[(u8, Shows)] = &[
    (b'O', Client::is_monitor),
    (b'P', Client::is_subscriber),
    (b'x', |client| client.transaction_len().is_some()),
    (b'b', |client| client.is_waiting),
    (b't', |client| client.tracker().is_some()),
    (b'R', |client| client.tracker().is_some_and(|tracker| tracker.is_broken)),
    (b'B', |client| client.tracker().is_some_and(Tracker::is_broadcast)),
    (b'd', |client| client.watched().is_some_and(|watched| watched.is_dirty)),
    (b'c', |client| client.doom == Doom::AfterReply),
    (b'U', |client| client.peer.kind == Kind::Unix),
    (b'r', Client::reads_replica),
    (b'a', |client| client.peer.kind == Kind::Admin),
    (b'e', |client| client.no_evict),
    (b'T', |client| client.no_touch),
];

fn flags(client: &Client) -> impl Iterator<Item = u8> {
    FLAGS.iter().filter(|(_, shows)| shows(client)).map(|&(letter, _)| letter)
}

/// Returns whether `flags` has the letter.
pub(crate) fn shows_flag(client: &Client, letter: u8) -> bool {
    let mut shown = FLAGS.iter().filter(|(_, shows)| shows(client));
    match letter {
        b'N' => shown.next().is_none(),
        letter => shown.any(|&(known, _)| known == letter),
    }
}

/// The letters of what CLIENT CAPA was told.
fn capabilities(client: &Client) -> &'static [u8] {
    if client.redirect_capable { b"r" } else { b"" }
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

/// A line that is being written. Nothing in it goes through `format!`: a line takes 0.6 µs, and 2.3 so.
struct Line<'a> {
    out: &'a mut Vec<u8>,
    persona: &'static Persona,
    is_fresh: bool,
    /// The persona has every field, so that none is looked up.
    is_whole: bool,
}

impl Line<'_> {
    /// A number that no `i64` holds is shown as the greatest.
    fn number(&mut self, name: &str, value: impl TryInto<i64>) {
        if self.begins(name) {
            number::push_i64(self.out, value.try_into().unwrap_or(i64::MAX));
        }
    }

    fn address(&mut self, name: &str, address: &Address) {
        if self.begins(name) {
            push_address(self.out, address);
        }
    }

    /// Letters, or what stands for none.
    fn letters(&mut self, name: &str, letters: impl Iterator<Item = u8>, none: &[u8]) {
        if self.begins(name) {
            let start = self.out.len();
            self.out.extend(letters);
            if self.out.len() == start {
                self.out.extend_from_slice(none);
            }
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
        if !self.is_whole
            && let Some((_, since)) = LATER.iter().find(|(known, _)| *known == name)
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

/// Appends an address as it is displayed. Most are of IPv4.
fn push_address(out: &mut Vec<u8>, address: &Address) {
    let Address::Tcp(SocketAddr::V4(address)) = address else {
        return out.extend_from_slice(address.to_string().as_bytes());
    };
    for (octet, behind) in address.ip().octets().into_iter().zip(*b"...:") {
        number::push_u64(out, octet.into());
        out.push(behind);
    }
    number::push_u64(out, address.port().into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_they_are_displayed() {
        let tcp = |text: &str| Address::Tcp(text.parse().unwrap());
        for address in [
            tcp("0.0.0.0:0"),
            tcp("255.10.9.100:65535"),
            tcp("[2001:db8::1]:6379"),
            tcp("[::ffff:1.2.3.4]:1"),
            Address::Unix("/run/a socket".into()),
            Address::Local,
        ] {
            let mut written = Vec::new();
            push_address(&mut written, &address);
            assert_eq!(String::from_utf8_lossy(&written), address.to_string());
        }
    }
}
