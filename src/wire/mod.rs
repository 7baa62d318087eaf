//! The wire: RESP2 and RESP3, and nothing about commands or clients.
//!
//! A program with connections of its own, be it a client or a proxy, needs three things of it, and [`Reply`]
//! to write:
//!
//! ```
//! use respd::wire::{Replies, Requests, push_request};
//! use respd::{Protocol, Reply, Value};
//!
//! let mut sent = Vec::new();
//! push_request(&mut sent, [&b"GET"[..], b"key"].into_iter());
//! let mut requests = Requests::default(); // what a server reads
//! requests.push(&sent[..9]);
//! assert!(requests.next()?.is_none()); // a part is no request
//! requests.push(&sent[9..]);
//! let args = requests.next()?.expect("a request");
//! assert!(args.is(0, "get") && &args[1] == b"key");
//!
//! let mut reply = Reply::new(Vec::new(), Protocol::Resp3);
//! reply.double(0.5);
//! let mut replies = Replies::default(); // what a client reads
//! replies.push(&reply.into_inner());
//! assert_eq!(replies.next()?.and_then(|value| value.as_f64()), Some(0.5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In the source:
//!
//! * `request` finds complete requests in bytes that arrive in any pieces;
//! * `pipeline` reads the plain ones of a pipeline at once;
//! * `args` is how a request's arguments are handed on: spans into those bytes, never copies;
//! * `into_args` makes arguments of values;
//! * `options` reads the options among them, one after the other;
//! * `reply` writes every reply type in the protocol that the client negotiated;
//! * `segments` are what of it is not copied;
//! * `frames` counts what was written;
//! * `value` reads replies back, for tests, tools and the wire log;
//! * `requests` and `replies` are both directions for a program that has a connection of its own.
//!
//! The book: chapter 3, Requests in pieces (`book/src/03-requests-in-pieces.md`).

pub(crate) mod args;
mod bulk;
mod frame;
pub(crate) mod frames;
pub(crate) mod into_args;
mod options;
pub(crate) mod pipeline;
mod replies;
pub(crate) mod reply;
pub(crate) mod request;
mod requests;
mod segments;
pub(crate) mod value;

pub(crate) use args::Span;
pub(crate) use args::{Args, OwnedArgs};
pub(crate) use frame::Frame;
pub(crate) use into_args::IntoArgs;
pub(crate) use options::Options;
pub(crate) use pipeline::Pipeline;
pub use replies::Replies;
pub(crate) use reply::{Doubles, Mark};
pub(crate) use reply::{Protocol, Reply};
pub use request::push_request;
pub(crate) use request::{Limits, Parsed, Parser, ProtocolError};
pub use requests::Requests;
pub(crate) use segments::Segments;
pub use value::Malformed;
pub(crate) use value::Value;
