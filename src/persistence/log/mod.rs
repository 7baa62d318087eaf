//! The log: every change of the keyspace, appended to a file as it happens.
//!
//! It is written from [effects](crate::keyspace::effects), and its files are those of Redis 7 and Valkey 9.1:
//!
//! * `manifest`: which files it consists of; `format`: effects as requests; `reader`: requests out of a file;
//! * `loading`: files on their way to the keyspace;
//! * `append`: the loop's end, and `writer`: the thread's end of writing; `syncer`: a thread beside that;
//!   `unwritten`: how late writing is; `replacement`: how a manifest is replaced;
//! * `rewrite`: a base takes the place of what the log has grown to, `progress`: how that stands; `commands`: a base that
//!   consists of commands.
//!
//! When the server starts with `appendonly yes` the log is loaded, in slices, and gone on with. CONFIG SET turns it on
//! later: then it begins with a rewrite. What is kept of it is lent from the world.

mod append;
mod commands;
mod format;
mod loading;
mod manifest;
mod progress;
mod reader;
mod replacement;
mod rewrite;
mod syncer;
mod unwritten;
mod writer;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::config::{Config, Reason};
use crate::dispatch::duty::{Duty, Leave, Turn};
use crate::error::{self, Error};
use crate::files::reason;
use crate::persistence::snapshots;
use crate::world::World;
use crate::world::restraint::LoadingProgress;
use append::Log;
pub(crate) use append::SYNCED;
use loading::Loading;
use manifest::Manifest;
use replacement::{Replacement, delete, make_folder};

/// What is done in every turn.
pub(super) const DUTY: Duty = Duty { begin, end, rest: |_| (), due, leave, wait };

/// So many slices of loading in a turn.
const SLICES: usize = 8;

/// What the log is doing.
enum Stage {
    /// It is to be loaded.
    Starting,
    Loading(Box<Loading>, Folder, Manifest),
    On(Box<Log>),
}

/// The folder of a log, which is this server's alone while the lock is kept.
struct Folder {
    path: PathBuf,
    lock: Option<Flock<File>>,
}

/// How the log stands, as INFO tells.
#[derive(Debug, Default)]
pub(crate) struct Status {
    pub(crate) is_on: bool,
    pub(crate) is_rewriting: bool,
    pub(crate) is_scheduled: bool,
    pub(crate) last_rewrite_took: Option<u64>,
    pub(crate) rewriting_for: Option<u64>,
    pub(crate) has_rewrite_failed: bool,
    pub(crate) rewrites: u64,
    pub(crate) failures: u64,
    pub(crate) has_write_failed: bool,
    pub(crate) last_peak: usize,
    pub(crate) size: u64,
    pub(crate) base_size: u64,
    pub(crate) buffered: u64,
    pub(crate) is_syncing: bool,
    pub(crate) delayed: u64,
}

/// From now on the server can have a log. If it is to begin with one, that will be loaded.
pub(crate) fn start(world: &mut World) -> io::Result<()> {
    world.turn_log = turn;
    if world.config.append_only.enabled {
        let (total, loaded, used_memory) = (0, 0, 0);
        world.set_loading(Some(LoadingProgress { since: world.now, total, loaded, used_memory }));
        world.take_back(Box::new(Stage::Starting));
    }
    Ok(())
}

/// The log is on or off, as the configuration says.
fn turn(world: &mut World) -> Result<(), Reason> {
    let is_loading = world.loading().is_some();
    match (world.lend::<Stage>(), world.config.append_only.enabled) {
        (Some(stage), true) if is_loading => {
            world.take_back(stage);
            Ok(())
        }
        (stage, is_on) if is_loading && (is_on || stage.is_some()) => {
            stage.into_iter().for_each(|stage| world.take_back(stage));
            Err(Reason::from("The server is loading its data."))
        }
        (Some(stage), false) => {
            if let Stage::On(log) = *stage {
                ::log::info!("the log ends: 'appendonly no'");
                log.end(world);
            }
            Ok(())
        }
        (None, true) => {
            let log = new_log(world).map_err(|reason| {
                ::log::error!("the log cannot be turned on: {reason}");
                Reason::from("Unable to turn on AOF. Check server logs.")
            })?;
            world.take_back(Box::new(Stage::On(Box::new(log))));
            Ok(())
        }
        (Some(mut stage), true) => {
            // A rewrite without a log: it is one with a log, which hears of what happens from its moment on.
            if let Stage::On(log) = &mut *stage
                && log.rewrite.is_only
            {
                log.give_up_rewrite(world);
                log.rewrite.is_only = false;
                log.rewrite.is_scheduled = true;
            }
            world.take_back(stage);
            Ok(())
        }
        (None, false) => Ok(()),
    }
}

/// A log that begins with a rewrite.
fn new_log(world: &mut World) -> Result<Log, String> {
    let folder = open_folder(&world.config)?;
    let mut manifest = read_manifest(&folder.path, &world.config)?;
    // What there was from before is history when the base is there.
    let mut old = Manifest::default();
    std::mem::swap(&mut old, &mut manifest);
    let mut log = Log::new(world, folder, old).map_err(|error| reason(&error))?;
    log.rewrite.is_first = true;
    log.rewrite.is_scheduled = true;
    Ok(log)
}

/// BGREWRITEAOF. Returns whether it begins at the end of this turn; else it waits for what is being recorded.
pub(crate) fn rewrite(world: &mut World) -> Result<bool, Error> {
    let is_free = world.store.moment().is_none();
    match world.lend::<Stage>() {
        Some(mut stage) => {
            let asked = match &mut *stage {
                Stage::On(log) if log.rewrite.is_running() => Err(error::REWRITING),
                Stage::On(log) => {
                    log.rewrite.is_scheduled = true;
                    // It does not wait for what has failed before.
                    log.rewrite.failed_at = 0;
                    Ok(is_free)
                }
                _ => Err(error::NO_LOG_TO_REWRITE),
            };
            world.take_back(stage);
            asked
        }
        None if !world.config.keeps_data() => Err(error::NO_FILES),
        // Without a log the files are written all the same, as in the reference, for a server that starts with one.
        None => {
            let mut log = new_log(world).map_err(|reason| {
                ::log::error!("the log cannot be rewritten: {reason}");
                error::NO_LOG_TO_REWRITE
            })?;
            log.rewrite.is_only = true;
            world.take_back(Box::new(Stage::On(Box::new(log))));
            Ok(is_free)
        }
    }
}

/// The data has become another that the log does not have: it is rewritten as soon as that can be.
pub(crate) fn is_outdated(world: &mut World) {
    if let Some(mut stage) = world.lend::<Stage>() {
        if let Stage::On(log) = &mut *stage {
            log.rewrite.is_scheduled = true;
        }
        world.take_back(stage);
    }
}

/// The position of what was said last, if there is a log.
pub(crate) fn position(world: &World) -> Option<u64> {
    on(world).map(Log::position)
}

/// Returns whether all is synced up to this position.
pub(crate) fn is_synced(world: &World, position: u64) -> bool {
    on(world).is_some_and(|log| log.synced >= position)
}

/// How the log stands.
pub(crate) fn status(world: &World) -> Status {
    let Some(Stage::On(log)) = world.feature::<Stage>() else {
        return Status { is_on: world.config.append_only.enabled, ..Status::default() };
    };
    log.status(world)
}

/// DEBUG LOADAOF: the data is what the log says, or what it was.
pub(crate) fn reload(turn: &mut Turn<'_>) -> Result<(), Error> {
    let refused = |reason: String| {
        ::log::error!("DEBUG LOADAOF: {reason}");
        error::LOG_NOT_LOADED
    };
    // The duty is not there while the log is lent, so that nothing is made of what is loaded.
    let stage = turn.world.lend::<Stage>();
    let loaded = match stage {
        Some(mut stage) => {
            let loaded = match &mut *stage {
                Stage::On(log) => match log.sync_all(turn.world) {
                    true => load_at_once(turn, &log.folder, &log.manifest),
                    false => Err("the log cannot be written".to_owned()),
                },
                _ => Err("it is being loaded".to_owned()),
            };
            turn.world.take_back(stage);
            loaded
        }
        None => {
            let config = &turn.world.config;
            let folder = config.folder().join(&config.append_only.folder);
            read_manifest(&folder, config)
                .and_then(|manifest| load_at_once(turn, &folder, &manifest))
        }
    };
    loaded.map_err(refused)
}

fn load_at_once(turn: &mut Turn<'_>, folder: &Path, manifest: &Manifest) -> Result<(), String> {
    if manifest.is_empty() {
        return Err(format!("{}: there is no log", folder.display()));
    }
    let libraries = snapshots::libraries(turn.world);
    let before = (libraries.codes)(turn.world);
    let emptied = (libraries.load)(turn.world, &[], false);
    let mut loading = Loading::begin(manifest, folder, turn)?;
    let loaded = emptied.map_err(|error| error.to_string()).and_then(|()| {
        while !loading.go_on(turn)? {}
        Ok(())
    });
    let store = loading.end(turn.world);
    match loaded {
        Ok(()) => {
            turn.world.flush_all();
            turn.world.store.take_over(store);
            Ok(())
        }
        Err(reason) => {
            if let Err(failed) = (libraries.load)(turn.world, &before, false) {
                ::log::error!("DEBUG LOADAOF: libraries of functions are lost: {failed}");
            }
            Err(reason)
        }
    }
}

fn on(world: &World) -> Option<&Log> {
    match world.feature::<Stage>() {
        Some(Stage::On(log)) if log.is_listening() => Some(log),
        _ => None,
    }
}

// The folder.

/// Makes the folder if it is not there, and makes it this server's.
fn open_folder(config: &Config) -> Result<Folder, String> {
    let path = config.folder().join(&config.append_only.folder);
    let cannot = |error: &io::Error| format!("{}: {}", path.display(), reason(error));
    make_folder(&path).map_err(|error| cannot(&error))?;
    let folder = File::open(&path).map_err(|error| cannot(&error))?;
    match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Folder { path, lock: Some(lock) }),
        Err((_, Errno::EWOULDBLOCK)) => {
            Err(format!("{}: another server uses this folder", path.display()))
        }
        // A file system without locks.
        Err((_, error)) => {
            ::log::warn!("{}: it cannot be locked: {}", path.display(), error.desc());
            Ok(Folder { path, lock: None })
        }
    }
}

/// The manifest in a folder. Without one the log is empty.
fn read_manifest(folder: &Path, config: &Config) -> Result<Manifest, String> {
    let path = manifest_path(folder, config);
    match crate::files::read(&path) {
        Ok(text) => Manifest::parse(&text).map_err(|error| format!("{}: {error}", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Manifest::default()),
        Err(error) => Err(format!("{}: {}", path.display(), reason(&error))),
    }
}

fn manifest_path(folder: &Path, config: &Config) -> PathBuf {
    folder.join(manifest::extended(config.append_only.file_name.as_os_str(), ".manifest"))
}

/// Takes over a log from before there were manifests, which is one file in `dir`: it becomes the base.
fn upgrade(manifest: &mut Manifest, folder: &Path, config: &Config) -> io::Result<()> {
    let name = config.append_only.file_name.as_os_str();
    let (old, new) = (config.folder().join(name), folder.join(name));
    let is_half_done = manifest.increments.is_empty()
        && manifest.base.as_ref().is_some_and(|base| base.name == name)
        && !new.exists();
    if !old.is_file() || !manifest.is_empty() && !is_half_done {
        return Ok(());
    }
    manifest.base = Some(manifest::LogFile { name: name.to_owned(), number: 1 });
    Replacement { path: manifest_path(folder, config), text: manifest.text() }.put()?;
    fs::rename(&old, &new)?;
    for folder in [folder, config.folder()] {
        File::open(folder)?.sync_all()?;
    }
    ::log::info!("the log {} is in {} from now on", old.display(), folder.display());
    Ok(())
}

// The duty.

fn begin(turn: &mut Turn<'_>) {
    let Some(stage) = turn.world.lend::<Stage>() else { return };
    match *stage {
        Stage::On(mut log) => {
            log.take_reports(turn.world);
            log.go_on_rewriting(turn.world);
            if log.rewrite.is_only && log.rewrite.is_over() {
                log.end(turn.world);
            } else {
                turn.world.take_back(Box::new(Stage::On(log)));
            }
        }
        starting => match go_on(starting, turn) {
            Ok(stage) => turn.world.take_back(Box::new(stage)),
            Err(reason) => {
                ::log::error!("cannot load the log: {reason}");
                turn.world.reactor_requests.failure =
                    Some(format!("cannot load the log: {reason}"));
                turn.world.reactor_requests.shutdown = true;
            }
        },
    }
}

/// Goes on with what is done at the start.
fn go_on(stage: Stage, turn: &mut Turn<'_>) -> Result<Stage, String> {
    match stage {
        Stage::Starting => {
            let folder = open_folder(&turn.world.config)?;
            let mut manifest = read_manifest(&folder.path, &turn.world.config)?;
            upgrade(&mut manifest, &folder.path, &turn.world.config)
                .map_err(|error| format!("{}: {}", folder.path.display(), reason(&error)))?;
            let loading = Loading::begin(&manifest, &folder.path, turn)?;
            ::log::info!("loading the log: {} bytes", loading.total);
            Ok(Stage::Loading(Box::new(loading), folder, manifest))
        }
        Stage::Loading(mut loading, folder, manifest) => {
            for _ in 0..SLICES {
                if loading.go_on(turn)? {
                    return loaded(*loading, folder, manifest, turn.world);
                }
            }
            let since = turn.world.loading().map_or(turn.world.now, |progress| progress.since);
            let (total, loaded, used_memory) = (loading.total, loading.read, 0);
            turn.world.set_loading(Some(LoadingProgress { since, total, loaded, used_memory }));
            Ok(Stage::Loading(loading, folder, manifest))
        }
        on => Ok(on),
    }
}

/// All has been loaded: the log is gone on with.
fn loaded(
    loading: Loading,
    folder: Folder,
    mut manifest: Manifest,
    world: &mut World,
) -> Result<Stage, String> {
    let (base, total) = (loading.base, loading.total);
    let store = loading.end(world);
    world.store.take_over(store);
    let took = world.loading().map_or(0, |progress| world.now.mono - progress.since.mono);
    ::log::info!("the log is loaded: {total} bytes, {:.3} seconds", took as f64 / 1e6);
    let history: Vec<PathBuf> =
        manifest.history.drain(..).map(|file| file.path(&folder.path)).collect();
    delete(&history);
    let is_there = !manifest.increments.is_empty();
    let name = world.config.append_only.file_name.clone();
    if !is_there {
        let next = manifest.next_increment(name.as_os_str()).unused(&folder.path);
        manifest.increments.push(next);
    }
    let mut log = Log::new(world, folder, manifest).map_err(|error| reason(&error))?;
    (log.size, log.base_size) = (total, base);
    log.listen(world);
    log.begin_file(is_there, !is_there || !history.is_empty());
    log.catch_up(world);
    if let Some(failed) = log.rewrite.not_begun.take() {
        return Err(format!("{}: {failed}", log.folder.display()));
    }
    world.set_loading(None);
    Ok(Stage::On(Box::new(log)))
}

fn end(turn: &mut Turn<'_>) {
    let Some(mut stage) = turn.world.lend::<Stage>() else { return };
    if let Stage::On(log) = &mut *stage {
        log.begin_due_rewrite(turn.world);
        if log.is_listening() {
            log.end_turn(turn.world);
        }
    }
    turn.world.take_back(stage);
}

fn due(world: &World) -> Option<u64> {
    match world.feature::<Stage>()? {
        Stage::Starting | Stage::Loading(..) => Some(world.now.mono),
        Stage::On(log) => log.due(world),
    }
}

fn leave(turn: &mut Turn<'_>, why: Leave) -> bool {
    let Some(stage) = turn.world.lend::<Stage>() else { return true };
    let Stage::On(mut log) = *stage else { return true };
    let is_kept = !log.is_listening() || log.sync_all(turn.world);
    if !is_kept && why.may_be_refused(&turn.world.config) {
        ::log::error!("the server stays: the log could not be written");
        turn.world.take_back(Box::new(Stage::On(log)));
        return false;
    }
    // Who waits for the log still is told, if all is on disk, and else never.
    if is_kept {
        log.end(turn.world);
    }
    true
}

fn wait(world: &mut World) -> bool {
    let Some(mut stage) = world.lend::<Stage>() else { return false };
    let is_busy = match &mut *stage {
        Stage::On(log) => log.catch_up_quietly(world),
        _ => true,
    };
    world.take_back(stage);
    is_busy
}
