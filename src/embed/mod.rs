//! The public face: the builder, a running server, and a client in the same process.

pub mod local;
pub mod server;
#[cfg(test)]
pub(crate) mod testing;

pub use local::{Connection, Local};
pub use server::{Builder, Running, Server};

use crate::clock::Now;
use crate::config::{Config, LoadError};
use crate::dispatch::Table;
use crate::engine::Engine;
use crate::files;

/// An engine with the users of the configuration or of its ACL file.
fn engine(config: Config, table: Table, now: Now) -> Result<Engine, LoadError> {
    let mut engine = Engine::new(config, table, now)?;
    for user in files::first_users(&engine.world.config, engine.table())? {
        engine.world.access.put(user);
    }
    Ok(engine)
}
