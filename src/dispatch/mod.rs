//! From a request to a handler: what a command is, how it is found, and the gates it passes.
//!
//! * [`spec`]: the row by which a command is declared, once;
//! * [`table`]: all rows, found by name;
//! * [`keys`]: which arguments are keys, the same answer for everybody who asks;
//! * [`permission`]: whether the rules of a user grant a request;
//! * [`synopsis`]: the argument grammar in the rows, for COMMAND DOCS and HELP;
//! * [`help`]: the HELP of containers, made from the rows;
//! * [`ctx`]: what a handler sees;
//! * [`client_line`]: how CLIENT LIST, and whoever else names a client, shows it;
//! * [`call`]: the gates, in order.
//!
//! Nothing here knows which commands exist.

pub mod call;
pub mod client_line;
pub mod ctx;
pub mod help;
pub mod keys;
pub mod permission;
pub mod spec;
pub mod synopsis;
pub mod table;
pub mod telemetry;

pub use ctx::Ctx;
pub use spec::{Categories, Flags, Handler, Spec};
pub use table::{Row, Table};
