//! Reads the files of a log into a store apart, in slices: the base, which may have the form of a snapshot, and the
//! increments. The store takes the place of the server's when it is whole, or is given up.
//!
//! Each command runs as an [`Invocation`] in [`Frame::Replay`], as a client of the server's own. Meanwhile the store
//! apart is the world's, keys live at the beginning of 1970, and nothing listens: nothing expires by itself, no
//! event is published, no effect is said. (A log that says what has expired says so itself.)
//!
//! A command that fails now has failed when it ran first, or came from a script that did: it is counted and logged, as
//! the reference passes over it. One that does not exist, or has not the arguments that it takes, ends the load.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::reader::{Item, Reader};
use crate::access::Vocabulary;
use crate::dispatch::duty::Turn;
use crate::dispatch::spec::flag;
use crate::dispatch::table::Found;
use crate::dispatch::{Frame, Invocation, Outcome};
use crate::files::reason;
use crate::keyspace::Store;
use crate::peer::Peer;
use crate::persistence::snapshots;
use crate::rdb::file::{Loaded, Loader};
use crate::session::Slot;
use crate::telemetry::Stats;
use crate::wire::{Args, Protocol, Reply};
use crate::world::World;

/// So many bytes are read at once, and so many units of work are done on a snapshot.
const READ_AT_ONCE: usize = 256 * 1024;
const WORK_AT_ONCE: usize = 8 * 1024;

/// A log that is being read.
pub(crate) struct Loading {
    files: VecDeque<PathBuf>,
    current: Option<Source>,
    /// What has been loaded. While commands run it is the world's, and here is the world's.
    store: Store,
    /// Counts what the commands do, in place of the world's.
    stats: Stats,
    /// The client that runs them.
    slot: Slot,
    /// Bytes of all files, and those that have been read.
    pub total: u64,
    pub read: u64,
    /// Bytes of the base.
    pub base: u64,
    /// Commands that have failed.
    failed: u64,
    /// What replies are written to.
    scratch: Vec<u8>,
}

/// The file that is being read.
struct Source {
    path: PathBuf,
    file: File,
    /// What has been read and not used.
    input: Vec<u8>,
    is_at_end: bool,
    stage: Stage,
}

enum Stage {
    /// What the file begins with is not clear.
    Start,
    Snapshot(Box<Loader>, u64),
    Commands(Reader),
}

/// What has come of a slice.
enum Step {
    /// There is more to do.
    More,
    /// The file needs more bytes than have been read.
    Hungry,
}

impl Loading {
    /// The files that the manifest names, in a folder. A file that is not there is an error.
    pub(crate) fn begin(
        manifest: &Manifest,
        folder: &Path,
        turn: &mut Turn<'_>,
    ) -> Result<Loading, String> {
        let files: VecDeque<PathBuf> = manifest.to_read().map(|file| file.path(folder)).collect();
        let (mut total, mut base) = (0, 0);
        for (index, path) in files.iter().enumerate() {
            let size = std::fs::metadata(path).map_err(|error| cannot("read", path, &error))?.len();
            total += size;
            if index == 0 && manifest.base.is_some() {
                base = size;
            }
        }
        let world = &mut *turn.world;
        let mut store = world.store.apart_whole();
        // How long ago a key was used is counted from now, but nothing expires: it is 1970.
        store.shared.now = 0;
        let stats = Stats::new(turn.table.size());
        let slot = world.clients.add_own(Peer::local(), world.now.mono);
        let (current, read, failed, scratch) = (None, 0, 0, Vec::new());
        Ok(Loading { files, current, store, stats, slot, total, read, base, failed, scratch })
    }

    /// Reads on. Returns whether all has been read. After an error, which names the file and says where in it and what is
    /// wrong, nothing more is to be read.
    pub(crate) fn go_on(&mut self, turn: &mut Turn<'_>) -> Result<bool, String> {
        let mut source = match self.current.take() {
            Some(source) => source,
            None => match self.files.pop_front() {
                Some(path) => Source::open(path)?,
                None => return Ok(true),
            },
        };
        let step = match source.stage {
            Stage::Start => Ok(source.start()),
            Stage::Snapshot(..) => self.load(&mut source, turn),
            Stage::Commands(_) => self.replay(&mut source, turn),
        };
        let step = step.map_err(|what| format!("{}: {what}", source.path.display()))?;
        let is_over = match step {
            Step::More => false,
            Step::Hungry if source.is_at_end => {
                self.end_early(&source, turn.world)?;
                true
            }
            Step::Hungry => {
                self.read +=
                    source.read_more().map_err(|error| cannot("read", &source.path, &error))?;
                false
            }
        };
        if !is_over {
            self.current = Some(source);
        }
        Ok(is_over && self.files.is_empty())
    }

    /// The file has ended, and what it ends with may not be whole.
    fn end_early(&mut self, source: &Source, world: &World) -> Result<(), String> {
        let path = source.path.display();
        let reader = match &source.stage {
            Stage::Commands(reader) => reader,
            Stage::Snapshot(loader, _) => return Err(format!("{path}: {}", loader.cut_short())),
            Stage::Start => return Ok(()),
        };
        let (whole, end) = (reader.whole(), reader.offset() + source.input.len() as u64);
        if whole == end {
            return Ok(());
        }
        if !self.files.is_empty() {
            return Err(format!("{path}: it is cut off at offset {whole}, and others follow it"));
        }
        if !world.config.append_only.load_truncated {
            return Err(format!(
                "{path}: it is cut off at offset {whole}: 'aof-load-truncated yes' would load what is before"
            ));
        }
        log::warn!("the log {path} is cut off: its last {} bytes are not whole", end - whole);
        let cut = OpenOptions::new().write(true).open(&source.path);
        cut.and_then(|file| file.set_len(whole).and_then(|()| file.sync_all()))
            .map_err(|error| cannot("cut", &source.path, &error))?;
        log::warn!("the log {path} is cut at offset {whole} and loaded ('aof-load-truncated yes')");
        Ok(())
    }

    /// Runs the commands of a file that have been read.
    fn replay(&mut self, source: &mut Source, turn: &mut Turn<'_>) -> Result<Step, String> {
        let Stage::Commands(reader) = &mut source.stage else {
            return Ok(Step::More);
        };
        self.exchange(turn.world);
        let mut at = 0;
        let replayed = loop {
            let offset = reader.offset();
            let (used, ran) = match reader.next(&mut source.input[at..]) {
                Err(error) => break Err(error.to_string()),
                Ok(Item::Partial) => break Ok(Step::Hungry),
                Ok(Item::Nothing(used)) => (used, Ok(())),
                Ok(Item::Command(used, args)) => {
                    (used, self.run(turn, args, &Place { path: &source.path, offset }))
                }
                Ok(Item::Transaction(used, commands)) => {
                    let place = Place { path: &source.path, offset };
                    let mut commands = commands.iter();
                    (used, commands.try_for_each(|args| self.run(turn, args.args(), &place)))
                }
            };
            if let Err(reason) = ran {
                break Err(format!("at offset {offset}: {reason}"));
            }
            at += used;
        };
        source.input.drain(..at);
        turn.timer.rest(&mut turn.world.stats);
        self.exchange(turn.world);
        replayed
    }

    /// Loads some of a snapshot.
    fn load(&mut self, source: &mut Source, turn: &mut Turn<'_>) -> Result<Step, String> {
        let Stage::Snapshot(loader, offset) = &mut source.stage else {
            return Ok(Step::More);
        };
        let loaded = loader.load(&source.input, &mut self.store, WORK_AT_ONCE);
        let used = match loaded.map_err(|error| error.to_string())? {
            Loaded::More { used } | Loaded::Aux { used, .. } => used,
            Loaded::Function { used, code } => {
                let load = snapshots::libraries(turn.world).load;
                load(turn.world, &[code], true).map_err(|error| error.to_string())?;
                used
            }
            Loaded::Over { used } => {
                *offset += used as u64;
                source.input.drain(..used);
                source.stage = Stage::Commands(Reader::starting_at(*offset));
                return Ok(Step::More);
            }
        };
        *offset += used as u64;
        source.input.drain(..used);
        Ok(if used == 0 { Step::Hungry } else { Step::More })
    }

    /// Runs a command of a file, at this place. The error is that it is no command of a log, or could never have run.
    fn run(
        &mut self,
        turn: &mut Turn<'_>,
        args: Args<'_>,
        place: &Place<'_>,
    ) -> Result<(), String> {
        let Turn { world, table, timer, driver } = turn;
        let found = table.find(args);
        let changes = match found {
            Found::Row(row) if row.has(flag::ADMIN) => {
                return Err(format!("'{}' is no command of a log", row.full_name));
            }
            Found::Row(row) => row.has(flag::WRITE | flag::MAY_REPLICATE),
            Found::NoCommand | Found::NoSubcommand(_) => false,
        };
        let mut reply = Reply::new(std::mem::take(&mut self.scratch), Protocol::Resp2);
        let outcome = Invocation {
            world,
            table,
            timer,
            driver: &mut **driver,
            reply: &mut reply,
            slot: self.slot,
            frame: Frame::Replay,
            args,
        }
        .invoke();
        world.clients[self.slot].outbox.late.clear();
        self.scratch = reply.into_inner();
        let told = || {
            let told = String::from_utf8_lossy(&self.scratch);
            told.trim_start_matches("-ERR ").trim_end().to_owned()
        };
        let ran = match outcome {
            Outcome::Ran { has_failed: false, .. } => Ok(()),
            Outcome::Refused => Err(told()),
            // What follows a SELECT that failed would change another database.
            _ if !changes => Err(told()),
            _ => {
                self.failed += 1;
                if self.failed == 1 {
                    let Place { path, offset } = place;
                    let path = path.display();
                    log::warn!(
                        "{path}: at offset {offset}: a command fails when it runs again: {}",
                        told()
                    );
                }
                Ok(())
            }
        };
        self.scratch.clear();
        ran
    }

    /// Exchanges what has been loaded and what is the world's.
    fn exchange(&mut self, world: &mut World) {
        std::mem::swap(&mut world.store, &mut self.store);
        std::mem::swap(&mut world.stats, &mut self.stats);
    }

    /// Ends the load. What was loaded is returned, to take the place of the store that is there.
    pub(crate) fn end(self, world: &mut World) -> Store {
        world.clients.remove_own(self.slot);
        if self.failed > 0 {
            log::warn!("the log: {} commands failed when they ran again", self.failed);
        }
        self.store
    }
}

/// Where a command stands.
struct Place<'p> {
    path: &'p Path,
    offset: u64,
}

impl Source {
    fn open(path: PathBuf) -> Result<Source, String> {
        let file = crate::files::open(&path).map_err(|error| cannot("read", &path, &error))?;
        Ok(Source { path, file, input: Vec::new(), is_at_end: false, stage: Stage::Start })
    }

    /// Reads the next bytes. Returns how many.
    fn read_more(&mut self) -> io::Result<u64> {
        let before = self.input.len();
        let read = (&mut self.file).take(READ_AT_ONCE as u64).read_to_end(&mut self.input)?;
        self.is_at_end = self.input.len() < before + READ_AT_ONCE;
        Ok(read as u64)
    }

    /// Sees what the file is.
    fn start(&mut self) -> Step {
        if self.input.is_empty() && !self.is_at_end {
            return Step::Hungry;
        }
        let is_snapshot = self.input.starts_with(b"REDIS") || self.input.starts_with(b"VALKEY");
        self.stage = match is_snapshot {
            true => Stage::Snapshot(Box::new(Loader::new().keeping_expired()), 0),
            false => Stage::Commands(Reader::default()),
        };
        Step::More
    }
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> String {
    format!("cannot {what} {}: {}", path.display(), reason(error))
}
