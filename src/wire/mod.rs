//! The wire: RESP2 and RESP3, and nothing about commands or clients.
//!
//! * [`request`] finds complete requests in bytes that arrive in any pieces;
//! * [`pipeline`] reads the plain ones of a pipeline at once;
//! * [`args`] is how a request's arguments are handed on: spans into those bytes, never copies;
//! * `into_args` makes arguments of values;
//! * [`options`] reads the options among them, one after the other;
//! * [`reply`] writes every reply type in the protocol that the client negotiated;
//! * `segments` are what of it is not copied;
//! * [`frames`] counts what was written;
//! * [`value`] reads replies back, for tests, tools and the wire log;
//! * [`requests`] and [`replies`] are both directions for a program that has a connection of its own.

mod args;
mod bulk;
mod frame;
pub(crate) mod frames;
mod into_args;
mod options;
pub(crate) mod pipeline;
mod replies;
mod reply;
pub(crate) mod request;
mod requests;
mod segments;
pub(crate) mod value;

pub(crate) use args::Span;
pub use args::{Args, OwnedArgs};
pub(crate) use frame::Frame;
pub use into_args::IntoArgs;
pub(crate) use options::Options;
pub(crate) use pipeline::Pipeline;
pub use replies::Replies;
pub(crate) use reply::{Doubles, Mark};
pub use reply::{Protocol, Reply};
pub use request::push_request;
pub(crate) use request::{Limits, Parsed, Parser, ProtocolError};
pub use requests::Requests;
pub(crate) use segments::Segments;
pub use value::{Malformed, Value, decode};
