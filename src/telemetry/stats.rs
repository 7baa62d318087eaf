//! What the server counts: commands, errors, connections and bytes.
//!
//! Everything starts at zero, and CONFIG RESETSTAT brings it back there by making a new [`Stats`].

use std::collections::BTreeMap;

use super::latency::Histogram;
use crate::error::Error;

/// The place of a command's record: its row in the command table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub(crate) u16);

impl CommandId {
    pub(crate) fn index(self) -> usize {
        self.0.into()
    }
}

/// What is counted of one command, as INFO's commandstats show it.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommandStats {
    pub calls: u64,
    /// Time in the handler, in nanoseconds. Short commands are timed by the run: see [`Timer`].
    pub(crate) nanos: u64,
    /// Calls that a gate refused: wrong arity, no permission and the like.
    pub rejected: u64,
    /// Calls whose handler returned an error.
    pub failed: u64,
}

/// The most different error codes that are counted one by one.
const MAX_ERROR_CODES: usize = 128;

/// The counters behind INFO.
#[derive(Debug, Default)]
pub struct Stats {
    /// By [`CommandId`].
    pub(crate) commands: Vec<CommandStats>,
    /// By [`CommandId`]: how long the calls took, while `latency-tracking` is on.
    pub(crate) latencies: Vec<Histogram>,
    pub(crate) tracks_latency: bool,
    /// By the first word of the error.
    pub(crate) errors: BTreeMap<Box<[u8]>, u64>,
    pub(crate) error_replies: u64,
    pub(crate) unknown_commands: u64,
    pub(crate) connections_received: u64,
    pub connections_rejected: u64,
    pub(crate) commands_processed: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub query_buffer_limit_disconnections: u64,
    pub output_buffer_limit_disconnections: u64,
    /// Clients closed to save memory: `maxmemory-clients`.
    pub evicted_clients: u64,
    pub(crate) peak_clients: usize,
    /// Snapshots that were begun for SAVE and in the background.
    pub(crate) snapshots: u64,
    /// The longest input and output buffers seen, in bytes.
    pub(crate) max_input_buffer: usize,
    pub(crate) max_output_buffer: usize,
    pub(crate) rates: Rates,
    pub(crate) scripts: ScriptStats,
}

/// What scripts and functions take, as INFO shows it.
#[derive(Debug, Default)]
pub(crate) struct ScriptStats {
    pub(crate) cached: usize,
    /// Scripts of EVAL that have made room for newer ones.
    pub(crate) evicted: u64,
    /// The bytes of code that are kept.
    pub(crate) code_memory: usize,
    /// The bytes of the Lua state in which scripts run.
    pub(crate) lua_memory: usize,
    pub(crate) libraries: usize,
    pub(crate) functions: usize,
    /// The bytes of libraries: their code, and how functions are found.
    pub(crate) functions_memory: usize,
    /// The bytes of the Lua state in which functions run.
    pub(crate) functions_lua_memory: usize,
}

impl ScriptStats {
    /// The bytes of Lua states.
    pub(crate) fn all_lua_memory(&self) -> usize {
        self.lua_memory + self.functions_lua_memory
    }

    /// The bytes of scripts and libraries outside of Lua.
    pub(crate) fn all_code_memory(&self) -> usize {
        self.code_memory + self.functions_memory
    }
}

impl Stats {
    /// Counters for a table of so many rows.
    pub(crate) fn new(rows: usize) -> Stats {
        Stats {
            commands: vec![CommandStats::default(); rows],
            latencies: vec![Histogram::default(); rows],
            ..Stats::default()
        }
    }

    pub fn command(&mut self, id: CommandId) -> &mut CommandStats {
        &mut self.commands[id.index()]
    }

    /// Counts an error reply by its code. Codes are the server's own, but embedders may invent some:
    /// past a bound, only the total grows.
    pub(crate) fn count_error(&mut self, error: &Error) {
        if error.is_counted() {
            return;
        }
        self.error_replies += 1;
        let code = error.code();
        if let Some(count) = self.errors.get_mut(code) {
            *count += 1;
        } else if self.errors.len() < MAX_ERROR_CODES {
            self.errors.insert(code.into(), 1);
        }
    }
}

/// How many operations and bytes a second there were lately.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    pub(crate) commands: Rate,
    pub(crate) bytes_in: Rate,
    pub(crate) bytes_out: Rate,
    sampled: u64,
}

impl Rates {
    /// How often a sample is taken, in µs.
    const EVERY: u64 = 100_000;
}

impl Stats {
    /// Takes a sample of the counters, ten times a second at most. `now` is in µs.
    pub(crate) fn sample(&mut self, now: u64) {
        let elapsed = now.saturating_sub(self.rates.sampled);
        if elapsed >= Rates::EVERY {
            self.rates.commands.sample(self.commands_processed, elapsed);
            self.rates.bytes_in.sample(self.bytes_in, elapsed);
            self.rates.bytes_out.sample(self.bytes_out, elapsed);
            self.rates.sampled = now;
        }
    }
}

/// The mean of the last sixteen samples of a counter, per second.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    samples: [u64; 16],
    next: usize,
    counter: u64,
}

impl Rate {
    /// The counter stands at `counter` now, `elapsed` µs (not 0) after the last sample.
    fn sample(&mut self, counter: u64, elapsed: u64) {
        let grown = counter.saturating_sub(self.counter);
        self.samples[self.next] = grown.saturating_mul(1_000_000) / elapsed;
        self.next = (self.next + 1) % self.samples.len();
        self.counter = counter;
    }

    pub(crate) fn per_second(&self) -> u64 {
        self.samples.iter().sum::<u64>() / self.samples.len() as u64
    }
}

/// Reads a clock: nanoseconds that only ever grow. The driver of the engine hands one in; the
/// default stands still, so that tests are the same every time.
pub(crate) type ReadNanos = fn() -> u64;

/// Measures commands for [`CommandStats::nanos`] and [`Stats::latencies`].
///
/// Reading a clock takes about as long as running PING. So an ordinary command is timed alone, but a
/// row of the same short command (FAST or SHORT), as it comes in a pipeline, is timed as one. The sum is
/// exact either way; parsing between the commands of a row counts as theirs, and each is taken to have
/// lasted as long as the others. A threshold under a millisecond has every command timed alone: see
/// [`super::commandlog::Thresholds::light`].
#[derive(Debug)]
pub struct Timer {
    read: ReadNanos,
    started: u64,
    running: Option<CommandId>,
    /// How many calls the row has.
    calls: u64,
    /// What the row took beside the time that has passed.
    charged: u64,
    /// When the last command was over, if the next one follows at once.
    stopped: Option<u64>,
}

/// What was being timed when another command began inside it.
pub(crate) struct Suspended {
    command: Option<CommandId>,
    started: u64,
    calls: u64,
    charged: u64,
}

impl Timer {
    pub(crate) fn new(read: ReadNanos) -> Timer {
        Timer { read, started: 0, running: None, calls: 0, charged: 0, stopped: None }
    }

    /// A command is about to run. A row of the same one goes on.
    #[inline]
    pub(crate) fn start(&mut self, command: CommandId, stats: &mut Stats) {
        if self.running == Some(command) {
            self.calls += 1;
            return;
        }
        // Between two commands of a pipeline nothing happens that would be worth another look.
        let now = self.stopped.take().unwrap_or_else(self.read);
        self.book(now, stats);
        self.running = Some(command);
        self.calls = 1;
        self.started = now;
    }

    /// The command that started last is over, and so is its row. Returns how many nanoseconds they took.
    pub(crate) fn stop(&mut self, stats: &mut Stats) -> u64 {
        if self.running.is_none() {
            return 0;
        }
        let now = (self.read)();
        let elapsed = self.book(now, stats);
        self.stopped = Some(now);
        elapsed
    }

    /// The command that is running takes so many nanoseconds more than pass while it runs.
    pub(crate) fn charge(&mut self, nanos: u64) {
        self.charged = self.charged.saturating_add(nanos);
    }

    /// The command that started last waits. It is no call before it has what it waits for.
    pub(crate) fn cancel(&mut self) {
        self.calls = self.calls.saturating_sub(1);
    }

    /// What the clock shows, in nanoseconds.
    pub(crate) fn now(&self) -> u64 {
        (self.read)()
    }

    /// When the command that started last, or the row that it goes on, began.
    pub(crate) fn started(&self) -> u64 {
        self.started
    }

    /// Another timer that reads the same clock, for commands that run while this one's goes on.
    pub(crate) fn beside(&self) -> Timer {
        Timer::new(self.read)
    }

    /// How long something that is no command takes, in nanoseconds.
    pub(crate) fn measure<T>(&self, work: impl FnOnce() -> T) -> (T, u64) {
        let started = (self.read)();
        let result = work();
        (result, (self.read)().saturating_sub(started))
    }

    /// Takes out what is being timed, so that other commands can run and be timed meanwhile.
    pub(crate) fn suspend(&mut self) -> Suspended {
        let (started, calls, charged) = (self.started, self.calls, self.charged);
        self.charged = 0;
        Suspended { command: self.running.take(), started, calls, charged }
    }

    /// Goes on with what [`Timer::suspend`] took out, as if it had run all the time.
    pub(crate) fn resume(&mut self, suspended: Suspended, stats: &mut Stats) {
        self.stop(stats);
        self.stopped = None;
        let Suspended { command, started, calls, charged } = suspended;
        (self.running, self.started, self.calls, self.charged) = (command, started, calls, charged);
    }

    /// As [`Timer::stop`]; what happens from now on until the next command is not timed.
    pub(crate) fn rest(&mut self, stats: &mut Stats) {
        self.stop(stats);
        self.stopped = None;
    }

    /// The row is over. Returns how long it took.
    fn book(&mut self, now: u64, stats: &mut Stats) -> u64 {
        let Some(command) = self.running.take() else {
            return 0;
        };
        let charged = std::mem::take(&mut self.charged);
        let elapsed = now.saturating_sub(self.started).saturating_add(charged);
        let total = &mut stats.command(command).nanos;
        *total = total.saturating_add(elapsed);
        if stats.tracks_latency
            && let Some(each) = elapsed.checked_div(self.calls)
        {
            stats.latencies[command.index()].add(each, self.calls);
        }
        elapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn errors_are_counted_by_code_up_to_a_bound() {
        let mut stats = Stats::new(0);
        for n in 0..1000 {
            stats.count_error(&Error::text(format!("CODE{n} text")));
        }
        stats.count_error(&Error::fixed("CODE0 other"));
        assert_eq!(stats.error_replies, 1001);
        assert_eq!(stats.errors.len(), MAX_ERROR_CODES);
        assert_eq!(stats.errors[&b"CODE0"[..]], 2);
    }

    #[test]
    fn a_row_of_one_command_is_timed_as_one() {
        static CLOCK: AtomicU64 = AtomicU64::new(0);
        let mut timer = Timer::new(|| CLOCK.load(Ordering::Relaxed));
        let mut stats = Stats::new(2);
        let (ping, echo) = (CommandId(0), CommandId(1));
        timer.start(ping, &mut stats);
        CLOCK.fetch_add(5, Ordering::Relaxed);
        timer.start(ping, &mut stats);
        CLOCK.fetch_add(5, Ordering::Relaxed);
        timer.start(echo, &mut stats);
        CLOCK.fetch_add(3, Ordering::Relaxed);
        assert_eq!(timer.stop(&mut stats), 3);
        assert_eq!(timer.stop(&mut stats), 0);
        assert_eq!((stats.command(ping).nanos, stats.command(echo).nanos), (10, 3));
    }

    #[test]
    fn a_command_of_a_pipeline_starts_when_the_one_before_it_is_over() {
        static CLOCK: AtomicU64 = AtomicU64::new(0);
        static LOOKS: AtomicU64 = AtomicU64::new(0);
        let mut timer = Timer::new(|| {
            LOOKS.fetch_add(1, Ordering::Relaxed);
            CLOCK.load(Ordering::Relaxed)
        });
        let mut stats = Stats::new(1);
        for _ in 0..3 {
            timer.start(CommandId(0), &mut stats);
            CLOCK.fetch_add(5, Ordering::Relaxed);
            timer.stop(&mut stats);
        }
        assert_eq!(LOOKS.load(Ordering::Relaxed), 4);
        timer.rest(&mut stats);
        CLOCK.fetch_add(100, Ordering::Relaxed);
        timer.start(CommandId(0), &mut stats);
        timer.rest(&mut stats);
        assert_eq!(stats.command(CommandId(0)).nanos, 15);
    }

    #[test]
    fn rates_are_means_of_the_last_samples() {
        let mut stats = Stats::new(0);
        for turn in 1..=32 {
            stats.commands_processed += 50;
            stats.sample(turn * 100_000);
            stats.sample(turn * 100_000 + 1);
        }
        assert_eq!(stats.rates.commands.per_second(), 500);
    }
}
