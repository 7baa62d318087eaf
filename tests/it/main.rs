//! The tests of the whole: one binary, a module for each side of the server.
//!
//! | module | proves |
//! |---|---|
//! | `transcripts` | conversations in `transcripts/*.txt`: on the engine, over TCP, against a reference |
//! | `wire` | requests in any pieces, broken ones too; limits; one reply for each command |
//! | `changes` | what writes says so: watched keys, transactions |
//! | `clients` | what time does to clients; time is told, never waited for |
//! | `gates` | what a request passes before it runs, and what is counted |
//! | `readiness` | servers that are alive and not ready: which commands wait, and who releases them |
//! | `personas` | what the table of personas promises; their table in README.md |
//! | `net` | real sockets, and the real process |
//! | `acl` | users over time: permissions, the log, the ACL file, the example users |
//! | `hardening` | what strangers may not do, and how long they wait |
//! | `table` | every row of the command table; the list of commands in README.md |
//! | `redis_rs` | a real client in the tests' own process |
//! | `pubsub` | who hears what, and what is left of who has gone |
//! | `tracking` | clients that cache what they read hear when it changes |
//! | `watching` | MONITOR, logs, events, who is closed to save memory; secrets are nowhere |
//! | `waiting` | commands that wait, and what happens meanwhile |
//! | `order` | a million steps of many clients: replies, pushes and invalidations in their order |
//! | `products` | two lengths that a client chooses are not multiplied |
//! | `layers` | the house rules of `src/` |
//!
//! `socket` and `process` are what `net` and `transcripts` talk through, `talk` is what many others do; `readme` keeps README.md true.

mod acl;
mod changes;
mod clients;
mod gates;
mod hardening;
mod layers;
mod net;
mod order;
mod personas;
mod process;
mod products;
mod pubsub;
mod readiness;
mod readme;
mod redis_rs;
mod socket;
mod table;
mod talk;
mod tracking;
mod transcripts;
mod waiting;
mod watching;
mod wire;
