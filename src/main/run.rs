//! From a configuration to a server that runs, and to its end.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use respd::internals::net::ListenAddress;
use respd::{ManualClock, Server};

use super::command_line::{Cluster, CommandLine};
use super::configuration::{self, Configuration};
use super::logfile::LogFile;
use super::logging::{self, Log};
use super::start_lines;
use super::stdin;
use super::supervision::{PidFile, Supervision};

/// Serves until the server is asked to leave. The error is why it did not start, or how it failed; a log that is read
/// elsewhere than stderr has it, too.
pub fn run(line: &CommandLine, configured: Configuration) -> Result<(), Box<dyn Error>> {
    let faults = configuration::faults(line, &configured);
    let log = match logging::start(&configured.config, line.called) {
        Err(_) if !faults.is_empty() => return Err(faults.join("\n").into()),
        started => started?,
    };
    // Where the log is what the operator sees, the faults alone are told.
    if faults.is_empty() || log.is_elsewhere {
        start_lines::starting(&configured.config, &configured.sources);
    }
    let served = match faults.is_empty() {
        true => serve(line, configured, &log),
        false => Err(faults.join("\n").into()),
    };
    if let Err(reason) = &served
        && log.is_elsewhere
    {
        for reason in reason.to_string().lines() {
            log::error!("the server ends: {reason}");
        }
    }
    served
}

fn serve(line: &CommandLine, configured: Configuration, log: &Log) -> Result<(), Box<dyn Error>> {
    let Configuration { config, ports, .. } = configured;
    let supervision = Supervision::find(config.supervised, |name| std::env::var_os(name));
    supervision.starting();
    let pidfile = config.pidfile.as_deref().map(|path| config.locate(path));
    let is_any_port = ports.clients.or(ports.tls) == Some(0);
    let mut builder = Server::builder().config(config).ports(ports);
    if let Some(path) = &line.file {
        builder = builder.config_file(path);
    }
    if line.stage.clock_is_frozen {
        let clock = ManualClock::new();
        clock.freeze();
        builder = builder.clock(clock);
    }
    if let Some(seed) = line.stage.seed {
        builder = builder.seed(seed);
    }
    let mut server = builder.bind()?;
    let nodes = match line.stage.cluster {
        None => Vec::new(),
        Some(Cluster { shards, nodes }) => server.stage_cluster(shards, nodes, is_any_port)?,
    };
    if let Some(path) = &line.stage.file {
        set_stage(&mut server, path)?;
    }
    // Not before: a server that finds its port taken leaves the file of the other as it is.
    let _pidfile = pidfile.as_deref().and_then(PidFile::write);
    handle_signals(&mut server, log, &supervision)
        .map_err(|error| format!("cannot wait for signals: {error}"))?;
    start_lines::bound(&server);
    if line.exits_with_stdin {
        let handle = server.handle();
        stdin::when_it_ends(move || handle.stop())?;
    }
    tell_when_ready(&mut server, line.announces.then_some(nodes), &supervision);
    server.when_leaving(move || supervision.stopping());
    server.run()?;
    log::info!("bye");
    Ok(())
}

/// Calls STAGE with the lines of a file. What is wrong with one keeps the server from starting.
fn set_stage(server: &mut Server, path: &Path) -> Result<(), String> {
    let shown = path.display();
    let text =
        fs::read(path).map_err(|error| format!("cannot read the stage file '{shown}': {error}"))?;
    for (at, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if !line.is_empty() && !line.starts_with(b"#") {
            server.set_stage(line).map_err(|reason| format!("{shown}:{}: {reason}", at + 1))?;
        }
    }
    Ok(())
}

/// The log, the supervisor, and a program that waits for a line on stdout are told that the server is ready.
/// `announced`: what stands in that line beside the listeners.
fn tell_when_ready(
    server: &mut Server,
    announced: Option<Vec<(String, SocketAddr)>>,
    supervision: &Supervision,
) {
    let (bound, supervision) = (server.bound(), supervision.clone());
    server.when_ready(move || {
        log::info!("Ready to accept connections: {}", names(&bound));
        supervision.ready();
        if let Some(nodes) = &announced
            && let Err(error) = announce(&bound, nodes)
        {
            log::error!("cannot print that the server is ready: {error}");
        }
    });
}

/// SIGTERM and SIGINT end the server; SIGHUP has it reopen its log file and read users and the files of TLS anew; others it outlives.
fn handle_signals(server: &mut Server, log: &Log, supervision: &Supervision) -> io::Result<()> {
    server.stop_on_signals()?;
    let (handle, file, supervision) = (server.handle(), log.file.clone(), supervision.clone());
    server.outlive_signals(move || {
        supervision.reloading();
        reopen(file.as_ref());
        let supervision = supervision.clone();
        handle.reload(move || supervision.reloaded());
    })
}

fn reopen(log: Option<&LogFile>) {
    let Some(log) = log else {
        return log::info!("SIGHUP has come: there is no 'logfile' to reopen");
    };
    let path = log.path().display();
    match log.reopen() {
        Ok(()) => log::info!("SIGHUP has come: 'logfile {path}' is reopened"),
        Err(error) => log::error!(
            "SIGHUP has come: 'logfile {path}' cannot be reopened, the old one goes on: {error}"
        ),
    }
}

/// What is listened on: `tcp, unix`.
fn names(bound: &[ListenAddress]) -> String {
    let mut names: Vec<&str> = bound.iter().map(ListenAddress::name).collect();
    names.dedup();
    names.join(", ")
}

/// `ready pid=… tcp=ADDR:PORT [admin=ADDR:PORT] [tls=ADDR:PORT] [unix=PATH] [node-NAME=ADDR:PORT …]`, the first
/// listener of each kind and the nodes of a cluster.
fn announce(bound: &[ListenAddress], nodes: &[(String, SocketAddr)]) -> io::Result<()> {
    let mut line = format!("ready pid={}", std::process::id());
    for name in ["tcp", "admin", "tls", "unix"] {
        if let Some(first) = bound.iter().find(|bound| bound.name() == name) {
            line += &format!(" {name}={first}");
        }
    }
    for (name, addr) in nodes {
        line += &format!(" node-{name}={addr}");
    }
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
