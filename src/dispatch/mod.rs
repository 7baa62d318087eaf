//! From a request to a handler: what a command is, how it is found, and the gates it passes.
//!
//! * [`spec`]: the row by which a command is declared, once;
//! * [`table`]: all rows, found by name;
//! * [`keys`]: which arguments are keys, the same answer for everybody who asks;
//! * [`synopsis`]: the argument grammar in the rows, for COMMAND DOCS and HELP;
//! * [`help`]: the HELP of containers, made from the rows;
//! * [`ctx`]: what a handler sees;
//! * [`call`]: the gates, in order.
//!
//! Nothing here knows which commands exist.

pub mod call;
pub mod ctx;
pub mod help;
pub mod keys;
pub mod observe;
pub mod spec;
pub mod synopsis;
pub mod table;

pub use ctx::Ctx;
pub use spec::{Categories, Flags, Handler, Spec};
pub use table::{Row, Table};
