//! The public face: the builder, a running server, and a client in the same process.

pub mod handle;
pub mod local;
pub mod server;

pub use handle::Handle;
pub use local::{Connection, Local};
pub use server::{Builder, Running, Server};
