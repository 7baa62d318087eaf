//! What comes before a client's first request: where a proxy connects, the header that says for whom.
//!
//! It comes first of all, in clear, also where TLS follows; nothing behind it is read here. A proxy has the time for it
//! that a client has to log in, and until then its connection is one of those that may be replaced: see
//! [`crate::session::unauthenticated`].

use super::connection::{Connection, Heard};
use super::proxy::Broken;
use crate::engine::Traffic;
use crate::error;
use crate::session::Slot;
use crate::telemetry::peer_log::Cause;

/// Reads what has come of a proxy's header. Returns whether it is over, and the client's own bytes may follow. A client
/// without a valid one is told so, as one that may not connect from where it is, and its connection is closed.
///
/// `scratch` is for what is not heard any more.
pub(super) fn hear(
    connection: &mut Connection,
    traffic: &mut Traffic<'_>,
    slot: Slot,
    scratch: &mut [u8],
) -> bool {
    let farewell = match connection.receive_header() {
        Heard::Header(ends) => {
            let ends = ends.map(|ends| (ends.client, ends.server));
            match traffic.introduce(slot, ends) {
                Ok(()) => {
                    if connection.tls().is_none() {
                        traffic.opened(slot);
                    }
                    return true;
                }
                Err(farewell) => farewell,
            }
        }
        Heard::Nothing => return false,
        // A check that there is a listener: it ends as it has begun, every few seconds.
        Heard::End { has_begun: false } => {
            traffic.log_opening(Cause::Connection, slot, "ended before its PROXY header");
            Vec::new()
        }
        Heard::End { has_begun: true } => {
            traffic.log_opening(Cause::Proxy, slot, "ended within its PROXY header");
            Vec::new()
        }
        Heard::Failed(error) => {
            let line = format!("broke before the end of its PROXY header: {error}");
            traffic.log_opening(Cause::Connection, slot, &line);
            Vec::new()
        }
        Heard::NoHeader(Broken::Missing) => {
            traffic.log_opening(Cause::Proxy, slot, "did not begin with a PROXY header");
            traffic.turn_away_unopened(slot, &error::NO_PROXY_HEADER)
        }
        Heard::NoHeader(broken) => {
            let line = format!("sent a broken PROXY header: {broken}");
            traffic.log_opening(Cause::Proxy, slot, &line);
            traffic.turn_away_unopened(slot, &error::NO_PROXY_HEADER)
        }
    };
    if let Err(error) = connection.tell(&farewell, scratch) {
        let line = format!("could not be told why it cannot stay: {error}");
        traffic.log_opening(Cause::Connection, slot, &line);
    }
    traffic.hang_up(slot);
    false
}
