//! The directives: one row each, in the order of their names.
//!
//! A row says how a directive's text becomes the field and back ([`super::kind`]), what may be done with
//! it, and what follows when it has another value ([`Effect`]). The rows of what has no effect stand
//! in `replication.rs`, `surroundings.rs` and `encryption.rs`.

use super::directive::{Directive, Effect, directive};
use super::kind::{
    Addresses, BufferLimits, EventLetters, FileName, FilePath, FolderPath, Integer, Kind, Memory,
    MemoryOrPercent, OctalMode, OneOf, Password, PercentileList, SavePoints, ShutdownOptions,
    YesNo,
};
use super::networks::NetworkList;
use super::place::Reason;
use super::settings::Config;
use super::{encryption, replication, surroundings};

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

const LISTEN_ADDRESSES: &[Effect] = &[Effect::ListenAddresses];
const STORE: &[Effect] = &[Effect::Store];
const SNAPSHOT_ERRORS: &[Effect] = &[Effect::SnapshotErrors];
const THRESHOLDS: &[Effect] = &[Effect::Thresholds];

pub(crate) const DIRECTIVES: &[Directive] = &[

    directive!("acl-pubsub-default", acl_pubsub_default, OneOf)
        .about("Whether a new user may use every channel or none."),
    directive!("aclfile", aclfile, FilePath).immutable()
        .about("The file that declares the users; empty: this one does."),
    directive!("acllog-max-len", acllog_max_len, COUNT).about("How many entries ACL LOG keeps."),
    directive!("admin-bind", admin_bind, Addresses { most: 16 }).list().effects(LISTEN_ADDRESSES)
        .about("The addresses of the administration port, as 'bind' has them."),
    directive!("admin-commands-on-admin-port", admin_commands_on_admin_port, YesNo)
        .effects(&[Effect::AdministrationPort])
        .about("Commands for operators run on the administration port alone."),
    Directive::new("admin-port", |config| PORT.show(&config.admin_port), read_admin_port)
        .effects(&[Effect::AdministrationPort, Effect::ListenPorts])
        .about("The administration port; 0: there is none."),
    directive!("aof-load-truncated", append_only.load_truncated, YesNo)
        .about("Loads a log that is cut off at its end."),
    directive!("aof-rewrite-incremental-fsync", append_only.rewrite_incremental_fsync, YesNo)
        .about("Syncs a base of the log bit by bit while it is written."),
    directive!("aof-timestamp-enabled", append_only.timestamps, YesNo)
        .about("Writes the time into the log."),
    directive!("aof-use-rdb-preamble", append_only.base_is_snapshot, YesNo)
        .about("The base of the log has the form of a snapshot, and else that of commands."),
    directive!("appenddirname", append_only.folder, FileName("appenddirname")).immutable()
        .about("The folder of the files of the log, in 'dir'."),
    directive!("appendfilename", append_only.file_name, FileName("appendfilename")).immutable()
        .about("What the names of the files of the log begin with."),
    directive!("appendfsync", append_only.fsync, OneOf)
        .about("When the log is synced to the disk."),
    directive!("appendonly", append_only.enabled, YesNo).effects(&[Effect::AppendOnly])
        .about("Keeps a log of all changes."),
    directive!("auth-failure-delay", auth_failure_delay, Integer(0..=1000))
        .about("The milliseconds by which the reply to a failed login is put off; doubled by each further one."),
    directive!("auth-timeout", auth_timeout, INT)
        .about("The seconds that a client has to log in; 0: any time."),
    directive!("auto-aof-rewrite-min-size", append_only.rewrite_min_size, BYTES)
        .about("The bytes that the log has at least when it is rewritten by itself."),
    directive!("auto-aof-rewrite-percentage", append_only.rewrite_percentage, INT)
        .about("By how many percent the log grows before it is rewritten by itself; 0: it is not."),
    directive!("bind", bind, Addresses { most: 16 }).list().effects(LISTEN_ADDRESSES)
        .about("The addresses to listen at; one that begins with '-' may be missing, '*' is all of IPv4 and '::*' of IPv6."),
    directive!("busy-reply-threshold", busy_reply_threshold, COUNT).alias("lua-time-limit")
        .about("The milliseconds that a script runs before other clients are told that the server is busy."),
    directive!("client-output-buffer-limit", client_output_buffer_limit, BufferLimits)
        .list()
        .effects(&[Effect::OutputLimits])
        .about("When a client that does not read its replies is closed: class, hard limit, soft limit, seconds."),
    directive!("client-query-buffer-limit", client_query_buffer_limit, AT_LEAST_1MB)
        .about("The bytes that a client may have sent and that are not run yet."),
    directive!("commandlog-execution-slower-than", commandlog.slow.threshold, THRESHOLD)
        .alias("slowlog-log-slower-than")
        .effects(THRESHOLDS)
        .about("From how many microseconds on a command is logged as slow; -1: none is."),
    directive!("commandlog-large-reply-max-len", commandlog.large_reply.max_len, COUNT)
        .about("How many commands with a large reply are kept."),
    directive!("commandlog-large-request-max-len", commandlog.large_request.max_len, COUNT)
        .about("How many large requests are kept."),
    directive!("commandlog-reply-larger-than", commandlog.large_reply.threshold, THRESHOLD)
        .effects(THRESHOLDS)
        .about("From how many bytes on a reply is logged as large; -1: none is."),
    directive!("commandlog-request-larger-than", commandlog.large_request.threshold, THRESHOLD)
        .effects(THRESHOLDS)
        .about("From how many bytes on a request is logged as large; -1: none is."),
    directive!("commandlog-slow-execution-max-len", commandlog.slow.max_len, COUNT)
        .alias("slowlog-max-len")
        .about("How many slow commands are kept."),
    directive!("daemonize", daemonize, YesNo).immutable()
        .about("Goes on in the background, which respd leaves to whatever starts it."),
    Directive::new("databases", |config| INT.show(&config.databases), read_databases).immutable()
        .about("How many databases SELECT can choose from."),
    directive!("dbfilename", dbfilename, FileName("dbfilename")).protected()
        .about("The name of the file of a snapshot, in 'dir'."),
    directive!("dir", dir, FolderPath).protected().effects(&[Effect::Folder])
        .about("The folder of the files that are written."),
    directive!("enable-debug-command", enable_debug_command, OneOf).immutable()
        .about("Which clients may call DEBUG."),
    directive!("enable-protected-configs", enable_protected_configs, OneOf).immutable()
        .about("Which clients may change by CONFIG SET where files are written."),
    directive!("enable-stage-command", enable_stage_command, OneOf).immutable()
        .about("Which clients may call STAGE, which drives the server as a test double; 'no': there is no such command."),
    directive!("hash-max-listpack-entries", limits.hash_max_listpack_entries, COUNT)
        .alias("hash-max-ziplist-entries")
        .effects(STORE)
        .about("How many fields a compact hash has at most."),
    directive!("hash-max-listpack-value", limits.hash_max_listpack_value, BYTES)
        .alias("hash-max-ziplist-value")
        .effects(STORE)
        .about("The bytes of a field or value of a compact hash at most."),
    directive!("hll-sparse-max-bytes", limits.hll_sparse_max_bytes, BYTES).effects(STORE)
        .about("The bytes of a sparse HyperLogLog at most."),
    Directive::new("hz", |config| INT.show(&config.hz), read_hz)
        .about("How often a second background work is done, 1 to 500."),
    directive!("latency-monitor-threshold", latency_monitor_threshold, COUNT).effects(THRESHOLDS)
        .about("From how many milliseconds on LATENCY keeps an event; 0: none."),
    directive!("latency-tracking", latency_tracking, YesNo).effects(THRESHOLDS)
        .about("Counts for each command how long it takes."),
    directive!(
        "latency-tracking-info-percentiles",
        latency_tracking_info_percentiles,
        PercentileList
    )
    .list()
        .about("The percentiles of that which INFO shows."),
    directive!("lfu-decay-time", eviction.lfu_decay_time, INT).effects(STORE)
        .about("The minutes after which how often a key was used counts one less; 0: never."),
    directive!("lfu-log-factor", eviction.lfu_log_factor, INT).effects(STORE)
        .about("How slowly that count grows."),
    directive!("list-max-listpack-size", limits.list_max_listpack_size, SIGNED_INT)
        .alias("list-max-ziplist-size")
        .effects(STORE)
        .about("How many elements a compact list has at most; below zero: how many bytes, -1 to -5."),
    directive!("log-format", log_format, OneOf).immutable()
        .about("How a line of the log is written."),
    directive!("log-timestamp-format", log_timestamp_format, OneOf).immutable()
        .about("How the time is written in the log."),
    directive!("logfile", logfile, FilePath).immutable()
        .about("The file of the log; empty: standard error."),
    directive!("loglevel", loglevel, OneOf).effects(&[Effect::LogLevel])
        .about("The least severe message that is logged."),
    directive!("maxclients", maxclients, Integer(1..=u32::MAX as i64))
        .effects(&[Effect::FileDescriptors])
        .about("How many clients may be connected."),
    directive!(
        "maxclients-unauthenticated",
        maxclients_unauthenticated,
        Integer(0..=u32::MAX as i64)
    )
        .about("How many of them may be there without having logged in; 0: a quarter."),
    directive!("maxmemory", maxmemory, Memory(0..=u64::MAX)).effects(&[Effect::Memory])
        .about("The bytes of memory that may be used before keys are evicted; 0: any number."),
    directive!("maxmemory-clients", maxmemory_clients, MemoryOrPercent)
        .about("The bytes, or the percentage of 'maxmemory', that clients may hold before the largest are closed."),
    directive!("maxmemory-policy", eviction.policy, OneOf).effects(STORE)
        .about("Which keys are evicted when memory is short."),
    directive!("maxmemory-samples", eviction.samples, Integer(1..=64)).effects(STORE)
        .about("How many keys are looked at to evict one."),
    directive!("no-appendfsync-on-rewrite", append_only.no_fsync_on_rewrite, YesNo)
        .about("Does not sync the log while a snapshot or a base is written."),
    directive!("notify-keyspace-events", notify_keyspace_events, EventLetters)
        .effects(&[Effect::KeyspaceEvents])
        .about("Which events of keys are published, as letters of Ag$lshzxeKEtmdn."),
    Directive::new("persona", |config| OneOf.show(&config.persona), read_persona).immutable()
        .about("The server to answer as."),
    directive!("pidfile", pidfile, FilePath).immutable()
        .about("The file that holds the process id while the server runs; empty: there is none."),
    Directive::new("port", |config| PORT.show(&config.port), read_port)
        .effects(&[Effect::ListenPorts])
        .about("The port for clients; 0: none."),
    directive!("protected-mode", protected_mode, YesNo)
        .about("Turns away clients of other machines as long as the default user needs no password."),
    directive!("proto-max-bulk-len", proto_max_bulk_len, AT_LEAST_1MB)
        .about("The bytes of an argument at most."),
    directive!("proxy-protocol-from", proxy_protocol_from, NetworkList).list()
        .about("The addresses and networks of proxies, whose connections begin with a PROXY header."),
    directive!("rdb-save-incremental-fsync", rdb_save_incremental_fsync, YesNo)
        .about("Syncs a snapshot bit by bit while it is written."),
    directive!("rdbchecksum", rdbchecksum, YesNo).immutable()
        .about("Ends a snapshot with a checksum."),
    directive!("rdbcompression", rdbcompression, YesNo)
        .about("Compresses the strings of a snapshot."),
    directive!("requirepass", requirepass, Password).secret().effects(&[Effect::DefaultPassword])
        .about("The password of the default user; empty: none is asked for."),
    directive!("save", save, SavePoints).list().cumulative().effects(SNAPSHOT_ERRORS)
        .about("When a snapshot is written: after so many seconds, if there were so many changes; any number of pairs."),
    directive!("set-max-intset-entries", limits.set_max_intset_entries, COUNT).effects(STORE)
        .about("How many members a set of integers has at most to be compact."),
    directive!("set-max-listpack-entries", limits.set_max_listpack_entries, COUNT).effects(STORE)
        .about("How many members a compact set has at most."),
    directive!("set-max-listpack-value", limits.set_max_listpack_value, COUNT).effects(STORE)
        .about("The bytes of a member of a compact set at most."),
    directive!("shutdown-on-sigint", shutdown_on_sigint, ShutdownOptions).list()
        .about("What SIGINT does, as the options of SHUTDOWN."),
    directive!("shutdown-on-sigterm", shutdown_on_sigterm, ShutdownOptions).list()
        .about("What SIGTERM does, as the options of SHUTDOWN."),
    directive!("start-ready", start_ready, YesNo).immutable()
        .about("Serves as soon as it listens; else it waits to be told."),
    directive!("stop-writes-on-bgsave-error", stop_writes_on_bgsave_error, YesNo)
        .effects(SNAPSHOT_ERRORS)
        .about("Clients may not write while snapshots fail."),
    directive!("stream-node-max-bytes", limits.stream_node_max_bytes, BYTES).effects(STORE)
        .about("The bytes of a node of a stream at most."),
    directive!("stream-node-max-entries", limits.stream_node_max_entries, COUNT).effects(STORE)
        .about("How many entries a node of a stream has at most."),
    directive!("supervised", supervised, OneOf).immutable()
        .about("What supervises the server and is told how it is."),
    directive!("tcp-backlog", tcp_backlog, INT).immutable()
        .about("How many connections may wait to be accepted."),
    directive!("tcp-keepalive", tcp_keepalive, INT).effects(&[Effect::TcpKeepalive])
        .about("The seconds of silence after which the system probes a client; 0: never."),
    directive!("timeout", timeout, INT)
        .about("The seconds after which an idle client is closed; 0: never."),
    directive!("tracking-table-max-keys", tracking_table_max_keys, COUNT)
        .about("How many keys are remembered for clients that track them; 0: any number."),
    directive!("unixsocket", unixsocket, FilePath).immutable()
        .about("The path of the unix socket; empty: there is none."),
    directive!("unixsocketperm", unixsocketperm, OctalMode).immutable()
        .about("The mode of the unix socket, in octal; 0: as the umask leaves it."),
    directive!("unknown-directives", unknown_directives, OneOf).immutable()
        .about("Whether lines of directives that are not known are errors, or left out and warned of."),
    directive!("zset-max-listpack-entries", limits.zset_max_listpack_entries, COUNT)
        .alias("zset-max-ziplist-entries")
        .effects(STORE)
        .about("How many members a compact sorted set has at most."),
    directive!("zset-max-listpack-value", limits.zset_max_listpack_value, BYTES)
        .alias("zset-max-ziplist-value")
        .effects(STORE)
        .about("The bytes of a member of a compact sorted set at most."),
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

/// Every row there is.
pub(crate) fn all() -> impl Iterator<Item = &'static Directive> {
    TABLES.into_iter().flatten()
}

/// The tables of directives, each in the order of their names.
const TABLES: [&[Directive]; 4] =
    [DIRECTIVES, replication::ROWS, surroundings::ROWS, encryption::ROWS];

/// The directive called `name`, and the lower-case spelling of that name: its own or its alias.
pub(crate) fn find(name: &[u8]) -> Option<(&'static str, &'static Directive)> {
    let sought = name.to_ascii_lowercase();
    let by_name = |table: &'static [Directive]| {
        let at = table.binary_search_by(|row| row.name.as_bytes().cmp(&sought)).ok()?;
        table.get(at).map(|row| (row.name, row))
    };
    let by_alias = |row: &'static Directive| {
        row.alias.filter(|alias| alias.as_bytes() == sought).map(|alias| (alias, row))
    };
    TABLES.into_iter().find_map(by_name).or_else(|| all().find_map(by_alias))
}

/// Every name there is, aliases too.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static Directive)> {
    all().flat_map(|directive| {
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
        for rows in [DIRECTIVES, replication::ROWS, surroundings::ROWS, encryption::ROWS] {
            let order: Vec<_> = rows.iter().map(|directive| directive.name).collect();
            assert!(order.is_sorted(), "{order:?}");
        }
        let mut all: Vec<_> = names().map(|(name, _)| name).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|name| name.to_ascii_lowercase() == *name));
    }

    #[test]
    fn every_row_says_in_a_sentence_what_it_means() {
        for directive in all() {
            assert!(directive.about.ends_with('.'), "{}", directive.name);
        }
    }

    #[test]
    fn every_default_is_taken_as_it_is_shown() {
        // Without a folder `dir` shows nothing, and nothing is no folder.
        for directive in all().filter(|directive| directive.name != "dir") {
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
        for directive in all() {
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
