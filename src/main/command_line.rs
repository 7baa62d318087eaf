//! The command line: redis-server's way of giving directives, beside flags of our own.
//!
//! `--NAME VALUE...` is the directive NAME as a line of the configuration file: it takes every word up to the next
//! one that begins with `--`. Its first value may be any word at all, so that a password may begin with `--`, but for
//! `--save` without a value, which is `--save ''`. `'--save 60 1'`, name and values in one word, is the same. The
//! configuration file, if there is one, comes first; `-`, first or last, is standard input, which is read after the
//! file. Directives count more than both, the later more than the earlier. All that is as redis-server does it.
//!
//! What drives the server as a test double is no directive, for it is no part of a configuration: `--clock frozen`,
//! `--seed N` and `--stage-file FILE` are flags with one value, and mean `--stage` besides.
//!
//! A first argument such as `play` is a subcommand with arguments of its own, unless a file of that name is there, which
//! is the configuration; under the names of the other servers it is always a file. `./play` is a file for respd, too.
//!
//! What it does not know: which directives there are, and what their values may be.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct CommandLine {
    /// The program that it was started as.
    pub called: Name,
    pub action: Action,
    pub file: Option<PathBuf>,
    /// A text of the same syntax follows on standard input.
    pub reads_stdin: bool,
    pub directives: Vec<Given>,
    /// A line for programs is printed when the server is ready.
    pub announces: bool,
    /// The server ends when its standard input does.
    pub exits_with_stdin: bool,
    pub stage: Stage,
}

/// How a server begins that a test drives.
#[derive(Debug, PartialEq, Eq, Clone, Default)]
pub struct Stage {
    /// `--stage`: nothing but that programs of this machine may drive it.
    pub is_on: bool,
    /// No time passes by itself.
    pub clock_is_frozen: bool,
    /// What is picked at random follows from this.
    pub seed: Option<u64>,
    /// What STAGE is called with at the start, a line each.
    pub file: Option<PathBuf>,
    /// The server is a cluster, as a test would make it.
    pub cluster: Option<Cluster>,
}

impl Stage {
    /// Returns whether a test has to be able to drive the server.
    pub fn is_set(&self) -> bool {
        *self != Stage::default()
    }

    /// Returns whether it is a flag with a value.
    fn has(name: &[u8]) -> bool {
        [&b"--clock"[..], b"--seed", b"--stage-cluster", b"--stage-file"].contains(&name)
    }

    fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), String> {
        let text = shown(value);
        match name {
            b"--clock" if value == b"frozen" => self.clock_is_frozen = true,
            b"--clock" => return Err(format!("--clock takes 'frozen', not '{text}'")),
            b"--seed" => {
                let digits =
                    Some(&text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                let seed = digits.and_then(|digits| digits.parse().ok());
                let most = u64::MAX;
                self.seed = Some(seed.ok_or_else(|| {
                    format!("--seed takes a whole number from 0 to {most}, not '{text}'")
                })?);
            }
            b"--stage-cluster" => self.cluster = Some(Cluster::parse(value)?),
            _ if value.is_empty() => return Err("the name of the stage file is empty".to_owned()),
            _ => self.file = Some(PathBuf::from(OsString::from_vec(value.to_vec()))),
        }
        Ok(())
    }
}

/// `--stage-cluster 3x2`: three shards of two nodes each.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct Cluster {
    pub shards: usize,
    pub nodes: usize,
}

impl Cluster {
    /// The most shards, which are named with a letter, and the most nodes.
    const MOST_SHARDS: usize = 26;
    const MOST_NODES: usize = 64;

    fn parse(text: &[u8]) -> Result<Cluster, String> {
        let numbers = str::from_utf8(text).ok().and_then(|text| {
            let (shards, nodes) = text.split_once('x')?;
            Some((shards.parse().ok()?, nodes.parse().ok()?))
        });
        match numbers {
            Some((shards @ 1..=Self::MOST_SHARDS, nodes @ 1..=Self::MOST_NODES))
                if shards * nodes <= Self::MOST_NODES =>
            {
                Ok(Cluster { shards, nodes })
            }
            _ => Err(format!(
                "--stage-cluster takes SHARDSxNODES, as 3x2 for three primaries with a replica each, up to {} \
                 shards and {} nodes, not '{}'",
                Self::MOST_SHARDS,
                Self::MOST_NODES,
                shown(text)
            )),
        }
    }
}

/// Names of the program under which scripts and test harnesses may start it.
#[derive(Debug, PartialEq, Eq, Clone, Copy, Default)]
pub enum Name {
    #[default]
    Respd,
    RedisServer,
    ValkeyServer,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy, Default)]
pub enum Action {
    #[default]
    Serve,
    /// Says what is wrong with the configuration, or that nothing is.
    Check,
    PrintConfig,
    Help,
    Version,
}

/// A directive, as it was given.
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct Given {
    /// `--port`, where 0 is any port, or `-o port=…`, where 0 is none as in the file.
    pub is_flag: bool,
    /// The name. Values may follow in the same word, behind a space.
    pub name: Vec<u8>,
    pub words: Vec<Vec<u8>>,
}

impl Given {
    fn flag(name: &[u8], words: Vec<Vec<u8>>) -> Given {
        Given { is_flag: true, name: name.to_vec(), words }
    }

    /// Returns whether it is this directive, whose name is in lower case.
    pub fn is_called(&self, name: &str) -> bool {
        let own = self.name.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        own.eq_ignore_ascii_case(name.as_bytes())
    }

    /// What `--include PATTERN` reads. `None`: it is another directive, or it is a wrong one.
    pub fn included(&self) -> Option<Vec<u8>> {
        if !self.is_called("include") {
            return None;
        }
        match &self.words[..] {
            [] => {
                let end = self.name.iter().position(u8::is_ascii_whitespace)?;
                Some(self.name[end..].trim_ascii().to_vec())
            }
            [pattern] => Some(pattern.clone()),
            _ => None,
        }
    }

    /// Returns whether the only value is 0.
    pub fn is_zero(&self) -> bool {
        match &self.words[..] {
            [] => self.name.trim_ascii().ends_with(b" 0"),
            words => words == [b"0"],
        }
    }
}

impl Name {
    fn of(program: &OsStr) -> Name {
        match Path::new(program).file_name().map(OsStr::as_bytes) {
            Some(b"redis-server") => Name::RedisServer,
            Some(b"valkey-server") => Name::ValkeyServer,
            _ => Name::Respd,
        }
    }
}

/// What the program does beside serving.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Subcommand {
    ClientTest,
    Play,
    Record,
}

const SUBCOMMANDS: &[(&str, Subcommand)] = &[
    ("client-test", Subcommand::ClientTest),
    ("play", Subcommand::Play),
    ("record", Subcommand::Record),
];

/// The subcommand that the arguments of the process begin with, the name of the program before it. A file that `exists`
/// under that name is a configuration file, as it is for redis-server.
pub fn subcommand(args: &[OsString], exists: impl Fn(&Path) -> bool) -> Option<Subcommand> {
    let [program, first, ..] = args else { return None };
    let (_, found) = SUBCOMMANDS.iter().find(|(name, _)| first == name)?;
    (Name::of(program) == Name::Respd && !exists(Path::new(first))).then_some(*found)
}

/// Reads the arguments of the process, the name of the program first.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<CommandLine, String> {
    let mut args = args.into_iter();
    let program = args.next().unwrap_or_default();
    let args: Vec<Vec<u8>> = args.map(OsString::into_vec).collect();
    let line = CommandLine { called: Name::of(&program), ..CommandLine::default() };
    let mut reading = Reading { line, open: Open::Nothing, is_first: true };
    let mut rest = &args[..];
    while let [word, more @ ..] = rest {
        let is_last = more.is_empty();
        rest = more;
        if reading.takes_as_value(word, is_last) {
            reading.push_value(word);
            continue;
        }
        match &word[..] {
            // As redis-server has it: a script that has no file, and one that has no more to say.
            b"" if reading.is_first => {}
            b"--" if is_last => reading.close(),
            b"-h" | b"--help" => reading.act(Action::Help),
            b"-v" | b"--version" => reading.act(Action::Version),
            b"--print-config" => reading.act(Action::PrintConfig),
            b"--ready" => reading.switch(|line| line.announces = true),
            b"--exit-with-stdin" => reading.switch(|line| line.exits_with_stdin = true),
            b"--stage" => reading.switch(|line| line.stage.is_on = true),
            b"--check" => {
                reading.act(Action::Check);
                rest = reading.check(rest)?;
            }
            b"-o" | b"--option" => {
                let (option, more) = rest.split_first().ok_or("-o takes NAME=VALUE")?;
                reading.option(option)?;
                rest = more;
            }
            b"-" => reading.switch(|line| line.reads_stdin = true),
            b"--sentinel" | b"--check-system" | b"--test-memory" => {
                return Err(format!("respd has no {}", shown(word)));
            }
            word if Stage::has(name_of(word)) => rest = reading.set_stage(word, rest)?,
            [b'-', b'-', name @ ..] => reading.directive(name)?,
            [b'-', ..] => {
                return Err(format!("there is no flag {}: see respd --help", shown(word)));
            }
            _ => reading.file(word)?,
        }
        reading.is_first = false;
    }
    reading.close();
    reading.line.directives.iter().try_for_each(is_clear)?;
    Ok(reading.line)
}

/// Where reading is.
struct Reading {
    line: CommandLine,
    open: Open,
    /// No word has been read.
    is_first: bool,
}

/// Whether the last directive takes more words.
#[derive(PartialEq, Eq, Clone, Copy)]
enum Open {
    Nothing,
    /// It has no value yet.
    ForAny,
    /// It has one.
    ForMore,
}

impl Reading {
    /// Returns whether `word` is a value of the directive before it.
    fn takes_as_value(&self, word: &[u8], is_last: bool) -> bool {
        match self.open {
            Open::Nothing => false,
            _ if word == b"-" => !is_last,
            Open::ForAny => !(self.is_bare_save() && word.starts_with(b"--")),
            Open::ForMore => !word.starts_with(b"--") && word != b"-o",
        }
    }

    fn push_value(&mut self, word: &[u8]) {
        if let Some(given) = self.line.directives.last_mut() {
            given.words.push(word.to_vec());
            self.open = Open::ForMore;
        }
    }

    /// Returns whether the last directive is `--save` without a value, which stands for an empty one: programs that
    /// make a command line of a list have it so where that is empty.
    fn is_bare_save(&self) -> bool {
        self.line
            .directives
            .last()
            .is_some_and(|given| given.name.eq_ignore_ascii_case(b"save") && given.words.is_empty())
    }

    /// The last directive gets no more words.
    fn close(&mut self) {
        if self.open == Open::ForAny && self.is_bare_save() {
            self.push_value(b"");
        }
        self.open = Open::Nothing;
    }

    fn switch(&mut self, set: impl FnOnce(&mut CommandLine)) {
        self.close();
        set(&mut self.line);
    }

    /// `--seed N` or `--seed=N`.
    fn set_stage<'a>(&mut self, word: &[u8], rest: &'a [Vec<u8>]) -> Result<&'a [Vec<u8>], String> {
        self.close();
        let name = name_of(word);
        match (word.get(name.len() + 1..), rest) {
            (Some(value), _) => self.line.stage.set(name, value).map(|()| rest),
            (None, [value, more @ ..]) => self.line.stage.set(name, value).map(|()| more),
            (None, []) => Err(format!("there is no value: {} VALUE", shown(name))),
        }
    }

    /// The first of several actions counts, so that `--help` and `--version` do nothing else.
    fn act(&mut self, action: Action) {
        self.close();
        if self.line.action == Action::Serve {
            self.line.action = action;
        }
    }

    /// `--check`, whose file comes behind it, if it has not come before.
    fn check<'a>(&mut self, rest: &'a [Vec<u8>]) -> Result<&'a [Vec<u8>], String> {
        match rest {
            [file, more @ ..] if self.line.file.is_none() && !file.starts_with(b"-") => {
                self.file(file)?;
                Ok(more)
            }
            _ => Ok(rest),
        }
    }

    fn option(&mut self, option: &[u8]) -> Result<(), String> {
        self.close();
        match option.iter().position(|&byte| byte == b'=') {
            None | Some(0) => Err(format!("-o takes NAME=VALUE, not '{}'", without_value(option))),
            Some(at) => {
                let (name, words) = (option[..at].to_vec(), vec![option[at + 1..].to_vec()]);
                self.line.directives.push(Given { is_flag: false, name, words });
                Ok(())
            }
        }
    }

    /// `--NAME`, `--NAME=VALUE`, or `--NAME VALUE...` in one word.
    fn directive(&mut self, text: &[u8]) -> Result<(), String> {
        self.close();
        let end = text.iter().position(|byte| b"= \t".contains(byte)).unwrap_or(text.len());
        let given = match text.get(end) {
            _ if end == 0 => return Err("'--' is followed by the name of a directive".to_owned()),
            Some(b'=') => Given::flag(&text[..end], vec![text[end + 1..].to_vec()]),
            Some(_) if text[end..].trim_ascii().is_empty() => {
                self.open = Open::ForAny;
                Given::flag(&text[..end], Vec::new())
            }
            Some(_) => {
                self.open = Open::ForMore;
                Given::flag(text, Vec::new())
            }
            None => {
                self.open = Open::ForAny;
                Given::flag(text, Vec::new())
            }
        };
        self.line.directives.push(given);
        Ok(())
    }

    fn file(&mut self, word: &[u8]) -> Result<(), String> {
        let file = PathBuf::from(OsString::from_vec(word.to_vec()));
        match &self.line.file {
            _ if word.is_empty() => Err("the name of the configuration file is empty".to_owned()),
            Some(first) => Err(format!(
                "there is one configuration file, and these are two: '{}' and '{}'",
                first.display(),
                file.display()
            )),
            None => {
                self.line.file = Some(file);
                Ok(())
            }
        }
    }
}

/// `--port 7000 respd.conf` gives `port` two values, as redis-server has it. What is meant is plain.
fn is_clear(given: &Given) -> Result<(), String> {
    if let [_, .., last] = &given.words[..]
        && last.ends_with(b".conf")
    {
        let (file, name) = (shown(last), shown(&given.name));
        return Err(format!(
            "'{file}' stands behind --{name}, whose value it would be: the configuration file comes first"
        ));
    }
    Ok(())
}

/// A word up to its `=`.
fn name_of(word: &[u8]) -> &[u8] {
    word.split(|&byte| byte == b'=').next().unwrap_or_default()
}

fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

/// What was given to `-o` may be a password.
fn without_value(option: &[u8]) -> String {
    match option {
        [b'=', ..] => "=…".to_owned(),
        name => shown(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<CommandLine, String> {
        parse(["respd"].iter().chain(args).map(OsString::from))
    }

    /// The directives of a command line, each as a line of a file would have it.
    fn directives(args: &[&str]) -> Vec<String> {
        let line = read(args).unwrap_or_else(|reason| panic!("{args:?}: {reason}"));
        let line = line.directives.iter().map(|given| {
            let words = given.words.iter().map(|word| format!(" {:?}", shown(word)));
            format!("{}{}", shown(&given.name), words.collect::<String>())
        });
        line.collect()
    }

    #[test]
    fn a_directive_takes_the_words_up_to_the_next() {
        for (args, expected) in [
            (
                &["--port", "7000", "--maxmemory", "100mb", "--save", "", "--appendonly", "no"][..],
                &["port \"7000\"", "maxmemory \"100mb\"", "save \"\"", "appendonly \"no\""][..],
            ),
            (&["--save", "3600", "1", "300", "100"], &["save \"3600\" \"1\" \"300\" \"100\""]),
            (
                &["--save", "60", "1", "--save", "300", "10"],
                &["save \"60\" \"1\"", "save \"300\" \"10\""],
            ),
            (&["--save 60 1", "--port 7000"], &["save 60 1", "port 7000"]),
            (&["--port ", "7000"], &["port \"7000\""]),
            (&["", "a.conf", "--port", "7000", "--"], &["port \"7000\""]),
            (&["--hz", "1", "-v", "-h"], &["hz \"1\" \"-v\" \"-h\""]),
            (&["--port=7000", "--save=60 1"], &["port \"7000\"", "save \"60 1\""]),
            (&["-o", "port=7000", "-o", "x=a=b"], &["port \"7000\"", "x \"a=b\""]),
            (&["--bind", "127.0.0.1", "-::1"], &["bind \"127.0.0.1\" \"-::1\""]),
            (&["--list-max-listpack-size", "-2"], &["list-max-listpack-size \"-2\""]),
            (&["--port", "0", "-o", "hz=1", "--ready"], &["port \"0\"", "hz \"1\""]),
            (&["--save", "60", "1", "--stage", "--hz=1"], &["save \"60\" \"1\"", "hz \"1\""]),
        ] {
            assert_eq!(directives(args), expected, "{args:?}");
        }
    }

    #[test]
    fn a_test_says_how_the_server_begins_that_it_drives() {
        let line = read(&["--clock", "frozen", "--seed=7", "--stage-file", "a", "--port", "1"]);
        let file = Some("a".into());
        let stage = Stage { clock_is_frozen: true, seed: Some(7), file, ..Stage::default() };
        assert_eq!(line.unwrap().stage, stage);
        for args in [&["--seed", "0"][..], &["--stage"]] {
            assert!(read(args).unwrap().stage.is_set(), "{args:?}");
        }
        assert!(!read(&["--port", "1"]).unwrap().stage.is_set());
        let cluster = read(&["--stage-cluster", "3x2"]).unwrap().stage.cluster;
        assert_eq!(cluster, Some(Cluster { shards: 3, nodes: 2 }));
        for (args, reason) in [
            (&["--clock", "slow"][..], "--clock takes 'frozen', not 'slow'"),
            (&["--clock="], "not ''"),
            (&["--seed", "-1"], "a whole number from 0 to 18446744073709551615, not '-1'"),
            (&["--seed", "+1"], "not '+1'"),
            (&["--seed="], "not ''"),
            (&["--stage-file", ""], "is empty"),
            (&["--stage-cluster", "3x0"], "--stage-cluster takes SHARDSxNODES"),
            (&["--stage-cluster=33x2"], "not '33x2'"),
            (&["--stage-file"], "there is no value: --stage-file VALUE"),
        ] {
            let told = read(args).unwrap_err();
            assert!(told.contains(reason), "{args:?}: {told}");
        }
    }

    #[test]
    fn the_first_value_may_begin_with_dashes() {
        assert_eq!(directives(&["--requirepass", "--x"]), ["requirepass \"--x\""]);
        assert_eq!(
            directives(&["--requirepass", "--port", "7000"]),
            ["requirepass \"--port\" \"7000\""]
        );
        assert_eq!(directives(&["--requirepass", "-h"]), ["requirepass \"-h\""]);
        assert_eq!(directives(&["--port"]), ["port"], "what is missing, the configuration says");
    }

    #[test]
    fn save_without_a_value_is_an_empty_one() {
        assert_eq!(directives(&["--save", "--port", "7000"]), ["save \"\"", "port \"7000\""]);
        assert_eq!(directives(&["--save"]), ["save \"\""]);
        assert_eq!(directives(&["--save", "--ready"]), ["save \"\""]);
    }

    #[test]
    fn the_file_and_standard_input_stand_beside_directives() {
        let line = read(&["a.conf", "--port", "1", "-"]).unwrap();
        assert_eq!((line.file, line.reads_stdin), (Some("a.conf".into()), true));
        assert_eq!(line.directives.len(), 1);
        let line = read(&["-", "--loglevel", "verbose"]).unwrap();
        assert_eq!((line.file, line.reads_stdin), (None, true));
        let line = read(&["--ready", "a.conf", "--exit-with-stdin"]).unwrap();
        assert_eq!(line.file, Some("a.conf".into()));
        assert!(line.announces && line.exits_with_stdin && !line.reads_stdin);
        assert_eq!(directives(&["--bind", "a", "-", "--port", "1"])[0], "bind \"a\" \"-\"");
        let line = read(&["--check", "a.conf", "--port", "1"]).unwrap();
        assert_eq!((line.action, line.file), (Action::Check, Some("a.conf".into())));
        let line = read(&["a.conf", "--check"]).unwrap();
        assert_eq!((line.action, line.file), (Action::Check, Some("a.conf".into())));
    }

    #[test]
    fn what_cannot_be_meant_is_told_in_words() {
        for (args, reason) in [
            (&["--port", "7000", "a.conf"][..], "the configuration file comes first"),
            (&["a.conf", "b.conf"], "'a.conf' and 'b.conf'"),
            (&["--ready", ""], "is empty"),
            (&["-x"], "there is no flag -x"),
            (&["--", "--hz"], "name of a directive"),
            (&["-o"], "-o takes NAME=VALUE"),
            (&["-o", "timeout"], "-o takes NAME=VALUE, not 'timeout'"),
            (&["-o", "=hunter2"], "-o takes NAME=VALUE, not '=…'"),
            (&["--sentinel"], "respd has no --sentinel"),
        ] {
            let told = read(args).unwrap_err();
            assert!(told.contains(reason), "{args:?}: {told}");
        }
    }

    #[test]
    fn a_subcommand_gives_way_to_a_file_of_its_name() {
        let found = |line: &str, file: &str| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            subcommand(&args, |path| path == Path::new(file))
        };
        assert_eq!(found("respd play a.txt", ""), Some(Subcommand::Play));
        assert_eq!(found("/usr/bin/respd play", ""), Some(Subcommand::Play));
        assert_eq!(found("respd record --upstream a:1 b", ""), Some(Subcommand::Record));
        assert_eq!(found("respd play a.txt", "play"), None);
        assert_eq!(found("respd ./play", ""), None);
        assert_eq!(found("respd --port 0 play", ""), None);
        assert_eq!(found("redis-server play", ""), None);
        assert_eq!(found("/opt/valkey-server play", ""), None);
    }

    #[test]
    fn the_name_of_the_program_is_its_last_part() {
        for (program, name) in [
            ("/usr/bin/redis-server", Name::RedisServer),
            ("valkey-server", Name::ValkeyServer),
            ("./target/debug/respd", Name::Respd),
        ] {
            assert_eq!(parse([OsString::from(program)]).unwrap().called, name, "{program}");
        }
        assert_eq!(parse([]).unwrap().called, Name::Respd);
    }
}
