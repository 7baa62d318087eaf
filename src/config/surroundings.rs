//! Directives of the reference about what respd does otherwise or leaves to others: its threads, its memory, the
//! operating system, modules, and what its own tests need.

use super::directive::{Class, Directive, fixed, recall, remember, unused};
use super::kind::{Checked, Integer, Kind, Memory, Names, Only, OomScores, Text, YesNo};

const INT: Integer = Integer(0..=i32::MAX as i64);
const SIGNED_INT: Integer = Integer(i32::MIN as i64..=i32::MAX as i64);
const PORT: Integer = Integer(0..=u16::MAX as i64);

const NO_EFFORT: &str = "respd removes every key when its time has come";
const NO_DEFRAGMENTATION: &str = "respd does not move what it has allocated";
const NO_WAIT: &str = "respd frees memory in small steps, so that no client waits for it";
const SMALL_STEPS: &str = "respd's tables grow and shrink in small steps";
const ONE_THREAD: &str = "respd runs on one thread";
const NO_MODULES: &str = "respd loads no modules";
const NO_CRASH_REPORT: &str = "a panic of respd is logged and ends the command alone";
const NO_TESTS: &str = "it is for the tests of the reference";
const NO_RDMA: &str = "respd listens on TCP and unix sockets";
const NOT_HERE: &str = "it is no concern of respd's";
const ALLOCATOR: &str = "respd has another allocator";
const PREFETCH: &str = "respd reads ahead as many requests as are worth it";
const OWN_AFFINITY: &str =
    "respd does not choose its processors: start it with taskset, or with CPUAffinity= in its unit";
const OWN_OOM_SCORE: &str = "respd leaves its score alone: set OOMScoreAdjust= in its unit, or oom_score_adj of the container";
const NO_SYSLOG: &str =
    "respd logs to standard error or to 'logfile': let systemd's journal or logger(1) pass it on";
const NO_CONNECTIONS: &str = "respd connects to no other server";
const COMPARES_BYTES: &str = "SORT compares bytes, as by 'C', 'POSIX' and 'C.UTF-8'";
const NO_CYCLES: &str = "respd accepts as many as come";

const OOM_SCORES: Names = Names(&["no", "yes", "relative", "absolute"]);
const CALLERS: Names = Names(&["no", "yes", "local"]);
const FACILITIES: Names = Names(&[
    "user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
]);

const BAD_TEMPLATE: &str = "template format is invalid or contains unknown variables";

/// Returns whether a template of a title names nothing but what there is, and comes to a text. `{{` is a brace.
fn is_title_template(template: &[u8]) -> bool {
    let (mut rest, mut is_empty) = (template, true);
    while let Some((&first, more)) = rest.split_first() {
        if first != b'{' || more.first() == Some(&b'{') {
            is_empty &= first == b' ';
            rest = if first == b'{' { &more[1..] } else { more };
            continue;
        }
        let Some(end) = more.iter().position(|&byte| byte == b'}') else {
            return false;
        };
        match &more[..end] {
            b"listen-addr" | b"server-mode" | b"port" | b"tls-port" => is_empty = false,
            // There may be none of these.
            b"title" | b"unixsocket" | b"config-file" => {}
            _ => return false,
        }
        rest = &more[end + 1..];
    }
    !is_empty
}

/// Returns whether a locale compares texts by their bytes.
fn is_bytewise(locale: &[u8]) -> bool {
    [&b""[..], b"C", b"POSIX", b"C.UTF-8", b"C.utf8"].contains(&locale)
}

/// In the order of their names.
pub(super) const ROWS: &[Directive] = &[
    unused!("active-defrag-cycle-max", Integer(1..=99), 25, NO_DEFRAGMENTATION)
        .about("The percentage of time that defragmentation takes at most."),
    unused!("active-defrag-cycle-min", Integer(1..=99), 1, NO_DEFRAGMENTATION)
        .about("The percentage of time that defragmentation takes at least."),
    unused!("active-defrag-cycle-us", Integer(0..=100_000), 500, NO_DEFRAGMENTATION)
        .about("The microseconds of a step of defragmentation."),
    unused!(
        "active-defrag-ignore-bytes",
        Memory(1..=i64::MAX as u64),
        100 << 20,
        NO_DEFRAGMENTATION
    )
    .about("The bytes of waste from which defragmentation begins."),
    unused!("active-defrag-max-scan-fields", Integer(1..=i64::MAX), 1000, NO_DEFRAGMENTATION)
        .about("The elements of a collection that is defragmented at once."),
    unused!("active-defrag-threshold-lower", Integer(0..=1000), 10, NO_DEFRAGMENTATION)
        .about("The percentage of waste from which defragmentation begins."),
    unused!("active-defrag-threshold-upper", Integer(0..=1000), 100, NO_DEFRAGMENTATION)
        .about("The percentage of waste at which defragmentation does all it can."),
    unused!("active-expire-effort", Integer(1..=10), 1, NO_EFFORT)
        .about("How much is done to find keys that have expired."),
    fixed!("activedefrag", YesNo, false, NO_DEFRAGMENTATION)
        .about("Moves values in memory to join what is free."),
    unused!("activerehashing", YesNo, true, SMALL_STEPS)
        .about("Grows and shrinks tables in idle time."),
    unused!("always-show-logo", YesNo, false, NOT_HERE)
        .immutable()
        .about("Logs a drawing when the server starts."),
    unused!("aof-disable-auto-gc", YesNo, false, NO_TESTS)
        .hidden()
        .about("Keeps the files of the log that are no longer needed."),
    fixed!("aof-rewrite-cpulist", Text, Vec::new(), OWN_AFFINITY)
        .alias("aof_rewrite_cpulist")
        .immutable()
        .about("The processors on which the log is rewritten."),
    unused!("availability-zone", Text, Vec::new(), NOT_HERE)
        .about("The zone of a cloud in which the server runs."),
    fixed!("bgsave-cpulist", Text, Vec::new(), OWN_AFFINITY)
        .alias("bgsave_cpulist")
        .immutable()
        .about("The processors on which snapshots are written."),
    unused!("bind-source-addr", Text, Vec::new(), NO_CONNECTIONS)
        .about("The address from which the server connects to others."),
    fixed!("bio-cpulist", Text, Vec::new(), OWN_AFFINITY)
        .alias("bio_cpulist")
        .immutable()
        .about("The processors of the threads in the background."),
    unused!("crash-log-enabled", YesNo, true, NO_CRASH_REPORT)
        .about("Logs a report when the server crashes."),
    unused!("crash-memcheck-enabled", YesNo, true, NO_CRASH_REPORT)
        .about("Checks the memory when the server crashes."),
    unused!("debug-context", Text, Vec::new(), NO_TESTS)
        .hidden()
        .about("A note for a report of a crash."),
    unused!("disable-thp", YesNo, true, ALLOCATOR)
        .immutable()
        .about("Asks the system for no huge pages."),
    unused!("dynamic-hz", YesNo, true, NOT_HERE)
        .about("Does background work more often when there are many clients."),
    unused!("enable-debug-assert", YesNo, false, NO_TESTS)
        .immutable()
        .hidden()
        .about("Checks what should never be wrong."),
    unused!("enable-module-command", CALLERS, "no", NO_MODULES)
        .immutable()
        .about("Which clients may call MODULE."),
    fixed!(
        "extended-redis-compatibility",
        YesNo,
        false,
        "respd answers as another server by 'persona'"
    )
    .about("Answers as Redis does."),
    fixed!("gopher-enabled", YesNo, false, "respd does not speak the Gopher protocol")
        .hidden()
        .about("Answers requests of the Gopher protocol."),
    fixed!("hash-seed", Text, Vec::new(), "respd's tables have seeds that no one can know")
        .immutable()
        .about("Fixes the order in which keys are found."),
    unused!("hide-user-data-from-log", YesNo, true, "respd logs no data of users")
        .about("Keeps data of users out of the log."),
    unused!("ignore-warnings", Text, Vec::new(), NOT_HERE)
        .about("Warnings about the system that stop nothing."),
    fixed!("import-mode", YesNo, false, "respd does not copy the keys of another server")
        .about("Expires no keys while another server's are copied."),
    fixed!("io-threads", Integer(1..=256), 1, ONE_THREAD).about("How many threads read and write."),
    unused!("io-threads-always-active", YesNo, false, ONE_THREAD)
        .hidden()
        .about("Uses all threads also when there is little to do."),
    unused!("io-threads-do-reads", YesNo, false, ONE_THREAD)
        .immutable()
        .about("Threads read, too."),
    unused!("jemalloc-bg-thread", YesNo, true, ALLOCATOR)
        .about("Gives memory back to the system in the background."),
    unused!("key-load-delay", SIGNED_INT, 0, NO_TESTS)
        .hidden()
        .about("The microseconds for which loading stops at each key."),
    unused!("lazyexpire-nested-arbitrary-keys", YesNo, true, NO_EFFORT)
        .hidden()
        .about("Removes expired keys in scripts that did not name them."),
    unused!("lazyfree-lazy-eviction", YesNo, true, NO_WAIT)
        .about("Frees evicted keys in the background."),
    unused!("lazyfree-lazy-expire", YesNo, true, NO_WAIT)
        .about("Frees expired keys in the background."),
    unused!("lazyfree-lazy-server-del", YesNo, true, NO_WAIT)
        .about("Frees overwritten values in the background."),
    unused!("lazyfree-lazy-user-del", YesNo, true, NO_WAIT)
        .about("DEL frees in the background, as UNLINK does."),
    unused!("lazyfree-lazy-user-flush", YesNo, true, NO_WAIT)
        .about("FLUSHALL and FLUSHDB free in the background."),
    fixed!("list-compress-depth", INT, 0, "respd does not compress lists")
        .about("How many nodes at the ends of a list are not compressed."),
    unused!(
        "loading-process-events-interval-bytes",
        Integer(1024..=i32::MAX as i64),
        2 << 20,
        NO_TESTS
    )
    .hidden()
    .about("The bytes that are loaded between turns of the server."),
    unused!("locale-collate", Checked(is_bytewise, COMPARES_BYTES), Vec::new(), COMPARES_BYTES)
        .about("The language by which SORT ALPHA compares."),
    fixed!(
        "lua-enable-deprecated-api",
        YesNo,
        false,
        "respd's scripts see what the reference's see by default"
    )
    .immutable()
    .hidden()
    .about("Scripts see functions that are deprecated."),
    fixed!(
        "lua-enable-insecure-api",
        YesNo,
        false,
        "respd's scripts see what the reference's see by default"
    )
    .immutable()
    .hidden()
    .about("Scripts see functions that are not safe."),
    unused!("max-new-connections-per-cycle", Integer(1..=1000), 10, NO_CYCLES)
        .about("How many connections are accepted in a turn."),
    unused!("max-new-tls-connections-per-cycle", Integer(1..=1000), 1, NO_CYCLES)
        .about("How many TLS connections are accepted in a turn."),
    unused!(
        "maxmemory-eviction-tenacity",
        Integer(0..=100),
        10,
        "respd evicts until there is room"
    )
    .about("How long a command waits while keys are evicted."),
    unused!("min-io-threads-avoid-copy-reply", INT, 7, ONE_THREAD)
        .hidden()
        .about("From how many threads on long replies are not copied."),
    unused!("min-string-size-avoid-copy-reply", INT, 16384, ONE_THREAD)
        .hidden()
        .about("From how many bytes on replies are not copied."),
    unused!("min-string-size-avoid-copy-reply-threaded", INT, 65536, ONE_THREAD)
        .hidden()
        .about("From how many bytes on replies are not copied, with threads."),
    fixed!("mptcp", YesNo, false, "respd listens on plain TCP")
        .immutable()
        .about("Listens on several paths of the network."),
    fixed!("oom-score-adj", OOM_SCORES, "no", OWN_OOM_SCORE)
        .about("Tells the system how ready it is to be killed when memory is short."),
    unused!("oom-score-adj-values", OomScores, [0, 200, 800], OWN_OOM_SCORE)
        .list()
        .about("The scores of a primary, a replica and a child."),
    unused!("prefetch-batch-max-size", Integer(0..=128), 16, PREFETCH)
        .about("How many keys are fetched ahead."),
    unused!(
        "proc-title-template",
        Checked(is_title_template, BAD_TEMPLATE),
        b"{title} {listen-addr} {server-mode}".to_vec(),
        NOT_HERE
    )
    .about("What ps(1) shows of the server."),
    unused!("rdb-key-save-delay", SIGNED_INT, 0, NO_TESTS)
        .hidden()
        .about("The microseconds for which writing stops at each key."),
    fixed!(
        "rdb-version-check",
        Names(&["strict", "relaxed"]),
        "strict",
        "respd loads no snapshot of a version that it does not know"
    )
    .about("Refuses snapshots of later versions."),
    fixed!("rdma-bind", Text, Vec::new(), NO_RDMA).about("The addresses to listen at with RDMA."),
    unused!("rdma-completion-vector", Integer(-1..=1024), -1, NO_RDMA)
        .immutable()
        .about("The processor that RDMA interrupts."),
    fixed!("rdma-port", PORT, 0, NO_RDMA).about("The port of RDMA."),
    unused!("rdma-rx-size", Integer(65536..=16 << 20), 1 << 20, NO_RDMA)
        .immutable()
        .about("The bytes of the buffer of RDMA."),
    unused!(
        "sanitize-dump-payload",
        Names(&["no", "yes", "clients"]),
        "no",
        "respd always checks payloads in full"
    )
    .about("Checks payloads of RESTORE and snapshots in full."),
    fixed!("server-cpulist", Text, Vec::new(), OWN_AFFINITY)
        .alias("server_cpulist")
        .immutable()
        .about("The processors of the server."),
    unused!("set-proc-title", YesNo, true, NOT_HERE)
        .immutable()
        .about("Shows more of the server in ps(1)."),
    unused!("shutdown-timeout", INT, 10, "there are no replicas to wait for")
        .about("The seconds for which SHUTDOWN waits for replicas."),
    fixed!("socket-mark-id", Integer(0..=u32::MAX as i64), 0, "respd marks no packets")
        .immutable()
        .about("Marks packets for the filter of the system."),
    fixed!("syslog-enabled", YesNo, false, NO_SYSLOG).immutable().about("Logs to syslog."),
    unused!("syslog-facility", FACILITIES, "local0", NO_SYSLOG)
        .immutable()
        .about("The facility of syslog."),
    unused!("syslog-ident", Text, b"respd".to_vec(), NO_SYSLOG)
        .immutable()
        .about("The name in syslog."),
    fixed!(
        "unixsocketgroup",
        Text,
        Vec::new(),
        "respd leaves the group alone: start it in that group, and set 'unixsocketperm'"
    )
    .immutable()
    .about("The group of the unix socket."),
    unused!("use-exit-on-panic", YesNo, false, NO_TESTS)
        .hidden()
        .about("Exits rather than aborts."),
    unused!("vset-force-single-threaded-execution", YesNo, false, "respd has no vector sets")
        .about("Vector sets use one thread."),
    unused!("watchdog-period", INT, 0, NO_TESTS)
        .hidden()
        .about("The milliseconds after which a slow turn is logged."),
];
