//! respd: a server for RESP, the Redis protocol, with the connection layer done exactly right.
//!
//! # How bytes become replies
//!
//! ```text
//! socket bytes ──> net ──> engine ──> resp::request ──> dispatch::call ──> commands::*
//!                   ^         │        (spans, in place)   (one list of gates)    │
//!                   │         │                                                   v
//!                   └── outbox bytes <── resp::reply (RESP2 or RESP3) <── ctx.reply / world / store
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
//! | [`resp`] | the wire: resumable parser, arguments, typed replies, decoder | commands, clients |
//! | [`store`] | the keyspace | clients, RESP, clocks |
//! | [`world`] | all other state: clients, users, configuration, counters | commands, sockets |
//! | [`dispatch`] | what a command is, the table, key extraction, the gates | which commands exist |
//! | [`commands`] | one file per group: its rows on top, its handlers below | sockets, poll |
//! | [`engine`] | the server without I/O: bytes in, bytes out, told what time it is | sockets, commands |
//! | [`net`] | mio: poll, listeners, accept, read, write, close, signals | RESP, any command's name |
//! | [`local`] | a client in the server's own process | |
//! | [`server`] | the builder: joins table, engine and net | |

#![forbid(unsafe_code)]

pub mod commands;
pub mod dispatch;
pub mod engine;
pub mod error;
pub mod local;
pub mod net;
pub mod resp;
pub mod server;
pub mod store;
pub mod text;
pub mod world;

pub use server::{Builder, Running, Server};
pub use world::Config;

/// The version of respd, as INFO's `respd_version` shows it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
