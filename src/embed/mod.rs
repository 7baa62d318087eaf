//! The public face: the builder, a running server, and a client in the same process.
//!
//! The book: chapter 5, A command is a row (`book/src/05-a-command-is-a-row.md`).

pub mod client_view;
pub mod command;
mod configuration;
pub mod ctx;
pub mod handle;
mod hooks;
mod kept;
pub mod keys;
pub mod local;
mod parts;
mod rows;
pub mod server;
pub mod test;
#[cfg(test)]
pub(crate) mod testing;

pub use client_view::ClientView;
pub use command::{Command, Commands};
pub use configuration::Config;
pub use ctx::Ctx;
pub use handle::Handle;
pub use hooks::{Gone, Request};
pub use keys::Keys;
pub use local::{Connection, Local};
pub use parts::groups;
pub use server::{Builder, Running, Server};

use crate::access;
use crate::clock::Now;
use crate::config::{self, Callers, LoadError};
use crate::dispatch::Table;
use crate::engine::Engine;
use crate::files;
use crate::keyspace;

/// An engine with the users of the configuration or of its ACL file, without the commands that it takes away.
fn engine(config: config::Config, mut table: Table, now: Now) -> Result<Engine, LoadError> {
    for command in &config.disabled_commands {
        if !table.disable(&command.name) {
            return Err(command.refused("No such command in rename-command"));
        }
    }
    if config.enable_stage_command != Callers::No {
        keyspace::may_be_foretold();
    }
    let mut engine = Engine::new(config, table, now)?;
    for user in files::first_users(&engine.world.config, engine.table())? {
        engine.world.access.put(user);
    }
    Ok(engine)
}

/// What is wrong with the users of a configuration or of its ACL file, and with the commands that it takes away.
fn user_faults(config: &config::Config, table: &mut Table) -> Vec<String> {
    let mut faults: Vec<LoadError> = Vec::new();
    for command in &config.disabled_commands {
        if !table.disable(&command.name) {
            faults.push(command.refused("No such command in rename-command"));
        }
    }
    faults.extend(access::faults(config, &*table));
    faults.extend(files::first_users(config, &*table).err());
    faults.iter().map(LoadError::to_string).collect()
}
