//! INFO: the server described in sections of `name:value` lines.
//!
//! Tools read these names, so they are Valkey 9.1's, in its order; those that name the product are its
//! persona's. A number is reported where respd has a truth for it. For what it does not do (replication) the
//! truth is zero, `none` or `ok`, and the fields that tools look for say so. Left out is what respd does not measure: allocator statistics, turns of the event loop.
//!
//! **Adding a section is one row of `SECTIONS` and one function.**

mod report;
mod staged;

use std::time::Duration;

use super::connection;
use super::memory::Summary;
use crate::clock::Now;
use crate::dispatch::Ctx;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::category::DANGEROUS;
use crate::dispatch::spec::flag::*;
use crate::error::{self, Error};
use crate::listeners::{Held, Topic};
use crate::persistence::{log, snapshots};
use crate::telemetry::process;
use crate::telemetry::stats::ScriptStats;
use crate::wire::Args;
use crate::world::World;
use report::{Report, human};

pub(crate) const TABLE: &[Spec] = &[Spec::new("info", -1, LOADING | STALE | SENTINEL, info)
    .acl(DANGEROUS)
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
    .doc(
        "1.0.0",
        "O(1)",
        "[section...]",
        "Reports on the server in sections of `name:value` lines.",
    )
    .history(&[("7.0.0", "Takes several sections.")])];

/// A report without the sections that are shown on request is a little shorter, in bytes.
const USUAL: usize = 8 * 1024;

/// A part of the report.
struct Section {
    /// Its title. The argument that asks for it is the same without blanks, in capitals or not.
    title: &'static str,
    /// Whether it is shown to who asks for nothing, or for `default`.
    is_default: bool,
    /// Whether Redis has it, too.
    is_of_redis: bool,
    write: fn(&mut Report, &Ctx<'_>),
}

impl Section {
    const fn new(title: &'static str, write: fn(&mut Report, &Ctx<'_>)) -> Section {
        Section { title, is_default: true, is_of_redis: true, write }
    }

    /// Shown to who asks for it by name, and to who asks for `all` or `everything`.
    const fn on_request(mut self) -> Section {
        self.is_default = false;
        self
    }

    /// Unknown to personas of Redis.
    const fn of_valkey(mut self) -> Section {
        self.is_of_redis = false;
        self
    }

    fn answers(&self, word: &[u8]) -> bool {
        let is = |known: &str| word.eq_ignore_ascii_case(known.as_bytes());
        is(&self.title.replace(' ', ""))
            || is("all")
            || is("everything")
            || (self.is_default && is("default"))
    }
}

/// All sections, in the order of the report.
const SECTIONS: &[Section] = &[
    Section::new("Server", server),
    Section::new("TLS", tls).on_request().of_valkey(),
    Section::new("Clients", clients),
    Section::new("Memory", memory),
    Section::new("Persistence", persistence),
    Section::new("Stats", stats),
    Section::new("Replication", replication),
    Section::new("CPU", cpu),
    Section::new("Modules", |_, _| {}),
    Section::new("Commandstats", command_stats).on_request(),
    Section::new("Errorstats", error_stats),
    Section::new("Latencystats", latency_stats).on_request(),
    Section::new("Cluster", cluster),
    Section::new("Scripting Engines", scripting_engines).on_request().of_valkey(),
    Section::new("Keyspace", keyspace),
];

/// The section that only a Sentinel has, behind the others.
const OF_SENTINEL: Section = Section::new("Sentinel", staged::sentinel);

/// INFO [section...]
///
/// A section that does not exist is no error: it is an empty report, or missing from a longer one.
fn info(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.len() > 2 && !ctx.world.config.persona.is_at_least("7.0.0") {
        return Err(error::SYNTAX);
    }
    let persona = ctx.world.config.persona;
    let mut report = Report { text: String::with_capacity(USUAL), persona };
    let is_sentinel = ctx.world.sentinel_of(ctx.slot).is_some();
    let is_there = |section: &&Section| !is_sentinel || staged::is_of_sentinel(section.title);
    let own = is_sentinel.then_some(&OF_SENTINEL);
    for section in SECTIONS.iter().chain(own).filter(is_there) {
        let is_asked_for = match args.len() {
            1 => section.is_default,
            _ => args.from(1).any(|word| section.answers(word)),
        };
        if is_asked_for && (section.is_of_redis || !persona.is_redis()) {
            report.title(section.title);
            (section.write)(&mut report, ctx);
        }
    }
    ctx.reply.verbatim(b"txt", report.text.as_bytes());
    Ok(())
}

/// One engine, if this server has scripts. It is part of the server, and has no memory beside that of its states.
fn scripting_engines(report: &mut Report, ctx: &Ctx<'_>) {
    let is_there = cfg!(feature = "lua");
    let memory = ctx.world.stats.scripts.all_lua_memory();
    report.field("engines_count", u8::from(is_there));
    report.field("engines_total_used_memory", memory);
    report.zeros(&["engines_total_memory_overhead"]);
    if is_there {
        let engine = format_args!(
            "name=LUA,module=built-in,abi_version=4,used_memory={memory},memory_overhead=0"
        );
        report.field("engine_0", engine);
    }
}

fn server(report: &mut Report, ctx: &Ctx<'_>) {
    const BITS: u32 = usize::BITS;
    let world = &*ctx.world;
    let process = &world.process;
    let now = world.now.wall;
    let persona = world.config.persona;
    persona.identity.iter().for_each(|(name, value)| report.field(name, value));
    // This is how the reference spells "unknown".
    report.field("redis_git_sha1", "00000000");
    report.zeros(&["redis_git_dirty", "redis_build_id"]);
    let (mode, _) = connection::mode_and_role(ctx);
    persona.mode_fields.iter().for_each(|name| report.field(name, mode));
    report.field("os", &process.os);
    report.field("arch_bits", BITS);
    report.field("monotonic_clock", "POSIX clock_gettime");
    report.field("multiplexing_api", MULTIPLEXING_API);
    report.field("gcc_version", "0.0.0");
    report.field("process_id", process.pid);
    report.field("process_supervised", "no");
    let (port, run_id) = staged::port_and_run(ctx);
    report.field("run_id", run_id);
    report.field("tcp_port", port);
    report.field("server_time_usec", now);
    report.field("uptime_in_seconds", world.uptime());
    report.field("uptime_in_days", world.uptime() / (24 * 60 * 60));
    report.field("hz", world.config.hz);
    report.field("configured_hz", world.config.hz);
    report.field("clients_hz", world.config.hz);
    // Seconds in 24 bits, which is what a key remembers of its last use.
    report.field("lru_clock", (now / 1_000_000) & 0xff_ffff);
    report.field("executable", process.executable.display());
    report.field("config_file", process.config_file.as_deref().unwrap_or("".as_ref()).display());
    report.zeros(&["io_threads_active"]);
    report.field("availability_zone", "");
    // The addresses that have kind and port in common share a line.
    let lines = process.listeners.chunk_by(|a, b| (a.name, a.port) == (b.name, b.port));
    for (index, listeners) in lines.enumerate() {
        let mut line = format!("name={}", listeners[0].name);
        for listener in listeners {
            line += &format!(",bind={}", listener.bind);
        }
        if let Some(port) = listeners[0].port {
            line += &format!(",port={port}");
        }
        report.field(&format!("listener{index}"), line);
    }
}

/// respd shows no certificate as a client, for it is none.
fn tls(report: &mut Report, ctx: &Ctx<'_>) {
    let world = &*ctx.world;
    let now = world.now.wall / 1_000_000;
    let certificates = &world.certificates;
    for (name, certificate) in
        [("server", &certificates.server), ("client", &None), ("ca", &certificates.authority)]
    {
        let serial = certificate.as_ref().map_or("none", |certificate| &certificate.serial);
        let left = certificate.as_ref().map_or(0, |known| known.expires.saturating_sub(now));
        report.field(&format!("tls_{name}_cert_serial"), serial);
        report.field(&format!("tls_{name}_cert_expires_in_seconds"), left);
    }
}

/// What mio waits with.
const MULTIPLEXING_API: &str =
    if cfg!(any(target_os = "linux", target_os = "android")) { "epoll" } else { "kqueue" };

fn clients(report: &mut Report, ctx: &Ctx<'_>) {
    let world = &*ctx.world;
    report.field("connected_clients", world.clients.staying());
    report.zeros(&["cluster_connections"]);
    report.field("maxclients", world.config.maxclients);
    report.field("client_recent_max_input_buffer", world.stats.max_input_buffer);
    report.field("client_recent_max_output_buffer", world.stats.max_output_buffer);
    report.field("blocked_clients", world.waiters.len() + world.held_back());
    report.field("tracking_clients", world.tracking.clients());
    report.field("pubsub_clients", world.pubsub.clients());
    report.field("watching_clients", world.watches.clients());
    report.field("clients_in_timeout_table", world.waiters.deadlines());
    report.field("total_watched_keys", world.watches.len());
    report.field("total_blocking_keys", world.waiters.keys());
    report.field("total_blocking_keys_on_nokey", world.waiters.keys_or_gone());
    let pause = world.pause.as_ref();
    let actions = pause.map_or("none", |pause| match pause.held {
        Held::Writes => "write",
        Held::All => "all",
    });
    report.field("paused_reason", if pause.is_some() { "client_pause" } else { "none" });
    report.field("paused_actions", actions);
    let left = pause.map_or(0, |pause| pause.until.saturating_sub(world.now.mono));
    report.field("paused_timeout_milliseconds", left.div_ceil(1000));
}

/// Statistics of the allocator are left out: it is the system's, and has none to tell.
fn memory(report: &mut Report, ctx: &Ctx<'_>) {
    let world = &*ctx.world;
    let summary = Summary::new(world);
    report.bytes("used_memory", summary.used as u64);
    report.bytes("used_memory_rss", summary.resident as u64);
    report.bytes("used_memory_peak", summary.peak as u64);
    report.field("used_memory_peak_perc", format_args!("{:.2}%", summary.peak_share()));
    report.field("used_memory_overhead", summary.overhead);
    report.field("used_memory_startup", summary.startup);
    report.field("used_memory_dataset", summary.dataset());
    report.field("used_memory_dataset_perc", format_args!("{:.2}%", summary.dataset_share()));
    report.bytes("total_system_memory", world.process.total_memory);
    script_memory(report, &world.stats.scripts);
    report.bytes("maxmemory", world.config.maxmemory as u64);
    report.field("maxmemory_policy", world.config.eviction.policy.name());
    report.field("mem_fragmentation_ratio", format_args!("{:.2}", summary.fragmentation()));
    report.field("mem_fragmentation_bytes", summary.fragmented());
    report.field("mem_not_counted_for_evict", 0);
    report.zeros(&[
        "mem_replication_backlog",
        "mem_total_replication_buffers",
        "mem_replicas_repl_buffer",
        "mem_clients_slaves",
    ]);
    report.field("mem_clients_normal", world.clients.memory());
    report.zeros(&[
        "mem_cluster_links",
        "mem_cluster_slot_import",
        "mem_cluster_slot_export",
        "mem_aof_buffer",
    ]);
    report.field("mem_allocator", "libc");
    report.zeros(&["mem_overhead_db_hashtable_rehashing", "active_defrag_running"]);
    report.field("lazyfree_pending_objects", world.store.unfreed_objects());
    report.field("lazyfreed_objects", world.store.shared.freed_later);
}

/// The Lua state of scripts has the name `lua`, from the time when it was the only one.
fn script_memory(report: &mut Report, scripts: &ScriptStats) {
    report.field("used_memory_lua", scripts.lua_memory);
    report.field("used_memory_vm_eval", scripts.lua_memory);
    report.field("used_memory_lua_human", human(scripts.lua_memory as u64));
    report.field("used_memory_scripts_eval", scripts.code_memory);
    report.field("number_of_cached_scripts", scripts.cached);
    report.field("number_of_functions", scripts.functions);
    report.field("number_of_libraries", scripts.libraries);
    report.field("used_memory_vm_functions", scripts.functions_lua_memory);
    report.bytes("used_memory_vm_total", scripts.all_lua_memory() as u64);
    report.field("used_memory_functions", scripts.functions_memory);
    report.bytes("used_memory_scripts", scripts.all_code_memory() as u64);
}

/// Nothing is ever saved or loaded. `ok` is the state of what has never been tried, -1 the time it took.
fn persistence(report: &mut Report, ctx: &Ctx<'_>) {
    let world = &*ctx.world;
    let (status, saving) = (snapshots::status(world), snapshots::progress(world));
    report.field("loading", u8::from(world.unready_since().is_some()));
    report.field("async_loading", 0);
    report.field("current_cow_peak", saving.map_or(0, |saving| saving.peak));
    report.field("current_cow_size", saving.map_or(0, |saving| saving.kept));
    report.field("current_cow_size_age", 0);
    let (recorded, keys) = saving.map_or((0, 0), |saving| (saving.recorded, saving.keys));
    let percent = if keys == 0 { 0.0 } else { recorded as f64 * 100.0 / keys as f64 };
    report.field("current_fork_perc", format_args!("{percent:.2}"));
    report.field("current_save_keys_processed", recorded);
    report.field("current_save_keys_total", keys);
    let unsaved = status.map_or(0, |status| status.unsaved_changes(world));
    report.field("rdb_changes_since_last_save", unsaved);
    report.field("rdb_bgsave_in_progress", u8::from(saving.is_some()));
    // Before the first save it is the time of the start, as in the reference.
    let last_save = status.map_or(world.started, |status| status.last_save);
    report.field("rdb_last_save_time", last_save.seconds());
    report.field("rdb_last_bgsave_status", if world.is_unsaved() { "err" } else { "ok" });
    report.seconds("rdb_last_bgsave_time_sec", status.and_then(|status| status.last_took));
    report.seconds("rdb_current_bgsave_time_sec", saving.map(|saving| saving.seconds));
    report.field("rdb_saves", world.stats.snapshots);
    report.field("rdb_last_cow_size", status.map_or(0, |status| status.last_peak));
    let loaded = status.map(|status| status.loaded).unwrap_or_default();
    report.field("rdb_last_load_keys_expired", loaded.expired);
    report.field("rdb_last_load_keys_loaded", loaded.keys);
    let log = log::status(world);
    let health = |has_failed: bool| if has_failed { "err" } else { "ok" };
    report.field("aof_enabled", u8::from(log.is_on));
    report.field("aof_rewrite_in_progress", u8::from(log.is_rewriting));
    report.field("aof_rewrite_scheduled", u8::from(log.is_scheduled));
    report.seconds("aof_last_rewrite_time_sec", log.last_rewrite_took);
    report.seconds("aof_current_rewrite_time_sec", log.rewriting_for);
    report.field("aof_last_bgrewrite_status", health(log.has_rewrite_failed));
    report.field("aof_rewrites", log.rewrites);
    report.field("aof_rewrites_consecutive_failures", log.failures);
    report.field("aof_last_write_status", health(log.has_write_failed));
    report.field("aof_last_cow_size", log.last_peak);
    report.zeros(&[
        "module_fork_in_progress",
        "module_fork_last_cow_size",
        "slot_migration_fork_in_progress",
    ]);
    if log.is_on {
        report.field("aof_current_size", log.size);
        report.field("aof_base_size", log.base_size);
        report.field("aof_pending_rewrite", 0);
        report.field("aof_buffer_length", log.buffered);
        report.field("aof_pending_bio_fsync", u8::from(log.is_syncing));
        report.field("aof_delayed_fsync", log.delayed);
    }
    if let Some(since) = world.unready_since() {
        loading(report, world, since);
    }
}

/// How far the file has been loaded, and when it will be. How long a server will wait that only was told that it is not
/// ready is not known: the reference then says a second, too.
fn loading(report: &mut Report, world: &World, since: Now) {
    let loading = world.loading();
    let (total, loaded) = loading.map_or((0, 0), |loading| (loading.total, loading.loaded));
    report.field("loading_start_time", since.seconds());
    report.field("loading_total_bytes", total);
    report.field("loading_rdb_used_mem", loading.map_or(0, |loading| loading.used_memory));
    report.field("loading_loaded_bytes", loaded);
    let percent = if total == 0 { 0.0 } else { loaded as f64 * 100.0 / total as f64 };
    report.field("loading_loaded_perc", format_args!("{percent:.2}"));
    let elapsed = (world.now.mono - since.mono) / 1_000_000;
    let left = elapsed.saturating_mul(total.saturating_sub(loaded)) / (loaded + 1);
    report.field("loading_eta_seconds", if elapsed == 0 || total == 0 { 1 } else { left });
}

fn stats(report: &mut Report, ctx: &Ctx<'_>) {
    let stats = &ctx.world.stats;
    let keyspace = &ctx.world.store.shared;
    let tracking = &ctx.world.tracking;
    let kilobytes = |per_second: u64| format!("{:.2}", per_second as f64 / 1024.0);
    report.field("total_connections_received", stats.connections_received);
    report.field("total_commands_processed", stats.commands_processed);
    report.field("instantaneous_ops_per_sec", stats.rates.commands.per_second());
    report.field("total_net_input_bytes", stats.bytes_in);
    report.field("total_net_output_bytes", stats.bytes_out);
    report.zeros(&[
        "total_net_repl_input_bytes",
        "total_net_repl_output_bytes",
        "total_net_cluster_slot_import_bytes",
        "total_net_cluster_slot_export_bytes",
    ]);
    report.field("instantaneous_input_kbps", kilobytes(stats.rates.bytes_in.per_second()));
    report.field("instantaneous_output_kbps", kilobytes(stats.rates.bytes_out.per_second()));
    report.field("instantaneous_input_repl_kbps", "0.00");
    report.field("instantaneous_output_repl_kbps", "0.00");
    report.field("rejected_connections", stats.connections_rejected);
    report.zeros(&["sync_full", "sync_partial_ok", "sync_partial_err"]);
    lost_keys(report, ctx);
    report.field("keyspace_hits", keyspace.hits);
    report.field("keyspace_misses", keyspace.misses);
    let listeners = |topic| ctx.world.pubsub.listeners(topic).len();
    report.field("pubsub_channels", listeners(Topic::Channel));
    report.field("pubsub_patterns", listeners(Topic::Pattern));
    report.field("pubsubshard_channels", listeners(Topic::Shard));
    report.zeros(&[
        "latest_fork_usec",
        "total_forks",
        "migrate_cached_sockets",
        "slave_expires_tracked_keys",
        "active_defrag_hits",
        "active_defrag_misses",
        "active_defrag_key_hits",
        "active_defrag_key_misses",
        "total_active_defrag_time",
        "current_active_defrag_time",
    ]);
    report.field("tracking_total_keys", tracking.keys());
    report.field("tracking_total_items", tracking.items());
    report.field("tracking_total_prefixes", tracking.prefixes());
    report.zeros(&["unexpected_error_replies"]);
    input_and_output(report, ctx);
    denials(report, ctx);
}

/// The keys that expired or were evicted.
fn lost_keys(report: &mut Report, ctx: &Ctx<'_>) {
    let keyspace = &ctx.world.store.shared;
    report.field("expired_keys", keyspace.expired);
    report.field("expired_fields", keyspace.expired_fields);
    report.field("expired_stale_perc", "0.00");
    report.field("expired_keys_with_volatile_items_stale_perc", "0.00");
    report.zeros(&["expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds"]);
    report.field("evicted_keys", keyspace.eviction.evicted);
    report.field("evicted_clients", ctx.world.stats.evicted_clients);
    report.field("evicted_scripts", ctx.world.stats.scripts.evicted);
    report.zeros(&["total_eviction_exceeded_time", "current_eviction_exceeded_time"]);
}

/// What was read and written, and the clients that were closed for it.
fn input_and_output(report: &mut Report, ctx: &Ctx<'_>) {
    let stats = &ctx.world.stats;
    report.field("total_error_replies", stats.error_replies);
    report.zeros(&["dump_payload_sanitizations"]);
    report.field("total_reads_processed", stats.reads);
    report.field("total_writes_processed", stats.writes);
    report.zeros(&[
        "io_threaded_reads_processed",
        "io_threaded_writes_processed",
        "io_threaded_freed_objects",
        "io_threaded_accept_processed",
        "io_threaded_poll_processed",
        "io_threaded_total_prefetch_batches",
        "io_threaded_total_prefetch_entries",
    ]);
    report
        .field("client_query_buffer_limit_disconnections", stats.query_buffer_limit_disconnections);
    report.field(
        "client_output_buffer_limit_disconnections",
        stats.output_buffer_limit_disconnections,
    );
}

/// What rules of users have denied.
fn denials(report: &mut Report, ctx: &Ctx<'_>) {
    let denied = ctx.world.access.log.counts();
    report.field("acl_access_denied_auth", denied.auth);
    report.field("acl_access_denied_cmd", denied.command);
    report.field("acl_access_denied_key", denied.key);
    report.field("acl_access_denied_channel", denied.channel);
    report.field("acl_access_denied_tls_cert", denied.certificate);
    report.field("acl_access_denied_db", denied.database);
}

fn replication(report: &mut Report, ctx: &Ctx<'_>) {
    let no_id = "0".repeat(40);
    staged::part(report, ctx);
    report.zeros(&["replicas_waiting_psync"]);
    report.field("master_failover_state", "no-failover");
    report.field("master_replid", &no_id);
    report.field("master_replid2", &no_id);
    report.zeros(&["master_repl_offset"]);
    report.field("second_repl_offset", -1);
    report.zeros(&[
        "repl_backlog_active",
        "repl_backlog_size",
        "repl_backlog_first_byte_offset",
        "repl_backlog_histlen",
    ]);
}

fn cpu(report: &mut Report, _: &Ctx<'_>) {
    let seconds = |time: Duration| format!("{}.{:06}", time.as_secs(), time.subsec_micros());
    for (suffix, used) in [
        ("", process::used_by_process()),
        ("_children", process::used_by_children()),
        ("_main_thread", process::used_by_thread()),
    ] {
        report.field(&format!("used_cpu_sys{suffix}"), seconds(used.system));
        report.field(&format!("used_cpu_user{suffix}"), seconds(used.user));
    }
}

/// Commands that have never been called are left out.
fn command_stats(report: &mut Report, ctx: &Ctx<'_>) {
    for row in ctx.table.rows() {
        let stats = ctx.world.stats.commands[row.id.index()];
        if stats.calls + stats.rejected + stats.failed == 0 {
            continue;
        }
        let micros = stats.nanos as f64 / 1000.0;
        let each = if stats.calls == 0 { 0.0 } else { micros / stats.calls as f64 };
        report.field(
            &format!("cmdstat_{}", row.full_name),
            format_args!(
                "calls={},usec={},usec_per_call={each:.2},rejected_calls={},failed_calls={}",
                stats.calls, micros as u64, stats.rejected, stats.failed
            ),
        );
    }
}

/// The percentiles of `latency-tracking-info-percentiles`, in µs.
fn latency_stats(report: &mut Report, ctx: &Ctx<'_>) {
    let world = &*ctx.world;
    if !world.config.latency_tracking {
        return;
    }
    for row in ctx.table.rows() {
        let histogram = &world.stats.latencies[row.id.index()];
        if histogram.calls() == 0 {
            continue;
        }
        let percentiles = world.config.latency_tracking_info_percentiles.0.iter();
        let shown = |percent: &f64| {
            let nanos = histogram.percentile(*percent);
            format!("p{percent}={}.{:03}", nanos / 1000, nanos % 1000)
        };
        let shown: Vec<String> = percentiles.map(shown).collect();
        report.field(&format!("latency_percentiles_usec_{}", row.full_name), shown.join(","));
    }
}

fn error_stats(report: &mut Report, ctx: &Ctx<'_>) {
    for (code, count) in &ctx.world.stats.errors {
        let code = String::from_utf8_lossy(code).replace(['#', ':', '\r', '\n'], "_");
        report.field(&format!("errorstat_{code}"), format_args!("count={count}"));
    }
}

fn cluster(report: &mut Report, ctx: &Ctx<'_>) {
    let (mode, _) = connection::mode_and_role(ctx);
    report.field("cluster_enabled", u8::from(mode == "cluster"));
}

/// Databases without a key are left out.
fn keyspace(report: &mut Report, ctx: &Ctx<'_>) {
    let store = &ctx.world.store;
    if ctx.world.cluster_node_of(ctx.slot).is_some() {
        return staged::keyspace(report, ctx);
    }
    let persona = ctx.world.config.persona;
    for (index, db) in store.iter() {
        let count = db.with_volatile_fields();
        let volatile_fields = match persona.is_redis() {
            false => format!(",keys_with_volatile_items={count}"),
            true if persona.has_command("hexpire", "9.0.0") => format!(",subexpiry={count}"),
            true => String::new(),
        };
        report.field(
            &format!("db{index}"),
            format_args!(
                "keys={},expires={},avg_ttl={}{}",
                db.len(),
                db.volatile(),
                db.mean_time_to_live(store.shared.now),
                volatile_fields
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::embed::local::Local;
    use crate::telemetry::process::Listener;

    /// The report that these words ask for, over RESP2.
    fn report(local: &mut Local, words: &[&str]) -> String {
        let client = local.connect();
        let request = ["INFO"].iter().chain(words);
        local.send(client, &crate::embed::local::request(request));
        let text = String::from_utf8(local.received(client)).unwrap();
        let (_, text) = text.split_once("\r\n").unwrap();
        text.strip_suffix("\r\n").unwrap().to_owned()
    }

    fn titles(words: &[&str]) -> Vec<String> {
        let text = report(&mut Local::new(Config::default()), words);
        text.lines().filter_map(|line| line.strip_prefix("# ")).map(str::to_owned).collect()
    }

    #[test]
    fn the_clock_of_keys_is_that_of_the_server_in_24_bits() {
        let text = report(&mut Local::new(Config::default()), &["server"]);
        let figure = |name: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.parse().unwrap()
        };
        assert_eq!(figure("lru_clock:"), figure("server_time_usec:") / 1_000_000 % (1 << 24));
    }

    #[test]
    fn sections_come_in_one_order_however_they_are_asked_for() {
        assert_eq!(titles(&["keyspace", "nosuch", "CLUSTER", "cluster"]), ["Cluster", "Keyspace"]);
        assert_eq!(titles(&["default"]), titles(&[]));
        assert_eq!(titles(&["all"]), titles(&["everything"]));
        assert!(!titles(&[]).contains(&"Commandstats".to_owned()));
        let with_one_more = titles(&["default", "commandstats"]);
        assert_eq!(with_one_more.len(), titles(&[]).len() + 1);
        assert_eq!(titles(&["all"]).len(), SECTIONS.len());
    }

    #[test]
    fn a_title_of_two_words_is_asked_for_as_one() {
        assert_eq!(titles(&["scriptingengines"]), ["Scripting Engines"]);
        assert!(titles(&["scripting", "engines", "Scripting Engines"]).is_empty());
    }

    #[test]
    fn a_section_that_does_not_exist_is_an_empty_report() {
        assert_eq!(report(&mut Local::new(Config::default()), &["nosuch"]), "");
    }

    #[test]
    fn every_line_is_a_title_or_a_field_and_no_field_comes_twice() {
        let text = report(&mut Local::new(Config::default()), &["everything"]);
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        let mut names = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
            let (name, _) = line.split_once(':').expect(line);
            assert!(!names.contains(&name), "{name} comes twice");
            names.push(name);
        }
    }

    #[test]
    fn commands_and_errors_are_counted_until_they_are_reset() {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        for line in ["GET k", "GET", "NOSUCH", "SELECT x"] {
            local.send(client, format!("{line}\r\n").as_bytes());
        }
        local.received(client);
        let text = report(&mut local, &["commandstats", "errorstats"]);
        let get = "cmdstat_get:calls=1,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0";
        assert!(text.contains(get), "{text}");
        assert!(text.contains(
            "cmdstat_select:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1"
        ));
        assert!(text.ends_with("# Errorstats\r\nerrorstat_ERR:count=3\r\n"), "{text}");
        local.send(client, b"CONFIG RESETSTAT\r\n");
        local.received(client);
        assert_eq!(report(&mut local, &["errorstats"]), "# Errorstats\r\n");
    }

    #[test]
    fn databases_with_keys_are_listed() {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        local.send(client, b"SELECT 3\r\nSET k v\r\n");
        local.received(client);
        assert_eq!(
            report(&mut local, &["keyspace"]),
            "# Keyspace\r\ndb3:keys=1,expires=0,avg_ttl=0,keys_with_volatile_items=0\r\n"
        );
    }

    #[test]
    fn addresses_of_one_port_share_a_line() {
        let mut local = Local::new(Config::default());
        let listener = |name, bind: &str, port| Listener { name, bind: bind.to_owned(), port };
        local.engine.world.process.listeners = vec![
            listener("tcp", "127.0.0.1", Some(6379)),
            listener("tcp", "::1", Some(6379)),
            listener("unix", "/run/respd.sock", None),
        ];
        let text = report(&mut local, &["server"]);
        assert!(text.contains("tcp_port:6379\r\n"));
        let lines = "listener0:name=tcp,bind=127.0.0.1,bind=::1,port=6379\r\n\
            listener1:name=unix,bind=/run/respd.sock\r\n";
        assert!(text.ends_with(lines), "{text}");
    }

    #[test]
    fn sizes_are_rounded_for_people() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1_018_552, "994.68K"),
            (25_276_510_208, "23.54G"),
            (u64::MAX, "16.00E"),
        ] {
            assert_eq!(human(bytes), text);
        }
    }
}
