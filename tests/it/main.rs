//! The tests of the whole: one binary, a module for each side of the server.
//!
//! | module | proves |
//! |---|---|
//! | `wire` | requests in any pieces, broken ones too; limits; one reply for each command |
//! | `pipeline` | requests that are read ahead are those that the parser reads |
//! | `changes` | what writes says so: watched keys, transactions |
//! | `effects` | every change is said as a command; a mirror that is told them holds the same |
//! | `persistence` | data that outlives its server: snapshots, and what is loaded |
//! | `copies` | copies of the data for clients: SYNC |
//! | `restarts` | the real process: what is there after it has ended, however it has |
//! | `clients` | what time does to clients; time is told, never waited for |
//! | `gates` | what a request passes before it runs, and what is counted |
//! | `busy` | scripts that run long: who is served meanwhile, and what ends them |
//! | `readiness` | servers that are alive and not ready: which commands are refused, and what makes them ready |
//! | `clock` | told time on real sockets: expiry, timeouts and pauses follow a clock that a test advances |
//! | `handle` | what other threads want of a running server |
//! | `wake` | what ends a wait: keys of a type, changed keys, keys that are gone, events, time |
//! | `personas` | what the table of personas promises |
//! | `net` | real sockets, and the real process |
//! | `config_files` | configuration files of charts, images and distributions start a server |
//! | `command_line` | what a command line means, and what is wrong with one; those of test harnesses start |
//! | `supervision` | what systemd and others are told; signals that say what to save; the end of standard input |
//! | `conversations` | `respd play` and `respd record`: what is recorded plays back, and what is wrong is told |
//! | `library` | the library as a program sees it that embeds the server |
//! | `lifetime` | how the process starts and does not, signals, the log file |
//! | `acl` | users over time: permissions, the log, the ACL file, the example users |
//! | `hardening` | what strangers may not do, and how long they wait |
//! | `log` | what peers can make the real process write, and what a log that is not read costs |
//! | `stage` | a server that a test drives |
//! | `table` | every row of the command table |
//! | `redis_rs` | a real client in the tests' own process |
//! | `pubsub` | who hears what, and what is left of who has gone |
//! | `tracking` | clients that cache what they read hear when it changes |
//! | `watching` | MONITOR, logs, events, who is closed to save memory; secrets are nowhere |
//! | `waiting` | commands that wait, and what happens meanwhile |
//! | `stream_groups` | consumer groups: many clients that wait, and lists that are long |
//! | `streams` | ids of clocks that go back, and many readers that wait for one stream |
//! | `order` | a million steps of many clients: replies, pushes and invalidations in their order |
//! | `proxy` | the PROXY protocol on real sockets: whose address a client has, and what closes |
//! | `products` | two lengths that a client chooses are not multiplied |
//! | `tls` | TLS: which clients are let in, what is refused, what changes while the server runs |
//! | `large_strings` | long strings are sent and come without a copy, and nothing else changes |
//! | `surface` | what an embedder sees, as a list |
//! | `layers` | the house rules of `src/` |
//! | `docs` | the documents: what in them is written from the code, and what they name |
//! | `book` | the book: its listings are in the source, and the bytes in it are what the server says |
//! | `book_docs` | the page of the book that is written from the code: commands and their handlers |
//! | `scripting` | what scripts may take, and what one of them cannot do to others |
//! | `bench` | what `scripts/bench` consists of: its load, its rows, and the pictures of its figures |
//! | `test_command` | `scripts/test` where tools are missing: what it skips, and when it fails |
//!
//! `socket` and `process` are what `net` talks through, `client` is the client of the others.

mod acl;
mod append_only;
mod bench;
mod book;
mod book_docs;
mod busy;
mod changes;
mod client;
#[cfg(feature = "client-test")]
mod client_test;
mod clients;
mod clock;
mod command_line;
mod config_files;
mod conversations;
mod copies;
mod docs;
mod effects;
#[cfg(feature = "lua")]
mod functions;
mod gates;
mod handle;
mod hardening;
mod large_strings;
mod layers;
mod library;
mod lifetime;
mod log;
mod migrate;
mod net;
mod order;
mod persistence;
mod personas;
mod pipeline;
mod process;
mod products;
mod proxy;
mod pubsub;
mod readiness;
mod redis_rs;
mod restarts;
#[cfg(feature = "lua")]
mod scripting;
mod socket;
mod stage;
mod stream_groups;
mod streams;
mod supervision;
mod surface;
mod synopsis;
mod table;
mod test_command;
#[cfg(feature = "tls")]
mod tls;
mod tracking;
mod waiting;
mod wake;
mod watching;
mod wire;
