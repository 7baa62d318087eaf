//! Requests and their replies in the wire log: see [`wire`].
//!
//! Secrets are left out: an argument that its command's row calls one, and the reply to such a command if
//! it has a value. Of a command that does not exist only the sizes of its arguments are shown: it may be
//! AUTH, mistyped.

use crate::dispatch::Table;
use crate::dispatch::spec::{REDACTED, flag};
use crate::dispatch::table::{Found, Row};
use crate::session::Client;
use crate::telemetry::wire_log::{self, Shows};
use crate::text::quote;
use crate::wire::Args;

/// How much of what the client is replied to this request may be logged. To be asked before the request
/// runs: EXEC replies for all that was queued.
pub(crate) fn shows(table: &Table, client: &Client, args: Args<'_>) -> Shows {
    let row = match table.find(args) {
        Found::Row(row) => row,
        Found::NoCommand => return Shows::Nothing,
        Found::NoSubcommand(_) => return Shows::All,
    };
    let has_secret = |row: &Row, args: Args<'_>| {
        row.has(flag::SECRET_REPLY) || (0..args.len()).any(|index| row.spec.is_secret(args, index))
    };
    let queue = client.transaction().filter(|_| row.has(flag::RUNS_QUEUE));
    let mut queued = queue.into_iter().flat_map(|transaction| &transaction.queue);
    let is_secret = has_secret(row, args)
        || queued.any(|queued| has_secret(table.row(queued.command), queued.args.args()));
    if is_secret { Shows::Outcome } else { Shows::All }
}

/// Logs one request of client `id`, and so much of what was written in reply.
pub(crate) fn exchange(id: u64, table: &Table, args: Args<'_>, replies: &[u8], shows: Shows) {
    let found = table.find(args);
    let mut line = Vec::new();
    for (index, arg) in args.from(0).enumerate() {
        if index > 0 {
            line.push(b' ');
        }
        let is_unknown = match found {
            Found::Row(_) => false,
            Found::NoCommand => index > 0,
            Found::NoSubcommand(_) => index > 1,
        };
        match found {
            Found::Row(row) if row.spec.is_secret(args, index) => line.extend_from_slice(REDACTED),
            _ if is_unknown => line.extend(format!("({} bytes)", arg.len()).into_bytes()),
            _ => quote::push_quoted(&mut line, arg),
        }
    }
    log::trace!(target: wire_log::TARGET, "client {id} > {}", String::from_utf8_lossy(&line));
    wire_log::outgoing(id, replies, shows);
}
