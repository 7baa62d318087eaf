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
//! # What you may want
//!
//! | you want | begin at |
//! |---|---|
//! | a server in a test, which does wrong what the test tells it, on a clock that the test moves | [`test::Server`] |
//! | commands of your own | [`Command`], [`Commands`], [`Builder::commands`] |
//! | the connection layer in front of an engine of your own | [`Builder::connection_layer`], [`Ctx::defer`] |
//! | state of a connection, to hear of clients and of what they send | [`Ctx::local`], [`Builder::on_connect`], [`Builder::hook`] |
//! | the keyspace of a running server, from any thread | [`Handle::call`] |
//! | to read and write RESP and serve nothing | [`wire`] |
//! | a server on a clock that you move, with real sockets | [`Builder::clock`] |
//!
//! A command is a closure that writes one reply, in types and not in bytes:
//!
//! ```
//! use respd::{Command, Commands, Keys, Server, args};
//!
//! let double = Command::new("double", |ctx, args| {
//!     let sum = ctx.call(args!["INCRBY", &args[1], &args[2]]).into_result()?.as_i64().unwrap_or(0);
//!     ctx.reply().map(1);
//!     ctx.reply().status("sum");
//!     ctx.reply().int(2 * sum); // a client of RESP2 is sent an array of two
//!     Ok(())
//! })
//! .writes()
//! .key(Keys::at(1).reads().changes())
//! .synopsis("key increment:integer");
//! let server = Server::builder().any_port().commands(Commands::new("sums").add(double)).bind()?.spawn();
//! let reply = server.handle().call(["DOUBLE", "visits", "21"]);
//! assert_eq!(reply.get("sum").and_then(|sum| sum.as_i64()), Some(42));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Wrong arity, COMMAND DOCS, ACL rules, MULTI, SLOWLOG and the like follow from what the builder says. A mistake in it is an error of
//! [`Builder::bind`] that names the command.
//!
//! # To read the source
//!
//! What is at the front is all that is promised; the rest of this page is a map for readers of the source.
//!
//! 1. [`commands::connection`]: what a command looks like. A row says everything about it.
//! 2. [`dispatch`]: what happens around every handler, and [`dispatch::spec`]: what a row says.
//! 3. [`wire`]: bytes in, typed replies out.
//! 4. [`engine`]: a server that needs no socket and no second of waiting to be tested.
//! 5. [`net`]: the loop, its budgets, and what edge-triggered readiness demands.
//!
//! `ARCHITECTURE.md` has the life of a request in numbered steps, the invariants, and recipes.
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
//! The rooms. Each imports only from those above it; a test holds them to it.
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
// Every item at the front is documented. Of the rooms that only `internals` hands on, constants and fields speak for themselves.
#![warn(missing_docs)]
// File heads speak of what is the crate's own, too: `cargo doc --document-private-items` has the links.
#![allow(rustdoc::private_intra_doc_links)]

mod access;
mod clock;
mod commands;
#[allow(missing_docs)]
mod config;
#[allow(missing_docs)]
mod conversation;
#[allow(missing_docs)]
mod dispatch;
mod embed;
#[allow(missing_docs)]
mod engine;
#[allow(missing_docs)]
mod error;
mod files;
#[doc(hidden)]
pub mod internals;
#[allow(missing_docs)]
mod keyspace;
mod listeners;
mod net;
#[allow(missing_docs)]
mod peer;
mod persistence;
mod rdb;
#[cfg(feature = "lua")]
mod scripting;
#[allow(missing_docs)]
mod session;
mod shared_bytes;
mod stage;
mod telemetry;
mod text;
pub mod wire;
#[allow(missing_docs)]
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
pub use wire::args::{Args, OwnedArgs};
pub use wire::into_args::IntoArgs;
pub use wire::reply::{Protocol, Reply};
pub use wire::value::Value;
