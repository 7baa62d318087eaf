//! The first lines of the log: what was started, by which configuration, with which limits, and where its data is.

use std::fmt::Write;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit};
use respd::Server;
use respd::internals::config::Config;

use super::notes::notes;

/// Before anything is bound.
pub fn starting(config: &Config, sources: &[String]) {
    let persona = config.persona;
    let sources = if sources.is_empty() { "defaults alone".to_owned() } else { sources.join(", ") };
    log::info!(
        "respd {} is starting: pid {}, persona {} (version {}), configuration: {sources}",
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
        persona.name,
        persona.version,
    );
    let (passed, accepted): (Vec<_>, Vec<_>) =
        notes(config).into_iter().partition(|note| note.starts_with("let pass"));
    accepted.iter().for_each(|note| log::info!("{note}"));
    passed.iter().for_each(|note| log::warn!("{note}"));
}

/// When everything is bound.
pub fn bound(server: &Server) {
    let config = server.config();
    log::info!("limits: {}", limits(config));
    log::info!("data: {}", data(config));
    for bound in server.bound() {
        log::info!("listening on {} {bound}", bound.name());
    }
    if server.is_open_to_others() {
        log::warn!(
            "open to other machines without a password: set 'requirepass', or 'protected-mode yes', or 'bind' to \
             addresses of this machine alone"
        );
    }
}

fn limits(config: &Config) -> String {
    let mut line = format!("{} clients (maxclients)", config.maxclients);
    if let Ok((files, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = write!(line, ", {files} open files");
    }
    match config.maxmemory {
        0 => line += ", memory without bound (maxmemory 0)",
        bytes => {
            let _ = write!(line, ", {bytes} bytes of memory (maxmemory)");
        }
    }
    line
}

fn data(config: &Config) -> String {
    let folder = config.dir.as_deref().unwrap_or(Path::new("."));
    let mut line = format!("in {}: snapshots in {}", folder.display(), config.dbfilename.display());
    line += match config.save.is_empty() {
        true => " when they are asked for (no 'save')",
        false => " by themselves ('save')",
    };
    line += match config.append_only.enabled {
        true => ", every change in the log (appendonly yes)",
        false => ", no log of changes (appendonly no)",
    };
    line
}
