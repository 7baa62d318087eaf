//! From a request to a handler: what a command is, how it is found, and the gates it passes.
//!
//! * [`arity`]: how many arguments a command takes;
//! * [`spec`]: the row by which a command is declared, once;
//! * [`table`]: all rows, found by name;
//! * [`own`]: commands of an embedder, which are closures;
//! * [`keys`]: which arguments are keys, one answer for ACL rules, tracking and COMMAND GETKEYS;
//! * [`permission`]: whether the rules of a user grant a request;
//! * [`secrets`]: which arguments logs and MONITOR must not show;
//! * [`synopsis`]: the argument grammar in the rows, for COMMAND DOCS and HELP;
//! * [`help`]: the HELP of containers, made from the rows;
//! * [`hooks`]: what an embedder has called when clients come and go, and before commands;
//! * [`ctx`]: what a handler sees;
//! * [`driver`]: what serves the other clients while a command runs long;
//! * [`duty`]: what a feature does in every turn, beside its commands;
//! * [`running`]: scripts that run long: when the server is busy, and how a script is ended;
//! * [`client_line`]: how CLIENT LIST, CLIENT INFO and ACL LOG show a client;
//! * [`frame`]: what a command runs in: nothing, a transaction, a script, a log;
//! * [`invocation`]: one command that is to run: in which frame, as whom, and where its reply goes;
//! * [`gates`]: the list of what stands between a request and its handler, in order;
//! * [`call`]: the run of the handler;
//! * [`command_call`]: what a command of an embedder calls;
//! * [`serve`]: the commands of blocked clients, run again;
//! * [`deferred`]: replies that other threads give;
//! * `descriptions`: what COMMAND has said;
//! * [`invoke`]: the one function that runs a command, and all that belongs to that, in order.
//!
//! Nothing here knows which commands exist.
//!
//! The book: chapter 6, The gates, in order (`book/src/06-the-gates-in-order.md`).

pub(crate) mod arity;
pub mod call;
pub mod client_line;
pub(crate) mod command_call;
pub mod ctx;
pub(crate) mod deferred;
pub(crate) mod descriptions;
pub mod driver;
pub mod duty;
pub mod frame;
pub mod gates;
pub mod help;
pub(crate) mod hooks;
pub mod invocation;
pub mod invoke;
pub mod keys;
mod nodes;
pub(crate) mod own;
pub mod permission;
pub mod running;
mod secrets;
pub mod serve;
pub mod spec;
mod staged;
pub mod synopsis;
pub mod table;
pub mod telemetry;

pub use ctx::Ctx;
pub use driver::{Driver, NoDriver};
pub use frame::{Frame, ScriptFlags};
pub use invocation::Invocation;
pub use invoke::Outcome;
pub use spec::{Categories, Flags, Handler, Spec};
pub use table::{Row, Table};
