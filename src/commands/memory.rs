//! MEMORY: where the memory is. The figures are those that eviction goes by: see [`crate::telemetry::memory`].

use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::RO;
use crate::dispatch::spec::{Spec, at};
use crate::error::{self, Error};
use crate::wire::{Args, Reply};
use crate::world::World;

use super::arguments;

pub(crate) const TABLE: &[Spec] = &[Spec::container("memory", MEMORY).doc(
    "4.0.0",
    "Depends on the subcommand.",
    "",
    "Commands about memory.",
)];

const MEMORY: &[Spec] = &[
    Spec::new("doctor", 2, NONE, memory_doctor)
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
        .doc("4.0.0", "O(1)", "", "Reports in words on how memory is used."),
    Spec::new("help", 2, LOADING | STALE, help).doc("4.0.0", "O(1)", "", "Lists the subcommands."),
    Spec::new("malloc-stats", 2, LOADING, memory_malloc_stats)
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
        .doc(
            "4.0.0",
            "Depends on the memory allocated, and may be slow",
            "",
            "Returns what the allocator reports about itself.",
        ),
    Spec::new("purge", 2, LOADING, memory_purge)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc(
            "4.0.0",
            "Depends on the memory allocated, and may be slow",
            "",
            "Does nothing: what free memory goes back is up to the allocator.",
        ),
    Spec::new("stats", 2, NONE, memory_stats)
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
        .doc("4.0.0", "O(1)", "", "Returns how memory is used."),
    Spec::new("usage", -3, READ, memory_usage).key(RO, at(2)).doc(
        "4.0.0",
        "O(N), N being the number of elements sampled",
        "key [SAMPLES count]",
        "Estimates the memory of a key and its value.",
    ),
];

/// MEMORY USAGE key [SAMPLES count]
///
/// Every value keeps count of its memory, so that the figure is exact and `SAMPLES` changes nothing.
fn memory_usage(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut options = args.options(3);
    while !options.is_over() {
        let samples = options.value("SAMPLES").ok_or(error::SYNTAX)?;
        if arguments::integer(samples)? < 0 {
            return Err(error::SYNTAX);
        }
    }
    let (mut db, reply) = ctx.db_and_reply();
    match db.info_uncounted(&args[2]) {
        Some(found) => reply.int(found.memory() as i64),
        None => reply.null(),
    }
    Ok(())
}

/// MEMORY STATS
fn memory_stats(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let Ctx { world, reply, .. } = ctx;
    let summary = Summary::new(world);
    let databases = || world.store.iter();
    reply.map(34 + databases().count());
    int(reply, "peak.allocated", summary.peak);
    int(reply, "total.allocated", summary.used);
    int(reply, "startup.allocated", summary.startup);
    for nothing in ["replication.backlog", "replicas.repl.buffer", "clients.slaves"] {
        int(reply, nothing, 0);
    }
    int(reply, "clients.normal", world.clients.memory());
    for nothing in ["cluster.links", "cluster.slot_import", "cluster.slot_export", "aof.buffer"] {
        int(reply, nothing, 0);
    }
    int(reply, "lua.caches", world.stats.scripts.code_memory);
    int(reply, "functions.caches", world.stats.scripts.functions_memory);
    let mut tables = 0;
    for (index, db) in databases() {
        tables += db.table_memory() + db.expiries_memory();
        reply.bulk(format!("db.{index}").as_bytes());
        reply.map(2);
        int(reply, "overhead.hashtable.main", db.table_memory());
        int(reply, "overhead.hashtable.expires", db.expiries_memory());
    }
    int(reply, "overhead.db.hashtable.lut", tables);
    int(reply, "overhead.db.hashtable.rehashing", 0);
    int(reply, "overhead.total", summary.overhead);
    int(reply, "db.dict.rehashing.count", 0);
    int(reply, "keys.count", summary.keys);
    int(reply, "keys.bytes-per-key", summary.bytes_per_key());
    int(reply, "dataset.bytes", summary.dataset());
    double(reply, "dataset.percentage", summary.dataset_share());
    double(reply, "peak.percentage", summary.peak_share());
    // What the allocator keeps for itself is not known, so it is taken to be resident.
    int(reply, "allocator.allocated", summary.used);
    int(reply, "allocator.active", summary.resident);
    int(reply, "allocator.resident", summary.resident);
    int(reply, "allocator.muzzy", 0);
    for part in ["allocator-fragmentation", "allocator-rss", "rss-overhead"] {
        double(reply, &format!("{part}.ratio"), 1.0);
        int(reply, &format!("{part}.bytes"), 0);
    }
    double(reply, "fragmentation", summary.fragmentation());
    reply.bulk(b"fragmentation.bytes");
    reply.int(summary.fragmented());
    Ok(())
}

fn int(reply: &mut Reply, name: &str, bytes: usize) {
    reply.bulk(name.as_bytes());
    reply.int(bytes as i64);
}

fn double(reply: &mut Reply, name: &str, value: f64) {
    reply.bulk(name.as_bytes());
    reply.double(value);
}

/// MEMORY DOCTOR
fn memory_doctor(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let text = diagnosis(&Summary::new(ctx.world), ctx.world.clients.memory());
    ctx.reply.verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// Below this, other things than data make up the figures.
const WORTH_A_LOOK: usize = 5 << 20;

/// What is remarkable about the memory in use.
fn diagnosis(summary: &Summary, clients: usize) -> String {
    if summary.used < WORTH_A_LOOK {
        return "There is too little data in this server to say anything about its memory.".into();
    }
    let mut findings = Vec::new();
    if summary.peak > summary.used / 2 * 3 {
        findings.push(format!(
            "Memory peak: {} bytes were in use at once, now it is {}. The allocator may have kept the \
             difference, to use it again; a high fragmentation ratio is no problem then.",
            summary.peak, summary.used
        ));
    } else if summary.fragmentation() > 1.4 {
        findings.push(format!(
            "Fragmentation: the process has {:.2} times the memory that is in use. That happens when \
             many values of other sizes have come and gone; a restart would bring it back.",
            summary.fragmentation()
        ));
    }
    if clients > summary.used / 4 {
        findings.push(format!(
            "Client buffers: clients and what they have not read or not sent completely take {clients} \
             bytes. CLIENT LIST shows whose they are (omem, qbuf)."
        ));
    }
    if summary.unfreed > summary.used / 4 {
        findings.push(format!(
            "Deleted data: {} bytes of it are still to be freed, which is being done.",
            summary.unfreed
        ));
    }
    match findings[..] {
        [] => "Nothing about the memory of this server is remarkable.".into(),
        _ => findings.join("\n\n"),
    }
}

/// MEMORY PURGE
///
/// The allocator is the system's, which gives back by itself what it can.
fn memory_purge(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.ok();
    Ok(())
}

/// MEMORY MALLOC-STATS
fn memory_malloc_stats(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.bulk(b"The allocator of the system reports nothing about itself");
    Ok(())
}

/// What there is to say about memory, in bytes, for INFO and MEMORY alike.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// All that is in use, counted.
    pub(crate) used: usize,
    pub(crate) peak: usize,
    /// What the process had before it served its first client.
    pub(crate) startup: usize,
    /// All that is in use and is not users' data: tables, clients, scripts, the start.
    pub(crate) overhead: usize,
    /// What has been deleted and not freed yet.
    pub(crate) unfreed: usize,
    /// What the operating system says that the process has.
    pub(crate) resident: usize,
    pub(crate) keys: usize,
}

impl Summary {
    pub(crate) fn new(world: &World) -> Summary {
        let memory = world.memory();
        Summary {
            used: memory.total(),
            peak: world.peak_memory(),
            startup: memory.startup,
            overhead: memory.startup
                + memory.clients
                + memory.tracking
                + memory.scripts
                + world.store.tables_memory(),
            unfreed: memory.unfreed,
            resident: world.process.resident_memory(world.now) as usize,
            keys: world.store.keys(),
        }
    }

    /// Bytes of keys and values.
    pub(crate) fn dataset(&self) -> usize {
        self.used - self.overhead
    }

    /// Percent of what was used since the start that are data.
    pub(crate) fn dataset_share(&self) -> f64 {
        percent(self.dataset(), self.used - self.startup)
    }

    /// Percent of the peak that are used now.
    pub(crate) fn peak_share(&self) -> f64 {
        percent(self.used, self.peak)
    }

    /// How many bytes the process has for each that is in use.
    pub(crate) fn fragmentation(&self) -> f64 {
        percent(self.resident, self.used) / 100.0
    }

    /// How many bytes more the process has than are in use.
    pub(crate) fn fragmented(&self) -> i64 {
        self.resident as i64 - self.used as i64
    }

    fn bytes_per_key(&self) -> usize {
        (self.used - self.startup).checked_div(self.keys).unwrap_or(0)
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::embed::local::Local;
    use crate::embed::testing::call;

    #[test]
    fn a_key_takes_what_its_value_takes_and_a_little_more() {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        for (size, least, most) in [(1, 40, 80), (100, 130, 180), (10_000, 10_000, 10_100)] {
            call(&mut local, client, &["SET", "k", &"x".repeat(size)]);
            let reply = call(&mut local, client, &["MEMORY", "USAGE", "k", "SAMPLES", "0"]);
            let bytes: usize = reply[1..].trim().parse().unwrap();
            assert!((least..most).contains(&bytes), "{bytes} for {size}");
        }
    }

    #[test]
    fn what_is_used_is_accounted_for_in_full() {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        let empty = local.engine.world.store.memory();
        for key in 0..2000 {
            call(&mut local, client, &["SET", &format!("key:{key}"), &"x".repeat(key % 90)]);
        }
        let store = &local.engine.world.store;
        let used: usize = store.iter().map(|(_, db)| db.memory()).sum();
        // Fifteen others are empty.
        assert_eq!(store.memory(), used + empty / 16 * 15);
        let summary = Summary::new(&local.engine.world);
        assert_eq!(summary.used, summary.overhead + summary.dataset());
        assert!((2000 * 30..2000 * 130).contains(&summary.dataset()));
        call(&mut local, client, &["FLUSHALL"]);
        assert!(local.engine.world.store.unfreed() > 2000 * 30);
        while local.engine.world.store.free_some(100) {}
        assert_eq!((store_memory(&local), local.engine.world.store.unfreed()), (empty, 0));
    }

    fn store_memory(local: &Local) -> usize {
        local.engine.world.store.memory()
    }

    #[test]
    fn the_doctor_names_what_is_remarkable() {
        let well =
            Summary { used: 100 << 20, peak: 110 << 20, resident: 105 << 20, ..Summary::default() };
        assert!(diagnosis(&Summary::default(), 0).contains("too little"));
        assert!(diagnosis(&well, 0).starts_with("Nothing"));
        assert!(diagnosis(&Summary { peak: 200 << 20, ..well }, 0).starts_with("Memory peak"));
        let well = Summary { used: 100 << 20, peak: 110 << 20, ..Summary::default() };
        let torn = Summary { resident: 200 << 20, ..well };
        assert!(diagnosis(&torn, 0).starts_with("Fragmentation"));
        assert!(diagnosis(&torn, 50 << 20).contains("Client buffers"));
    }
}
