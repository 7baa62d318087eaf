//! What a client is told when a command fails: every text, once, verbatim.
//!
//! The texts are those of Valkey 9.1, because clients and their tests compare them. An [`Error`] is
//! only ever *said*: [`crate::wire::Reply`] turns it into an error frame. What breaks the protocol is
//! a [`crate::wire::ProtocolError`], what breaks a socket an [`std::io::Error`]; the three do not mix.

use std::borrow::Cow;
use std::fmt;

pub use bitmaps::*;
pub use cluster::*;
pub use embedded::*;
pub use groups::*;
pub use kept::*;
pub use newcomers::*;
pub use scripts::*;
pub use stage::*;
pub use strings::*;
pub use values::*;

mod bitmaps;
mod cluster;
mod embedded;
mod groups;
mod kept;
mod newcomers;
mod scripts;
mod stage;
mod strings;
mod values;

/// An error reply: a code of capital letters, a space and a sentence, without the leading `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    text: Cow<'static, [u8]>,
    /// INFO's errorstats have it already.
    is_counted: bool,
}

impl Error {
    /// An error whose text is known beforehand.
    pub(crate) const fn fixed(text: &'static str) -> Error {
        Error { text: Cow::Borrowed(text.as_bytes()), is_counted: false }
    }

    /// An error whose text is made at run time, often with bytes a client sent. It may hold anything:
    /// the writer of the reply replaces CR and LF.
    pub(crate) fn text(text: impl Into<Vec<u8>>) -> Error {
        Error { text: Cow::Owned(text.into()), is_counted: false }
    }

    /// The same error, once it has been counted: a script hands on what a command of its own was told.
    pub(crate) fn counted(self) -> Error {
        Error { is_counted: true, ..self }
    }

    /// Returns whether the error has been counted.
    pub(crate) fn is_counted(&self) -> bool {
        self.is_counted
    }

    /// The whole text, code included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// The code: the first word, as INFO's errorstats count it.
    #[doc(hidden)]
    pub fn code(&self) -> &[u8] {
        self.text.split(|&byte| byte == b' ').next().unwrap_or_default()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text))
    }
}

impl std::error::Error for Error {}

pub const SYNTAX: Error = Error::fixed("ERR syntax error");
pub const NOT_AN_INTEGER: Error = Error::fixed("ERR value is not an integer or out of range");
pub const NOT_A_FLOAT: Error = Error::fixed("ERR value is not a valid float");
pub const NOT_AN_INT: Error =
    Error::fixed("ERR value is out of range, value must between -2147483648 and 2147483647");
pub const NOAUTH: Error = Error::fixed("NOAUTH Authentication required.");
pub const WRONGPASS: Error =
    Error::fixed("WRONGPASS invalid username-password pair or user is disabled.");
/// Said to a client whose address has failed so often that its login is not looked at.
pub const TOO_MANY_FAILED_LOGINS: Error = Error::fixed(
    "ERR too many failed logins from this address: this one was not tried, try again later",
);
pub const WRONGTYPE: Error =
    Error::fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
pub const OOM: Error = Error::fixed("OOM command not allowed when used memory > 'maxmemory'.");
/// The reply passed the limit that holds where `client-output-buffer-limit` sets none.
pub const REPLY_TOO_LARGE: Error =
    Error::fixed("ERR the reply is larger than 1 GiB, which is more than the server sends at once");
/// SORT has found more to store than one command may.
pub const SORT_TOO_LARGE: Error = Error::fixed("ERR what SORT would store is larger than 1 GiB");
pub const INTERNAL: Error = Error::fixed("ERR internal error, see the server's log");

/// The request is none. `reason` may have a byte of it.
pub fn protocol(reason: Vec<u8>) -> Error {
    Error::text([&b"ERR Protocol error: "[..], &reason].concat())
}

// Access lists.

/// The command is not for the port that it came through.
pub fn on_admin_port_only(full_name: &str, port: u16) -> Error {
    Error::text(format!(
        "NOPERM '{full_name}' is a command for operators: it runs on the administration port, {port}, and not here"
    ))
}

pub const NOPERM_KEY: Error = Error::fixed("NOPERM No permissions to access a key");
pub const NOPERM_CHANNEL: Error = Error::fixed("NOPERM No permissions to access a channel");
pub const NOPERM_DATABASE: Error = Error::fixed("NOPERM No permissions to access database");
pub const NO_ACL_FILE: Error = Error::fixed(
    "ERR This instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a configuration file set) in order to store users in the configuration.",
);
pub const ACL_SAVE_FAILED: Error = Error::fixed(
    "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
);
pub const USER_NAME: Error = Error::fixed("ERR Usernames can't contain spaces or null characters");
pub const DEFAULT_USER: Error = Error::fixed("ERR The 'default' user cannot be removed");
pub const GENPASS_BITS: Error = Error::fixed(
    "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
);
pub const SORT_BY_DENIED: Error =
    Error::fixed("ERR BY option of SORT denied due to insufficient ACL permissions.");
pub const SORT_GET_DENIED: Error =
    Error::fixed("ERR GET option of SORT denied due to insufficient ACL permissions.");

/// A command is not granted, as the client that sent it is told.
pub fn no_permission_to_run(user: &[u8], full_name: &str) -> Error {
    let end = format!(" has no permissions to run the '{full_name}' command");
    Error::text([b"NOPERM User ", user, end.as_bytes()].concat())
}

/// A command that was queued is not granted any more when EXEC would run it. `reason` says why.
pub fn no_longer_permitted(reason: &str) -> Error {
    Error::text(format!(
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: {reason}"
    ))
}

/// A rule of ACL SETUSER is none.
pub fn bad_acl_rule(rule: &[u8], reason: &str) -> Error {
    quoting("Error in ACL SETUSER modifier '", rule, &format!("': {reason}"))
}

// Connection.
pub const AUTH_WITHOUT_PASSWORD: Error = Error::fixed(
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
);
pub const HELLO_NOAUTH: Error = Error::fixed(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
);
pub const NOPROTO: Error = Error::fixed("NOPROTO unsupported protocol version");
pub const HELLO_VERSION: Error =
    Error::fixed("ERR Protocol version is not an integer or out of range");
pub const DB_INDEX: Error = Error::fixed("ERR DB index is out of range");

// Transactions.

pub const EXEC_WITHOUT_MULTI: Error = Error::fixed("ERR EXEC without MULTI");
pub const DISCARD_WITHOUT_MULTI: Error = Error::fixed("ERR DISCARD without MULTI");
pub const EXECABORT: Error =
    Error::fixed("EXECABORT Transaction discarded because of previous errors.");

/// The command may not be queued.
pub fn not_in_transaction(full_name: &str) -> Error {
    Error::text(format!("ERR Command '{full_name}' not allowed inside a transaction"))
}

/// EXEC itself was refused.
pub fn exec_refused(refused: &Error) -> Error {
    let reason = refused.as_bytes();
    let reason = reason.strip_prefix(b"ERR ").unwrap_or(reason);
    Error::text([b"EXECABORT Transaction discarded because of: ", reason].concat())
}

// Publish and subscribe.

/// The command may not run for a client that is subscribed in RESP2.
pub fn not_while_subscribed(full_name: &str) -> Error {
    Error::text(format!(
        "ERR Can't execute '{full_name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
    ))
}

// Blocking commands.

pub const TIMEOUT_NOT_A_FLOAT: Error = Error::fixed("ERR timeout is not a float or out of range");
pub const TIMEOUT_OUT_OF_RANGE: Error = Error::fixed("ERR timeout is out of range");
pub const TIMEOUT_IS_NEGATIVE: Error = Error::fixed("ERR timeout is negative");
pub const UNBLOCKED: Error = Error::fixed("UNBLOCKED client unblocked via CLIENT UNBLOCK");
pub const NOT_ZERO_OR_ONE: Error =
    Error::fixed("ERR value is out of range, value must between 0 and 1");
pub const NO_APPEND_ONLY_FILE: Error =
    Error::fixed("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");

// Client.
pub const CLIENT_ID: Error = Error::fixed("ERR client-id should be greater than 0");
pub const PAUSE_MODE: Error = Error::fixed("ERR CLIENT PAUSE mode must be WRITE or ALL");
pub const UNBLOCK_REASON: Error =
    Error::fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
pub const NO_SUCH_CLIENT: Error = Error::fixed("ERR No such client");

// CLIENT TRACKING, CLIENT CACHING.

pub const TWO_REDIRECTS: Error =
    Error::fixed("ERR A client can only redirect to a single other client");
pub const NO_SUCH_REDIRECT: Error =
    Error::fixed("ERR The client ID you want redirect to does not exist");
pub const PREFIX_WITHOUT_BCAST: Error =
    Error::fixed("ERR PREFIX option requires BCAST mode to be enabled");
pub const SWITCHED_BCAST: Error = Error::fixed(
    "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then \
    re-enabling it with a different mode.",
);
pub const SWITCHED_OPT: Error = Error::fixed(
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then \
    re-enabling it with a different mode.",
);
pub const BCAST_WITH_OPT: Error =
    Error::fixed("ERR OPTIN and OPTOUT are not compatible with BCAST");
pub const OPTIN_WITH_OPTOUT: Error =
    Error::fixed("ERR You can't specify both OPTIN mode and OPTOUT mode");
pub const CACHING_WITHOUT_TRACKING: Error = Error::fixed(
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or \
    OPTOUT mode enabled",
);
pub const CACHING_YES: Error =
    Error::fixed("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
pub const CACHING_NO: Error =
    Error::fixed("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");

/// `which`: "an existing" or "another provided".
pub fn prefixes_overlap(prefix: &[u8], which: &str, other: &[u8]) -> Error {
    let mut text = b"ERR Prefix '".to_vec();
    text.extend_from_slice(shown(prefix, prefix.len()));
    text.extend_from_slice(format!("' overlaps with {which} prefix '").as_bytes());
    text.extend_from_slice(shown(other, other.len()));
    text.extend_from_slice(b"'. Prefixes for a single client must not overlap.");
    Error::text(text)
}

/// A filter's value is no number.
pub fn not_an_integer(what: &str) -> Error {
    Error::text(format!("ERR {what} is not an integer or out of range"))
}

/// An option's value is below zero, or no number.
pub fn negative(what: &str) -> Error {
    Error::text(format!("ERR {what} can't be negative"))
}

/// A filter's value is zero or less.
pub fn not_positive(what: &str) -> Error {
    Error::text(format!("ERR {what} should be greater than 0"))
}

/// A filter's value is the number of no database.
pub fn not_a_database(what: &str, databases: usize) -> Error {
    let last = databases.saturating_sub(1);
    Error::text(format!("ERR {what} number should be between 0 and {last}"))
}

// What a client that is owed one reply a command may not begin to listen to: see also MONITOR.
pub const SSUBSCRIBE_IN_MULTI: Error =
    Error::fixed("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");

// MONITOR, SLOWLOG and LATENCY.
pub const MONITOR_IN_MULTI: Error =
    Error::fixed("ERR MONITOR isn't allowed for DENY BLOCKING client");
pub const MONITOR_WITHOUT_KEYS: Error =
    Error::fixed("ERR Replica can't interact with the keyspace");
pub const LOG_COUNT: Error = Error::fixed("ERR count should be greater than or equal to -1");
pub const LOG_TYPE: Error =
    Error::fixed("ERR type should be one of the following: slow, large-request, large-reply");

/// There are no events of this kind.
pub fn no_samples(event: &[u8]) -> Error {
    quoting("No samples available for event '", event, "'")
}

// COMMAND.
pub const GETKEYS_NO_COMMAND: Error = Error::fixed("ERR Invalid command specified");
pub const GETKEYS_NO_KEYS: Error = Error::fixed("ERR The command has no key arguments");
pub const GETKEYS_ARITY: Error =
    Error::fixed("ERR Invalid number of arguments specified for command");
pub const GETKEYS_INVALID: Error = Error::fixed("ERR Invalid arguments specified for command");

// CONFIG, DEBUG and SHUTDOWN.
pub const NO_CONFIG_FILE: Error = Error::fixed("ERR The server is running without a config file");
pub const DEBUG_NOT_ALLOWED: Error = Error::fixed(
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);
pub const RESP2_UNSUPPORTED: Error = Error::fixed("ERR RESP2 is not supported by this command");
pub const NO_SHUTDOWN: Error = Error::fixed("ERR No shutdown in progress.");
pub const SHUTDOWN_FAILED: Error = Error::fixed("ERR Errors trying to SHUTDOWN. Check logs.");

// Numbers in arguments of several groups.
pub const NOT_POSITIVE: Error = Error::fixed("ERR value is out of range, must be positive");
pub const NUMKEYS_NOT_POSITIVE: Error = Error::fixed("ERR numkeys should be greater than 0");
pub const NUMKEYS_TOO_MANY: Error =
    Error::fixed("ERR Number of keys can't be greater than number of args");
pub const LIMIT_NEGATIVE: Error = Error::fixed("ERR LIMIT can't be negative");
pub const OUT_OF_RANGE: Error = Error::fixed("ERR value is out of range");
pub const NOT_A_NEGATABLE: Error = Error::fixed(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);

// LOLWUT.
pub const LOLWUT: Error =
    Error::fixed("ERR Syntax error. Use: LOLWUT [columns rows] [real imaginary]");

// HyperLogLogs.
pub const NOT_A_HYPERLOGLOG: Error =
    Error::fixed("WRONGTYPE Key is not a valid HyperLogLog string value.");
pub const CORRUPT_HYPERLOGLOG: Error = Error::fixed("INVALIDOBJ Corrupted HLL object detected");
pub const NO_HYPERLOGLOG: Error = Error::fixed("ERR The specified key does not exist");
pub const NOT_SPARSE: Error = Error::fixed("ERR HLL encoding is not sparse");
pub const NOT_ON_OR_OFF: Error = Error::fixed("ERR Argument must be ON or OFF");

// Keys.
pub const NO_SUCH_KEY: Error = Error::fixed("ERR no such key");
pub const SAME_KEY: Error = Error::fixed("ERR source and destination objects are the same");
pub const FIRST_DB_INDEX: Error = Error::fixed("ERR invalid first DB index");
pub const SECOND_DB_INDEX: Error = Error::fixed("ERR invalid second DB index");
pub const NX_EXCLUDES_OTHERS: Error =
    Error::fixed("ERR NX and XX, GT or LT options at the same time are not compatible");
pub const GT_EXCLUDES_LT: Error =
    Error::fixed("ERR GT and LT options at the same time are not compatible");
pub const FREQUENCY_NOT_TRACKED: Error = Error::fixed(
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
);
pub const IDLE_TIME_NOT_TRACKED: Error = Error::fixed(
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
);
pub const NOT_A_SCORE: Error =
    Error::fixed("ERR One or more scores can't be converted into double");

// Lists.
pub const INDEX_OUT_OF_RANGE: Error = Error::fixed("ERR index out of range");
pub const RANK_ZERO: Error = Error::fixed(
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
);

// Sorted sets.
pub const XX_EXCLUDES_NX: Error =
    Error::fixed("ERR XX and NX options at the same time are not compatible");
pub const GT_LT_NX_EXCLUDE: Error =
    Error::fixed("ERR GT, LT, and/or NX options at the same time are not compatible");
pub const INCR_OF_ONE: Error =
    Error::fixed("ERR INCR option supports a single increment-element pair");
pub const SCORE_IS_NAN: Error = Error::fixed("ERR resulting score is not a number (NaN)");
pub const SCORE_RANGE: Error = Error::fixed("ERR min or max is not a float");
pub const NAME_RANGE: Error = Error::fixed("ERR min or max not valid string range item");
pub const LIMIT_OF_RANKS: Error = Error::fixed(
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);
pub const SCORES_OF_NAMES: Error =
    Error::fixed("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
pub const WEIGHT: Error = Error::fixed("ERR weight value is not a float");
pub const COUNT_OUT_OF_RANGE: Error = Error::fixed("ERR value is out of range");

/// A command that takes any number of keys was given none.
pub fn no_key(command: &str) -> Error {
    Error::text(format!("ERR at least 1 input key is needed for '{command}' command"))
}

// Hashes.
pub const HASH_NOT_AN_INTEGER: Error = Error::fixed("ERR hash value is not an integer");
pub const HASH_NOT_A_FLOAT: Error = Error::fixed("ERR hash value is not a float");
pub const INFINITE_INCREMENT: Error = Error::fixed("ERR value is NaN or Infinity");
pub const NUMFIELDS: Error =
    Error::fixed("ERR numfields should be greater than 0 and match the provided number of fields");

// Streams.
pub const STREAM_ID: Error =
    Error::fixed("ERR Invalid stream ID specified as stream command argument");
pub const STREAM_ID_IS_ZERO: Error =
    Error::fixed("ERR The ID specified in XADD must be greater than 0-0");
pub const STREAM_ID_GOES_BACK: Error = Error::fixed(
    "ERR The ID specified in XADD is equal or smaller than the target stream top item",
);
pub const STREAM_IS_EXHAUSTED: Error =
    Error::fixed("ERR The stream has exhausted the last possible ID, unable to add more items");
pub const STREAM_ENTRY_TOO_LARGE: Error = Error::fixed("ERR Elements are too large to be stored");
pub const MAXLEN_EXCLUDES_MINID: Error =
    Error::fixed("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
pub const MAXLEN_NEGATIVE: Error = Error::fixed("ERR The MAXLEN argument must be >= 0.");
pub const TRIM_LIMIT_NEGATIVE: Error = Error::fixed("ERR The LIMIT argument must be >= 0.");
pub const LIMIT_WITHOUT_STRATEGY: Error =
    Error::fixed("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
pub const LIMIT_OF_EXACT_TRIM: Error =
    Error::fixed("ERR syntax error, LIMIT cannot be used without the special ~ option");
pub const NO_TRIM_STRATEGY: Error =
    Error::fixed("ERR syntax error, XTRIM must be called with a trimming strategy");
pub const NUMIDS: Error = Error::fixed("ERR Number of IDs must be a positive integer");
pub const NUMIDS_MISMATCH: Error =
    Error::fixed("ERR The `numids` parameter must match the number of arguments");
pub const INTERVAL_START: Error = Error::fixed("ERR invalid start ID for the interval");
pub const INTERVAL_END: Error = Error::fixed("ERR invalid end ID for the interval");
pub const GROUP_OUTSIDE_XREADGROUP: Error =
    Error::fixed("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
pub const NOACK_OUTSIDE_XREADGROUP: Error =
    Error::fixed("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
pub const NEW_OUTSIDE_XREADGROUP: Error = Error::fixed(
    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
);
pub const ENTRIES_ADDED_NEGATIVE: Error = Error::fixed("ERR entries_added must be positive");
pub const ENTRIES_ADDED_TOO_FEW: Error = Error::fixed(
    "ERR The entries_added specified in XSETID is smaller than the target stream length",
);
pub const SET_ID_BELOW_ENTRIES: Error =
    Error::fixed("ERR The ID specified in XSETID is smaller than the target stream top item");
pub const SET_ID_BELOW_DELETED: Error =
    Error::fixed("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
pub const SET_ID_BELOW_MAXDELETEDID: Error = Error::fixed(
    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
);

/// XREAD or XREADGROUP was given keys and ids that are not as many. `symbol` stands for the id that most want.
pub fn unbalanced_streams(command: &str, symbol: &str) -> Error {
    Error::text(format!(
        "ERR Unbalanced '{command}' list of streams: for each stream key an ID or '{symbol}' must be specified."
    ))
}

// Places.
pub const GEO_UNIT: Error = Error::fixed("ERR unsupported unit provided. please use M, KM, FT, MI");
pub const RADIUS_NOT_A_NUMBER: Error = Error::fixed("ERR need numeric radius");
pub const RADIUS_NEGATIVE: Error = Error::fixed("ERR radius cannot be negative");
pub const WIDTH_NOT_A_NUMBER: Error = Error::fixed("ERR need numeric width");
pub const HEIGHT_NOT_A_NUMBER: Error = Error::fixed("ERR need numeric height");
pub const BOX_NEGATIVE: Error = Error::fixed("ERR height or width cannot be negative");
pub const VERTICES: Error = Error::fixed("ERR invalid number of vertices");
pub const VERTICES_TOO_FEW: Error =
    Error::fixed("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices");
pub const COUNT_NOT_POSITIVE: Error = Error::fixed("ERR COUNT must be > 0");
pub const ANY_WITHOUT_COUNT: Error = Error::fixed("ERR the ANY argument requires COUNT argument");

/// Longitude and latitude are no place on the map.
pub fn not_on_map(longitude: f64, latitude: f64) -> Error {
    Error::text(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}"))
}

/// A search says from where, or how far, not at all. `command` is its name as it was typed.
pub fn not_exactly_one(of: &str, command: &[u8]) -> Error {
    quoting(&format!("exactly one of {of} can be specified for "), command, "")
}

/// A command that stores what it finds is to show something of it, too.
pub fn stores_and_shows(command: &str) -> Error {
    Error::text(format!(
        "ERR {command} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
    ))
}

// SCAN and its kin.
pub const INVALID_CURSOR: Error = Error::fixed("ERR invalid cursor");
pub const NOVALUES_OUTSIDE_HSCAN: Error =
    Error::fixed("ERR NOVALUES option can only be used in HSCAN");
pub const NOSCORES_OUTSIDE_ZSCAN: Error =
    Error::fixed("ERR NOSCORES option can only be used in ZSCAN");

/// The first word of a request names no command.
///
/// The reference shows at most 128 bytes of the name and, after it, arguments until they fill 128 bytes.
pub fn unknown_command<'a>(name: &[u8], args: impl Iterator<Item = &'a [u8]>) -> Error {
    unknown_command_quoted(name, SHOWN, args, "'", "' ")
}

/// Bytes of a request that errors about its words show.
const SHOWN: usize = 128;

fn unknown_command_quoted<'a>(
    name: &[u8],
    longest_name: usize,
    args: impl Iterator<Item = &'a [u8]>,
    quote: &str,
    end_of_arg: &str,
) -> Error {
    let mut text = format!("ERR unknown command {quote}").into_bytes();
    text.extend_from_slice(shown(name, longest_name));
    text.extend_from_slice(format!("{quote}, with args beginning with: ").as_bytes());
    let start = text.len();
    for arg in args {
        let used = text.len() - start;
        if used >= SHOWN {
            break;
        }
        text.extend_from_slice(quote.as_bytes());
        text.extend_from_slice(shown(arg, SHOWN - used));
        text.extend_from_slice(end_of_arg.as_bytes());
    }
    Error::text(text)
}

/// The second word of a request names no subcommand of the container that its first word names.
pub fn unknown_subcommand(container: &str, name: &[u8]) -> Error {
    let mut text = b"ERR unknown subcommand '".to_vec();
    text.extend_from_slice(shown(name, SHOWN));
    text.extend_from_slice(b"'. Try ");
    text.extend_from_slice(container.to_ascii_uppercase().as_bytes());
    text.extend_from_slice(b" HELP.");
    Error::text(text)
}

/// As [`unknown_subcommand`], where a handler looks at its arguments before it finds that out.
pub fn subcommand_syntax(container: &str, name: &[u8]) -> Error {
    subcommand_syntax_spelt("unknown", container, name)
}

fn subcommand_syntax_spelt(unknown: &str, container: &str, name: &[u8]) -> Error {
    let container = container.to_ascii_uppercase();
    let mut text =
        format!("ERR {unknown} subcommand or wrong number of arguments for '").into_bytes();
    text.extend_from_slice(shown(name, SHOWN));
    text.extend_from_slice(format!("'. Try {container} HELP.").as_bytes());
    Error::text(text)
}

/// The full name of a subcommand is `container|subcommand`.
pub fn wrong_arity(full_name: &str) -> Error {
    Error::text(format!("ERR wrong number of arguments for '{full_name}' command"))
}

/// A time to live is not positive, or too long to be counted.
pub fn invalid_expire(command: &str) -> Error {
    Error::text(format!("ERR invalid expire time in '{command}' command"))
}

// Texts of other servers than Valkey 9.1, for personas.
pub const REDIS_HELLO_NOAUTH: Error = Error::fixed(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
);
pub const REDIS_NOT_IN_TRANSACTION: Error =
    Error::fixed("ERR Command not allowed inside a transaction");
pub const REDIS_NESTED_MULTI: Error = Error::fixed("ERR MULTI calls can not be nested");
pub const REDIS_WATCH_IN_MULTI: Error = Error::fixed("ERR WATCH inside MULTI is not allowed");
pub const REDIS_NO_ACL_FILE: Error = Error::fixed(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.",
);
pub const REDIS_BAD_CLIENT_ID: Error = Error::fixed("ERR Invalid client ID");
pub const REDIS_6_WRONGPASS: Error = Error::fixed("WRONGPASS invalid username-password pair");
pub const REDIS_5_WRONG_PASSWORD: Error = Error::fixed("ERR invalid password");
pub const REDIS_5_NO_PASSWORD: Error = Error::fixed("ERR Client sent AUTH, but no password is set");

/// As [`unknown_command`], up to Redis 6.
pub fn unknown_command_in_backquotes<'a>(
    name: &[u8],
    args: impl Iterator<Item = &'a [u8]>,
) -> Error {
    unknown_command_quoted(name, name.len(), args, "`", "`, ")
}

/// As [`unknown_subcommand`], up to Redis 6, which did not tell the two mistakes apart.
pub fn unknown_subcommand_or_arity(container: &str, name: &[u8]) -> Error {
    subcommand_syntax_spelt("Unknown", container, name)
}

/// The server has not got its data yet.
pub fn loading(product: &str) -> Error {
    Error::text(format!("LOADING {product} is loading the dataset in memory"))
}

/// `shown` text stops where a C string would, as it does in the reference's texts.
fn shown(text: &[u8], most: usize) -> &[u8] {
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    &text[..end.min(most)]
}

/// `ERR <before><what the client said><after>`, cut where a C string would end. Line ends at the very
/// end are dropped; elsewhere the reply makes them spaces.
pub fn quoting(before: &str, said: &[u8], after: &str) -> Error {
    let mut text = b"ERR ".to_vec();
    text.extend_from_slice(before.as_bytes());
    text.extend_from_slice(shown(said, said.len()));
    text.extend_from_slice(after.as_bytes());
    while let Some(b'\r' | b'\n') = text.last() {
        text.pop();
    }
    Error::text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_first_word() {
        assert_eq!(NOAUTH.code(), b"NOAUTH");
        assert_eq!(Error::fixed("ERR").code(), b"ERR");
    }

    #[test]
    fn an_unknown_command_is_shown_only_in_part() {
        let long = [b'y'; 200];
        let error = unknown_command(&long, [&long[..], &long[..]].into_iter());
        let text = error.to_string();
        assert_eq!(text.matches('y').count(), 128 + 128);
        assert_eq!(
            unknown_command(b"a\0b", std::iter::empty()).to_string(),
            "ERR unknown command 'a', with args beginning with: "
        );
    }
}
