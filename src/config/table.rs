//! The directives: one row each, in the order of their names.
//!
//! A row says how a directive's text becomes the field and back ([`super::kind`]), what may be done with
//! it, and what follows when it has another value ([`Effect`]). Without a field, `directive!(name, kind)` is for what cannot be otherwise here: an
//! [`Only`] or [`Empty`] that reports the truth and refuses anything else with a reason.

use super::kind::{
    Addresses, BufferLimits, Empty, EventLetters, FileName, FilePath, FolderPath, Integer, Kind,
    Memory, MemoryOrPercent, OctalMode, OneOf, Only, Password, PercentileList, SavePoints,
    ShutdownOptions, YesNo,
};
use super::place::Reason;
use super::settings::Config;

macro_rules! directive {
    ($name:literal, $($field:ident).+, $kind:expr) => {
        Directive::new(
            $name,
            |config| $kind.show(&config.$($field).+),
            |config, words| $kind.read(&mut config.$($field).+, words),
        )
    };
    ($name:literal, $kind:expr) => {
        Directive::new($name, |_| $kind.show(&()), |_, words| $kind.read(&mut (), words))
    };
}

/// The range of what the reference keeps in a C `int`.
const INT: Integer = Integer(0..=i32::MAX as i64);
const SIGNED_INT: Integer = Integer(i32::MIN as i64..=i32::MAX as i64);
const PORT: Integer = Integer(0..=u16::MAX as i64);
/// A limit on input below this could cut off requests that no one calls big.
const AT_LEAST_1MB: Memory = Memory(1 << 20..=i64::MAX as u64);

/// A number of elements.
const COUNT: Integer = Integer(0..=i64::MAX);
/// A number that means none at all if it is -1.
const THRESHOLD: Integer = Integer(-1..=i64::MAX);
const BYTES: Memory = Memory(0..=i64::MAX as u64);

const NO_ONE_WAITS: Only<YesNo, bool> =
    Only(YesNo, true, "respd never lets anyone wait while memory is freed");
const NO_EFFORT: &str = "respd removes every key when its time has come";

const LISTEN_ADDRESSES: &[Effect] = &[Effect::ListenAddresses];
const STORE: &[Effect] = &[Effect::Store];
const SNAPSHOT_ERRORS: &[Effect] = &[Effect::SnapshotErrors];
const THRESHOLDS: &[Effect] = &[Effect::Thresholds];

pub(crate) const DIRECTIVES: &[Directive] = &[
    directive!("acl-pubsub-default", acl_pubsub_default, OneOf),
    directive!("aclfile", aclfile, FilePath).immutable(),
    directive!("acllog-max-len", acllog_max_len, COUNT),
    directive!("active-expire-effort", Only(Integer(1..=10), 1, NO_EFFORT)),
    directive!("activedefrag", Only(YesNo, false, "respd does not move what it has allocated")),
    directive!(
        "activerehashing",
        Only(YesNo, true, "respd's tables grow and shrink in small steps")
    ),
    directive!("admin-bind", admin_bind, Addresses { most: 16 }).list().effects(LISTEN_ADDRESSES),
    directive!("admin-commands-on-admin-port", admin_commands_on_admin_port, YesNo)
        .effects(&[Effect::AdministrationPort]),
    Directive::new("admin-port", |config| PORT.show(&config.admin_port), read_admin_port)
        .effects(&[Effect::AdministrationPort, Effect::ListenPorts]),
    directive!("aof-load-truncated", append_only.load_truncated, YesNo),
    directive!("aof-rewrite-incremental-fsync", append_only.rewrite_incremental_fsync, YesNo),
    directive!("aof-timestamp-enabled", append_only.timestamps, YesNo),
    directive!("aof-use-rdb-preamble", append_only.base_is_snapshot, YesNo),
    directive!("appenddirname", append_only.folder, FileName("appenddirname")).immutable(),
    directive!("appendfilename", append_only.file_name, FileName("appendfilename")).immutable(),
    directive!("appendfsync", append_only.fsync, OneOf),
    directive!("appendonly", append_only.enabled, YesNo).effects(&[Effect::AppendOnly]),
    directive!("auth-failure-delay", auth_failure_delay, Integer(0..=1000)),
    directive!("auth-timeout", auth_timeout, INT),
    directive!("auto-aof-rewrite-min-size", append_only.rewrite_min_size, BYTES),
    directive!("auto-aof-rewrite-percentage", append_only.rewrite_percentage, INT),
    directive!("bind", bind, Addresses { most: 16 }).list().effects(LISTEN_ADDRESSES),
    directive!("busy-reply-threshold", busy_reply_threshold, COUNT).alias("lua-time-limit"),
    directive!("client-output-buffer-limit", client_output_buffer_limit, BufferLimits)
        .list()
        .effects(&[Effect::OutputLimits]),
    directive!("client-query-buffer-limit", client_query_buffer_limit, AT_LEAST_1MB),
    directive!("cluster-enabled", Only(YesNo, false, "respd is not part of a cluster")).immutable(),
    directive!("commandlog-execution-slower-than", commandlog.slow.threshold, THRESHOLD)
        .alias("slowlog-log-slower-than")
        .effects(THRESHOLDS),
    directive!("commandlog-large-reply-max-len", commandlog.large_reply.max_len, COUNT),
    directive!("commandlog-large-request-max-len", commandlog.large_request.max_len, COUNT),
    directive!("commandlog-reply-larger-than", commandlog.large_reply.threshold, THRESHOLD)
        .effects(THRESHOLDS),
    directive!("commandlog-request-larger-than", commandlog.large_request.threshold, THRESHOLD)
        .effects(THRESHOLDS),
    directive!("commandlog-slow-execution-max-len", commandlog.slow.max_len, COUNT)
        .alias("slowlog-max-len"),
    directive!("daemonize", daemonize, YesNo).immutable(),
    Directive::new("databases", |config| INT.show(&config.databases), read_databases).immutable(),
    directive!("dbfilename", dbfilename, FileName("dbfilename")).protected(),
    directive!("dir", dir, FolderPath).protected().effects(&[Effect::Folder]),
    directive!("enable-debug-command", enable_debug_command, OneOf).immutable(),
    directive!("enable-protected-configs", enable_protected_configs, OneOf).immutable(),
    directive!("hash-max-listpack-entries", limits.hash_max_listpack_entries, COUNT)
        .alias("hash-max-ziplist-entries")
        .effects(STORE),
    directive!("hash-max-listpack-value", limits.hash_max_listpack_value, BYTES)
        .alias("hash-max-ziplist-value")
        .effects(STORE),
    directive!("hll-sparse-max-bytes", limits.hll_sparse_max_bytes, BYTES).effects(STORE),
    Directive::new("hz", |config| INT.show(&config.hz), read_hz),
    directive!("io-threads", Only(Integer(1..=256), 1, "respd runs on one thread")),
    directive!("latency-monitor-threshold", latency_monitor_threshold, COUNT).effects(THRESHOLDS),
    directive!("latency-tracking", latency_tracking, YesNo).effects(THRESHOLDS),
    directive!(
        "latency-tracking-info-percentiles",
        latency_tracking_info_percentiles,
        PercentileList
    )
    .list(),
    directive!("lazyfree-lazy-eviction", NO_ONE_WAITS),
    directive!("lazyfree-lazy-expire", NO_ONE_WAITS),
    directive!("lazyfree-lazy-server-del", NO_ONE_WAITS),
    directive!("lazyfree-lazy-user-del", NO_ONE_WAITS),
    directive!("lazyfree-lazy-user-flush", NO_ONE_WAITS),
    directive!("lfu-decay-time", eviction.lfu_decay_time, INT).effects(STORE),
    directive!("lfu-log-factor", eviction.lfu_log_factor, INT).effects(STORE),
    directive!("list-compress-depth", Only(INT, 0, "respd does not compress lists")),
    directive!("list-max-listpack-size", limits.list_max_listpack_size, SIGNED_INT)
        .alias("list-max-ziplist-size")
        .effects(STORE),
    directive!("log-format", log_format, OneOf).immutable(),
    directive!("log-timestamp-format", log_timestamp_format, OneOf).immutable(),
    directive!("logfile", logfile, FilePath).immutable(),
    directive!("loglevel", loglevel, OneOf).effects(&[Effect::LogLevel]),
    directive!("maxclients", maxclients, Integer(1..=u32::MAX as i64))
        .effects(&[Effect::FileDescriptors]),
    directive!(
        "maxclients-unauthenticated",
        maxclients_unauthenticated,
        Integer(0..=u32::MAX as i64)
    ),
    directive!("maxmemory", maxmemory, Memory(0..=u64::MAX)).effects(&[Effect::Memory]),
    directive!("maxmemory-clients", maxmemory_clients, MemoryOrPercent),
    directive!("maxmemory-policy", eviction.policy, OneOf).effects(STORE),
    directive!("maxmemory-samples", eviction.samples, Integer(1..=64)).effects(STORE),
    directive!("no-appendfsync-on-rewrite", append_only.no_fsync_on_rewrite, YesNo),
    directive!("notify-keyspace-events", notify_keyspace_events, EventLetters)
        .effects(&[Effect::KeyspaceEvents]),
    Directive::new("persona", |config| OneOf.show(&config.persona), read_persona).immutable(),
    directive!("pidfile", pidfile, FilePath).immutable(),
    Directive::new("port", |config| PORT.show(&config.port), read_port)
        .effects(&[Effect::ListenPorts]),
    directive!("protected-mode", protected_mode, YesNo),
    directive!("proto-max-bulk-len", proto_max_bulk_len, AT_LEAST_1MB),
    directive!("rdb-del-sync-files", Only(YesNo, false, "respd has no replicas to send files to")),
    directive!("rdb-save-incremental-fsync", rdb_save_incremental_fsync, YesNo),
    directive!("rdbchecksum", rdbchecksum, YesNo).immutable(),
    directive!("rdbcompression", rdbcompression, YesNo),
    directive!("replicaof", Empty("respd does not replicate")).alias("slaveof").list().immutable(),
    directive!("requirepass", requirepass, Password).secret().effects(&[Effect::DefaultPassword]),
    directive!("save", save, SavePoints).list().cumulative().effects(SNAPSHOT_ERRORS),
    directive!("set-max-intset-entries", limits.set_max_intset_entries, COUNT).effects(STORE),
    directive!("set-max-listpack-entries", limits.set_max_listpack_entries, COUNT).effects(STORE),
    directive!("set-max-listpack-value", limits.set_max_listpack_value, COUNT).effects(STORE),
    directive!("shutdown-on-sigint", shutdown_on_sigint, ShutdownOptions).list(),
    directive!("shutdown-on-sigterm", shutdown_on_sigterm, ShutdownOptions).list(),
    directive!("start-ready", start_ready, YesNo).immutable(),
    directive!("stop-writes-on-bgsave-error", stop_writes_on_bgsave_error, YesNo)
        .effects(SNAPSHOT_ERRORS),
    directive!("stream-node-max-bytes", limits.stream_node_max_bytes, BYTES).effects(STORE),
    directive!("stream-node-max-entries", limits.stream_node_max_entries, COUNT).effects(STORE),
    directive!("supervised", supervised, OneOf).immutable(),
    directive!("tcp-backlog", tcp_backlog, INT).immutable(),
    directive!("tcp-keepalive", tcp_keepalive, INT).effects(&[Effect::TcpKeepalive]),
    directive!("timeout", timeout, INT),
    directive!("tracking-table-max-keys", tracking_table_max_keys, COUNT),
    directive!("unixsocket", unixsocket, FilePath).immutable(),
    directive!("unixsocketperm", unixsocketperm, OctalMode).immutable(),
    directive!("zset-max-listpack-entries", limits.zset_max_listpack_entries, COUNT)
        .alias("zset-max-ziplist-entries")
        .effects(STORE),
    directive!("zset-max-listpack-value", limits.zset_max_listpack_value, BYTES)
        .alias("zset-max-ziplist-value")
        .effects(STORE),
];

/// The most databases: 65536 take 55 MB while they are empty.
const MOST_DATABASES: usize = 1 << 16;

/// Every database is made at the start, so there is no room for as many as an `int` can count.
fn read_databases(config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
    Integer(1..=i32::MAX as i64).read(&mut config.databases, words)?;
    if config.databases > MOST_DATABASES {
        return Err(format!(
            "respd makes every database when it starts, and has {MOST_DATABASES} at most"
        )
        .into());
    }
    Ok(())
}

/// Any number is taken, and the nearest sensible one used.
fn read_hz(config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
    INT.read(&mut config.hz, words)?;
    config.hz = config.hz.clamp(1, 500);
    Ok(())
}

/// A persona brings its ports, where those of the last one are still in place and were not asked for.
fn read_persona(config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
    let before = config.persona;
    OneOf.read(&mut config.persona, words)?;
    if !config.ports_chosen.clients && config.port == before.port {
        config.port = config.persona.port;
    }
    if !config.ports_chosen.admin && config.admin_port == before.admin_port {
        config.admin_port = config.persona.admin_port;
    }
    Ok(())
}

fn read_port(config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
    config.ports_chosen.clients = true;
    PORT.read(&mut config.port, words)
}

fn read_admin_port(config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
    config.ports_chosen.admin = true;
    PORT.read(&mut config.admin_port, words)
}

/// What follows when a directive has another value. Most directives are read where they matter, each
/// time, and have no effect beside that.
///
/// The order is that in which effects are taken: those that can fail come first, so that nothing has
/// happened by then that would have to be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// The process may open a file for each client.
    FileDescriptors,
    /// The folder of files is there.
    Folder,
    /// Administration commands have a port on which they run.
    AdministrationPort,
    /// The server listens at the configured addresses.
    ListenAddresses,
    /// The server listens on the configured ports.
    ListenPorts,
    /// Accepted connections probe their peers.
    TcpKeepalive,
    /// The filter of the log.
    LogLevel,
    /// The password of the default user.
    DefaultPassword,
    /// The keyspace's own copy of its limits and of the eviction policy.
    Store,
    /// Whether a snapshot that failed keeps clients from writing.
    SnapshotErrors,
    /// Which keyspace events the journal keeps.
    KeyspaceEvents,
    /// The output buffer limits of connected clients.
    OutputLimits,
    /// The thresholds of COMMANDLOG and LATENCY.
    Thresholds,
    /// The memory in use. It comes after the eviction policy.
    Memory,
    /// The log of all changes. It comes after the folder where it is.
    AppendOnly,
}

/// What is known about one directive.
pub(crate) struct Directive {
    /// In lower case.
    pub(crate) name: &'static str,
    /// The name it had before. CONFIG GET, CONFIG SET and the file know both.
    alias: Option<&'static str>,
    list: bool,
    cumulative: bool,
    immutable: bool,
    protected: bool,
    secret: bool,
    pub(crate) effects: &'static [Effect],
    show: fn(&Config) -> Vec<u8>,
    read: fn(&mut Config, &[&[u8]]) -> Result<(), Reason>,
}

impl Directive {
    const fn new(
        name: &'static str,
        show: fn(&Config) -> Vec<u8>,
        read: fn(&mut Config, &[&[u8]]) -> Result<(), Reason>,
    ) -> Directive {
        Directive {
            name,
            alias: None,
            list: false,
            cumulative: false,
            immutable: false,
            protected: false,
            secret: false,
            effects: &[],
            show,
            read,
        }
    }

    const fn alias(mut self, alias: &'static str) -> Directive {
        self.alias = Some(alias);
        self
    }

    /// Its value is any number of words, which CONFIG SET takes as one text with spaces between.
    const fn list(mut self) -> Directive {
        self.list = true;
        self
    }

    /// Decided when the server starts; CONFIG SET refuses it.
    const fn immutable(mut self) -> Directive {
        self.immutable = true;
        self
    }

    /// Lines of a file add up; CONFIG SET gives the whole value.
    const fn cumulative(mut self) -> Directive {
        self.cumulative = true;
        self
    }

    /// CONFIG SET refuses it unless `enable-protected-configs` allows it.
    const fn protected(mut self) -> Directive {
        self.protected = true;
        self
    }

    /// Its value is in no error text.
    const fn secret(mut self) -> Directive {
        self.secret = true;
        self
    }

    /// What follows when it has another value.
    const fn effects(mut self, effects: &'static [Effect]) -> Directive {
        self.effects = effects;
        self
    }

    pub(crate) fn is_immutable(&self) -> bool {
        self.immutable
    }

    pub(crate) fn is_cumulative(&self) -> bool {
        self.cumulative
    }

    pub(crate) fn is_protected(&self) -> bool {
        self.protected
    }

    pub(crate) fn is_secret(&self) -> bool {
        self.secret
    }

    /// The value as one text, as CONFIG GET gives it.
    pub(crate) fn show(&self, config: &Config) -> Vec<u8> {
        (self.show)(config)
    }

    /// Takes the value as the words of a line. A refusal may leave `config` half changed.
    pub(crate) fn read_words(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        (self.read)(config, words)
    }

    /// Takes the value as one text, as [`Directive::show`] gives it.
    pub(crate) fn read_text(&self, config: &mut Config, text: &[u8]) -> Result<(), Reason> {
        if self.cumulative {
            self.read_words(config, &[])?;
        }
        self.read_words(config, &self.words(text))
    }

    /// A text as the words of a line: a list is split at every space, an empty one is no words.
    pub(crate) fn words<'a>(&self, text: &'a [u8]) -> Vec<&'a [u8]> {
        match self.list {
            true if text.is_empty() => Vec::new(),
            true => text.split(|&byte| byte == b' ').collect(),
            false => vec![text],
        }
    }
}

/// The directive called `name`, and the lower-case spelling of that name: its own or its alias.
pub(crate) fn find(name: &[u8]) -> Option<(&'static str, &'static Directive)> {
    names().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
}

/// Every name there is, aliases too.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static Directive)> {
    DIRECTIVES.iter().flat_map(|directive| {
        [Some(directive.name), directive.alias]
            .into_iter()
            .flatten()
            .map(move |name| (name, directive))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    use crate::config::file::tests::NoFiles;

    #[test]
    fn rows_are_sorted_and_their_names_lower_case_and_unique() {
        let order: Vec<_> = DIRECTIVES.iter().map(|directive| directive.name).collect();
        assert!(order.is_sorted(), "{order:?}");
        let mut all: Vec<_> = names().map(|(name, _)| name).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|name| name.to_ascii_lowercase() == *name));
    }

    #[test]
    fn every_default_is_taken_as_it_is_shown() {
        for directive in DIRECTIVES {
            let mut config = Config::default();
            let shown = directive.show(&config);
            assert_eq!(directive.read_text(&mut config, &shown), Ok(()), "{}", directive.name);
            assert_eq!(config, Config::default(), "{}", directive.name);
        }
    }

    /// One of these texts is another value of any directive that has one, and is then shown and
    /// written in a form that gives it back.
    #[test]
    fn every_other_value_is_taken_as_it_is_shown_and_as_it_is_written() {
        let texts = ["7", "2mb", "local", "debug", "normal 1 2 3", "mn$KE", "it's \"\x07\" a name"];
        for directive in DIRECTIVES {
            for text in texts {
                let mut config = Config::default();
                if directive.read_text(&mut config, text.as_bytes()).is_err() {
                    continue;
                }
                let mut again = Config::default();
                assert_eq!(directive.read_text(&mut again, &directive.show(&config)), Ok(()));
                assert_eq!(again, config, "{} {text:?}", directive.name);

                let written = config.rewritten(Path::new("x"), b"", &NoFiles).unwrap();
                assert_eq!(
                    Config::parse(Path::new("x"), &written, &NoFiles),
                    Ok(config),
                    "{}",
                    directive.name
                );
            }
        }
    }

    #[test]
    fn every_name_is_found_in_any_case() {
        for (name, directive) in names() {
            let (found, same) = find(name.to_ascii_uppercase().as_bytes()).unwrap();
            assert_eq!((found, same.name), (name, directive.name));
        }
    }
}
