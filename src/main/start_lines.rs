//! The first lines of the log: what was started, by which configuration, with which limits, and where its data is.

use std::fmt::Write;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit};
use respd::config::Supervisor;
use respd::{Config, Server};

/// Before anything is bound.
pub fn starting(config: &Config, sources: &[String]) {
    let persona = config.persona;
    let sources = if sources.is_empty() { "defaults alone".to_owned() } else { sources.join(", ") };
    log::info!(
        "respd {} is starting: pid {}, persona {} (version {}), configuration: {sources}",
        respd::VERSION,
        std::process::id(),
        persona.name,
        persona.version,
    );
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
    let mut line = format!("in {}: ", folder.display());
    line += match config.save.is_empty() {
        true => "no snapshot by itself (no 'save')",
        false => "snapshots",
    };
    let _ = write!(line, " in {}", config.dbfilename.display());
    line += match config.append_only.enabled {
        true => ", every change in the log (appendonly yes)",
        false => ", no log of changes (appendonly no)",
    };
    line
}

/// `daemonize yes` where nothing supervises the process. The error says what to do instead.
pub fn check_foreground(config: &Config, is_supervised: bool) -> Result<(), String> {
    match config.daemonize && !is_supervised && config.supervised == Supervisor::No {
        true => Err("'daemonize yes': respd stays in the foreground. Let it be started by a supervisor ('supervised \
                     systemd', a container), or by `setsid respd FILE --daemonize no --logfile LOG &`, and write \
                     'daemonize no'"
            .to_owned()),
        false => Ok(()),
    }
}
