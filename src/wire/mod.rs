//! The wire: RESP2 and RESP3, and nothing about commands or clients.
//!
//! * [`request`] finds complete requests in bytes that arrive in any pieces;
//! * [`pipeline`] reads the plain ones of a pipeline at once;
//! * [`args`] is how a request's arguments are handed on: spans into those bytes, never copies;
//! * `into_args` makes arguments of values;
//! * [`options`] reads the options among them, one after the other;
//! * [`reply`] writes every reply type in the protocol that the client negotiated;
//! * [`frames`] counts what was written;
//! * [`value`] reads replies back, for tests, tools and the wire log.

pub mod args;
mod bulk;
mod frame;
pub(crate) mod frames;
mod into_args;
pub mod options;
pub mod pipeline;
pub mod reply;
pub mod request;
pub mod value;

pub use args::{Args, OwnedArgs, Span};
pub(crate) use frame::Frame;
pub use into_args::{Arg, IntoArgs};
pub use options::Options;
pub use pipeline::Pipeline;
pub use reply::{Doubles, Mark, Protocol, Reply};
pub(crate) use request::push_request;
pub use request::{Limits, Parsed, Parser, ProtocolError};
pub use value::Value;
