//! What of respd a server has: everything, or the connection layer alone.
//!
//! A part is reached through these functions only, so that the linker leaves out of a program what none of its servers has.

use std::io;

use crate::commands;
use crate::config::{Callers, Config, Reason};
use crate::dispatch::Table;
use crate::dispatch::table::Group;
use crate::engine::Engine;
use crate::persistence::libraries::Libraries;
use crate::persistence::{self, snapshots};

/// The commands of features, which a smaller build has not.
#[cfg(feature = "lua")]
const FEATURES: &[Group] = crate::scripting::GROUPS;
#[cfg(not(feature = "lua"))]
const FEATURES: &[Group] = &[];

/// The code of functions, for files.
#[cfg(feature = "lua")]
const LIBRARIES: Libraries = crate::scripting::LIBRARIES;
#[cfg(not(feature = "lua"))]
const LIBRARIES: Libraries = Libraries::NONE;

/// What of respd a server has.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    /// The commands of a server with this configuration.
    pub table: fn(&Config) -> Table,
    /// What is wrong with the configuration for such a server, as far as that can be seen without loading or writing data.
    pub faults: fn(&Config) -> Vec<Reason>,
    /// Begins with what is on disk, and keeps what is to be kept.
    pub begin: fn(&mut Engine) -> io::Result<()>,
}

/// A server with every command.
pub(super) const ALL: Parts = Parts { table, faults: folder_faults, begin };

/// A server without data: HELLO, AUTH, ACL, CLIENT, COMMAND, CONFIG, INFO, publish and subscribe, transactions.
pub(super) const CONNECTION_LAYER: Parts = Parts {
    table: |config| Table::of_persona(config.persona, commands::CONNECTION_LAYER.iter().copied()),
    faults: what_needs_data,
    begin: |engine| match what_needs_data(&engine.world.config).into_iter().next() {
        None => Ok(()),
        Some(reason) => Err(io::Error::new(io::ErrorKind::InvalidInput, reason.into_owned())),
    },
};

/// Every command that this build has, in groups.
pub fn groups() -> impl Iterator<Item = Group> + Clone {
    commands::GROUPS.iter().chain(FEATURES).copied()
}

fn table(config: &Config) -> Table {
    let mut table = Table::of_persona(config.persona, groups());
    if config.enable_stage_command != Callers::No {
        table.add_of_every_persona(commands::ON_STAGE.iter().copied());
    }
    table
}

fn folder_faults(config: &Config) -> Vec<Reason> {
    let folder = config.dir.as_deref();
    let fault = folder.and_then(|folder| {
        let reason = snapshots::find_folder(folder).err()?;
        Some(format!("'dir {}': {reason}", folder.display()).into())
    });
    fault.into_iter().collect()
}

fn begin(engine: &mut Engine) -> io::Result<()> {
    snapshots::start(&mut engine.world, LIBRARIES)?;
    persistence::log::start(&mut engine.world)?;
    engine.take_on(persistence::DUTIES);
    Ok(())
}

/// What the configuration asks of the connection layer that it has not.
fn what_needs_data(config: &Config) -> Vec<Reason> {
    let asked = [
        ("save", config.keeps_data() && !config.append_only.enabled),
        ("appendonly", config.append_only.enabled),
        ("enable-stage-command", config.enable_stage_command != Callers::No),
    ];
    let refused = asked.into_iter().filter(|&(_, is_asked)| is_asked);
    refused
        .map(|(name, _)| format!("'{name}': the connection layer alone has no such thing").into())
        .collect()
}
