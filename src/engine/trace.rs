//! Requests and their replies in the wire log: see [`wire`].
//!
//! Secrets are left out: an argument that its command's row calls one, and the reply to such a command if
//! it has a value.

use crate::dispatch::Table;
use crate::dispatch::spec::{REDACTED, flag};
use crate::dispatch::table::{Found, Row};
use crate::resp::Args;
use crate::text::quote;
use crate::world::{Client, wire};

/// Whether what the client is replied to this request may be a secret. To be asked before the request
/// runs: EXEC replies for all that was queued.
pub fn hides_reply(table: &Table, client: &Client, args: Args<'_>) -> bool {
    let Found::Row(row) = table.find(args) else {
        return false;
    };
    let has_secret = |row: &Row, args: Args<'_>| {
        row.has(flag::SECRET_REPLY) || (0..args.len()).any(|index| (row.spec.secret)(args, index))
    };
    let queue = client.transaction().filter(|_| row.has(flag::RUNS_QUEUE));
    let mut queued = queue.into_iter().flat_map(|transaction| &transaction.queue);
    has_secret(row, args)
        || queued.any(|queued| has_secret(table.row(queued.command), queued.args.args()))
}

/// Logs one request of client `id`, and what was written in reply, unless it is to be hidden.
pub fn exchange(id: u64, table: &Table, args: Args<'_>, replies: &[u8], is_hidden: bool) {
    let secret = match table.find(args) {
        Found::Row(row) => row.spec.secret,
        _ => |_: Args<'_>, _: usize| false,
    };
    let mut line = Vec::new();
    for (index, arg) in args.from(0).enumerate() {
        if index > 0 {
            line.push(b' ');
        }
        if secret(args, index) {
            line.extend_from_slice(REDACTED);
        } else {
            quote::push_quoted(&mut line, arg);
        }
    }
    log::trace!(target: wire::TARGET, "client {id} > {}", String::from_utf8_lossy(&line));
    wire::outgoing(id, replies, is_hidden);
}
