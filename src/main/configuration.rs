//! The configuration of the process: defaults, then the file, then standard input, then the command line.
//!
//! A mistake on the command line is told in the words of a person; all of them are told in one go.

use std::io::{self, Read};
use std::path::Path;

use respd::Server;
use respd::internals::config::Config;
use respd::internals::config::{Callers, LoadError, LoadErrors};
use respd::internals::net::Ports;

use super::command_line::{CommandLine, Given};
use super::logfile::LogFile;
use super::logging;
use super::notes::{check_foreground, notes};

/// What standard input is called where a file would be named.
const STDIN: &str = "(standard input)";

/// What was configured, and where that was said.
pub struct Configuration {
    pub config: Config,
    pub ports: Ports,
    pub sources: Vec<String>,
}

/// Everything that is wrong.
#[derive(Debug, Default)]
pub struct Mistakes {
    /// A line each.
    told: Vec<String>,
    /// How many there are beside these.
    more: usize,
}

impl Mistakes {
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    pub fn lines(mut self) -> Vec<String> {
        if self.more > 0 {
            self.told.push(format!("… and {} more", self.more));
        }
        self.told
    }

    pub fn extend(&mut self, faults: Vec<String>) {
        self.told.extend(faults);
    }

    fn add(&mut self, errors: &LoadErrors) {
        self.told.extend(errors.iter().map(ToString::to_string));
        self.more += errors.more();
    }
}

/// What was configured, and what is wrong with that. Where lines are wrong, the configuration is that of the others.
pub fn read(line: &CommandLine) -> (Configuration, Mistakes) {
    let mut mistakes = Mistakes::default();
    let mut sources = Vec::new();
    let mut config = Config::default();
    // It is asked for while the file is read.
    for given in line.directives.iter().filter(|given| given.is_called("unknown-directives")) {
        // What is wrong with it is told in its turn.
        let _ = apply(&mut config, given);
    }
    if let Some(path) = &line.file {
        sources.push(path.display().to_string());
        config.load_file(path).unwrap_or_else(|errors| mistakes.add(&errors));
    }
    if line.reads_stdin {
        sources.push("standard input".to_owned());
        read_stdin(&mut config, &mut mistakes);
    }
    let mut any_port = AnyPort::default();
    for given in &line.directives {
        if let Some(pattern) = given.included() {
            config.load_included(&pattern).unwrap_or_else(|errors| mistakes.add(&errors));
        } else if let Err(reason) = apply(&mut config, given) {
            mistakes.told.push(reason);
        } else {
            any_port.note(given);
        }
    }
    if !line.directives.is_empty() {
        sources.push("the command line".to_owned());
    }
    if line.stage.is_set() && config.enable_stage_command == Callers::No {
        config.enable_stage_command = Callers::Local;
        if line.directives.iter().any(|given| given.is_called("enable-stage-command")) {
            mistakes.told.push(
                "--stage and what stands for it need 'enable-stage-command', which is said to be 'no'"
                    .to_owned(),
            );
        }
    }
    // The program begins with what is in its folder; a server in a test does so only if it is told.
    if config.dir.is_none()
        && let Err(error) = config.apply_option("dir", ".")
    {
        mistakes.told.push(error.to_string());
    }
    let ports = any_port.ports(&config, line.announces, line.stage.is_set());
    (Configuration { ports, config, sources }, mistakes)
}

/// What would keep the program from starting with what could be read: everything that can be seen without listening,
/// and without loading or writing anything.
pub fn faults(line: &CommandLine, configured: &Configuration) -> Vec<String> {
    let Configuration { config, ports, .. } = configured;
    let mut faults = Vec::new();
    if line.exits_with_stdin && line.reads_stdin {
        faults.push(
            "'-' reads standard input to its end, and with --exit-with-stdin that is the server's"
                .to_owned(),
        );
    }
    faults.extend(check_foreground(config).err());
    if let Some(path) = &config.logfile
        && let Err(error) = LogFile::check(&config.locate(path))
    {
        faults.push(logging::cannot_open(path, &error));
    }
    faults.extend(Server::builder().config(config.clone()).ports(*ports).faults());
    faults
}

fn read_stdin(config: &mut Config, mistakes: &mut Mistakes) {
    let mut text = Vec::new();
    match io::stdin().lock().read_to_end(&mut text) {
        Ok(_) => {
            let read = config.load_text(Path::new(STDIN), &text);
            read.unwrap_or_else(|errors| mistakes.add(&errors));
        }
        Err(error) => mistakes
            .told
            .push(format!("cannot read the configuration from standard input: {error}")),
    }
}

fn apply(config: &mut Config, given: &Given) -> Result<(), String> {
    let words: Vec<&[u8]> = given.words.iter().map(Vec::as_slice).collect();
    config.apply_words(&given.name, &words).map_err(|error| in_words(given, &error))
}

/// The ports for which the command line has 0: any that is free. In the file 0 is none.
#[derive(Debug, Default)]
struct AnyPort {
    clients: bool,
    tls: bool,
    admin: bool,
}

impl AnyPort {
    fn note(&mut self, given: &Given) {
        let is_any = given.is_flag && given.is_zero();
        if given.is_called("port") {
            self.clients = is_any;
        } else if given.is_called("tls-port") {
            self.tls = is_any;
        } else if given.is_called("admin-port") {
            self.admin = is_any;
        }
    }

    /// With `--port 0` redis-server has no port. Here it is so, too, where there is another way in, by the unix socket
    /// or by a port for TLS or administration that was given, unless the port is to be announced. Where a test drives
    /// the server, there is an administration port unless that was said to be none: nothing that is staged keeps a test
    /// out there.
    fn ports(&self, config: &Config, announces: bool, is_staged: bool) -> Ports {
        let configured = Ports::configured(config);
        let has_other_way = config.unixsocket.is_some()
            || configured.tls.is_some()
            || config.ports_chosen.admin() && configured.admin.is_some();
        let is_wanted = announces || !has_other_way;
        Ports {
            clients: configured.clients.or((self.clients && is_wanted).then_some(0)),
            tls: configured.tls.or((self.tls && announces).then_some(0)),
            admin: configured
                .admin
                .or((self.admin || is_staged && !config.ports_chosen.admin()).then_some(0)),
        }
    }
}

/// An error of a directive on the command line: what was given, which holds no secret, and what is expected there.
fn in_words(given: &Given, error: &LoadError) -> String {
    let name = given.name.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let name = String::from_utf8_lossy(name).to_lowercase();
    let what = error.to_string();
    let what = what.strip_suffix(error.reason()).unwrap_or(&what);
    // Values may stand in the word of the name.
    let words = given.name.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    let words = words.saturating_sub(1) + given.words.len();
    format!("{what}{}", expectation(&name, words, error.reason()))
}

/// What a directive expects, where the reason is one of the texts that CONFIG SET has, too.
fn expectation(name: &str, words: usize, reason: &str) -> String {
    const BAD_DIRECTIVE: &str = "Bad directive or wrong number of arguments";
    const NO_NUMBER: &str = "argument couldn't be parsed into an integer";
    let range = reason
        .strip_prefix("argument must be between ")
        .and_then(|rest| rest.strip_suffix(" inclusive"));
    let is_port = name == "port" || name.ends_with("-port");
    match reason {
        "wrong number of arguments" if words == 0 => format!("there is no value: --{name} VALUE"),
        "wrong number of arguments" => {
            format!("one value is expected, and these are {words} (the configuration file comes first)")
        }
        _ if is_port && (reason == NO_NUMBER || range.is_some()) => {
            format!("a port is a number from 0 to {}", u16::MAX)
        }
        NO_NUMBER => "a whole number is expected".to_owned(),
        "argument must be a memory value" => {
            "an amount of memory is expected: 100mb, 2gb, or a number of bytes".to_owned()
        }
        "argument couldn't be parsed as an octal number" => {
            "the permissions of a file are expected, in octal: 700".to_owned()
        }
        "argument must be 'yes' or 'no'" => "'yes' or 'no' is expected".to_owned(),
        "Invalid save parameters" => {
            "pairs of seconds and changes are expected: --save 3600 1 300 100, or --save '' for none"
                .to_owned()
        }
        _ if let Some(meant) = reason.strip_prefix(BAD_DIRECTIVE).filter(|_| name != "user") => {
            format!("there is no directive of this name{meant}")
        }
        _ => match (range.and_then(|range| range.split_once(" and ")), reason) {
            (Some((least, most)), _) => format!("a number from {least} to {most} is expected"),
            (None, reason) => match reason.strip_prefix("argument(s) must be ") {
                Some(choice) => format!("it is {choice}"),
                None => reason.to_owned(),
            },
        },
    }
}

/// `--check`: what there is to say, and whether the configuration is fine.
pub fn check(line: &CommandLine) -> (String, bool) {
    let subject = match (&line.file, line.reads_stdin) {
        (Some(path), _) => path.display().to_string(),
        (None, true) => "standard input".to_owned(),
        (None, false) => "the command line".to_owned(),
    };
    let (configured, mut mistakes) = read(line);
    mistakes.extend(faults(line, &configured));
    match mistakes.is_empty() {
        true => {
            let notes = [vec![format!("{subject} is fine")], notes(&configured.config)];
            (notes.concat().join("\n"), true)
        }
        false => (mistakes.lines().join("\n"), false),
    }
}
