//! Personas: the servers that respd can answer as, so that clients can be tested against each.
//!
//! A persona is one row of [`PERSONAS`]. It says who the server claims to be, which commands it has and
//! of which generation its manners are. The command table is built for one persona, so what is unknown
//! to it costs nothing while requests are served; everything else is asked where an answer differs.
//!
//! What a persona does not change: the bytes of replies that succeed, but for doubles, what describes users, clients and
//! commands, and INFO; and most options of commands that work on keys.

use crate::error::{self, Error};
use crate::wire::Doubles;

/// A server to answer as.
#[derive(Debug, PartialEq, Eq)]
pub struct Persona {
    /// What `persona` in the configuration and `--persona` call it.
    pub name: &'static str,
    /// `server`, `version` and `mode` in the reply to HELLO.
    pub server: &'static str,
    pub version: &'static str,
    pub mode: &'static str,
    /// The product's name in a sentence.
    pub(crate) title: &'static str,
    /// The fields of INFO that name the product, and those that tell its mode.
    pub(crate) identity: &'static [(&'static str, &'static str)],
    pub(crate) mode_fields: &'static [&'static str],
    /// Where it listens if nothing else is configured. 0: there is no administration port.
    pub port: u16,
    pub admin_port: u16,
    pub(crate) commands: Commands,
    pub(crate) generation: Generation,
    /// Commands that took more arguments, or fewer, than they do now.
    pub(crate) arities: Arities,
    /// Commands for which one had to be logged in, and need not be any more.
    pub(crate) needing_login: &'static [&'static str],
    /// Whether HELLO answers a client that has not logged in.
    pub(crate) greets_unauthenticated: bool,
    /// How doubles are spelled.
    pub(crate) doubles: Doubles,
}

/// Which commands a persona has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Commands {
    All,
    /// Those that Redis had in the persona's version.
    Redis,
    /// Those that Valkey had in the persona's version.
    Valkey,
    /// These, by their full names. A container that is listed itself has all its subcommands.
    Only(&'static [&'static str]),
}

/// Servers whose errors and descriptions look alike, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Generation {
    /// One password, no users.
    Redis5,
    /// Users. Subcommands are arguments: neither the table nor errors name them.
    Redis6,
    /// Subcommands are commands.
    Redis7,
    /// HELLO's error shows where the version goes, and users are shown with their checks of payloads.
    Redis8,
    /// Unauthenticated clients are not told which commands exist.
    Valkey9,
}

/// The version of Redis that Valkey was made from. What is younger in the table of commands is Valkey's,
/// but for what came with [`OF_REDIS_ALONE`], and what [`OF_BOTH`] names.
const FORK: &str = "7.2.4";

/// A version of Redis, and of no other server: Valkey went from 8.1 to 9.0. What came with it in the table is
/// there when respd is itself or that Redis, and unknown to the other personas.
const OF_REDIS_ALONE: &str = "8.2.0";

/// What each line brought after they parted, and since which version Redis has it; the table of commands has
/// Valkey's version. These are full names, with the token of an option or the name of a field behind them.
const OF_BOTH: &[(&str, &str)] = &[
    ("client|kill MAXAGE", "7.4.0"),
    ("client|list watch", "7.4.0"),
    ("client|list io-thread", "8.0.0"),
    ("client|list tot-net-in", "8.2.0"),
    ("client|list tot-net-out", "8.2.0"),
    ("client|list tot-cmds", "8.2.0"),
    ("info mem_replicas_repl_buffer", "8.0.0"),
    ("info expired_fields", "7.4.0"),
    ("scan cursor", "8.2.0"),
    ("cluster|slot-stats", "8.2.0"),
    ("hexpire", "7.4.0"),
    ("hexpireat", "7.4.0"),
    ("hexpiretime", "7.4.0"),
    ("hgetdel", "8.0.0"),
    ("hgetex", "8.0.0"),
    ("hpersist", "7.4.0"),
    ("hpexpire", "7.4.0"),
    ("hpexpireat", "7.4.0"),
    ("hpexpiretime", "7.4.0"),
    ("hpttl", "7.4.0"),
    ("hsetex", "8.0.0"),
    ("httl", "7.4.0"),
];

const RESPD: Persona = Persona {
    name: "respd",
    server: "respd",
    version: FORK,
    mode: "standalone",
    title: "Valkey",
    identity: &[
        ("redis_version", FORK),
        ("server_name", "respd"),
        ("respd_version", env!("CARGO_PKG_VERSION")),
    ],
    mode_fields: &["redis_mode", "server_mode"],
    port: 6379,
    admin_port: 0,
    commands: Commands::All,
    generation: Generation::Valkey9,
    arities: &[],
    needing_login: &[],
    greets_unauthenticated: false,
    doubles: Doubles::Shortest,
};

const VALKEY: Persona = Persona {
    server: "valkey",
    mode_fields: &["server_mode"],
    commands: Commands::Valkey,
    ..RESPD
};

const REDIS: Persona = Persona {
    server: "redis",
    title: "Redis",
    mode_fields: &["redis_mode"],
    commands: Commands::Redis,
    generation: Generation::Redis7,
    ..RESPD
};

// Arities that do not follow from the versions in a synopsis.
type Arities = &'static [(&'static str, i16)];
const RANKS_WITHOUT_SCORE: Arities = &[("zrank", 3), ("zrevrank", 3)];
const REDIS_6_0_ARITIES: Arities = &[("hello", -2), ("zrank", 3), ("zrevrank", 3)];
const REDIS_7_0_ARITIES: Arities =
    &[("command|getkeys", -4), ("command|getkeysandflags", -4), ("zrank", 3), ("zrevrank", 3)];

/// Every persona. The first is who respd is by itself.
pub const PERSONAS: &[Persona] = &[
    RESPD,
    Persona {
        name: "valkey-9.1",
        version: "9.1.2",
        identity: &[
            ("redis_version", FORK),
            ("server_name", "valkey"),
            ("valkey_version", "9.1.2"),
            ("valkey_release_stage", "ga"),
        ],
        ..VALKEY
    },
    Persona {
        name: "valkey-8.0",
        version: "8.0.2",
        identity: &[
            ("redis_version", FORK),
            ("server_name", "valkey"),
            ("valkey_version", "8.0.2"),
        ],
        generation: Generation::Redis7,
        ..VALKEY
    },
    Persona {
        name: "redis-8.2",
        version: "8.2.3",
        identity: &[("redis_version", "8.2.3")],
        generation: Generation::Redis8,
        ..REDIS
    },
    Persona {
        name: "redis-7.2",
        version: "7.2.4",
        identity: &[("redis_version", "7.2.4")],
        ..REDIS
    },
    Persona {
        name: "redis-7.0",
        version: "7.0.15",
        identity: &[("redis_version", "7.0.15")],
        arities: REDIS_7_0_ARITIES,
        doubles: Doubles::Seventeen,
        ..REDIS
    },
    Persona {
        name: "redis-6.2",
        version: "6.2.14",
        identity: &[("redis_version", "6.2.14")],
        generation: Generation::Redis6,
        arities: RANKS_WITHOUT_SCORE,
        needing_login: &["reset"],
        doubles: Doubles::Seventeen,
        ..REDIS
    },
    Persona {
        name: "redis-6.0",
        version: "6.0.20",
        identity: &[("redis_version", "6.0.20")],
        generation: Generation::Redis6,
        arities: REDIS_6_0_ARITIES,
        doubles: Doubles::Seventeen,
        ..REDIS
    },
    Persona {
        name: "redis-5.0",
        version: "5.0.14",
        identity: &[("redis_version", "5.0.14")],
        generation: Generation::Redis5,
        arities: RANKS_WITHOUT_SCORE,
        doubles: Doubles::Seventeen,
        ..REDIS
    },
    Persona {
        name: "kronotop-0.13",
        server: "Kronotop",
        version: "0.13",
        mode: "cluster",
        title: "Kronotop",
        identity: &[("kronotop_version", "0.13")],
        mode_fields: &["redis_mode"],
        port: 5484,
        admin_port: 3320,
        commands: Commands::Only(&[
            "auth",
            "client|setinfo",
            "client|setname",
            "command",
            "echo",
            "hello",
            "info",
            "ping",
            "time",
        ]),
        arities: &[("hello", -2)],
        greets_unauthenticated: true,
        ..RESPD
    },
];

impl Persona {
    /// Whether something that came with a version of Redis or Valkey was there already.
    pub(crate) fn is_at_least(&self, since: &str) -> bool {
        match self.commands {
            Commands::All | Commands::Only(_) => true,
            Commands::Valkey => !is_younger(since, self.version) && since != OF_REDIS_ALONE,
            Commands::Redis => {
                let is_of_redis = !is_younger(since, FORK) || since == OF_REDIS_ALONE;
                is_of_redis && !is_younger(since, self.version)
            }
        }
    }

    /// The version in which the persona's line of servers got a command that the table has since `since`.
    /// `None`: that is younger than the persona, or never came.
    pub(crate) fn version_of<'a>(&self, full_name: &str, since: &'a str) -> Option<&'a str> {
        self.version_where(since, |known| known == full_name)
    }

    /// As [`Persona::version_of`], of an option of a command, by its token, or of a field in the command's reply.
    pub(crate) fn version_of_part<'a>(
        &self,
        full_name: &str,
        part: &str,
        since: &'a str,
    ) -> Option<&'a str> {
        self.version_where(since, |known| known.split_once(' ') == Some((full_name, part)))
    }

    /// Returns whether it has every option and field, whenever that came.
    pub(crate) fn has_all_parts(&self) -> bool {
        matches!(self.commands, Commands::All | Commands::Only(_))
    }

    fn version_where<'a>(&self, since: &'a str, is_it: impl Fn(&str) -> bool) -> Option<&'a str> {
        let of_redis = match self.commands {
            Commands::Redis if is_younger(since, FORK) => {
                OF_BOTH.iter().find(|(known, _)| is_it(known))
            }
            _ => None,
        };
        match of_redis {
            Some(&(_, since)) => Some(since).filter(|since| !is_younger(since, self.version)),
            None => Some(since).filter(|since| self.is_at_least(since)),
        }
    }

    /// Whether there is a command of this full name, which came with a version of Redis or Valkey.
    pub fn has_command(&self, full_name: &str, since: &str) -> bool {
        let Commands::Only(names) = self.commands else {
            return self.version_of(full_name, since).is_some();
        };
        let is_part_of = |name: &str, whole: &str| {
            name.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
        };
        names.iter().any(|name| is_part_of(full_name, name) || is_part_of(name, full_name))
    }

    /// Whether subcommands are commands of their own, and not just arguments.
    pub fn names_subcommands(&self) -> bool {
        self.generation >= Generation::Redis7
    }

    /// Whether an unknown command of an unauthenticated client is answered with NOAUTH alone.
    pub fn hides_commands(&self) -> bool {
        self.generation >= Generation::Valkey9
    }

    /// How many fields describe a command in COMMAND INFO: later generations added to the end.
    pub fn command_fields(&self) -> usize {
        match self.generation {
            Generation::Redis5 => 6,
            Generation::Redis6 => 7,
            Generation::Redis7 | Generation::Redis8 | Generation::Valkey9 => 10,
        }
    }

    // Errors that are worded differently.

    /// The first word is no command.
    pub(crate) fn unknown_command<'a>(
        &self,
        name: &[u8],
        args: impl Iterator<Item = &'a [u8]>,
    ) -> Error {
        match self.names_subcommands() {
            true => error::unknown_command(name, args),
            false => error::unknown_command_in_backquotes(name, args),
        }
    }

    /// The second word is no subcommand of the container that the first names.
    pub(crate) fn unknown_subcommand(&self, container: &str, name: &[u8]) -> Error {
        match self.names_subcommands() {
            true => error::unknown_subcommand(container, name),
            false => self.subcommand_syntax(container, name),
        }
    }

    /// The second word is no subcommand that takes so many arguments.
    pub(crate) fn subcommand_syntax(&self, container: &str, name: &[u8]) -> Error {
        match self.names_subcommands() {
            true => error::subcommand_syntax(container, name),
            false => error::unknown_subcommand_or_arity(container, name),
        }
    }

    /// The number of arguments is wrong. `subcommand` is the second, if the name is that of one.
    pub(crate) fn wrong_arity(&self, full_name: &str, subcommand: Option<&[u8]>) -> Error {
        match (full_name.split_once('|'), subcommand) {
            (Some((container, _)), Some(subcommand)) if !self.names_subcommands() => {
                self.subcommand_syntax(container, subcommand)
            }
            _ => error::wrong_arity(full_name),
        }
    }

    /// AUTH with a password only, where there is none.
    pub(crate) fn no_password(&self) -> Error {
        match self.generation {
            Generation::Redis5 => error::REDIS_5_NO_PASSWORD,
            _ => error::AUTH_WITHOUT_PASSWORD,
        }
    }

    /// A login that failed.
    pub(crate) fn wrong_password(&self) -> Error {
        match self.generation {
            Generation::Redis5 => error::REDIS_5_WRONG_PASSWORD,
            Generation::Redis6 if !self.is_at_least("6.2.0") => error::REDIS_6_WRONGPASS,
            _ => error::WRONGPASS,
        }
    }

    /// The error of HELLO without AUTH from an unauthenticated client. `None`: it is answered, and the client stays
    /// unauthenticated.
    pub(crate) fn hello_without_login(&self) -> Option<Error> {
        match self.generation {
            _ if self.greets_unauthenticated => None,
            Generation::Redis8 | Generation::Valkey9 => Some(error::HELLO_NOAUTH),
            _ => Some(error::REDIS_HELLO_NOAUTH),
        }
    }

    /// A command that has to run before a transaction or after it. `full_name` is its name.
    pub(crate) fn not_in_transaction(&self, full_name: &str) -> Error {
        match self.is_redis() {
            true => error::REDIS_NOT_IN_TRANSACTION,
            false => error::not_in_transaction(full_name),
        }
    }

    /// There is no file for users.
    pub(crate) fn no_acl_file(&self) -> Error {
        if self.is_redis() { error::REDIS_NO_ACL_FILE } else { error::NO_ACL_FILE }
    }

    // Errors of scripts. How Redis 6 worded them is not known here.

    /// A script calls no command.
    pub(crate) fn unknown_in_script(&self) -> Error {
        match self.scripts_are_of_redis() {
            true => error::REDIS_UNKNOWN_IN_SCRIPT,
            false => error::UNKNOWN_IN_SCRIPT,
        }
    }

    /// A script calls a command with too many arguments, or too few.
    pub(crate) fn arity_in_script(&self) -> Error {
        match self.scripts_are_of_redis() {
            true => error::REDIS_ARITY_IN_SCRIPT,
            false => error::ARITY_IN_SCRIPT,
        }
    }

    /// A script calls what may not run in one.
    pub(crate) fn not_from_script(&self) -> Error {
        match self.scripts_are_of_redis() {
            true => error::REDIS_NOT_FROM_SCRIPT,
            false => error::NOT_FROM_SCRIPT,
        }
    }

    /// A script calls a command that the cluster has refused for this.
    pub(crate) fn refused_in_script(&self, full_name: &str, why: Error) -> Error {
        let is_redis = self.scripts_are_of_redis();
        match why {
            _ if why == error::CLUSTERDOWN && is_redis => error::REDIS_DOWN_IN_SCRIPT,
            _ if why == error::CLUSTERDOWN => error::down_in_script(full_name),
            _ if why == error::CLUSTER_READONLY && is_redis => error::REDIS_READONLY_IN_SCRIPT,
            _ if why == error::CLUSTER_READONLY => error::readonly_in_script(full_name),
            _ if why == error::CROSSSLOT && is_redis => error::redis_crossslot_in_script(full_name),
            _ if !why.is_of_cluster() => why,
            _ if is_redis => error::REDIS_NOT_AT_THIS_NODE,
            _ => error::NOT_AT_THIS_NODE,
        }
    }

    /// No script has this digest.
    #[cfg(feature = "lua")]
    pub(crate) fn no_script(&self) -> Error {
        if self.is_redis() { error::REDIS_NOSCRIPT } else { error::NOSCRIPT }
    }

    /// Whether errors of scripts name Redis, and say which script it was.
    pub(crate) fn scripts_are_of_redis(&self) -> bool {
        self.is_redis() && self.names_subcommands()
    }

    /// Whether the places of geo commands are spelled as other doubles are.
    pub(crate) fn spells_places_shortest(&self) -> bool {
        self.generation == Generation::Redis8
    }

    /// Whether CLIENT LIST takes one filter alone, and CLIENT KILL one id behind each `ID`.
    pub(crate) fn lists_by_one_filter(&self) -> bool {
        !self.is_at_least("8.1.0")
    }

    /// Whether users are shown to have the payloads of RESTORE checked.
    pub(crate) fn shows_checks_of_payloads(&self) -> bool {
        self.generation == Generation::Redis8
    }

    /// Returns whether it is a version of Redis.
    pub(crate) fn is_redis(&self) -> bool {
        self.commands == Commands::Redis
    }

    /// The product's name in a sentence.
    pub(crate) fn title(&self) -> &'static str {
        self.title
    }

    /// A command that has to wait until the server is ready.
    pub(crate) fn not_ready(&self) -> Error {
        error::loading(self.title)
    }
}

/// Whether version `a` came after version `b`. What has no version was always there.
fn is_younger(a: &str, b: &str) -> bool {
    fn parts(version: &str) -> impl Iterator<Item = u32> {
        version.split('.').map_while(|part| part.parse().ok())
    }
    parts(a).gt(parts(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> &'static Persona {
        PERSONAS.iter().find(|persona| persona.name == name).unwrap()
    }

    #[test]
    fn names_are_unique_and_the_first_is_respd() {
        let mut names: Vec<_> = PERSONAS.iter().map(|persona| persona.name).collect();
        assert_eq!(names[0], "respd");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PERSONAS.len());
    }

    #[test]
    fn a_version_knows_what_came_before_it() {
        assert!(named("redis-6.2").is_at_least("6.2.0"));
        assert!(!named("redis-6.2").is_at_least("7.0.0"));
        assert!(named("redis-7.0").is_at_least("7.0.3"));
        assert!(named("valkey-8.0").is_at_least("7.2.0"));
        assert!(!named("valkey-8.0").is_at_least("8.1.0"));
        assert!(named("respd").is_at_least("99.0.0"));
        // 10 is more than 9, and a command of an embedder has no version.
        assert!(!named("valkey-9.1").is_at_least("10.0.0"));
        assert!(named("redis-5.0").is_at_least(""));
    }

    #[test]
    fn valkey_knows_nothing_that_redis_added_since() {
        assert!(named("respd").is_at_least("8.2.0"));
        for other in ["valkey-9.1", "valkey-8.0", "redis-7.2"] {
            assert!(!named(other).is_at_least("8.2.0"), "{other}");
        }
    }

    #[test]
    fn redis_knows_what_both_brought_since_its_own_version() {
        let redis = named("redis-8.2");
        assert_eq!(redis.version_of("hexpire", "9.0.0"), Some("7.4.0"));
        assert_eq!(named("redis-7.2").version_of("hexpire", "9.0.0"), None);
        assert_eq!(named("valkey-9.1").version_of("hexpire", "9.0.0"), Some("9.0.0"));
        assert_eq!(named("valkey-8.0").version_of("hexpire", "9.0.0"), None);
        assert_eq!(redis.version_of("delifeq", "9.0.0"), None);
        assert_eq!(redis.version_of("xdelex", "8.2.0"), Some("8.2.0"));
        // The versions of Valkey's 8 are no versions of Redis.
        assert_eq!(redis.version_of_part("client|kill", "MAXAGE", "8.0.0"), Some("7.4.0"));
        assert_eq!(redis.version_of_part("client|kill", "PRIMARY", "8.0.0"), None);
        assert_eq!(redis.version_of("client|kill", "2.4.0"), Some("2.4.0"));
    }

    #[test]
    fn redis_knows_nothing_that_valkey_added() {
        let later = Persona { version: "9.9.9", ..REDIS };
        assert!(later.is_at_least("7.2.4"));
        assert!(!later.is_at_least("8.0.0"));
    }

    #[test]
    fn a_list_of_commands_brings_containers_and_their_subcommands() {
        let kronotop = named("kronotop-0.13");
        for known in ["ping", "client", "client|setname", "command", "command|docs"] {
            assert!(kronotop.has_command(known, "1.0.0"), "{known}");
        }
        for unknown in ["get", "client|list", "client|setnames", "pin", "quit"] {
            assert!(!kronotop.has_command(unknown, "1.0.0"), "{unknown}");
        }
    }
}
