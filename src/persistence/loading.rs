//! A snapshot is loaded: at the start in slices, while the server is alive and not ready, or at once for DEBUG RELOAD.
//!
//! Keys are made in a store apart. It takes the place of the server's own, which is empty until then, when the file has
//! turned out to be whole: what is half loaded is never served.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::disk::Jobs;
use super::files::{Job, READ_AT_ONCE};
use super::pace::Pace;
use crate::clock::Now;
use crate::keyspace::Store;
use crate::rdb::file::{Loaded, Loader, Tally};
use crate::telemetry::Timer;
use crate::world::World;
use crate::world::restraint::LoadingProgress;

/// How long loading may take in a turn, in nanoseconds. Only handshakes wait meanwhile.
const SLICE: u64 = 2_000_000;

/// So many pieces of the file are read ahead.
const READ_AHEAD: usize = 4;

/// What a file has made.
pub(super) struct Contents {
    pub(super) store: Store,
    /// The code of each library of functions.
    pub(super) functions: Vec<Vec<u8>>,
    pub(super) tally: Tally,
}

impl Contents {
    fn of(store: Store) -> Contents {
        Contents { store, functions: Vec::new(), tally: Tally::default() }
    }
}

/// What is read of a file, and what is made of it.
struct Parsing {
    path: PathBuf,
    loader: Loader,
    contents: Contents,
    /// Bytes of the file, of which those before `at` have been used.
    bytes: Vec<u8>,
    at: usize,
    is_at_end: bool,
    used_memory: u64,
}

/// What a slice of parsing has come to.
enum Parsed {
    /// The work is used up.
    Part,
    /// More bytes are needed.
    Hungry,
    /// The file is over.
    Whole,
}

impl Parsing {
    fn of(path: &Path, world: &World) -> Parsing {
        Parsing {
            path: path.to_owned(),
            loader: match world.config.rdbchecksum {
                true => Loader::new(),
                false => Loader::new().unverified(),
            },
            contents: Contents::of(world.store.apart_whole()),
            bytes: Vec::new(),
            at: 0,
            is_at_end: false,
            used_memory: 0,
        }
    }

    /// Takes the next bytes of the file; none are its end.
    fn feed(&mut self, bytes: &[u8]) {
        self.is_at_end = bytes.is_empty();
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Makes keys of what is there, about so many units of work.
    fn parse(&mut self, work: usize) -> Result<Parsed, String> {
        let input = &self.bytes[self.at..];
        let loaded = self.loader.load(input, &mut self.contents.store, work);
        match loaded.map_err(|error| format!("{}: {error}", self.path.display()))? {
            Loaded::More { used } => {
                self.at += used;
                let is_hungry = used == 0 || self.at == self.bytes.len();
                Ok(if is_hungry { Parsed::Hungry } else { Parsed::Part })
            }
            Loaded::Aux { used, name, text } => {
                self.at += used;
                if name == b"used-mem" {
                    let bytes = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
                    self.used_memory = bytes.unwrap_or(0);
                }
                Ok(Parsed::Part)
            }
            Loaded::Function { used, code } => {
                self.at += used;
                self.contents.functions.push(code);
                Ok(Parsed::Part)
            }
            Loaded::Over { .. } => {
                self.contents.tally = self.loader.tally();
                Ok(Parsed::Whole)
            }
        }
    }

    /// The error of a file that ends here.
    fn cut_short(&self) -> String {
        format!("{}: {}", self.path.display(), self.loader.cut_short())
    }
}

/// A file that is being loaded.
pub(super) struct Loading {
    pub(super) id: u64,
    parsing: Parsing,
    jobs: Jobs<Job>,
    /// Pieces of the file that have been read.
    read: VecDeque<Vec<u8>>,
    /// Pieces that have been asked for.
    asked: usize,
    /// Whether it goes on only with more bytes.
    is_hungry: bool,
    since: Now,
    total: u64,
    loaded: u64,
    pace: Pace,
}

impl Loading {
    /// Begins to load a file, and makes the server wait for it.
    pub(super) fn begin(
        world: &mut World,
        jobs: Jobs<Job>,
        id: u64,
        path: &Path,
        file: File,
    ) -> Result<Loading, String> {
        let length = file.metadata().map_err(|error| format!("{}: {error}", path.display()))?.len();
        jobs.hand(Job::Open(id, file), 0).map_err(|error| error.to_string())?;
        let mut loading = Loading {
            id,
            parsing: Parsing::of(path, world),
            jobs,
            read: VecDeque::new(),
            asked: 0,
            is_hungry: true,
            since: world.now,
            total: length,
            loaded: 0,
            pace: Pace::of(SLICE),
        };
        loading.ask()?;
        loading.tell(world);
        Ok(loading)
    }

    /// Takes what has been read.
    pub(super) fn take(&mut self, read: Result<Vec<u8>, String>) -> Result<(), String> {
        self.asked -= 1;
        let path = self.parsing.path.display();
        self.read.push_back(read.map_err(|reason| format!("cannot read {path}: {reason}"))?);
        Ok(())
    }

    /// Loads a slice. Returns what the file has made when it is over.
    pub(super) fn go_on(
        &mut self,
        world: &mut World,
        timer: &Timer,
    ) -> Result<Option<Contents>, String> {
        let mut parsed = Ok(Parsed::Hungry);
        let mut used = 0;
        if self.is_hungry {
            let Some(bytes) = self.read.pop_front() else {
                return if self.parsing.is_at_end {
                    Err(self.parsing.cut_short())
                } else {
                    Ok(None)
                };
            };
            self.parsing.feed(&bytes);
        }
        let units = self.pace.units();
        self.pace.slice(timer, units, |units| {
            let before = self.parsing.at;
            parsed = self.parsing.parse(units);
            used += self.parsing.at - before;
            matches!(parsed, Ok(Parsed::Part))
        });
        self.loaded += used as u64;
        self.is_hungry = matches!(parsed, Ok(Parsed::Hungry));
        self.tell(world);
        match parsed? {
            Parsed::Whole => {
                let nothing = Contents::of(Store::new(1));
                Ok(Some(std::mem::replace(&mut self.parsing.contents, nothing)))
            }
            Parsed::Part | Parsed::Hungry => self.ask().map(|()| None),
        }
    }

    /// Has the thread of the disk read ahead.
    fn ask(&mut self) -> Result<(), String> {
        while !self.parsing.is_at_end && self.asked + self.read.len() < READ_AHEAD {
            self.jobs.hand(Job::Read, 0).map_err(|error| error.to_string())?;
            self.asked += 1;
        }
        Ok(())
    }

    /// Returns whether there is something to load at once.
    pub(super) fn is_due(&self) -> bool {
        !self.is_hungry || !self.read.is_empty() || self.parsing.is_at_end
    }

    pub(super) fn path(&self) -> &Path {
        &self.parsing.path
    }

    pub(super) fn since(&self) -> Now {
        self.since
    }

    fn tell(&self, world: &mut World) {
        world.set_loading(Some(LoadingProgress {
            since: self.since,
            total: self.total,
            loaded: self.loaded,
            used_memory: self.parsing.used_memory,
        }));
    }
}

/// Loads a whole file at once.
pub(super) fn load(path: &Path, world: &World) -> Result<Contents, String> {
    let unread = |error| format!("cannot read {}: {error}", path.display());
    let mut file = crate::files::open(path).map_err(unread)?;
    let mut parsing = Parsing::of(path, world);
    let mut bytes = vec![0; READ_AT_ONCE];
    loop {
        match parsing.parse(usize::MAX)? {
            Parsed::Whole => return Ok(parsing.contents),
            Parsed::Part => {}
            Parsed::Hungry if parsing.is_at_end => return Err(parsing.cut_short()),
            Parsed::Hungry => {
                let read = file.read(&mut bytes).map_err(unread)?;
                parsing.feed(&bytes[..read]);
            }
        }
    }
}
