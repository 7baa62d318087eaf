//! respd: a server for RESP, the Redis protocol, with the connection layer done exactly right.
//!
//! # How bytes become replies
//!
//! ```text
//! socket bytes ──> net ──> engine ──> wire::request ─> dispatch::invoke ─> commands::*
//!                   ^         │        (spans, in place)   (one list of gates)    │
//!                   │         │                                                   v
//!                   └── outbox bytes <── wire::reply (RESP2 or RESP3) <── ctx.reply / world / keyspace
//! ```
//!
//! One thread turns the loop: tell the engine the time, wait for readiness, read and run every complete
//! command, flush every touched client once, close the doomed. Nothing blocks, nothing is async,
//! nothing is shared.
//!
//! # The rooms
//!
//! Each imports only from those above it; a test holds them to it.
//!
//! | room | is | never knows |
//! |---|---|---|
//! | [`text`] | globs, strict numbers, doubles, quoting | anything else here |
//! | [`error`] | every error text a client can see | |
//! | [`clock`], [`peer`] | what time it is, as it was told; the ends of a connection | |
//! | [`wire`] | RESP: resumable parser, arguments, typed replies, decoder | commands, clients |
//! | [`keyspace`] | databases of keys, and the types of values | clients, RESP, clocks |
//! | [`config`] | directives, a row each; personas | clients |
//! | [`telemetry`] | statistics, latency, the command log, the wire log | clients |
//! | [`access`] | users, their rules, the log of refusals | clients |
//! | [`listeners`] | who hears of what: blocked, watch, tracking, pubsub, monitor, pause, transaction | commands, sockets |
//! | [`session`] | clients: their state, the registry, output buffers | commands, sockets |
//! | [`world`] | all of these in plain fields, and what joins them | commands, sockets |
//! | [`dispatch`] | what a command is, the table, key extraction, the gates | which commands exist |
//! | `files` | what stands on disk: the configuration file and the ACL file | what a line means |
//! | [`commands`] | a file or folder a family: its rows on top, its handlers below | sockets, poll |
//! | [`engine`] | the server without I/O: bytes in, bytes out, told what time it is | sockets, commands |
//! | [`net`] | mio: poll, listeners, accept, read, write, close, signals | RESP, any command's name |
//! | [`embed`] | the builder, a running server, a client in the same process | |

#![forbid(unsafe_code)]

pub mod access;
pub mod clock;
pub mod commands;
pub mod config;
pub mod dispatch;
pub mod embed;
pub mod engine;
pub mod error;
mod files;
pub mod keyspace;
pub mod listeners;
pub mod net;
pub mod peer;
pub mod session;
pub mod telemetry;
pub mod text;
pub mod wire;
pub mod world;

pub use config::Config;
pub use embed::{Builder, Handle, Running, Server};
pub use net::ManualClock;

/// The version of respd, as INFO's `respd_version` shows it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
