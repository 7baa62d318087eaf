//! The log of the process: where it goes, what is in it, and what its lines look like.

use std::io::{self, Write};
use std::path::Path;

use respd::internals::config::Config;

use super::command_line::Name;
use super::log_format::Lines;
use super::log_writer::LogWriter;
use super::logfile::LogFile;

/// What writes the log, and the file that is logged to, if it is one.
pub struct Log {
    pub file: Option<LogFile>,
    /// It does not go to stderr.
    pub is_elsewhere: bool,
    _writer: LogWriter,
}

/// `RUST_LOG` decides what is logged, if it speaks of respd; else `loglevel` does, which may change at run time. Panics
/// are logged, too: what prints them by itself could block.
pub fn start(config: &Config, called: Name) -> Result<Log, String> {
    let mut builder = env_logger::Builder::new();
    let decided = std::env::var("RUST_LOG").is_ok_and(|filter| speaks_of_respd(&filter));
    if decided {
        builder.parse_default_env();
    } else {
        builder.filter_level(log::LevelFilter::Trace);
    }
    let file = match &config.logfile {
        Some(path) => {
            Some(LogFile::open(config.locate(path)).map_err(|error| cannot_open(path, &error))?)
        }
        None => None,
    };
    let writer = match &file {
        Some(file) => LogWriter::start(file.clone()),
        None => LogWriter::start(stream(called)),
    };
    let writer = writer.map_err(|error| format!("cannot start the thread of the log: {error}"))?;
    let lines = Lines::new(config.log_format, config.log_timestamp_format);
    builder.format(move |out, record| lines.write(out, record));
    builder.target(env_logger::Target::Pipe(Box::new(writer.queue())));
    builder.init();
    std::panic::set_hook(Box::new(|panic| log::error!("{panic}")));
    if !decided {
        log::set_max_level(config.loglevel.filter());
    }
    let is_elsewhere = file.is_some() || called != Name::Respd;
    Ok(Log { file, is_elsewhere, _writer: writer })
}

pub fn cannot_open(path: &Path, error: &io::Error) -> String {
    format!("'logfile {}': cannot open it to write: {error}", path.display())
}

/// Returns whether a filter of `RUST_LOG` is meant for respd: one of its directives names it or a module of it, or is a
/// level for all programs. One that a shell has for another program does not silence this one.
fn speaks_of_respd(filter: &str) -> bool {
    let directives = filter.split('/').next().unwrap_or_default().split(',');
    directives.map(str::trim).any(|directive| {
        let name = directive.split('=').next().unwrap_or_default().trim();
        let is_ours = name
            .strip_prefix("respd")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        is_ours || directive == name && name.parse::<log::LevelFilter>().is_ok()
    })
}

/// The log goes to stderr. That of redis-server goes to stdout, where test harnesses wait for `Ready to accept
/// connections`: a program that was started by that name does as it does.
fn stream(called: Name) -> Box<dyn Write + Send> {
    match called {
        Name::Respd => Box::new(io::stderr()),
        Name::RedisServer | Name::ValkeyServer => Box::new(io::stdout()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_another_program_is_not_meant() {
        for filter in [
            "respd=debug",
            "mycrate=off, respd::wire=trace",
            "info",
            "x,WARN",
            "respd",
            "debug/re=x",
        ] {
            assert!(speaks_of_respd(filter), "{filter}");
        }
        for filter in
            ["", "mycrate=debug", "respdx=debug", "x/respd", ",", "mycrate::respd=info", "=info"]
        {
            assert!(!speaks_of_respd(filter), "{filter}");
        }
    }
}
