//! TLS: between a client's socket and its bytes, in builds with the cargo feature `tls`.
//!
//! * [`Acceptor`]: what the configuration and its files say, read once and used by every new connection;
//! * [`Session`]: one connection's.
//!
//! A build without the feature has these two with nothing in them: its configuration asks for no TLS. The reactor
//! and [`super::connection`] know no difference.
//!
//! Ciphertext is read into one buffer of the reactor and decrypted there; plaintext is copied to the other and run. An
//! idle session holds the keys, and the beginning of a record if half of one has come. Nothing is encrypted before the
//! socket has taken what was encrypted before, and what is being sent stays in the client's outbox until its ciphertext
//! has gone: limits on output see it there.

#[cfg(feature = "tls")]
mod acceptor;
#[cfg(feature = "tls")]
mod certificate;
#[cfg(feature = "tls")]
mod session;
#[cfg(feature = "tls")]
mod session_cache;

#[cfg(not(feature = "tls"))]
mod absent;

#[cfg(not(feature = "tls"))]
pub(crate) use absent::{Acceptor, Session};
#[cfg(feature = "tls")]
pub(crate) use acceptor::Acceptor;
#[cfg(feature = "tls")]
pub(crate) use session::Session;
