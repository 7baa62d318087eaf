//! CONFIG GET and CONFIG SET: directives by name, and as text.

use std::collections::BTreeMap;
use std::fmt;

use super::directive::{Directive, Effect};
use super::place::Reason;
use super::settings::Config;
use super::table;
use crate::text::glob::Glob;

/// The directives that Valkey has and Redis has not, which CONFIG does not know for personas of Redis.
const OF_VALKEY: &[&str] = &[
    "active-defrag-cycle-us",
    "availability-zone",
    "cluster-announce-client-ipv4",
    "cluster-announce-client-ipv6",
    "cluster-announce-client-port",
    "cluster-announce-client-tls-port",
    "cluster-blacklist-ttl",
    "cluster-config-save-behavior",
    "cluster-databases",
    "cluster-manual-failover-timeout",
    "cluster-slot-migration-log-max-len",
    "commandlog-execution-slower-than",
    "commandlog-large-reply-max-len",
    "commandlog-large-request-max-len",
    "commandlog-reply-larger-than",
    "commandlog-request-larger-than",
    "commandlog-slow-execution-max-len",
    "dual-channel-replication-enabled",
    "extended-redis-compatibility",
    "hash-seed",
    "import-mode",
    "mptcp",
    "prefetch-batch-max-size",
    "primaryauth",
    "primaryuser",
    "rdb-version-check",
    "rdma-bind",
    "rdma-completion-vector",
    "rdma-port",
    "rdma-rx-size",
    "repl-mptcp",
    "slot-migration-max-failover-repl-bytes",
    "tls-auth-clients-user",
    "tls-auto-reload-interval",
];

impl Config {
    /// Returns whether the persona has a directive of this name, in small letters.
    fn has_directive(&self, name: &str) -> bool {
        !self.persona.is_redis() || !OF_VALKEY.contains(&name)
    }

    /// CONFIG GET: the directives that any of `patterns` selects, as name and value, sorted by name.
    ///
    /// A directive comes once. A name asked for without wildcards is answered as it was spelled.
    pub(crate) fn get(&self, patterns: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
        if !patterns.iter().any(|pattern| has_wildcard(pattern)) {
            return self.get_named(patterns);
        }
        let patterns: Vec<Selection<'_>> = patterns.iter().copied().map(Selection::read).collect();
        let mut found: Vec<_> = table::names()
            .filter(|(name, _)| self.has_directive(name))
            .filter_map(|(name, directive)| {
                let name = name.as_bytes();
                let selects = |pattern: &&Selection<'_>| {
                    pattern.selects(name) && !(directive.is_hidden() && pattern.has_wildcard())
                };
                let pattern = patterns.iter().find(selects)?;
                Some((pattern.spelling(name).to_vec(), directive.show(self)))
            })
            .collect();
        found.sort();
        found
    }

    /// As [`Config::get`], where none of the names is a pattern.
    fn get_named(&self, names: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = BTreeMap::new();
        for &given in names {
            if let Some((name, directive)) = table::find(given)
                && self.has_directive(name)
            {
                // The first spelling of a name is the one that is shown.
                found.entry(name).or_insert((given, directive));
            }
        }
        let shown =
            |(given, directive): (&[u8], &Directive)| (given.to_vec(), directive.show(self));
        let mut found: Vec<_> = found.into_values().map(shown).collect();
        found.sort();
        found
    }

    /// CONFIG SET: gives every directive its value, or leaves all as they are and says why. Protected ones need permission.
    ///
    /// Returns the [`Effect`]s of the directives that have another value than before, in the order in which
    /// they are to be taken, each with the first directive that has it. To be able to take the change back
    /// when an effect fails, clone the configuration first; the error for the client is then
    /// [`SetError::refused`].
    pub(crate) fn set(
        &mut self,
        pairs: &[(&[u8], &[u8])],
        may_change_protected: bool,
    ) -> Result<BTreeMap<Effect, &'static str>, SetError> {
        // Every name is looked at before any value.
        let mut found = Vec::with_capacity(pairs.len());
        for (index, &(given, value)) in pairs.iter().enumerate() {
            let (name, directive) = table::find(given)
                .filter(|(name, _)| self.has_directive(name))
                .ok_or_else(|| SetError::Unknown { name: given.to_vec() })?;
            if directive.is_immutable() {
                return Err(SetError::refused(given, "can't set immutable config"));
            }
            if directive.is_protected() && !may_change_protected {
                return Err(SetError::refused(given, "can't set protected config"));
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

    /// The directives that have another value in `other`.
    pub(super) fn differences(&self, other: &Config) -> impl Iterator<Item = &'static Directive> {
        table::all().filter(|directive| directive.show(self) != directive.show(other))
    }
}

/// Returns whether `name` is a directive that is known to hold no secret. An unknown name may be a misspelt one.
pub(crate) fn is_no_secret(name: &[u8]) -> bool {
    table::find(name).is_some_and(|(_, directive)| !directive.is_secret())
}

/// Returns whether CONFIG GET `pattern` shows a secret.
pub(crate) fn selects_secret(pattern: &[u8]) -> bool {
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

    fn has_wildcard(&self) -> bool {
        matches!(self, Selection::Pattern(_))
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
    pub(crate) fn refused(name: &[u8], reason: impl Into<Reason>) -> SetError {
        SetError::Refused { name: name.to_vec(), reason: reason.into() }
    }

    /// The text with the client's bytes as they came; they need not be UTF-8. A name is cut where a C
    /// string would end, as in the reference's texts.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
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
        let effects = config.set(&pairs, false).map_err(|error| error.to_string())?;
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
        let shown = table::names().filter(|(_, directive)| !directive.is_hidden());
        assert_eq!(names(&config, &["*"]).len(), shown.count());
        assert_eq!(names(&config, &["watchdog-p*", "Watchdog-Period"]), ["Watchdog-Period"]);
    }

    #[test]
    fn get_spells_a_name_as_it_was_asked_for() {
        let config = Config::default();
        assert_eq!(names(&config, &["TimeOut", "hz", "tim*"]), ["TimeOut", "hz"]);
        assert_eq!(names(&config, &["tim*", "TimeOut"]), ["timeout"]);
        assert_eq!(names(&config, &["slaveof", "replicao*"]), ["replicaof", "slaveof"]);
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
        let error = Config::default().set(&[(b"\xff", b"1")], false).unwrap_err();
        assert!(error.to_bytes().ends_with(b"'\xff'"));
    }

    #[test]
    fn what_respd_does_not_do_cannot_be_turned_on() {
        let mut config = Config::default();
        let truth = [("list-compress-depth", "0"), ("activedefrag", "no"), ("io-threads", "1")];
        assert_eq!(set(&mut config, &truth), Ok(vec![]));
        for (name, value) in
            [("list-compress-depth", "1"), ("activedefrag", "yes"), ("io-threads", "4")]
        {
            let error = set(&mut config, &[(name, value)]).unwrap_err();
            assert!(error.contains(" - respd "), "{error}");
        }
    }

    #[test]
    fn what_has_no_effect_keeps_its_value_and_is_checked_as_the_reference_checks_it() {
        let mut config = Config::default();
        let pairs = [
            ("replica-priority", "7"),
            ("oom-score-adj-values", "1 2 3"),
            ("repl-diskless-load", "SwapDB"),
            ("primaryauth", "hunter2"),
        ];
        assert_eq!(set(&mut config, &pairs), Ok(vec![]));
        let shown = get(&config, &["slave-priority", "oom-score-adj-values", "repl-diskless-load"]);
        let values: Vec<_> = shown.iter().map(|(_, value)| &value[..]).collect();
        assert_eq!(values, ["1 2 3", "swapdb", "7"]);
        assert!(!format!("{config:?}").contains("hunter2"));
        let defaults = [
            ("slave-priority", "100"),
            ("oom-score-adj-values", "0 200 800"),
            ("repl-diskless-load", "disabled"),
            ("masterauth", ""),
        ];
        assert_eq!(set(&mut config, &defaults), Ok(vec![]));
        assert_eq!(config, Config::default());
        for (name, value, reason) in [
            ("replica-priority", "-1", "argument must be between 0 and 2147483647 inclusive"),
            ("oom-score-adj-values", "1 2", "wrong number of arguments"),
            (
                "oom-score-adj-values",
                "0 0 2001",
                "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
            ),
            (
                "repl-diskless-load",
                "x",
                "argument(s) must be one of the following: disabled, on-empty-db, swapdb, flush-before-load",
            ),
            ("cluster-announce-client-ipv4", "::1", "Invalid IPv4 address"),
            (
                "slot-migration-max-failover-repl-bytes",
                "-2",
                "argument must be between -1 and 9223372036854775807 inclusive",
            ),
        ] {
            let error = set(&mut config, &[(name, value)]).unwrap_err();
            assert!(error.ends_with(&format!("'{name}') - {reason}")), "{error}");
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
