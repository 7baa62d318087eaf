//! Unauthenticated clients: those that have yet to log in, and what they may hold until then.
//!
//! Any peer that reaches a port can be one, so they get little: small requests (see
//! [`crate::wire::Limits`]), small buffers, a share of the places, and not much time. A client is one
//! until it logs in, and again after RESET. Where no password is set there are none.
//!
//! Their places are a quota, and a newcomer that finds it full takes the place of the client that has been
//! unauthenticated for longest. So no silent client keeps others out: an honest one logs in within a round
//! trip, and of a flood of newcomers each pushes out an older one of the same flood. An honest client is
//! closed only if as many newcomers as there are places arrive within its round trip. Nothing else protects
//! it, least of all a login that failed and whose answer is put off: a client that guesses passwords could
//! hold every place in that way. A login that succeeds ends the danger at once, even while its answer waits.

/// The bytes that an unauthenticated client may have sent that have not run.
pub(crate) const MAX_QUERY: usize = 1 << 20;

/// The bytes of replies that are written for an unauthenticated client before it has to read.
pub(crate) const MAX_REPLIES: usize = 64 * 1024;
