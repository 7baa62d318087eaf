//! The wire log: every frame in and out, decoded, with the client's id.
//!
//! `RUST_LOG=respd::wire=trace` shows a client author the conversation. Secrets are left out: an
//! argument that its command's row calls one, and the reply to such a command if it has a value. Of a
//! command that does not exist only the sizes of its arguments are shown: it may be AUTH, mistyped.

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
    let found = table.find(args);
    let is_known = matches!(found, Found::Row(_));
    let (secret, mut shows): (fn(Args<'_>, usize) -> bool, Shows) = match found {
        Found::Row(row) => (row.spec.secret, Shows::All),
        Found::NoCommand => (|_, index| index > 0, Shows::Nothing),
        Found::NoSubcommand(_) => (|_, index| index > 1, Shows::All),
    };
    let mut line = Vec::new();
    for (index, arg) in args.from(0).enumerate() {
        if index > 0 {
            line.push(b' ');
        }
        match secret(args, index) {
            false => quote::push_quoted(&mut line, arg),
            true if is_known => {
                shows = Shows::Outcome;
                line.extend_from_slice(REDACTED);
            }
            true => line.extend(format!("({} bytes)", arg.len()).into_bytes()),
        }
    }
    log::trace!(target: TARGET, "client {id} > {}", String::from_utf8_lossy(&line));
    outgoing(id, replies, shows);
}

/// How much of a reply is logged.
#[derive(Clone, Copy)]
enum Shows {
    All,
    /// Whether it succeeded: a status or an error.
    Outcome,
    /// The error about an unknown command repeats its arguments.
    Nothing,
}

/// Logs frames on their way to client `id`.
fn outgoing(id: u64, mut frames: &[u8], shows: Shows) {
    while let Ok(Some((frame, len))) = value::decode(frames) {
        frames = &frames[len..];
        let shown = match (shows, &frame) {
            (Shows::All, _) | (Shows::Outcome, Value::Status(_) | Value::Error(_)) => {
                frame.to_string()
            }
            _ => "(redacted)".to_owned(),
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
