//! The types of the fields that are more than a number.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;

use super::choice::Choice;
use super::persona::{PERSONAS, Persona};
use super::place::{LoadError, Place};
use crate::keyspace::changes::{Classes, class};
use crate::keyspace::lifetime::evict::Policy;

/// Bytes that are in no log: `Debug` hides them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Secret {
        Secret(bytes.to_vec())
    }
}

impl Deref for Secret {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Secret(unset)" } else { "Secret(set)" })
    }
}

/// How much is logged, from everything to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
    Nothing,
}

impl Choice for LogLevel {
    const NAMES: &'static [(&'static str, LogLevel)] = &[
        ("debug", LogLevel::Debug),
        ("verbose", LogLevel::Verbose),
        ("notice", LogLevel::Notice),
        ("warning", LogLevel::Warning),
        ("nothing", LogLevel::Nothing),
    ];
}

/// What a line of the log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: `[TIME LEVEL MODULE] MESSAGE`.
    Legacy,
    /// Pairs of names and values: `pid=1 level=notice message="..."`.
    Logfmt,
    /// An object of JSON.
    Json,
}

impl Choice for LogFormat {
    const NAMES: &'static [(&'static str, LogFormat)] = &[
        ("legacy", LogFormat::Legacy),
        ("logfmt", LogFormat::Logfmt),
        ("json", LogFormat::Json),
        ("text", LogFormat::Legacy),
    ];
}

/// How a line of the log says when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogTime {
    /// `2026-11-28T22:12:40.165Z`.
    Iso8601,
    /// Milliseconds since 1970.
    Milliseconds,
}

impl Choice for LogTime {
    const NAMES: &'static [(&'static str, LogTime)] =
        &[("iso8601", LogTime::Iso8601), ("milliseconds", LogTime::Milliseconds)];
}

/// What starts the server, watches over it, and wants to know how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supervisor {
    Upstart,
    Systemd,
    /// The environment tells which of them.
    Auto,
    No,
}

impl Choice for Supervisor {
    const NAMES: &'static [(&'static str, Supervisor)] = &[
        ("upstart", Supervisor::Upstart),
        ("systemd", Supervisor::Systemd),
        ("auto", Supervisor::Auto),
        ("no", Supervisor::No),
    ];
}

/// What becomes of the data when a signal ends the server: the options of SHUTDOWN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shutdown {
    /// Whether it is saved. `None`: if there are save points.
    pub saves: Option<bool>,
    /// Nothing is waited for. Nothing ever is: there are no replicas.
    pub now: bool,
    /// The server ends although the data could not be saved.
    pub force: bool,
    /// A node of a cluster does not leave its slots without a server. There is no cluster.
    pub safe: bool,
}

/// Which clients may do what is not for every one of them: call DEBUG, or choose where files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    No,
    Yes,
    /// Clients that come over a loopback address or the unix socket.
    Local,
}

impl Choice for Callers {
    const NAMES: &'static [(&'static str, Callers)] =
        &[("no", Callers::No), ("yes", Callers::Yes), ("local", Callers::Local)];
}

/// A rule of `save`: a snapshot is written when so many changes have been made and the last one is so old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavePoint {
    /// At least 1.
    pub seconds: u64,
    pub changes: u64,
}

/// When what was appended to the log is synced to the disk: `appendfsync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    /// Before anything that was made after it is sent.
    Always,
    /// Within a second.
    EverySecond,
    /// When the system sees fit.
    No,
}

impl Choice for Fsync {
    const NAMES: &'static [(&'static str, Fsync)] =
        &[("everysec", Fsync::EverySecond), ("always", Fsync::Always), ("no", Fsync::No)];
}

/// The append-only log: eleven directives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendOnly {
    /// `appendonly`: whether there is one.
    pub enabled: bool,
    pub fsync: Fsync,
    /// `appendfilename`: what the names of its files begin with.
    pub file_name: PathBuf,
    /// `appenddirname`: the folder of its files, in `dir`.
    pub folder: PathBuf,
    /// `no-appendfsync-on-rewrite`: nothing is synced while a snapshot or a base is written.
    pub no_fsync_on_rewrite: bool,
    /// By how many percent it grows beyond its last base before it is rewritten by itself. 0: it is not.
    pub rewrite_percentage: u32,
    /// How many bytes it has at least when that happens.
    pub rewrite_min_size: u64,
    /// `aof-load-truncated`: a log that is cut off at its end is loaded all the same.
    pub load_truncated: bool,
    /// `aof-use-rdb-preamble`: the base has the form of a snapshot, and else that of commands.
    pub base_is_snapshot: bool,
    /// `aof-timestamp-enabled`: the log says when it was written.
    pub timestamps: bool,
    /// `aof-rewrite-incremental-fsync`: a base is synced bit by bit while it is written.
    pub rewrite_incremental_fsync: bool,
}

impl Default for AppendOnly {
    fn default() -> AppendOnly {
        AppendOnly {
            enabled: false,
            fsync: Fsync::EverySecond,
            file_name: "appendonly.aof".into(),
            folder: "appendonlydir".into(),
            no_fsync_on_rewrite: false,
            rewrite_percentage: 100,
            rewrite_min_size: 64 << 20,
            load_truncated: true,
            base_is_snapshot: true,
            timestamps: false,
            rewrite_incremental_fsync: true,
        }
    }
}

/// `acl-pubsub-default`: the channel permission of a new user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelDefault {
    All,
    Reset,
}

impl Choice for ChannelDefault {
    const NAMES: &'static [(&'static str, ChannelDefault)] =
        &[("allchannels", ChannelDefault::All), ("resetchannels", ChannelDefault::Reset)];
}

impl Choice for Policy {
    const NAMES: &'static [(&'static str, Policy)] = Policy::NAMES;
}

impl Choice for &'static Persona {
    const NAMES: &'static [(&'static str, &'static Persona)] = &{
        let mut names = [("", &PERSONAS[0]); PERSONAS.len()];
        let mut index = 0;
        while index < names.len() {
            names[index] = (PERSONAS[index].name, &PERSONAS[index]);
            index += 1;
        }
        names
    };
}

/// What may wait in the output buffers of each class of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputBufferLimits {
    pub(crate) normal: BufferLimit,
    /// Replicas, which respd does not have; files of other servers speak of them. Its name in text
    /// is `slave`, or `replica` when it is read.
    pub(crate) replica: BufferLimit,
    /// Clients with a subscription.
    pub(crate) pubsub: BufferLimit,
}

impl Default for OutputBufferLimits {
    fn default() -> OutputBufferLimits {
        OutputBufferLimits {
            normal: BufferLimit { hard: 0, soft: 0, soft_seconds: 0 },
            replica: BufferLimit { hard: 256 << 20, soft: 64 << 20, soft_seconds: 60 },
            pubsub: BufferLimit { hard: 32 << 20, soft: 8 << 20, soft_seconds: 60 },
        }
    }
}

/// A client over `hard` bytes is cut off at once, one that stays over `soft` bytes for
/// `soft_seconds` then. 0 bytes: no such limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferLimit {
    pub(crate) hard: usize,
    pub(crate) soft: usize,
    pub(crate) soft_seconds: u32,
}

/// Which events of keys are published, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyspaceEvents {
    /// In a channel named after the key.
    pub(crate) by_key: bool,
    /// In a channel named after the event.
    pub(crate) by_event: bool,
    pub(crate) classes: Classes,
}

impl KeyspaceEvents {
    /// The letters of the classes.
    pub(crate) const LETTERS: &[(u8, Classes)] = &[
        (b'g', class::GENERIC),
        (b'$', class::STRING),
        (b'l', class::LIST),
        (b's', class::SET),
        (b'h', class::HASH),
        (b'z', class::ZSET),
        (b'x', class::EXPIRED),
        (b'e', class::EVICTED),
        (b't', class::STREAM),
        (b'd', class::MODULE),
        (b'n', class::NEW),
        (b'm', class::KEY_MISS),
    ];

    /// The classes that `A` stands for: whatever is done to a key that exists, or ends it.
    pub(crate) const ALL: Classes = class::GENERIC
        | class::STRING
        | class::LIST
        | class::SET
        | class::HASH
        | class::ZSET
        | class::EXPIRED
        | class::EVICTED
        | class::STREAM
        | class::MODULE;

    /// The classes that are published anywhere.
    pub(crate) fn announced(self) -> Classes {
        if self.by_key || self.by_event { self.classes } else { 0 }
    }
}

/// When a command gets into a log, and how many the log keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// From so many µs or bytes on. Negative: nothing does.
    pub(crate) threshold: i64,
    pub(crate) max_len: usize,
}

/// The settings of the three logs of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandLogSettings {
    pub(crate) slow: LogSettings,
    pub(crate) large_request: LogSettings,
    pub(crate) large_reply: LogSettings,
}

impl Default for CommandLogSettings {
    fn default() -> CommandLogSettings {
        let large = LogSettings { threshold: 1 << 20, max_len: 128 };
        let slow = LogSettings { threshold: 10_000, max_len: 128 };
        CommandLogSettings { slow, large_request: large, large_reply: large }
    }
}

/// An amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    Bytes(usize),
    /// Of `maxmemory`, 1 to 100.
    Percent(u64),
}

impl Share {
    /// The bytes, if `whole` is a hundred percent. `None`: as many as there are.
    pub(crate) fn of(self, whole: usize) -> Option<usize> {
        let bytes = match self {
            Share::Bytes(bytes) => bytes,
            Share::Percent(percent) => (whole as u128 * u128::from(percent) / 100) as usize,
        };
        (bytes > 0).then_some(bytes)
    }
}

/// Percentiles from 0 to 100, in the order in which they are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Percentiles(pub(crate) Vec<f64>);

/// None of them is NaN.
impl Eq for Percentiles {}

impl Default for Percentiles {
    fn default() -> Percentiles {
        Percentiles(vec![50.0, 99.0, 99.9])
    }
}

/// `user NAME RULE…`, a line of the file. What the rules mean is for the access list to say.
#[derive(Clone)]
pub struct UserLine {
    pub(crate) name: Vec<u8>,
    /// May hold passwords: neither `Debug` nor an error shows them.
    pub(crate) rules: Vec<Vec<u8>>,
    /// Where it was read, for `UserLine::refused`.
    pub(crate) place: Place,
}

impl UserLine {
    /// The line with these words after `user`. The first must be there, it is the name.
    pub(crate) fn new(words: &[&[u8]], place: Place) -> Option<UserLine> {
        let (name, rules) = words.split_first()?;
        let rules = rules.iter().map(|rule| rule.to_vec()).collect();
        Some(UserLine { name: name.to_vec(), rules, place })
    }

    /// The error that stops the start when a rule of this line is not understood.
    pub(crate) fn refused(&self, reason: impl fmt::Display) -> LoadError {
        let name = String::from_utf8_lossy(&self.name);
        LoadError::new(self.place.clone(), format!("user {name} …"), reason)
    }
}

/// `rename-command NAME ""`, a line of the file: the command is taken away.
#[derive(Debug, Clone)]
pub struct DisabledCommand {
    pub(crate) name: Vec<u8>,
    /// Where it was read.
    pub(crate) place: Place,
}

impl DisabledCommand {
    /// The error that stops the start when there is no such command.
    pub(crate) fn refused(&self, reason: impl fmt::Display) -> LoadError {
        let name = String::from_utf8_lossy(&self.name);
        LoadError::new(self.place.clone(), format!("rename-command {name} \"\""), reason)
    }
}

/// Two lines are equal when they name the same command, wherever they stand.
impl PartialEq for DisabledCommand {
    fn eq(&self, other: &DisabledCommand) -> bool {
        self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl Eq for DisabledCommand {}

/// Two lines are equal when they say the same, wherever they stand.
impl PartialEq for UserLine {
    fn eq(&self, other: &UserLine) -> bool {
        self.name == other.name && self.rules == other.rules
    }
}

impl Eq for UserLine {}

impl fmt::Debug for UserLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = String::from_utf8_lossy(&self.name);
        write!(f, "UserLine({name}, {} rules, {})", self.rules.len(), self.place)
    }
}

/// What becomes of lines of a file whose directive is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownDirectives {
    /// They are errors.
    Refuse,
    /// They are left out, and warned of.
    Warn,
}

impl Choice for UnknownDirectives {
    const NAMES: &'static [(&'static str, UnknownDirectives)] =
        &[("refuse", UnknownDirectives::Refuse), ("warn", UnknownDirectives::Warn)];
}

/// What was read and does nothing, for the log.
///
/// It is how a configuration came about and not what it says, so any two are equal.
#[derive(Debug, Clone, Default)]
pub struct WithoutEffect {
    /// The directives that were accepted, though respd does nothing about them.
    pub(crate) accepted: BTreeSet<&'static str>,
    /// The lines of unknown directives, which `unknown-directives warn` let pass.
    pub(crate) unknown: Vec<LoadError>,
    /// How many of them there were beside these.
    pub(crate) more_unknown: usize,
}

impl PartialEq for WithoutEffect {
    fn eq(&self, _: &WithoutEffect) -> bool {
        true
    }
}

impl Eq for WithoutEffect {}

/// Which ports were asked for by number, also if that is the one there would be anyway.
///
/// It is how a configuration came about and not what it says, so any two are equal.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChosenPorts {
    pub(crate) clients: bool,
    pub(crate) admin: bool,
}

impl ChosenPorts {
    /// Returns whether the administration port is one that was asked for, and not that of a persona.
    pub fn admin(self) -> bool {
        self.admin
    }
}

impl PartialEq for ChosenPorts {
    fn eq(&self, _: &ChosenPorts) -> bool {
        true
    }
}

impl Eq for ChosenPorts {}
