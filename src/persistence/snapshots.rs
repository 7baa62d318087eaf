//! Snapshots: when one is written, what came of it, and what the server begins with.
//!
//! A snapshot has what the keyspace was at one moment. It is recorded in slices while clients are served
//! ([`super::recording`]), a thread writes it ([`super::files`]), and it takes the place of the one before when it is
//! whole. SAVE, SHUTDOWN and DEBUG RELOAD alone make the loop wait for that.
//!
//! What fails is told to the log, to INFO, and, while there are save points, to clients that want to write
//! ([`World::set_unsaved`]); the snapshot from before and the data stay as they are.

pub(crate) mod ordered;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ordered::Outcomes;

use super::disk::{DiskThread, Ended};
use super::files::{Format, Report, SnapshotFiles, Target, Written};
use super::libraries::Libraries;
use super::loading::{self, Contents, Loading};
use super::recording::{self, Finish, Purpose, Recording};
use super::status::{Progress, Status};
use crate::config::Reason;
use crate::dispatch::duty::{Duty, Leave, Turn};
use crate::error::{self, Error};
use crate::keyspace::Recorder;
use crate::rdb::file::Tally;
use crate::rdb::recorder::{FileRecorder, Output};
use crate::world::{Farewell, World};

/// After a snapshot has failed the next is begun by itself no earlier than this, in µs.
const RETRY_DELAY: u64 = 5_000_000;

/// What is done in every turn.
pub(super) const DUTY: Duty = Duty { begin, end: |_| (), rest, due, leave, wait };

/// What DEBUG RELOAD does beside loading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reload {
    /// The data is written first.
    pub(crate) saves: bool,
    /// The data goes before that of the file comes.
    pub(crate) flushes: bool,
    /// Keys of the file take the place of those that are there. Without it these are an error.
    pub(crate) merges: bool,
}

/// What is kept of snapshots while the server runs.
struct Snapshots {
    disk: DiskThread<SnapshotFiles>,
    libraries: Libraries,
    /// Ids that have been given.
    ids: u64,
    recording: Option<Recording>,
    loading: Option<Loading>,
    /// BGSAVE waits for a time at which it can begin.
    is_scheduled: bool,
    /// What came of what other features have asked for.
    outcomes: Outcomes,
    status: Status,
}

/// From now on the server has snapshots. If it is to begin with one, that is being loaded.
pub(crate) fn start(world: &mut World, libraries: Libraries) -> io::Result<()> {
    world.find_folder = find_folder;
    world.part = part;
    if world.config.dir.is_some() {
        let invalid = |reason: Reason| {
            let folder = world.config.folder().display();
            io::Error::other(format!("'dir {folder}': {reason}"))
        };
        world.config.dir = Some(find_folder(world.config.folder()).map_err(invalid)?);
    }
    let mut snapshots = Snapshots {
        disk: DiskThread::new("respd-snapshots", world.waker.clone()),
        libraries,
        ids: 0,
        recording: None,
        loading: None,
        is_scheduled: false,
        outcomes: Outcomes::default(),
        status: Status::at_start(world),
    };
    // A log has all of it.
    if world.config.keeps_data() && !world.config.append_only.enabled {
        snapshots.begin_loading(world)?;
    }
    world.take_back(Box::new(snapshots));
    Ok(())
}

/// SAVE: the data is in its file when this returns.
pub(crate) fn save(world: &mut World) -> Result<(), Error> {
    with(world, |snapshots, world| {
        world.stats.snapshots += 1;
        snapshots.save(world)
    })
}

/// BGSAVE: the data as it is now will be in its file. With `may_wait` it is scheduled if something else is being
/// recorded. Returns whether it has begun.
pub(crate) fn save_in_background(world: &mut World, may_wait: bool) -> Result<bool, Error> {
    with(world, |snapshots, world| match &snapshots.recording {
        Some(recording) if recording.purpose == Purpose::Snapshot => Err(error::SAVING),
        Some(_) if !may_wait => Err(error::RECORDING),
        Some(_) => {
            snapshots.is_scheduled = true;
            Ok(false)
        }
        None => snapshots.begin_snapshot(world).map(|()| true),
    })
}

/// BGSAVE in a transaction: it begins when that is over.
pub(crate) fn schedule(world: &mut World) -> Result<(), Error> {
    with(world, |snapshots, world| {
        if snapshots.is_saving() {
            return Err(error::SAVING);
        }
        if !world.config.keeps_data() {
            return Err(error::NO_FILES);
        }
        snapshots.is_scheduled = true;
        Ok(())
    })
}

/// BGSAVE CANCEL. Returns whether one was being written; otherwise one was scheduled.
pub(crate) fn cancel(world: &mut World) -> Result<bool, Error> {
    with(world, |snapshots, world| {
        if snapshots.is_saving() {
            log::info!("the snapshot that is being written is given up: BGSAVE CANCEL");
            snapshots.abandon(world);
            Ok(true)
        } else if std::mem::take(&mut snapshots.is_scheduled) {
            Ok(false)
        } else {
            Err(error::NOT_SAVING)
        }
    })
}

/// FLUSHALL has emptied the keyspace. A snapshot of what there was would be of no use any more, and if there are save
/// points, the next one has that there is nothing.
pub(crate) fn flushed(world: &mut World) {
    // Without the feature there is nothing to give up.
    let _ = with(world, |snapshots, world| {
        if snapshots.is_saving() {
            log::info!("the snapshot that is being written is given up: FLUSHALL");
            snapshots.abandon(world);
        }
        snapshots.is_scheduled |= !world.config.save.is_empty();
        Ok(())
    });
}

/// SHUTDOWN: sees to what is to be kept. The error is that it could not be written.
fn part(world: &mut World, farewell: Farewell) -> Result<(), Error> {
    with(world, |snapshots, world| snapshots.part(world, farewell))
}

/// DEBUG RELOAD: the data is what the file says, or what it was.
pub(crate) fn reload(world: &mut World, options: Reload) -> Result<(), Error> {
    with(world, |snapshots, world| snapshots.reload(world, options))
}

/// The libraries of functions, which a log has too.
pub(super) fn libraries(world: &World) -> Libraries {
    world.feature::<Snapshots>().map_or(Libraries::NONE, |snapshots| snapshots.libraries)
}

/// How snapshots stand.
pub(crate) fn status(world: &World) -> Option<Status> {
    world.feature::<Snapshots>().map(|snapshots| snapshots.status)
}

/// The snapshot that is being written in the background, if there is one.
pub(crate) fn progress(world: &World) -> Option<Progress> {
    let snapshots = world.feature::<Snapshots>()?;
    let recording =
        snapshots.recording.as_ref().filter(|found| found.purpose == Purpose::Snapshot)?;
    let moment = world.store.moment();
    Some(Progress {
        keys: recording.keys,
        recorded: moment.map_or(recording.keys, |moment| moment.recorded),
        seconds: (world.now.mono - recording.began.mono) / 1_000_000,
        kept: moment.map_or(0, |moment| moment.kept + moment.waiting),
        peak: recording.peak,
    })
}

/// Does something with what is kept, which is not in the world meanwhile.
fn with<T>(
    world: &mut World,
    work: impl FnOnce(&mut Snapshots, &mut World) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut snapshots = world.lend::<Snapshots>().ok_or(error::NOT_SAVED)?;
    let done = work(&mut snapshots, world);
    world.take_back(snapshots);
    done
}

/// The path of a folder from the root on, without links, or why it cannot be used.
pub(crate) fn find_folder(folder: &Path) -> Result<PathBuf, Reason> {
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => {
            fs::canonicalize(folder).map_err(|error| crate::files::reason(&error).into())
        }
        Ok(_) => Err("Not a directory".into()),
        Err(error) => Err(crate::files::reason(&error).into()),
    }
}

// The duty.

fn begin(turn: &mut Turn<'_>) {
    let Turn { world, timer, .. } = turn;
    if world.feature::<Snapshots>().is_none() {
        return;
    }
    // An error has been told to the log.
    let _ = with(world, |snapshots, world| {
        while let Some(report) = snapshots.disk.take() {
            match report {
                Ok(report) => snapshots.heed(world, report),
                Err(ended) => snapshots.lose_thread(world, ended),
            }
        }
        if let Some(mut loading) = snapshots.loading.take() {
            match loading.go_on(world, timer) {
                Ok(None) => snapshots.loading = Some(loading),
                Ok(Some(contents)) => snapshots.loaded(world, &loading, contents),
                Err(reason) => fail(world, &reason),
            }
        }
        if let Some(reason) = snapshots.recording.as_mut().and_then(Recording::take_failure) {
            snapshots.ended(world, Err(reason));
        }
        snapshots.begin_due(world);
        Ok(())
    });
}

/// Records a slice. What comes of it is heeded when the next turn begins.
fn rest(turn: &mut Turn<'_>) {
    let Turn { world, timer, .. } = turn;
    if let Some(mut snapshots) = world.lend::<Snapshots>() {
        if let Some(recording) = &mut snapshots.recording {
            recording.go_on(world, timer);
        }
        world.take_back(snapshots);
    }
}

fn due(world: &World) -> Option<u64> {
    let snapshots = world.feature::<Snapshots>()?;
    if snapshots.loading.as_ref().is_some_and(Loading::is_due)
        || snapshots.recording.as_ref().is_some_and(|recording| recording.is_due(world))
    {
        return Some(world.now.mono);
    }
    snapshots.next_save(world).map(|(due, _)| due)
}

fn leave(turn: &mut Turn<'_>, why: Leave) -> bool {
    let farewell = match why {
        Leave::Command => Farewell::NoSave,
        Leave::Program => Farewell::Configured,
        Leave::Signal(_) => match why.options(&turn.world.config).and_then(|options| options.saves)
        {
            None => Farewell::Configured,
            Some(true) => Farewell::Save,
            Some(false) => Farewell::NoSave,
        },
    };
    let parted = part(turn.world, farewell);
    if parted.is_err() && why.may_be_refused(&turn.world.config) {
        log::error!("the server stays: what it has could not be saved");
        return false;
    }
    true
}

fn wait(world: &mut World) -> bool {
    let Some(snapshots) = world.feature::<Snapshots>() else { return false };
    // That the thread has ended is told when a turn begins.
    let _ = snapshots.disk.catch_up();
    snapshots.recording.is_some() || snapshots.loading.is_some()
}

/// The server cannot begin with what it is to begin with, and ends.
fn fail(world: &mut World, reason: &str) {
    log::error!("cannot load {reason}");
    world.reactor_requests.failure = Some(format!("cannot load {reason}"));
    world.reactor_requests.shutdown = true;
}

impl Snapshots {
    fn is_saving(&self) -> bool {
        self.recording.as_ref().is_some_and(|found| found.purpose == Purpose::Snapshot)
    }

    /// The moment is now.
    fn begin(
        &mut self,
        world: &mut World,
        (purpose, path, format): (Purpose, PathBuf, Format),
        make: impl FnOnce(Box<dyn Output>) -> Box<dyn Recorder>,
        finish: Finish,
    ) -> Result<(), Error> {
        self.ids += 1;
        let is_synced_on_the_way =
            world.config.rdb_save_incremental_fsync && purpose != Purpose::Copy;
        let is_nameless = purpose == Purpose::Copy;
        let target = Target { id: self.ids, path, format, is_synced_on_the_way, is_nameless };
        let jobs = self.disk.jobs(SnapshotFiles::default).map_err(|failed| {
            log::error!("cannot start the thread that writes {}: {failed}", target.path.display());
            error::NOT_SAVED
        })?;
        let what = (purpose, target);
        let begun = Recording::begin(world, jobs, what, make, finish);
        self.recording = Some(begun.ok_or(error::RECORDING)?);
        Ok(())
    }

    /// Begins a snapshot in the background.
    fn begin_snapshot(&mut self, world: &mut World) -> Result<(), Error> {
        world.stats.snapshots += 1;
        self.is_scheduled = false;
        self.status.last_try = Some(world.now);
        self.record(world)?;
        if let Some(Recording { keys, path, .. }) = &self.recording {
            log::info!("saving {keys} keys to {} in the background", path.display());
        }
        Ok(())
    }

    /// A snapshot of this moment.
    fn record(&mut self, world: &mut World) -> Result<(), Error> {
        if !world.config.keeps_data() {
            return Err(error::NO_FILES);
        }
        let path = world.config.folder().join(&world.config.dbfilename);
        let header = recording::header(world, false, (self.libraries.codes)(world));
        let make = |output| -> Box<dyn Recorder> { Box::new(FileRecorder::new(header, output)) };
        let what = (Purpose::Snapshot, path, recording::snapshot_format(world));
        self.begin(world, what, make, recording::finish_snapshot)
    }

    fn save(&mut self, world: &mut World) -> Result<(), Error> {
        if self.is_saving() {
            return Err(error::SAVING);
        }
        if self.recording.is_some() {
            return Err(error::RECORDING);
        }
        self.record(world)?;
        let Some(mut recording) = self.recording.take() else { return Err(error::NOT_SAVED) };
        let recorded = recording.go_through(world, || self.disk.catch_up());
        let id = recording.id;
        self.recording = Some(recording);
        let caught_up = self.disk.catch_up().map_err(|ended| ended.to_string());
        let mut written = recorded.and(caught_up).map(|()| Written::default());
        while let Some(Ok(report)) = self.disk.take() {
            match report {
                Report::Written(of, result) if of == id => written = written.and(result),
                other => self.heed(world, other),
            }
        }
        self.saved(world, written, false)
    }

    /// The snapshot has been written, or could not be.
    fn saved(
        &mut self,
        world: &mut World,
        written: Result<Written, String>,
        in_background: bool,
    ) -> Result<(), Error> {
        let Some(recording) = self.recording.take() else { return Ok(()) };
        let micros = world.now.mono - recording.began.mono;
        if in_background {
            self.status.last_took = Some(micros / 1_000_000);
            self.status.last_peak = recording.peak;
        }
        let path = recording.path.display();
        match written {
            Ok(Written { bytes, .. }) => {
                let keys = recording.keys;
                log::info!("{path} is saved: {keys} keys, {bytes} bytes");
                self.status.last_save = world.now;
                self.status.changes = recording.changes;
                world.set_unsaved(false);
                Ok(())
            }
            Err(reason) => {
                log::error!("{path} is not saved: {reason}");
                if in_background {
                    world.set_unsaved(true);
                }
                recording.abandon(world);
                Err(error::NOT_SAVED)
            }
        }
    }

    /// What was being recorded has been written, or could not be.
    fn ended(&mut self, world: &mut World, written: Result<Written, String>) {
        let purpose = self.recording.as_ref().map(|recording| recording.purpose);
        if purpose == Some(Purpose::Snapshot) {
            // The error has been told to the log.
            let _ = self.saved(world, written, true);
        } else if let Some(recording) = self.recording.take() {
            let (purpose, has_failed) = (recording.purpose, written.is_err());
            if has_failed {
                recording.abandon(world);
            }
            *self.outcomes.of(purpose) = Some(written);
        }
    }

    /// Gives up what is being recorded. A feature that has asked for it is told.
    fn abandon(&mut self, world: &mut World) {
        if let Some(recording) = self.recording.take() {
            if recording.purpose != Purpose::Snapshot {
                *self.outcomes.of(recording.purpose) = Some(Err("it was given up".to_owned()));
            }
            recording.abandon(world);
        }
    }

    /// Does what a report of the thread means. One about a file that was given up means nothing any more.
    fn heed(&mut self, world: &mut World, report: Report) {
        match report {
            Report::Written(id, written) => {
                if self.recording.as_ref().is_some_and(|recording| recording.id == id) {
                    self.ended(world, written);
                }
            }
            Report::Read(id, read) => {
                if let Some(loading) = self.loading.as_mut().filter(|loading| loading.id == id)
                    && let Err(reason) = loading.take(read)
                {
                    self.loading = None;
                    fail(world, &reason);
                }
            }
        }
    }

    /// What the thread was to write or to read is lost.
    fn lose_thread(&mut self, world: &mut World, ended: Ended) {
        self.ended(world, Err(ended.to_string()));
        if let Some(loading) = self.loading.take() {
            fail(world, &format!("{}: {ended}", loading.path().display()));
        }
    }

    /// When a snapshot begins by itself, and for which changes in how many seconds.
    fn next_save(&self, world: &World) -> Option<(u64, Option<(u64, u64)>)> {
        if self.recording.is_some() || self.loading.is_some() {
            return None;
        }
        let Status { last_save, last_try, .. } = self.status;
        let patience = last_try.filter(|_| world.is_unsaved());
        let earliest = patience.map_or(0, |last_try| last_try.mono.saturating_add(RETRY_DELAY));
        if self.is_scheduled {
            return Some((earliest, None));
        }
        let changes = self.status.unsaved_changes(world);
        let due =
            world.config.save.iter().filter(|point| changes >= point.changes.max(1)).map(|point| {
                let after = point.seconds.saturating_mul(1_000_000);
                let due = last_save.mono.saturating_add(after).max(earliest);
                (due, Some((changes, point.seconds)))
            });
        due.min_by_key(|(due, _)| *due)
    }

    /// Begins the snapshot that is due, if one is.
    fn begin_due(&mut self, world: &mut World) {
        let Some((due, point)) = self.next_save(world) else { return };
        if due > world.now.mono {
            return;
        }
        if let Some((changes, seconds)) = point {
            log::info!("{changes} changes in {seconds} seconds: a snapshot is due");
        }
        if self.begin_snapshot(world).is_err() {
            world.set_unsaved(true);
        }
    }

    fn part(&mut self, world: &mut World, farewell: Farewell) -> Result<(), Error> {
        if self.recording.is_some() {
            log::info!("what is being written in the background is given up: the server leaves");
            self.abandon(world);
        }
        let saves = match farewell {
            Farewell::Configured => !world.config.save.is_empty(),
            Farewell::Save => true,
            Farewell::NoSave => false,
        };
        // What is half loaded must not take the place of what is being loaded.
        match saves && world.loading().is_none() {
            true => self.save(world),
            false => Ok(()),
        }
    }

    // Loading.

    /// Begins to load the file of the configuration, if it is there.
    fn begin_loading(&mut self, world: &mut World) -> io::Result<()> {
        let path = world.config.folder().join(&world.config.dbfilename);
        let unreadable =
            |reason: String| io::Error::other(format!("cannot load {}: {reason}", path.display()));
        let file = match crate::files::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(|error| unreadable(error.to_string()))?,
        };
        self.ids += 1;
        let jobs = self.disk.jobs(SnapshotFiles::default)?;
        let loading = Loading::begin(world, jobs, self.ids, &path, file).map_err(unreadable)?;
        log::info!("loading {}", path.display());
        self.loading = Some(loading);
        Ok(())
    }

    /// The file that the server begins with is whole.
    fn loaded(&mut self, world: &mut World, loading: &Loading, contents: Contents) {
        let Contents { store, functions, tally } = contents;
        if !functions.is_empty()
            && let Err(refused) = (self.libraries.load)(world, &functions, false)
        {
            let path = loading.path().display();
            return fail(
                world,
                &format!("{path}: a library of functions does not load: {refused}"),
            );
        }
        world.store.take_over(store);
        let seconds = (world.now.mono - loading.since().mono) as f64 / 1e6;
        let path = loading.path().display();
        let Tally { keys, expired, .. } = tally;
        log::info!(
            "{path} is loaded: {keys} keys, {expired} more had expired, {seconds:.3} seconds"
        );
        self.status.loaded = tally;
        self.status.changes = world.store.shared.changes;
        world.set_loading(None);
    }

    fn reload(&mut self, world: &mut World, options: Reload) -> Result<(), Error> {
        if options.saves {
            self.save(world)?;
        }
        let path = world.config.folder().join(&world.config.dbfilename);
        let refused = |reason: String| {
            log::error!("DEBUG RELOAD: {reason}");
            error::NOT_LOADED
        };
        let Contents { store, functions, tally } = loading::load(&path, world).map_err(refused)?;
        if !options.flushes && !options.merges && world.store.collides_with(&store) {
            return Err(refused(format!("{}: a key of it is there already", path.display())));
        }
        if options.flushes || !functions.is_empty() {
            (self.libraries.load)(world, &functions, !options.flushes)
                .map_err(|failed| refused(failed.to_string()))?;
        }
        if options.flushes {
            world.flush_all();
            world.store.take_over(store);
        } else {
            world.store.join(store);
        }
        self.status.loaded = tally;
        self.status.changes = world.store.shared.changes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::dispatch::NoDriver;
    use crate::embed::local::{Connection, Local};
    use crate::engine::Engine;
    use crate::keyspace::MOST_WAITING;
    use crate::persistence::files::Job;
    use crate::rdb::chunk::Chunk;

    /// A server with some keys, and its folder, which goes with the test.
    struct Server {
        local: Local,
        client: Connection,
        folder: PathBuf,
    }

    impl Server {
        fn start(test: &str) -> Server {
            let name = format!("respd-snapshots-{}-{test}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder).unwrap();
            let mut local = Local::new(Config { dir: Some(folder.clone()), ..Config::default() });
            let client = local.connect();
            let mut server = Server { local, client, folder };
            (0..100).for_each(|n| _ = server.call(&format!("SET key{n} value")));
            server
        }

        fn call(&mut self, line: &str) -> String {
            self.local.call(self.client, line.split(' ')).to_string()
        }

        /// Panics if BGSAVE has not come to the end of one that failed, or the next one does not succeed.
        fn check(&mut self) {
            let info = self.call("INFO persistence");
            assert!(info.contains("rdb_bgsave_in_progress:0"), "{info}");
            assert!(info.contains("rdb_last_bgsave_status:err"), "{info}");
            assert!(self.local.engine.world.store.moment().is_none());
            assert_eq!(self.call("BGSAVE"), "Background saving started");
            self.local.wait_for_disk();
            assert!(self.call("INFO persistence").contains("rdb_last_bgsave_status:ok"));
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    #[test]
    fn a_save_whose_thread_has_panicked_has_failed_although_all_that_it_was_given_waits_for_ever() {
        let mut server = Server::start("thread");
        assert_eq!(server.call("BGSAVE"), "Background saving started");
        let snapshots = server.local.engine.world.feature::<Snapshots>().unwrap();
        let recording = snapshots.recording.as_ref().unwrap();
        snapshots.disk.panics();
        // As if the walk had gone on until it paused.
        let chunk = Chunk::plain(Vec::new());
        let handed = recording.jobs().hand(Job::Write(chunk), MOST_WAITING);
        assert!(handed.is_err() && !recording.is_due(&server.local.engine.world));
        server.local.advance(std::time::Duration::ZERO);
        server.check();
    }

    #[test]
    fn save_fails_and_does_not_wait_for_a_thread_that_has_panicked() {
        let mut server = Server::start("save");
        server.call("SAVE");
        server.call(&format!("SET large {}", "x".repeat(MOST_WAITING)));
        server.call("SET other value");
        let reply = {
            let world = &mut server.local.engine.world;
            world.feature::<Snapshots>().unwrap().disk.panics();
            save(world)
        };
        assert_eq!(reply, Err(error::NOT_SAVED));
        server.local.advance(std::time::Duration::ZERO);
        assert_eq!(server.call("SAVE"), "OK");
    }

    #[test]
    fn a_slice_is_recorded_at_the_very_end_of_a_turn() {
        let mut server = Server::start("rest");
        assert_eq!(server.call("BGSAVE"), "Background saving started");
        let (engine, driver) = (&mut server.local.engine, &mut NoDriver);
        let recorded = |engine: &Engine| engine.world.store.moment().map(|moment| moment.recorded);
        engine.turn(engine.world.now, driver);
        engine.end_turn(driver);
        assert_eq!(recorded(engine), Some(0));
        engine.rest(driver);
        assert_eq!(recorded(engine), None, "all is recorded");
    }

    #[test]
    fn a_save_whose_moment_is_lost_has_failed() {
        let mut server = Server::start("moment");
        server.call(&format!("SETRANGE large {} x", 2 * MOST_WAITING));
        assert_eq!(server.call("BGSAVE"), "Background saving started");
        assert!(server.local.engine.world.store.end_moment().is_some());
        // One turn ends with it, and the next begins with it.
        (0..2).for_each(|_| server.local.advance(std::time::Duration::ZERO));
        server.check();
    }
}
