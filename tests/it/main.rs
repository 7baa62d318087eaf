//! The tests of the whole: one binary, a module for each side of the server.
//!
//! | module | proves |
//! |---|---|
//! | `transcripts` | conversations in `transcripts/*.txt`: on the engine, over TCP, against a reference |
//! | `wire` | requests in any pieces, broken ones too; limits; one reply for each command |
//! | `clients` | what time does to clients; time is told, never waited for |
//! | `gates` | what a request passes before it runs, and what is counted |
//! | `net` | real sockets, and the real process |
//! | `acl` | users over time: permissions, the log, the ACL file, the example users |
//! | `table` | every row of the command table; the list of commands in README.md |
//! | `redis_rs` | a real client in the tests' own process |
//! | `waiting` | commands that wait, and what happens meanwhile |
//! | `layers` | the house rules of `src/` |
//!
//! `socket` and `process` are what `net` and `transcripts` talk through.

mod acl;
mod clients;
mod gates;
mod layers;
mod net;
mod process;
mod pubsub;
mod redis_rs;
mod socket;
mod table;
mod transcripts;
mod waiting;
mod wire;
