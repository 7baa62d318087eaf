//! The loop's end of the log: what is said of changes goes to the thread that writes it, and clients are told of changes
//! when they may be.
//!
//! Effects are formatted as they are handed over, into a buffer, the tape. At the end of a turn the tape goes to the
//! thread:
//!
//! | `appendfsync` | is handed over | is synced | output waits |
//! |---|---|---|---|
//! | `always` | when the sync before is done: one sync for all that came meanwhile | each time | until it is on disk |
//! | `everysec` | each few ms: see [`PAUSE`] | each second, by a second thread, while the first goes on | only while writing, not syncing, is late: see [`LATE`] |
//! | `no` | each few ms | when the system likes | no |
//!
//! A process that is killed loses what is not written, and a machine that goes down what is not synced. So with
//! `everysec` nothing is lost with the process that was acknowledged a second ago, however long a sync takes; with the
//! machine is lost what was written since the last sync began that has ended.
//!
//! When the log cannot be written (the disk is full), writes are refused, with `always` reads as well, for they could
//! show what is not on disk; what waits is tried again every second, and what was not acknowledged is acknowledged when
//! it has been written. Nothing is acknowledged that is not on disk, and nothing is lost but by a crash.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::fcntl::Flock;

use super::Folder;
use super::format::Format;
use super::manifest::{self, Manifest};
use super::progress::Rewrite;
use super::replacement::{Rebase, Replacement};
use super::syncer::{SyncJob, SyncReport, Synced, Syncer};
use super::unwritten::Unwritten;
use super::writer::{Job, Report, Sync, Writer};
use crate::config::Fsync;
use crate::dispatch::telemetry;
use crate::keyspace::effects::ListenerId;
use crate::persistence::disk::{DiskThread, Ended, Jobs};
use crate::telemetry::latency::event;
use crate::world::World;

/// A sync is due so many µs after the last.
const SECOND: u64 = 1_000_000;

/// Where output does not wait for the log, what is said in so many µs goes to the thread at once, unless it is more than
/// [`FULL`]: handed over in every turn, a SET of 50 clients with 16 requests each cost 1.5 times the CPU of one without a
/// log, and 1.2 times like this.
const PAUSE: u64 = 5_000;
const FULL: u64 = 64 << 10;

/// With `everysec` output waits for what is written if that takes longer than this, in µs, or more bytes wait: what is
/// acknowledged must not run away from what is kept.
const LATE: u64 = SECOND / 2;
const MOST_BYTES: usize = 64 << 20;

/// A sync with `everysec` that takes longer than this, in µs, is counted, and the server log tells of it.
const SLOW: u64 = 2 * SECOND;

/// The event that WAITAOF waits for: more of the log is on disk.
pub(crate) const SYNCED: &str = "respd:aof-synced";

/// A log that is being written.
pub(crate) struct Log {
    /// The folder of the files, what their names begin with, and which there are.
    pub(super) folder: PathBuf,
    pub(super) name: OsString,
    pub(super) manifest: Manifest,
    /// Keeps other servers from the folder.
    _lock: Option<Flock<File>>,
    disk: DiskThread<Writer>,
    jobs: Jobs<Job>,
    /// Behind the thread that hands it jobs, so that it ends behind it.
    syncer: DiskThread<Syncer>,
    tape: Arc<Mutex<Tape>>,
    listener: Option<ListenerId>,
    /// Positions count the bytes of the log since the server started: those that were said, that were handed to the
    /// thread, that are in a file, that are synced, and those for which nothing waits: they are synced, or need not be.
    said: Arc<AtomicU64>,
    pub(super) given: u64,
    /// When it was, in µs of [`Now::mono`](crate::clock::Now::mono).
    given_at: u64,
    written: Arc<AtomicU64>,
    pub(super) synced: u64,
    durable: u64,
    unwritten: Unwritten,
    /// What is synced of a file whose base is not there yet, while the file before is not trusted.
    synced_beside: u64,
    /// When a sync was asked for, in µs of [`Now::mono`](crate::clock::Now::mono), and which thread has not done it yet.
    asked_at: u64,
    is_syncing_here: bool,
    is_syncing_beside: bool,
    /// Syncs that were slow, and whether the one that goes on is.
    pub(super) delayed: u64,
    is_slow: bool,
    /// Since when output waits because writing is late.
    late_since: Option<u64>,
    /// Output waits until something is written.
    is_awaited: bool,
    pub(super) failure: Option<Failure>,
    /// Bytes of all files, and of the base.
    pub(super) size: u64,
    pub(super) base_size: u64,
    pub(super) rewrite: Rewrite,
}

/// Why the log cannot be written.
#[derive(Debug)]
pub(super) struct Failure {
    pub reason: String,
    /// When it is tried again.
    retry_at: u64,
    /// A sync has failed: only a rewrite makes the log whole.
    pub is_broken: bool,
}

/// What has been said and not been handed to the thread.
#[derive(Default)]
struct Tape {
    bytes: Vec<u8>,
    format: Format,
    /// The time to note, in s after 1970.
    second: Option<u64>,
}

fn lock(tape: &Mutex<Tape>) -> MutexGuard<'_, Tape> {
    // What was said before a panic is whole.
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    /// A log that has no file yet and hears nothing: see [`Log::listen`] and [`Log::begin_file`].
    pub(super) fn new(world: &World, folder: Folder, manifest: Manifest) -> io::Result<Log> {
        let said = world.clients.log_written();
        let position = said.load(Ordering::Relaxed);
        let written = Arc::new(AtomicU64::new(position));
        let mut disk = DiskThread::new("respd-log", world.waker.clone());
        let jobs = disk.jobs(|| Writer::starting_at(&written))?;
        Ok(Log {
            folder: folder.path,
            name: world.config.append_only.file_name.clone().into_os_string(),
            manifest,
            _lock: folder.lock,
            disk,
            jobs,
            syncer: DiskThread::new("respd-log-sync", world.waker.clone()),
            tape: Arc::default(),
            listener: None,
            said,
            given: position,
            given_at: 0,
            written,
            synced: position,
            durable: position,
            unwritten: Unwritten::default(),
            synced_beside: position,
            asked_at: world.now.mono,
            is_syncing_here: false,
            is_syncing_beside: false,
            delayed: 0,
            is_slow: false,
            late_since: None,
            is_awaited: false,
            failure: None,
            size: 0,
            base_size: 0,
            rewrite: Rewrite::default(),
        })
    }

    /// Hears every effect from now on.
    pub(super) fn listen(&mut self, world: &mut World) {
        let (into, counter) = (Arc::clone(&self.tape), Arc::clone(&self.said));
        self.listener = Some(world.store.listen_to_effects(Box::new(move |batches| {
            let tape = &mut *lock(&into);
            let before = tape.bytes.len();
            tape.format.push(batches, tape.second, &mut tape.bytes);
            counter.fetch_add((tape.bytes.len() - before) as u64, Ordering::Relaxed);
        })));
    }

    /// Returns whether it hears effects. Before its first rewrite has begun it does not.
    pub(super) fn is_listening(&self) -> bool {
        self.listener.is_some()
    }

    /// Bytes that were said and are in no file.
    pub(super) fn buffered(&self) -> u64 {
        self.said.load(Ordering::Relaxed) - self.given + self.jobs.waiting() as u64
    }

    /// The position of what was said last.
    pub(super) fn position(&self) -> u64 {
        self.said.load(Ordering::Relaxed)
    }

    fn hand(&mut self, job: Job, bytes: usize) {
        if let Err(error) = self.jobs.hand(job, bytes) {
            log::error!("the log: {error}");
            self.fails(0, error.to_string(), true);
        }
    }

    /// What is said from now on goes to a new file, which the manifest ends with, or on to one that is there. All that was
    /// said before goes to the file before.
    pub(super) fn begin_file(&mut self, is_there: bool, with_manifest: bool) {
        self.give_all();
        lock(&self.tape).format = Format::default();
        let Some(last) = self.manifest.increments.last() else { return };
        let path = last.path(&self.folder);
        let manifest = with_manifest.then(|| self.replacement(&self.manifest));
        self.rewrite.beginning += 1;
        self.hand(Job::Begin { path, is_there, manifest }, 0);
    }

    /// The base of a rewrite is in its place: see [`Rebase`].
    pub(super) fn rebase(&mut self, rebase: Rebase) -> io::Result<()> {
        self.syncer.jobs(|| Syncer)?.hand(SyncJob::Rebase(Box::new(rebase)), 0)
    }

    pub(super) fn replacement(&self, manifest: &Manifest) -> Replacement {
        let path = self.folder.join(manifest::extended(&self.name, ".manifest"));
        Replacement { path, text: manifest.text() }
    }

    /// Hands all that was said to the thread.
    fn give_all(&mut self) {
        let bytes = std::mem::take(&mut lock(&self.tape).bytes);
        self.give(bytes, Sync::No);
    }

    fn give(&mut self, bytes: Vec<u8>, sync: Sync) {
        let len = bytes.len();
        self.given += len as u64;
        self.size += len as u64;
        if len > 0 {
            self.unwritten.push(self.given, self.given_at);
        }
        match sync {
            Sync::No => {}
            Sync::Here => self.is_syncing_here = true,
            Sync::Beside(_) => self.is_syncing_beside = true,
        }
        let tell = self.is_awaited;
        self.hand(Job::Append { bytes, sync, tell }, len);
    }

    /// Reads what the threads have done. To be called when a turn begins.
    pub(super) fn take_reports(&mut self, world: &mut World) {
        let (before, synced_before) = (self.durable, self.synced);
        while let Some(report) = self.disk.take() {
            match report {
                Ok(Report::Written) => {}
                Ok(Report::Synced(synced)) => {
                    self.is_syncing_here = false;
                    // The other thread was not asked, then.
                    self.is_syncing_beside &= !matches!(synced, Synced::Distrusted);
                    self.sync_ended(synced, world);
                }
                Ok(Report::Failed(reason)) => {
                    (self.is_syncing_here, self.is_syncing_beside) = (false, false);
                    self.fails(world.now.mono + SECOND, reason, false);
                }
                Ok(Report::NoSyncer) => self.is_syncing_beside = false,
                Ok(Report::Begun(begun)) => self.rewrite_begun(begun, world),
                Err(ended) => self.lose_thread(world, ended),
            }
        }
        while let Some(report) = self.syncer.take() {
            match report {
                Ok(SyncReport::Synced(synced)) => {
                    self.is_syncing_beside = false;
                    self.sync_ended(synced, world);
                }
                Ok(SyncReport::Rebased(rebased)) => self.rewrite_ended(rebased, world),
                // What it had to sync is synced with what comes.
                Err(ended) => {
                    self.is_syncing_beside = false;
                    if self.rewrite.is_rebasing() {
                        self.rewrite_ended(Err(ended.to_string()), world);
                    }
                }
            }
        }
        let written = self.written.load(Ordering::Relaxed);
        self.unwritten.written(written);
        if written == self.given {
            self.recovers();
        }
        if world.config.append_only.fsync != Fsync::Always || !syncs(world) {
            self.durable = self.durable.max(written);
        }
        if self.durable > before {
            world.clients.log_durable(self.durable);
        }
        if self.synced > synced_before {
            world.signal(SYNCED);
        }
        self.tell(world);
    }

    fn sync_ended(&mut self, synced: Synced, world: &mut World) {
        match synced {
            Synced::Durable { position } => {
                if world.config.append_only.fsync == Fsync::Always {
                    note_latency(world, event::LOG_SYNC, self.asked_at);
                }
                // What is in the new file is of no use without the base that is being made.
                match self.failure.as_ref().is_some_and(|failure| failure.is_broken) {
                    true => self.synced_beside = position,
                    false => self.is_synced(position),
                }
            }
            Synced::Failed(reason) => {
                self.fails(world.now.mono + SECOND, reason, true);
                self.rewrite.is_scheduled = true;
            }
            Synced::Distrusted => {}
        }
    }

    /// What the thread had to write is lost: nothing of it is acknowledged before a rewrite, by another thread, has made the
    /// log whole.
    fn lose_thread(&mut self, world: &mut World, ended: Ended) {
        (self.is_syncing_here, self.is_syncing_beside) = (false, false);
        self.rewrite.beginning = 0;
        self.fails(world.now.mono + SECOND, ended.to_string(), true);
        if self.rewrite.is_running() && !self.rewrite.is_rebasing() {
            self.rewrite_ended(Err(ended.to_string()), world);
        }
        self.rewrite.is_scheduled |= self.is_listening();
        let given = self.given;
        match self.disk.jobs(|| Writer::after_loss(given, &self.written)) {
            Ok(jobs) => self.jobs = jobs,
            Err(error) => log::error!("the log: {error}"),
        }
    }

    /// Hands what the turn has said to the thread, if it is time to. To be called when a turn ends.
    pub(super) fn end_turn(&mut self, world: &mut World) {
        let now = world.now.mono;
        let fsync = world.config.append_only.fsync;
        let is_always = fsync == Fsync::Always && syncs(world);
        let may_try = self.failure.as_ref().is_none_or(|failure| now >= failure.retry_at);
        let ungiven = self.position() - self.given;
        let has_more = ungiven > 0 || self.failure.is_some();
        let has_enough =
            ungiven > FULL || now >= self.given_at + PAUSE || world.clients.await_log();
        let is_due = match fsync {
            _ if self.is_syncing_here || !syncs(world) => false,
            Fsync::Always => has_more || self.given > self.synced,
            _ => {
                let is_time = !self.is_syncing_beside && now >= self.asked_at + SECOND;
                is_time && (has_more || self.given > self.synced)
            }
        };
        if may_try && (is_due || has_more && has_enough && !is_always) {
            if is_due {
                self.asked_at = now;
            }
            if let Some(failure) = &mut self.failure {
                failure.retry_at = now + SECOND;
            }
            self.is_awaited = fsync == Fsync::Always || world.clients.await_log();
            self.given_at = now;
            let bytes = std::mem::take(&mut lock(&self.tape).bytes);
            let sync = match fsync {
                _ if !is_due => Sync::No,
                Fsync::Always => Sync::Here,
                _ => self.syncer.jobs(|| Syncer).map_or(Sync::Here, Sync::Beside),
            };
            self.give(bytes, sync);
        }
        self.watch_disk(world);
        let is_held = fsync == Fsync::Always || self.late_since.is_some();
        world.clients.hold_for_log(is_held || world.clients.await_log());
        let second = world.now.wall / 1_000_000;
        lock(&self.tape).second = world.config.append_only.timestamps.then_some(second);
    }

    /// Sees whether the disk is slow, and whether output has to wait for what is written.
    fn watch_disk(&mut self, world: &mut World) {
        let now = world.now.mono;
        let was_slow = self.is_slow;
        self.is_slow = self.is_syncing_beside && now >= self.asked_at + SLOW;
        if self.is_slow && !was_slow {
            self.delayed += 1;
            log::warn!("the disk is slow: a sync of the log takes longer than two seconds");
        }
        let is_late = world.config.append_only.fsync == Fsync::EverySecond
            && self.failure.is_none()
            && (self.unwritten.since().is_some_and(|since| now >= since + LATE)
                || self.jobs.waiting() > MOST_BYTES);
        match self.late_since {
            None if is_late => {
                log::warn!("the disk is slow: replies wait for the log to be written");
                self.late_since = Some(now);
                // It is reported when all that was handed over is written.
                self.is_awaited = true;
                self.give(Vec::new(), Sync::No);
            }
            Some(since) if !is_late => {
                self.late_since = None;
                note_latency(world, event::LOG_LATE, since);
            }
            _ => {}
        }
    }

    /// When there is something to do even if nothing arrives.
    pub(super) fn due(&self, world: &World) -> Option<u64> {
        let now = world.now.mono;
        if let Some(failure) = &self.failure {
            return Some(failure.retry_at.max(now));
        }
        let fsync = world.config.append_only.fsync;
        let gives = (fsync != Fsync::Always && self.position() > self.given)
            .then_some(self.given_at + PAUSE);
        let is_every_second = fsync == Fsync::EverySecond;
        let syncs = match self.is_syncing_beside {
            true => (is_every_second && !self.is_slow).then_some(self.asked_at + SLOW),
            false => (is_every_second && syncs(world) && self.position() > self.synced)
                .then_some(self.asked_at + SECOND),
        };
        let late = self.unwritten.since().filter(|_| is_every_second && self.late_since.is_none());
        let late = late.map(|since| since + LATE);
        [gives, syncs, late, self.rewrite_due(world)].into_iter().flatten().min()
    }

    fn fails(&mut self, retry_at: u64, reason: String, is_broken: bool) {
        if self.failure.is_none() {
            log::error!("the log cannot be written: {reason}: writes are refused until it can be");
        }
        let was_broken = self.failure.as_ref().is_some_and(|failure| failure.is_broken);
        self.failure = Some(Failure { reason, retry_at, is_broken: is_broken || was_broken });
    }

    /// All is in the file.
    fn recovers(&mut self) {
        if self.failure.take_if(|failure| !failure.is_broken).is_some() {
            log::info!("the log can be written again");
        }
    }

    fn is_synced(&mut self, position: u64) {
        self.synced = self.synced.max(position);
        self.durable = self.durable.max(position);
    }

    /// A rewrite has made the log whole: what was said before it began is on disk.
    pub(super) fn is_whole_from(&mut self, position: u64) {
        self.is_synced(position);
        self.is_synced(self.synced_beside);
        if self.failure.take_if(|failure| failure.is_broken).is_some() {
            log::info!("the log has been rewritten and can be relied on again");
        }
    }

    /// Tells commands whether they may write.
    fn tell(&self, world: &mut World) {
        let is_always = world.config.append_only.fsync == Fsync::Always;
        let reason = self.failure.as_ref().map(|failure| failure.reason.as_str());
        world.set_unlogged(reason, is_always);
        world.clients.pause_holding(is_always && reason.is_some());
    }

    /// The log ends. All is written and synced before this returns.
    pub(super) fn end(mut self, world: &mut World) {
        self.give_up_rewrite(world);
        if let Some(listener) = self.listener.take() {
            world.store.leave_effects(listener);
        }
        self.give_all();
        self.hand(Job::Close, 0);
        self.catch_up(world);
        world.clients.hold_for_log(false);
        world.clients.pause_holding(false);
        world.set_unlogged(None, false);
    }

    /// As [`Log::catch_up`], but its reports are read in the next turn. Returns whether there is more to come.
    pub(super) fn catch_up_quietly(&mut self, world: &World) -> bool {
        if world.config.append_only.fsync != Fsync::Always && self.failure.is_none() {
            self.give_all();
        }
        self.wait_for_threads();
        self.position() > self.synced && self.is_syncing() || self.rewrite.is_running()
    }

    pub(super) fn is_syncing(&self) -> bool {
        self.is_syncing_here || self.is_syncing_beside
    }

    /// Waits until the threads have done all that they were given.
    pub(super) fn catch_up(&mut self, world: &mut World) {
        self.wait_for_threads();
        self.take_reports(world);
    }

    fn wait_for_threads(&self) {
        // That one has ended is its last report. The first gives jobs to the second.
        let _ = self.disk.catch_up();
        let _ = self.syncer.catch_up();
    }

    /// Writes and syncs all that was said, and waits for that. Returns whether it is so.
    pub(super) fn sync_all(&mut self, world: &mut World) -> bool {
        let bytes = std::mem::take(&mut lock(&self.tape).bytes);
        self.give(bytes, Sync::Here);
        self.catch_up(world);
        self.failure.is_none()
    }
}

/// Counts what replies have waited for since then as an event, if it took too long.
fn note_latency(world: &mut World, kind: &'static str, since: u64) {
    let micros = world.now.mono - since;
    telemetry::record_latency_event(world, kind, micros * 1000);
}

/// Returns whether the log is synced at the moment.
fn syncs(world: &World) -> bool {
    let settings = &world.config.append_only;
    let is_paused = settings.no_fsync_on_rewrite && world.store.moment().is_some();
    settings.fsync != Fsync::No && !is_paused
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::super::Stage;
    use super::super::syncer::slow_disk::SlowFile;
    use super::*;
    use crate::config::Config;
    use crate::embed::local::{Connection, Local};

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Folder {
            let folder =
                std::env::temp_dir().join(format!("respd-append-{}-{test}", std::process::id()));
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder).unwrap();
            Folder(folder)
        }

        /// An increment.
        fn increment(&self, number: u64) -> PathBuf {
            self.0.join(format!("appendonlydir/appendonly.aof.{number}.incr.aof"))
        }

        fn start(&self, fsync: Fsync) -> (Local, Connection) {
            let mut config = Config { dir: Some(self.0.clone()), ..Config::default() };
            config.append_only.enabled = true;
            config.append_only.fsync = fsync;
            let mut local = Local::new(config);
            local.wait_for_disk();
            let client = local.connect();
            (local, client)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn log_of(local: &Local) -> &Log {
        match local.engine.world.feature::<Stage>() {
            Some(Stage::On(log)) => log,
            _ => panic!("there is no log"),
        }
    }

    /// Waits until the file has this text, however long that takes on a busy machine.
    fn has(file: &Path, text: &str) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        while !fs::read_to_string(file).unwrap().contains(text) {
            if Instant::now() > until {
                return false;
            }
            std::thread::yield_now();
        }
        true
    }

    #[test]
    fn with_everysec_what_comes_is_written_and_acknowledged_while_a_sync_goes_on() {
        let folder = Folder::new("slow-sync");
        let (mut local, client) = folder.start(Fsync::EverySecond);
        let slow = SlowFile::new(&folder.increment(1));
        for (second, key) in ["one", "two", "three", "four", "five"].iter().enumerate() {
            local.advance(Duration::from_secs(1));
            local.send(client, format!("SET {key} 1\r\n").as_bytes());
            assert_eq!(local.received(client), b"+OK\r\n", "{key}");
            local.advance(Duration::from_millis(10));
            assert!(has(&folder.increment(1), key), "{key}");
            let log = log_of(&local);
            assert!(log.is_syncing(), "{key}");
            assert_eq!((log.synced, log.delayed), (0, u64::from(second > 1)), "{key}");
        }
        let other = local.connect();
        local.send(other, b"WAITAOF 1 0 0\r\n");
        assert_eq!(local.received(other), b"");
        drop(slow);
        local.wait_for_disk();
        assert_eq!(local.received(other), b"*2\r\n:1\r\n:0\r\n");
    }

    #[test]
    fn with_everysec_replies_wait_when_writing_is_late() {
        let folder = Folder::new("late");
        let (mut local, client) = folder.start(Fsync::EverySecond);
        local.call(client, ["CONFIG", "SET", "latency-monitor-threshold", "10"]);
        local.call(client, ["SET", "before", "1"]);
        local.wait_for_disk();
        // The rewrite has the file synced before another begins.
        let slow = SlowFile::new(&folder.increment(1));
        local.call(client, ["BGREWRITEAOF"]);
        // The base is written in the meantime, and not put, because the manifest of the other file would take its place.
        let base = folder.0.join("appendonlydir/appendonly.aof.1.base.rdb");
        let mut turns = 0;
        while !base.exists() && turns < 50_000 {
            local.advance(Duration::from_micros(1));
            turns += 1;
        }
        local.advance(Duration::from_millis(100));
        local.send(client, b"SET one 1\r\n");
        assert_eq!(local.received(client), b"+OK\r\n");
        local.advance(Duration::from_millis(490));
        local.send(client, b"SET two 1\r\n");
        assert_eq!(local.received(client), b"+OK\r\n");
        local.advance(Duration::from_millis(10));
        local.send(client, b"SET three 1\r\n");
        local.advance(Duration::from_millis(50));
        assert_eq!(local.received(client), b"", "what is acknowledged has to be written first");
        drop(slow);
        local.wait_for_disk();
        assert!(base.exists());
        assert_eq!(local.received(client), b"+OK\r\n");
        assert_eq!(local.call(client, ["SET", "four", "1"]).to_string(), "OK");
        local.wait_for_disk();
        let events = local.call(client, ["LATENCY", "LATEST"]).to_string();
        assert!(events.contains("aof-write-pending-fsync"), "{events}");
        drop(local);
        let (mut again, client) = folder.start(Fsync::EverySecond);
        assert_eq!(again.call(client, ["DBSIZE"]).to_string(), "(integer) 5");
    }

    #[test]
    fn what_a_thread_that_panicked_had_to_write_is_acknowledged_when_a_rewrite_has_it() {
        let folder = Folder::new("panic");
        let (mut local, client) = folder.start(Fsync::Always);
        local.send(client, b"SET one 1\r\n");
        local.wait_for_disk();
        assert_eq!(local.received(client), b"+OK\r\n");
        log_of(&local).disk.panics();
        local.send(client, b"SET two 2\r\n");
        assert_eq!(local.received(client), b"", "nothing is on disk");
        local.wait_for_disk();
        local.advance(Duration::from_secs(1));
        local.wait_for_disk();
        assert_eq!(local.received(client), b"+OK\r\n");
        local.send(client, b"SET three 3\r\n");
        local.wait_for_disk();
        assert_eq!(local.received(client), b"+OK\r\n");
        drop(local);
        let (mut again, client) = folder.start(Fsync::Always);
        let reply = again.call(client, ["MGET", "one", "two", "three"]).to_string();
        assert_eq!(reply.replace('\n', " "), r#"1) "1" 2) "2" 3) "3""#);
    }
}
