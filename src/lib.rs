//! A server for RESP, the Redis protocol, in the thread of your test or in a process of its own.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! let server = respd::Server::builder().any_port().bind()?;
//! let addr = server.addr().expect("a port");
//! let _running = server.spawn(); // a thread; it ends when this is dropped
//!
//! let mut client = TcpStream::connect(addr)?;
//! client.write_all(b"SET greeting hello\r\nGET greeting\r\n")?;
//! let mut replies = [0; 16];
//! client.read_exact(&mut replies)?;
//! assert_eq!(&replies, b"+OK\r\n$5\r\nhello\r\n");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! [`Builder`] has what a server can be: its configuration, its ports, commands of your own.
//! [`test::Server`] is a server for one test, which does wrong what it is told to.
//! [`embed::local::Local`] is a client without a socket, on a clock that the test moves.
//!
//! # What to read first
//!
//! 1. [`commands::connection`]: what a command looks like. A row says everything about it.
//! 2. [`dispatch`]: what happens around every handler, and [`dispatch::spec`]: what a row says.
//! 3. [`wire`]: bytes in, typed replies out.
//! 4. [`engine`]: a server that needs no socket and no second of waiting to be tested.
//! 5. [`net`]: the loop, its budgets, and what edge-triggered readiness demands.
//!
//! `ARCHITECTURE.md` has the life of a request in numbered steps, the invariants, and recipes.
//!
//! # How bytes become replies
//!
//! ```text
//! socket ─> net ─> engine ─> wire::request ─> dispatch ─> commands
//!            ^       │       (spans)          (gates)        │
//!            └─ outbox <──── wire::reply <── world, keyspace ┘
//! ```
//!
//! One thread turns the loop: tell the engine the time, wait for readiness, read and run every
//! complete command, flush every touched client once, close the doomed. Nothing blocks, nothing is
//! async, nothing is shared.
//!
//! # The rooms
//!
//! Each imports only from those above it; a test holds them to it.
//!
//! | room | is | never knows |
//! |---|---|---|
//! | [`text`] | globs, numbers, doubles, quoting | anything else here |
//! | [`error`] | every error text a client can see | |
//! | [`clock`], [`peer`] | the time, as told; the ends of a connection | |
//! | `shared_bytes` | long strings that several hold | whose they are |
//! | [`wire`] | RESP: parser, arguments, replies, decoder | commands, clients |
//! | [`keyspace`] | databases, and the types of values | clients, RESP, clocks |
//! | `rdb` | values as payloads and files hold them | clients, files |
//! | [`config`] | directives, a row each; personas | clients |
//! | [`conversation`] | what clients say and are answered, as text | clients, files |
//! | [`telemetry`] | statistics, latency, the logs | clients |
//! | [`access`] | users, their rules, refusals | clients |
//! | [`listeners`] | who hears of what | commands, sockets |
//! | [`session`] | clients and their buffers | commands, sockets |
//! | [`world`] | all of these, and what joins them | commands, sockets |
//! | [`dispatch`] | what a command is, and the gates | which exist |
//! | `files` | what stands on disk | what a line means |
//! | `persistence` | snapshots, the log, the thread of the disk | sockets, commands |
//! | [`commands`] | a file or folder a family | sockets, poll |
//! | `scripting` | Lua: EVAL, functions | sockets, other features |
//! | [`engine`] | the server without I/O | sockets, commands |
//! | [`net`] | mio: poll, accept, read, write | RESP, commands |
//! | [`embed`] | the public face | |

#![forbid(unsafe_code)]
// File heads speak of what is the crate's own, too: `cargo doc --document-private-items` has the links.
#![allow(rustdoc::private_intra_doc_links)]

mod access;
mod clock;
mod commands;
mod config;
mod conversation;
mod dispatch;
mod embed;
mod engine;
mod error;
mod files;
#[doc(hidden)]
pub mod internals;
mod keyspace;
mod listeners;
mod net;
mod peer;
mod persistence;
mod rdb;
#[cfg(feature = "lua")]
mod scripting;
mod session;
mod shared_bytes;
mod stage;
mod telemetry;
mod text;
pub mod wire;
mod world;

pub use config::LoadError as ConfigError;
pub use dispatch::hooks::Verdict;
pub use embed::{
    Builder, ClientView, Command, Commands, Config, Ctx, Gone, Handle, Keys, Request, Running,
    Server, test,
};
pub use error::Error;
pub use listeners::{Deferred, Event};
pub use net::ManualClock;
pub use wire::{Args, IntoArgs, OwnedArgs, Protocol, Reply, Value};

/// The version of respd, as INFO's `respd_version` shows it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
