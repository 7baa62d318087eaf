//! A file that is recorded: one moment of the keyspace goes to the thread of the disk, slice by slice.
//!
//! It is a snapshot, the base of a log, or a copy for clients. There is one at a time, for the keyspace records one moment at a time.

use std::any::Any;
use std::path::PathBuf;

use super::disk::{Ended, Jobs};
use super::files::{Format, Job, Target};
use super::pace::Pace;
use crate::clock::Now;
use crate::dispatch::telemetry;
use crate::keyspace::{MOST_WAITING, Recorder};
use crate::rdb::chunk::Chunk;
use crate::rdb::recorder::{DatabaseSize, FileRecorder, Header, Output, ToldUse};
use crate::rdb::write::Dialect;
use crate::telemetry::latency::event;
use crate::telemetry::{Timer, process};
use crate::world::World;

/// How long recording may take in a turn, in nanoseconds.
const SLICE: u64 = 250_000;

/// Bytes of progress that are one unit of the walk's work.
const UNIT: usize = 64;

/// Ends what a recorder has made. Returns how many fields lost the time at which they expire.
pub(crate) type Finish = fn(Box<dyn Recorder>) -> u64;

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Snapshot,
    /// The base of a log, which that has asked for.
    Base,
    /// A copy for clients that have asked for one.
    Copy,
}

/// A file that is being recorded.
pub(super) struct Recording {
    pub(super) id: u64,
    pub(super) purpose: Purpose,
    pub(super) path: PathBuf,
    jobs: Jobs<Job>,
    finish: Finish,
    /// When the moment was.
    pub(super) began: Now,
    /// Changes of the keyspace until the moment.
    pub(super) changes: u64,
    pub(super) keys: usize,
    /// Whether all is recorded, and only waits to be written.
    pub(super) is_recorded: bool,
    /// The most bytes that were kept beside the data.
    pub(super) peak: usize,
    pace: Pace,
    /// How many slices it has taken so far, and the CPU time of the longest, in nanoseconds.
    slices: u64,
    longest: u64,
    /// Why the file cannot be finished.
    failure: Option<String>,
}

/// The recorder's end of the thread.
struct Hand(Jobs<Job>);

impl Output for Hand {
    fn chunk(&mut self, chunk: Chunk) {
        let bytes = chunk.len();
        // That there is no thread any more is noticed when the file is to be finished.
        let _ = self.0.hand(Job::Write(chunk), bytes);
    }

    fn waiting(&self) -> usize {
        self.0.waiting()
    }
}

impl Recording {
    /// The moment is now. `make` makes what records it. `None`: another is being recorded.
    pub(super) fn begin(
        world: &mut World,
        jobs: Jobs<Job>,
        (purpose, target): (Purpose, Target),
        make: impl FnOnce(Box<dyn Output>) -> Box<dyn Recorder>,
        finish: Finish,
    ) -> Option<Recording> {
        if world.store.moment().is_some() {
            return None;
        }
        let (id, path) = (target.id, target.path.clone());
        // As in `Hand::chunk`.
        let _ = jobs.hand(Job::Begin(target), 0);
        world.store.begin_moment(make(Box::new(Hand(jobs.clone())))).ok()?;
        let keys = world.store.moment().map_or(0, |moment| moment.keys);
        Some(Recording {
            id,
            purpose,
            path,
            jobs,
            finish,
            began: world.now,
            changes: world.store.shared.changes,
            keys,
            is_recorded: false,
            peak: 0,
            pace: Pace::of(SLICE),
            slices: 0,
            longest: 0,
            failure: None,
        })
    }

    /// What it hands to the thread goes through this.
    #[cfg(test)]
    pub(super) fn jobs(&self) -> &Jobs<Job> {
        &self.jobs
    }

    /// Why the file cannot be finished, if that has turned out.
    pub(super) fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }

    /// Records a slice, if there is something to record at once.
    pub(super) fn go_on(&mut self, world: &mut World, timer: &Timer) {
        if !self.is_due(world) {
            return;
        }
        let Some(progress) = world.store.moment() else {
            // A command that has panicked while it recorded has taken the moment with it.
            self.failure = Some("the moment is lost".to_owned());
            return;
        };
        let started = process::thread_nanos();
        let units = self.pace.units_for(progress.debt / UNIT);
        let (store, mut is_over) = (&mut world.store, false);
        let nanos = self.pace.slice(timer, units, |units| {
            is_over = store.record_some(units);
            !is_over && store.moment().is_some_and(|moment| moment.waiting < MOST_WAITING)
        });
        let beside = world.store.moment().map_or(0, |moment| moment.kept + moment.waiting);
        self.peak = self.peak.max(beside);
        telemetry::record_latency_event(world, event::SNAPSHOT_CYCLE, nanos);
        if is_over {
            self.failure = self.end(world).err();
        }
        self.slices += 1;
        self.longest = self.longest.max(process::thread_nanos() - started);
        if is_over {
            let (path, slices, longest) = (self.path.display(), self.slices, self.longest / 1000);
            log::debug!("{path} is recorded in {slices} slices, the longest took {longest} µs");
        }
    }

    /// Records all that is left. The thread of the loop waits for that of the disk.
    pub(super) fn go_through(
        &mut self,
        world: &mut World,
        mut catch_up: impl FnMut() -> Result<(), Ended>,
    ) -> Result<(), String> {
        while !self.is_recorded {
            if world.store.record_some(usize::MAX) {
                self.end(world)?;
            }
            catch_up().map_err(|ended| ended.to_string())?;
        }
        Ok(())
    }

    /// All is recorded.
    fn end(&mut self, world: &mut World) -> Result<(), String> {
        self.is_recorded = true;
        if let Some(recorder) = world.store.end_moment() {
            let lasting = (self.finish)(recorder);
            if lasting > 0 {
                log::warn!(
                    "{lasting} fields of hashes do not expire in {}: Redis 7 knows no such fields",
                    self.path.display()
                );
            }
        }
        self.jobs.hand(Job::Finish, 0).map_err(|error| error.to_string())
    }

    /// Returns whether there is something to record at once, or a failure to heed.
    pub(super) fn is_due(&self, world: &World) -> bool {
        let progress = world.store.moment();
        self.failure.is_some()
            || !self.is_recorded && progress.is_none_or(|progress| progress.waiting < MOST_WAITING)
    }

    /// What has been written is removed.
    pub(super) fn abandon(self, world: &mut World) {
        if !self.is_recorded {
            drop(world.store.end_moment());
        }
        // Without the thread there is nothing to remove.
        let _ = self.jobs.hand(Job::Abandon, 0);
    }
}

/// The file as the configuration wants it.
pub(super) fn snapshot_format(world: &World) -> Format {
    let config = &world.config;
    Format::Snapshot { compress: config.rdbcompression, checksum: config.rdbchecksum }
}

/// What a file says of itself. Personas of Redis write what Redis 7.0 reads, or 7.4 if theirs has fields that expire.
pub(crate) fn header(world: &World, is_aof_base: bool, functions: Vec<Vec<u8>>) -> Header {
    let (config, store) = (&world.config, &world.store);
    let policy = config.eviction.policy;
    let told_use = match () {
        () if policy.is_lfu() => ToldUse::Frequency,
        () if policy.is_lru() => ToldUse::Idle,
        () => ToldUse::None,
    };
    let size = |(db, database): (usize, &crate::keyspace::Database)| DatabaseSize {
        db,
        keys: database.len(),
        volatile: database.volatile(),
    };
    Header {
        dialect: match () {
            () if !config.persona.is_redis() => Dialect::Valkey,
            () if config.persona.has_command("hexpire", "9.0.0") => Dialect::Redis74,
            () => Dialect::Redis,
        },
        limits: config.limits,
        server_version: config.persona.version.to_owned(),
        created: store.shared.now,
        used_memory: world.memory().total(),
        is_aof_base,
        told_use,
        sizes: store.iter().map(size).collect(),
        functions,
    }
}

/// Ends a snapshot.
pub(crate) fn finish_snapshot(recorder: Box<dyn Recorder>) -> u64 {
    let recorder: Box<dyn Any> = recorder;
    recorder.downcast::<FileRecorder>().map_or(0, FileRecorder::finish)
}
