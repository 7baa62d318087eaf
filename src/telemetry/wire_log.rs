//! The wire log: every frame in and out, decoded, with the client's id.
//!
//! `RUST_LOG=respd::wire=trace` shows a client author the conversation.

use std::fmt::Write;

use crate::wire::{Value, value};

pub(crate) const TARGET: &str = "respd::wire";

/// Returns whether the wire log is on.
#[inline]
pub(crate) fn is_on() -> bool {
    log::log_enabled!(target: TARGET, log::Level::Trace)
}

/// How much of frames is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    All,
    /// Whether a command has succeeded: statuses and errors.
    Outcome,
    /// Not even errors: that about an unknown command repeats its arguments.
    Nothing,
}

/// Logs frames on their way to client `id`.
pub(crate) fn outgoing(id: u64, mut frames: &[u8], shows: Shows) {
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
