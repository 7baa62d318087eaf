//! The wire log: every frame in and out, decoded, with the client's id.
//!
//! `RUST_LOG=respd::wire=trace` shows a client author the conversation. Secrets are left out: an
//! argument that its command's row calls one, and the reply to such a command if it has a value.

use std::fmt::Write;

use crate::dispatch::Table;
use crate::dispatch::spec::REDACTED;
use crate::dispatch::table::Found;
use crate::resp::{Args, Value, value};
use crate::text::quote;

const TARGET: &str = "respd::wire";

/// Whether anybody reads the wire log.
pub fn is_on() -> bool {
    log::log_enabled!(target: TARGET, log::Level::Trace)
}

/// Logs one request of client `id`, and what was written in reply.
pub fn exchange(id: u64, table: &Table, args: Args<'_>, replies: &[u8]) {
    let secret = match table.find(args) {
        Found::Row(row) => row.spec.secret,
        _ => |_: Args<'_>, _: usize| false,
    };
    let mut line = Vec::new();
    let mut hidden = false;
    for (index, arg) in args.from(0).enumerate() {
        if index > 0 {
            line.push(b' ');
        }
        if secret(args, index) {
            hidden = true;
            line.extend_from_slice(REDACTED);
        } else {
            quote::push_quoted(&mut line, arg);
        }
    }
    log::trace!(target: TARGET, "client {id} > {}", String::from_utf8_lossy(&line));
    outgoing(id, replies, hidden);
}

/// Logs frames on their way to client `id`.
fn outgoing(id: u64, mut frames: &[u8], hidden: bool) {
    while let Ok(Some((frame, len))) = value::decode(frames) {
        frames = &frames[len..];
        let shown = match frame {
            Value::Status(_) | Value::Error(_) => frame.to_string(),
            _ if hidden => "(redacted)".to_owned(),
            _ => frame.to_string(),
        };
        let mut text = String::new();
        for line in shown.lines() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n    {line}");
        }
        let text = if shown.lines().count() > 1 { text } else { shown };
        log::trace!(target: TARGET, "client {id} < {text}");
    }
}
