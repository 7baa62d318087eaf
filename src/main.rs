//! The binary: flags, logging, run.

#![forbid(unsafe_code)]

mod log_writer;
mod logfile;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use argh::FromArgs;
use log_writer::LogWriter;
use logfile::LogFile;
use respd::net::{ListenAddress, Ports};
use respd::{Config, Server};

/// A small server for RESP, the Redis protocol.
#[derive(FromArgs)]
struct Flags {
    /// configuration file, in the syntax of redis.conf
    #[argh(positional, arg_name = "CONFIG_FILE")]
    config_file: Option<PathBuf>,

    /// port for clients; 0 takes any that is free (default: 6379)
    #[argh(option, from_str_fn(parse_port))]
    port: Option<u16>,

    /// address to listen on; may be given several times (default: 127.0.0.1 and ::1)
    #[argh(option, arg_name = "ADDR")]
    bind: Vec<String>,

    /// port for administration; 0 takes any that is free (default: none)
    #[argh(option, from_str_fn(parse_port))]
    admin_port: Option<u16>,

    /// the server to answer as: redis-7.0, say (default: respd)
    #[argh(option, arg_name = "NAME")]
    persona: Option<String>,

    /// path of a unix socket to listen on
    #[argh(option, arg_name = "PATH")]
    unixsocket: Option<String>,

    /// password of the default user
    #[argh(option, arg_name = "PW")]
    requirepass: Option<String>,

    /// how many clients may be connected at once (default: 10000)
    #[argh(option, from_str_fn(parse_client_count))]
    maxclients: Option<u32>,

    /// any directive of the configuration file, as name=value; may be given several times
    #[argh(option, short = 'o', long = "option", arg_name = "NAME=VALUE")]
    options: Vec<String>,

    /// print a line for programs on stdout when every listener is bound and the server is ready
    #[argh(switch)]
    ready: bool,

    /// print the version and leave
    #[argh(switch)]
    version: bool,
}

fn main() -> ExitCode {
    let flags: Flags = argh::from_env();
    if flags.version {
        println!("respd {}", respd::VERSION);
        return ExitCode::SUCCESS;
    }
    match run(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("respd: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: &Flags) -> Result<(), Box<dyn std::error::Error>> {
    let config = configured(flags)?;
    let (_writer, log) = start_logging(&config)?;
    let configured = Ports::configured(&config);
    let mut builder = Server::builder().config(config).ports(Ports {
        clients: flags.port.or(configured.clients),
        tls: configured.tls,
        admin: flags.admin_port.or(configured.admin),
    });
    if let Some(path) = &flags.config_file {
        builder = builder.config_file(path);
    }
    let mut server = builder.bind()?;
    handle_signals(&mut server, log)
        .map_err(|error| format!("cannot wait for signals: {error}"))?;
    for bound in server.bound() {
        log::info!("listening on {} {bound}", bound.name());
    }
    if flags.ready {
        let bound = server.bound();
        server.when_ready(move || {
            if let Err(error) = announce(&bound) {
                log::error!("cannot print that the server is ready: {error}");
            }
        });
    }
    server.run()?;
    Ok(())
}

/// The configuration: defaults, then the file, then the flags.
fn configured(flags: &Flags) -> Result<Config, Box<dyn std::error::Error>> {
    let mut config = match &flags.config_file {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    let mut given: Vec<(&str, String)> = Vec::new();
    // Before the others: it may bring ports, which they may change.
    given.extend(flags.persona.clone().map(|persona| ("persona", persona)));
    for option in &flags.options {
        let (name, value) = option
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| format!("-o takes name=value, not '{option}'"))?;
        given.push((name, value.to_owned()));
    }
    given.extend(flags.port.map(|port| ("port", port.to_string())));
    given.extend(flags.admin_port.map(|port| ("admin-port", port.to_string())));
    given.extend((!flags.bind.is_empty()).then(|| ("bind", flags.bind.join(" "))));
    given.extend(flags.unixsocket.clone().map(|path| ("unixsocket", path)));
    given.extend(flags.requirepass.clone().map(|password| ("requirepass", password)));
    given.extend(flags.maxclients.map(|most| ("maxclients", most.to_string())));
    for (name, value) in &given {
        config.apply_option(name, value)?;
    }
    // The program begins with what is in its folder; a server in a test does so only if it is told.
    if config.dir.is_none() {
        config.apply_option("dir", ".")?;
    }
    Ok(config)
}

/// `RUST_LOG` decides what is logged; without it, `loglevel` does, which may change at run time. Panics are
/// logged, too: what prints them by itself could block. Returns what writes the log, and the file that is
/// logged to, if it is one.
fn start_logging(config: &Config) -> Result<(LogWriter, Option<LogFile>), String> {
    let mut builder = env_logger::Builder::new();
    let decided = std::env::var_os("RUST_LOG").is_some();
    if decided {
        builder.parse_default_env();
    } else {
        builder.filter_level(log::LevelFilter::Trace);
    }
    let log = match &config.logfile {
        Some(path) => Some(LogFile::open(path.clone()).map_err(|error| {
            format!("'logfile {}': cannot open it to write: {error}", path.display())
        })?),
        None => None,
    };
    let writer = match &log {
        Some(file) => LogWriter::start(file.clone()),
        None => LogWriter::start(std::io::stderr()),
    };
    let writer = writer.map_err(|error| format!("cannot start the thread of the log: {error}"))?;
    builder.target(env_logger::Target::Pipe(Box::new(writer.queue())));
    builder.init();
    std::panic::set_hook(Box::new(|panic| log::error!("{panic}")));
    if !decided {
        log::set_max_level(config.loglevel.filter());
    }
    Ok((writer, log))
}

/// SIGTERM and SIGINT end the server, SIGHUP reopens its log file; others it outlives.
fn handle_signals(server: &mut Server, log: Option<LogFile>) -> std::io::Result<()> {
    server.stop_on_signals()?;
    server.outlive_signals(move || {
        let Some(log) = &log else {
            return log::warn!("SIGHUP has come: there is no 'logfile' to reopen");
        };
        let path = log.path().display();
        match log.reopen() {
            Ok(()) => log::info!("SIGHUP has come: 'logfile {path}' is reopened"),
            Err(error) => log::error!(
                "SIGHUP has come: 'logfile {path}' cannot be reopened, the old one goes on: {error}"
            ),
        }
    })
}

/// `ready pid=… tcp=ADDR:PORT [tls=ADDR:PORT] [admin=ADDR:PORT] [unix=PATH]`, the first listener of each kind.
fn announce(bound: &[ListenAddress]) -> std::io::Result<()> {
    let mut line = format!("ready pid={}", std::process::id());
    for name in ["tcp", "tls", "admin", "unix"] {
        if let Some(first) = bound.iter().find(|bound| bound.name() == name) {
            line += &format!(" {name}={first}");
        }
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// The value of `--port` and `--admin-port`.
fn parse_port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("a port is a number from 0 to {}", u16::MAX))
}

/// The value of `--maxclients`.
fn parse_client_count(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("it is a number of clients from 1 to {}", u32::MAX)),
    }
}
