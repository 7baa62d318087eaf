//! The configuration: what an operator may decide, as plain typed fields.
//!
//! [`Config`] is read by the whole server as fields (`world.config.timeout`). Its text form lives in
//! `table.rs`, a row per directive: name, type, range, whether it may change at run time. From a row
//! derive the configuration file (`file.rs`), `-o name=value`, CONFIG GET, CONFIG SET and CONFIG
//! REWRITE (`rewrite.rs`), with every error text, and what follows from a change. **Adding a directive
//! is a field, its default and one row.**
//!
//! What it promises: a change is made whole or not at all; [`Config::get`] shows what is true, so a
//! directive whose effect respd does not have can be set to nothing else; a rewritten file loads as
//! the configuration it was written from; secrets are in no error text and in no `Debug` output.
//!
//! What it does not know: where text comes from and goes to, which is for [`crate::files`]; how an effect is taken. [`Config::set`] names the effects of a change; rebinding
//! a port is [`World::configure`](crate::world::World::configure)'s work, and so is putting the old `Config`
//! back when that fails.
//!
//! Names, ranges, reasons and file syntax are those of Valkey 9.1.

mod choice;
mod file;
mod kind;
pub mod persona;
pub mod place;
mod rewrite;
mod table;
mod value;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::keyspace::Limits;
use crate::keyspace::lifetime::evict::Settings as Eviction;
use crate::text::glob::Glob;
use persona::PERSONAS;
pub use persona::Persona;

pub(crate) use file::{BAD_DIRECTIVE, Includes};
pub use place::{LoadError, Place};
pub(crate) use table::Effect;
pub use value::{
    BufferLimit, ChannelDefault, ChosenPorts, CommandLogSettings, DebugCommand, KeyspaceEvents,
    LogLevel, LogSettings, OutputBufferLimits, Percentiles, Secret, Share, UserLine,
};

/// Why a value is refused: the last part of an error text, the reference's words where it has any.
pub type Reason = Cow<'static, str>;

/// Places beyond `maxclients` for clients of the admin port.
pub const RESERVED_PLACES: usize = 16;

/// Everything that can be configured. A field is named after its directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Whether users may use every channel until a rule says otherwise.
    pub acl_pubsub_default: ChannelDefault,
    /// Where the users are declared. `None`: in [`Config::users`].
    pub aclfile: Option<PathBuf>,
    /// How many entries ACL LOG keeps.
    pub acllog_max_len: usize,
    /// The addresses of the administration port, as [`Config::bind`] has those of the other.
    pub admin_bind: Vec<String>,
    /// Whether commands for operators run nowhere else: those of `@admin` and `@dangerous`.
    pub admin_commands_on_admin_port: bool,
    /// The administration port. 0: there is none.
    pub admin_port: u16,
    /// For how many ms the answer to a first failed login is put off; with each further one from the same
    /// address twice as long, up to a second. 0: not at all.
    pub auth_failure_delay: u32,
    /// The seconds that a client has to log in. 0: any time.
    pub auth_timeout: u32,
    /// The addresses to listen on. One that starts with `-` may be missing from the machine, `*` and
    /// `::*` are all addresses of a family, and an empty list means no TCP listener.
    pub bind: Vec<String>,
    /// When a client that does not read its replies is cut off.
    pub client_output_buffer_limit: OutputBufferLimits,
    /// The bytes a client may have sent that are not executed yet, a half-read command included.
    pub client_query_buffer_limit: usize,
    /// Which commands get into the logs of slow and large ones: six directives.
    pub commandlog: CommandLogSettings,
    /// How many databases SELECT can choose from.
    pub databases: usize,
    /// Who may call DEBUG.
    pub enable_debug_command: DebugCommand,
    /// Up to which size collections and HyperLogLogs stay compact: nine directives.
    pub limits: Limits,
    /// What is evicted when memory is short, and how it is found: four directives.
    pub eviction: Eviction,
    /// How often background work (expiry, idle clients) is done, per second: 1 to 500.
    pub hz: u32,
    /// From how many ms on something that takes long is an event. 0: nothing is.
    pub latency_monitor_threshold: u64,
    /// Whether there is a histogram for each command.
    pub latency_tracking: bool,
    /// The percentiles of the histograms that INFO shows.
    pub latency_tracking_info_percentiles: Percentiles,
    /// Where the log goes. `None`: standard error.
    pub logfile: Option<PathBuf>,
    /// The least severe message that is logged.
    pub loglevel: LogLevel,
    /// How many clients may be connected, those of reserved places not counted.
    pub maxclients: u32,
    /// How many of them may be there without having logged in. 0: a quarter.
    pub maxclients_unauthenticated: u32,
    /// The bytes of memory that may be used before keys are evicted. 0: as much as there is.
    pub maxmemory: usize,
    /// The bytes of memory that clients may make the server hold before the largest are closed.
    pub maxmemory_clients: Share,
    /// Which events of keys are published. None of them costs anything while nobody listens.
    pub notify_keyspace_events: KeyspaceEvents,
    /// The server to answer as. Reading it brings that server's ports, unless ports are configured.
    pub persona: &'static Persona,
    /// The port for clients. Whether 0 means none or any free one is for the caller to say.
    pub port: u16,
    /// Which of the ports no persona replaces.
    pub ports_chosen: ChosenPorts,
    /// The longest bulk string of a request, in bytes.
    pub proto_max_bulk_len: usize,
    /// Whether clients from other machines are turned away as long as nobody has to log in.
    pub protected_mode: bool,
    /// The password of the user `default`. Empty: none is asked for.
    pub requirepass: Secret,
    /// Whether the server is ready as soon as it listens, or waits to be told: see
    /// [`World::set_ready`](crate::world::World::set_ready).
    pub start_ready: bool,
    /// How many connections may wait to be accepted by a listener.
    pub tcp_backlog: u32,
    /// The seconds of silence after which the system probes a peer. 0: never.
    pub tcp_keepalive: u32,
    /// How many keys are remembered for clients that track them. 0: any number.
    pub tracking_table_max_keys: usize,
    /// The seconds after which an idle client is disconnected. 0: never.
    pub timeout: u32,
    /// Where the unix socket is made. `None`: there is none.
    pub unixsocket: Option<PathBuf>,
    /// The mode of the unix socket. `None`: as the process's umask leaves it.
    pub unixsocketperm: Option<u32>,
    /// The `user` lines of the file, in order. Not a directive that CONFIG GET or SET knows; CONFIG
    /// REWRITE first puts the users here that are to be in the file.
    pub users: Vec<UserLine>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            acl_pubsub_default: ChannelDefault::Reset,
            aclfile: None,
            acllog_max_len: 128,
            admin_bind: vec!["127.0.0.1".into(), "-::1".into()],
            admin_commands_on_admin_port: false,
            admin_port: PERSONAS[0].admin_port,
            auth_failure_delay: 25,
            auth_timeout: 60,
            bind: vec!["127.0.0.1".into(), "-::1".into()],
            client_output_buffer_limit: OutputBufferLimits::default(),
            client_query_buffer_limit: 1 << 30,
            commandlog: CommandLogSettings::default(),
            databases: 16,
            enable_debug_command: DebugCommand::No,
            limits: Limits::default(),
            eviction: Eviction::default(),
            hz: 10,
            latency_monitor_threshold: 0,
            latency_tracking: true,
            latency_tracking_info_percentiles: Percentiles::default(),
            logfile: None,
            loglevel: LogLevel::Notice,
            maxclients: 10_000,
            maxclients_unauthenticated: 0,
            maxmemory: 0,
            maxmemory_clients: Share::Bytes(0),
            notify_keyspace_events: KeyspaceEvents::default(),
            persona: &PERSONAS[0],
            port: PERSONAS[0].port,
            ports_chosen: ChosenPorts::default(),
            proto_max_bulk_len: 512 << 20,
            protected_mode: true,
            requirepass: Secret::default(),
            start_ready: true,
            tcp_backlog: 511,
            tcp_keepalive: 300,
            tracking_table_max_keys: 1_000_000,
            timeout: 0,
            unixsocket: None,
            unixsocketperm: None,
            users: Vec::new(),
        }
    }
}

impl Config {
    /// CONFIG GET: the directives that any of `patterns` selects, as name and value, sorted by name.
    ///
    /// A directive comes once. A name asked for without wildcards is answered as it was spelled.
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let patterns: Vec<Selection<'_>> = patterns.iter().copied().map(Selection::read).collect();
        let mut found: Vec<_> = table::names()
            .filter_map(|(name, directive)| {
                let name = name.as_bytes();
                let pattern = patterns.iter().find(|pattern| pattern.selects(name))?;
                Some((pattern.spelling(name).to_vec(), directive.show(self)))
            })
            .collect();
        found.sort();
        found
    }

    /// CONFIG SET: gives every directive its value, or leaves all as they are and says why.
    ///
    /// Returns the [`Effect`]s of the directives that have another value than before, in the order in which
    /// they are to be taken, each with the first directive that has it. To be able to take the change back
    /// when an effect fails, clone the configuration first; the error for the client is then
    /// [`SetError::refused`].
    pub(crate) fn set(
        &mut self,
        pairs: &[(&[u8], &[u8])],
    ) -> Result<BTreeMap<Effect, &'static str>, SetError> {
        // Every name is looked at before any value.
        let mut found = Vec::with_capacity(pairs.len());
        for (index, &(given, value)) in pairs.iter().enumerate() {
            let (name, directive) =
                table::find(given).ok_or_else(|| SetError::Unknown { name: given.to_vec() })?;
            if directive.is_immutable() {
                return Err(SetError::refused(given, "can't set immutable config"));
            }
            if pairs[..index].iter().any(|(earlier, _)| earlier.eq_ignore_ascii_case(given)) {
                return Err(SetError::refused(given, "duplicate parameter"));
            }
            found.push((name, directive, value));
        }

        let mut next = self.clone();
        for (name, directive, value) in found {
            directive
                .read_text(&mut next, value)
                .map_err(|reason| SetError::refused(name.as_bytes(), reason))?;
        }
        let mut effects = BTreeMap::new();
        for directive in self.differences(&next) {
            for &effect in directive.effects {
                effects.entry(effect).or_insert(directive.name);
            }
        }
        *self = next;
        Ok(effects)
    }

    /// Whether commands that run on the administration port only have one. The error says they have not.
    pub fn keeps_a_way_in(&self) -> Result<(), Reason> {
        match self.admin_commands_on_admin_port && self.admin_port == 0 {
            true => {
                Err("with 'admin-commands-on-admin-port yes' there must be an 'admin-port'".into())
            }
            false => Ok(()),
        }
    }

    /// The directives that have another value in `other`.
    fn differences(&self, other: &Config) -> impl Iterator<Item = &'static table::Directive> {
        table::DIRECTIVES.iter().filter(|directive| directive.show(self) != directive.show(other))
    }
}

/// Whether `name` is a directive that is known to hold no secret. What nobody knows may be one misspelt.
pub fn is_no_secret(name: &[u8]) -> bool {
    table::find(name).is_some_and(|(_, directive)| !directive.is_secret())
}

/// Whether CONFIG GET shows a secret to who asks for `pattern`.
pub fn selects_secret(pattern: &[u8]) -> bool {
    let pattern = Selection::read(pattern);
    table::names().any(|(name, found)| found.is_secret() && pattern.selects(name.as_bytes()))
}

/// Only these three make a pattern, as in the reference; anything else is a name.
pub(crate) fn has_wildcard(pattern: &[u8]) -> bool {
    pattern.iter().any(|byte| b"*?[".contains(byte))
}

/// What an argument of CONFIG GET selects.
enum Selection<'a> {
    Name(&'a [u8]),
    Pattern(Glob<&'a [u8]>),
}

impl<'a> Selection<'a> {
    fn read(text: &'a [u8]) -> Selection<'a> {
        match has_wildcard(text) {
            true => Selection::Pattern(Glob::ignoring_case(text)),
            false => Selection::Name(text),
        }
    }

    fn selects(&self, name: &[u8]) -> bool {
        match self {
            Selection::Name(wanted) => wanted.eq_ignore_ascii_case(name),
            Selection::Pattern(glob) => glob.matches(name),
        }
    }

    /// How the directive is shown that it selects.
    fn spelling<'b>(&'b self, name: &'b [u8]) -> &'b [u8] {
        match self {
            Selection::Name(wanted) => wanted,
            Selection::Pattern(_) => name,
        }
    }
}

/// Why a CONFIG SET changed nothing. Shown, it is the text of an error reply without the code `ERR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetError {
    /// There is no such directive.
    Unknown { name: Vec<u8> },
    /// The directive `name` cannot have this value, or not now.
    Refused { name: Vec<u8>, reason: Reason },
}

impl SetError {
    /// For the one who makes a change take effect, and fails.
    pub fn refused(name: &[u8], reason: impl Into<Reason>) -> SetError {
        SetError::Refused { name: name.to_vec(), reason: reason.into() }
    }

    /// The text with the client's bytes as they came; they need not be UTF-8. A name is cut where a C
    /// string would end, as in the reference's texts.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (before, name, after, reason): (&[u8], _, &[u8], _) = match self {
            SetError::Unknown { name } => {
                (b"Unknown option or number of arguments for CONFIG SET - '", name, b"'", "")
            }
            SetError::Refused { name, reason } => {
                (b"CONFIG SET failed (possibly related to argument '", name, b"') - ", &reason[..])
            }
        };
        let shown = name.split(|&byte| byte == 0).next().unwrap_or_default();
        [before, shown, after, reason.as_bytes()].concat()
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

impl std::error::Error for SetError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(
        config: &mut Config,
        pairs: &[(&str, &str)],
    ) -> Result<Vec<(Effect, &'static str)>, String> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let effects = config.set(&pairs).map_err(|error| error.to_string())?;
        Ok(effects.into_iter().collect())
    }

    fn get(config: &Config, patterns: &[&str]) -> Vec<(String, String)> {
        let patterns: Vec<_> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        config.get(&patterns).into_iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    fn names(config: &Config, patterns: &[&str]) -> Vec<String> {
        get(config, patterns).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn get_answers_each_directive_once_and_sorted() {
        let config = Config::default();
        assert_eq!(names(&config, &["timeout", "port", "hz"]), ["hz", "port", "timeout"]);
        assert_eq!(names(&config, &["hz", "hz*", "HZ"]), ["hz"]);
        assert_eq!(names(&config, &["TCP-*"]), ["tcp-backlog", "tcp-keepalive"]);
        assert_eq!(names(&config, &["h[z]", "nosuch", ""]), ["hz"]);
        assert_eq!(names(&config, &["*"]).len(), table::names().count());
    }

    #[test]
    fn get_spells_a_name_as_it_was_asked_for() {
        let config = Config::default();
        assert_eq!(names(&config, &["TimeOut", "hz", "tim*"]), ["TimeOut", "hz"]);
        assert_eq!(names(&config, &["tim*", "TimeOut"]), ["timeout"]);
        assert_eq!(names(&config, &["slaveof", "replica*"]), ["replicaof", "slaveof"]);
    }

    #[test]
    fn get_shows_values_as_the_reference_does() {
        let config = Config::default();
        for (name, value) in [
            ("bind", "127.0.0.1 -::1"),
            ("client-query-buffer-limit", "1073741824"),
            ("proto-max-bulk-len", "536870912"),
            ("loglevel", "notice"),
            ("save", ""),
            ("appendonly", "no"),
            ("unixsocket", ""),
            ("unixsocketperm", "0"),
            (
                "client-output-buffer-limit",
                "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
            ),
        ] {
            assert_eq!(get(&config, &[name]), [(name.to_owned(), value.to_owned())]);
        }
    }

    #[test]
    fn set_names_the_effects_of_what_has_another_value_than_before() {
        let mut config = Config::default();
        let pairs = [("TimeOut", "7"), ("hz", "10"), ("loglevel", "notice"), ("PORT", "1")];
        assert_eq!(set(&mut config, &pairs), Ok(vec![(Effect::ListenPorts, "port")]));
        assert_eq!((config.timeout, config.hz, config.port), (7, 10, 1));
        let pairs = [("maxmemory", "1"), ("port", "2"), ("admin-port", "3"), ("bind", "::1")];
        let effects = [
            (Effect::AdministrationPort, "admin-port"),
            (Effect::ListenAddresses, "bind"),
            (Effect::ListenPorts, "admin-port"),
            (Effect::Memory, "maxmemory"),
        ];
        assert_eq!(set(&mut config, &pairs), Ok(effects.to_vec()));
    }

    #[test]
    fn set_changes_all_or_nothing() {
        let mut config = Config::default();
        assert!(set(&mut config, &[("timeout", "7"), ("maxclients", "many")]).is_err());
        assert!(set(&mut config, &[("timeout", "7"), ("nosuch", "x")]).is_err());
        let half_right = "normal 1 2 3 pubsub 4 5 x";
        assert!(set(&mut config, &[("client-output-buffer-limit", half_right)]).is_err());
        assert_eq!(config, Config::default());
    }

    #[test]
    fn set_says_what_is_wrong_in_the_words_of_the_reference() {
        let refused = |name: &str, reason: &str| {
            format!("CONFIG SET failed (possibly related to argument '{name}') - {reason}")
        };
        let unknown =
            |name: &str| format!("Unknown option or number of arguments for CONFIG SET - '{name}'");
        let limits = "client-output-buffer-limit";
        let immutable = "can't set immutable config";
        let int = "argument must be between 0 and 2147483647 inclusive";
        let not_int = "argument couldn't be parsed into an integer";
        let levels =
            "argument(s) must be one of the following: debug, verbose, notice, warning, nothing";
        let not_memory = "argument must be a memory value";
        let port = "argument must be between 0 and 65535 inclusive";
        let clients = "argument must be between 1 and 4294967295 inclusive";
        let seventeen = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17";
        let addresses = "Too many bind addresses specified.";
        let big = "argument must be between 1048576 and 9223372036854775807 inclusive";
        let units = "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
        let count = "Wrong number of arguments in buffer limit configuration.";
        let class = "Invalid client class specified in buffer limit configuration.";
        for (pairs, error) in [
            (&[("NoSuch", "x")][..], unknown("NoSuch")),
            (&[("user", "bob on")], unknown("user")),
            (&[("include", "x.conf")], unknown("include")),
            (&[("nosuch", "1"), ("databases", "4")], unknown("nosuch")),
            (&[("DATABASES", "4")], refused("DATABASES", immutable)),
            (&[("unixsocket", "x")], refused("unixsocket", immutable)),
            (&[("timeout", "x"), ("databases", "4")], refused("databases", immutable)),
            (&[("timeout", "x"), ("TIMEOUT", "4")], refused("TIMEOUT", "duplicate parameter")),
            (&[("TIMEOUT", "x")], refused("timeout", not_int)),
            (&[("timeout", "007")], refused("timeout", not_int)),
            (&[("timeout", "")], refused("timeout", not_int)),
            (&[("timeout", "-5")], refused("timeout", int)),
            (&[("timeout", "2147483648")], refused("timeout", int)),
            (&[("port", "99999")], refused("port", port)),
            (&[("maxclients", "0")], refused("maxclients", clients)),
            (&[("proto-max-bulk-len", "-1")], refused("proto-max-bulk-len", not_memory)),
            (&[("proto-max-bulk-len", "1m")], refused("proto-max-bulk-len", big)),
            (&[("proto-max-bulk-len", "9223372036854775808")], refused("proto-max-bulk-len", big)),
            (&[("loglevel", "loud")], refused("loglevel", levels)),
            (&[("appendonly", "maybe")], refused("appendonly", "argument must be 'yes' or 'no'")),
            (&[("bind", seventeen)], refused("bind", addresses)),
            (&[(limits, "normal 0 0")], refused(limits, count)),
            (&[(limits, "normal 0  0 0")], refused(limits, count)),
            (&[(limits, "norm 0 0 0")], refused(limits, class)),
            (&[(limits, "normal a 0 0")], refused(limits, units)),
            (&[(limits, "normal 0 0 -1")], refused(limits, units)),
            (&[(limits, "normal 0 0 2147483648")], refused(limits, units)),
        ] {
            assert_eq!(set(&mut Config::default(), pairs), Err(error));
        }
    }

    #[test]
    fn set_error_keeps_bytes_that_are_not_utf8() {
        let error = Config::default().set(&[(b"\xff", b"1")]).unwrap_err();
        assert!(error.to_bytes().ends_with(b"'\xff'"));
    }

    #[test]
    fn what_respd_does_not_do_cannot_be_turned_on() {
        let mut config = Config::default();
        let truth = [("appendonly", "no"), ("save", ""), ("io-threads", "1")];
        assert_eq!(set(&mut config, &truth), Ok(vec![]));
        for (name, value) in [("appendonly", "yes"), ("save", "3600 1"), ("io-threads", "4")] {
            let error = set(&mut config, &[(name, value)]).unwrap_err();
            assert!(error.contains(" - respd "), "{error}");
        }
    }

    #[test]
    fn output_buffer_limits_change_only_the_classes_that_are_named() {
        let mut config = Config::default();
        let limits = "client-output-buffer-limit";
        set(&mut config, &[(limits, "REPLICA 1 2 3 pubsub 1kb 1k 2")]).unwrap();
        let expected = "normal 0 0 0 slave 1 2 3 pubsub 1024 1000 2";
        assert_eq!(get(&config, &[limits])[0].1, expected);
        assert_eq!(set(&mut config, &[(limits, "")]), Ok(vec![]));
    }

    #[test]
    fn hz_is_brought_into_its_range() {
        let mut config = Config::default();
        for (given, used) in [("0", 1), ("5000", 500), ("20", 20)] {
            set(&mut config, &[("hz", given)]).unwrap();
            assert_eq!(config.hz, used);
        }
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let mut config = Config::default();
        config.apply_option("requirepass", "hunter2").unwrap();
        config.apply_option("user", "bob on >hunter2").unwrap();
        let shown = format!("{config:?}");
        assert!(shown.contains("Secret(set)") && shown.contains("UserLine(bob"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
