//! The loop's end of the log: what is said of changes goes to the thread that writes it, and clients are told of changes
//! when they may be.
//!
//! Effects are formatted as they are handed over, into a buffer, the tape. At the end of a turn the tape goes to the
//! thread:
//!
//! | `appendfsync` | is handed over | is synced | output waits |
//! |---|---|---|---|
//! | `always` | when the sync before is done: one sync for all that came meanwhile | each time | until it is on disk |
//! | `everysec` | each few ms: see [`PAUSE`] | each second | only while the disk is behind: see [`BEHIND`] |
//! | `no` | each few ms | when the system likes | no |
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
use super::replacement::Replacement;
use super::writer::{Job, Report, Writer};
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

/// When a sync takes longer than this, in µs, or more bytes wait, output waits for the disk although `everysec` does not
/// promise that: what is acknowledged must not run away from what is kept.
const BEHIND: u64 = 2 * SECOND;
const MOST_BYTES: usize = 64 << 20;

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
    tape: Arc<Mutex<Tape>>,
    listener: Option<ListenerId>,
    /// Positions count the bytes of the log since the server started: those that were said, that were handed to the
    /// thread, that are in a file, that are synced, and those for which nothing waits: they are synced, or need not be.
    said: Arc<AtomicU64>,
    pub(super) given: u64,
    /// When it was, in µs of [`Now::mono`](crate::clock::Now::mono).
    given_at: u64,
    written: u64,
    pub(super) synced: u64,
    durable: u64,
    /// What is synced of a file whose base is not there yet, while the file before is not trusted.
    synced_beside: u64,
    /// When the thread was asked to sync, in µs of [`Now::mono`](crate::clock::Now::mono), and whether it has.
    asked_at: u64,
    is_syncing: bool,
    /// Syncs that took so long that output waited for them.
    pub(super) delayed: u64,
    is_behind: bool,
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
        let mut disk = DiskThread::new("respd-log", world.waker.clone());
        let jobs = disk.jobs(|| Writer::starting_at(position))?;
        Ok(Log {
            folder: folder.path,
            name: world.config.append_only.file_name.clone().into_os_string(),
            manifest,
            _lock: folder.lock,
            disk,
            jobs,
            tape: Arc::default(),
            listener: None,
            said,
            given: position,
            given_at: 0,
            written: position,
            synced: position,
            durable: position,
            synced_beside: position,
            asked_at: world.now.mono,
            is_syncing: false,
            delayed: 0,
            is_behind: false,
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

    pub(super) fn hand(&mut self, job: Job, bytes: usize) {
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
        self.hand(Job::Begin { path, is_there, manifest }, 0);
    }

    pub(super) fn replacement(&self, manifest: &Manifest) -> Replacement {
        let path = self.folder.join(manifest::extended(&self.name, ".manifest"));
        Replacement { path, text: manifest.text() }
    }

    /// Hands all that was said to the thread.
    fn give_all(&mut self) {
        let bytes = std::mem::take(&mut lock(&self.tape).bytes);
        self.give(bytes, false);
    }

    fn give(&mut self, bytes: Vec<u8>, sync: bool) {
        let len = bytes.len();
        self.given += len as u64;
        self.size += len as u64;
        self.is_syncing |= sync;
        let tell = self.is_awaited;
        self.hand(Job::Append { bytes, sync, tell }, len);
    }

    /// Reads what the thread has done. To be called when a turn begins.
    pub(super) fn take_reports(&mut self, world: &mut World) {
        let (before, synced_before) = (self.durable, self.synced);
        while let Some(report) = self.disk.take() {
            let report = match report {
                Ok(report) => report,
                Err(ended) => {
                    self.lose_thread(world, ended);
                    continue;
                }
            };
            match report {
                Report::Written { position } => {
                    self.written = position;
                    if position == self.given {
                        self.recovers();
                    }
                }
                Report::Durable { position } => {
                    self.is_syncing = false;
                    self.note_latency(world);
                    // What is in the new file is of no use without the base that is being made.
                    match self.failure.as_ref().is_some_and(|failure| failure.is_broken) {
                        true => self.synced_beside = position,
                        false => self.is_synced(position),
                    }
                }
                Report::Failed(reason) => {
                    self.is_syncing = false;
                    self.fails(world.now.mono + SECOND, reason, false);
                }
                Report::NotSynced(reason) => {
                    self.is_syncing = false;
                    self.fails(world.now.mono + SECOND, reason, true);
                    self.rewrite.is_scheduled = true;
                }
                Report::Begun(begun) => self.rewrite_begun(begun, world),
                Report::Rebased(rebased) => self.rewrite_ended(rebased, world),
            }
        }
        if !syncs(world) {
            self.durable = self.durable.max(self.written);
        }
        if self.durable > before {
            world.clients.log_durable(self.durable);
        }
        if self.synced > synced_before {
            world.signal(SYNCED);
        }
        self.tell(world);
    }

    /// What the thread had to write is lost: nothing of it is acknowledged before a rewrite, by another thread, has made the
    /// log whole.
    fn lose_thread(&mut self, world: &mut World, ended: Ended) {
        self.is_syncing = false;
        self.fails(world.now.mono + SECOND, ended.to_string(), true);
        if self.rewrite.is_running() {
            self.rewrite_ended(Err(ended.to_string()), world);
        }
        self.rewrite.is_scheduled |= self.is_listening();
        let given = self.given;
        match self.disk.jobs(|| Writer::after_loss(given)) {
            Ok(jobs) => self.jobs = jobs,
            Err(error) => log::error!("the log: {error}"),
        }
    }

    /// Counts a sync that replies have waited for as an event, if it took too long.
    fn note_latency(&self, world: &mut World) {
        let kind = match world.config.append_only.fsync {
            Fsync::Always => event::LOG_SYNC,
            _ if self.is_behind => event::LOG_BEHIND,
            _ => return,
        };
        let micros = world.now.mono - self.asked_at;
        telemetry::record_latency_event(world, kind, micros * 1000);
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
            _ if self.is_syncing || !syncs(world) => false,
            Fsync::Always => has_more || self.given > self.durable,
            _ => now >= self.asked_at + SECOND && (has_more || self.given > self.durable),
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
            self.give(bytes, is_due);
        }
        let was_behind = self.is_behind;
        self.is_behind = fsync == Fsync::EverySecond
            && syncs(world)
            && (self.is_syncing && now >= self.asked_at + BEHIND
                || self.jobs.waiting() > MOST_BYTES
                || was_behind && self.is_syncing);
        if self.is_behind && !was_behind {
            self.delayed += 1;
            log::warn!("the disk is slow to sync the log: replies wait for it");
        }
        world
            .clients
            .hold_for_log(fsync == Fsync::Always || self.is_behind || world.clients.await_log());
        let second = world.now.wall / 1_000_000;
        lock(&self.tape).second = world.config.append_only.timestamps.then_some(second);
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
        let syncs = match fsync {
            Fsync::EverySecond if self.is_syncing => {
                (!self.is_behind).then_some(self.asked_at + BEHIND)
            }
            Fsync::EverySecond if syncs(world) && self.position() > self.durable => {
                Some(self.asked_at + SECOND)
            }
            _ => None,
        };
        gives.into_iter().chain(syncs).min()
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
        let _ = self.disk.catch_up();
        self.position() > self.durable && self.is_syncing || self.rewrite.is_running()
    }

    pub(super) fn is_syncing(&self) -> bool {
        self.is_syncing
    }

    /// Waits until the thread has done all that it was given.
    pub(super) fn catch_up(&mut self, world: &mut World) {
        // That it has ended is the last report.
        let _ = self.disk.catch_up();
        self.take_reports(world);
    }

    /// Writes and syncs all that was said, and waits for that. Returns whether it is so.
    pub(super) fn sync_all(&mut self, world: &mut World) -> bool {
        let bytes = std::mem::take(&mut lock(&self.tape).bytes);
        self.give(bytes, true);
        self.catch_up(world);
        self.failure.is_none()
    }
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

    use super::super::Stage;
    use super::*;
    use crate::config::Config;
    use crate::embed::local::{Connection, Local};

    fn start(folder: &std::path::Path) -> (Local, Connection) {
        let mut config = Config { dir: Some(folder.to_owned()), ..Config::default() };
        config.append_only.enabled = true;
        config.append_only.fsync = Fsync::Always;
        let mut local = Local::new(config);
        local.wait_for_disk();
        let client = local.connect();
        (local, client)
    }

    #[test]
    fn what_a_thread_that_panicked_had_to_write_is_acknowledged_when_a_rewrite_has_it() {
        let folder = std::env::temp_dir().join(format!("respd-append-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let (mut local, client) = start(&folder);
        local.send(client, b"SET one 1\r\n");
        local.wait_for_disk();
        assert_eq!(local.received(client), b"+OK\r\n");
        {
            let Some(Stage::On(log)) = local.engine.world.feature::<Stage>() else { panic!() };
            log.disk.panics();
        }
        local.send(client, b"SET two 2\r\n");
        assert_eq!(local.received(client), b"", "nothing is on disk");
        local.wait_for_disk();
        local.advance(std::time::Duration::from_secs(1));
        local.wait_for_disk();
        assert_eq!(local.received(client), b"+OK\r\n");
        local.send(client, b"SET three 3\r\n");
        local.wait_for_disk();
        assert_eq!(local.received(client), b"+OK\r\n");
        drop(local);
        let (mut again, client) = start(&folder);
        let reply = again.call(client, ["MGET", "one", "two", "three"]).to_string();
        assert_eq!(reply.replace('\n', " "), r#"1) "1" 2) "2" 3) "3""#);
        fs::remove_dir_all(&folder).unwrap();
    }
}
