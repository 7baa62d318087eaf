//! The wire log: every frame in and out, decoded, with the client's id.
//!
//! `RUST_LOG=respd::wire=trace` shows a client author the conversation.

use std::fmt::Write;

use crate::resp::{Value, value};

pub const TARGET: &str = "respd::wire";

/// Whether anybody reads the wire log.
#[inline]
pub fn is_on() -> bool {
    log::log_enabled!(target: TARGET, log::Level::Trace)
}

/// Logs frames on their way to client `id`. Of hidden ones it has only statuses and errors.
pub fn outgoing(id: u64, mut frames: &[u8], is_hidden: bool) {
    while let Ok(Some((frame, len))) = value::decode(frames) {
        frames = &frames[len..];
        let shown = match frame {
            Value::Status(_) | Value::Error(_) => frame.to_string(),
            _ if is_hidden => "(redacted)".to_owned(),
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
