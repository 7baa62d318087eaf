//! The files of snapshots, as the thread of the disk has them: one that is being written, and one that is read.
//!
//! A file is written under another name in the folder where it will be, which no other server chooses; synced; and then
//! renamed into its place, so that there is a whole file at any time, the one from before or the new one. When
//! something fails, what has been written is removed and the one from before stays.
//!
//! A file without a name is one that is only read again: it loses its name when it has been made, so that it is gone with
//! the last that has it open, however the server ends.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::disk::Worker;
use crate::rdb::chunk::Chunk;
use crate::rdb::file::Finisher;

/// The mode of a file that is written: as the reference has it, before the process's umask.
const MODE: u32 = 0o644;

/// So many bytes are written at once.
const WRITTEN_AT_ONCE: usize = 256 << 10;

/// After so many bytes a file is synced on the way, so that there is not all of it to sync at the end.
const SYNCED_AT_ONCE: usize = 4 << 20;

/// So many bytes are read at once.
pub(super) const READ_AT_ONCE: usize = 1 << 20;

/// What the thread does.
pub(crate) enum Job {
    /// Begins a file. One that is being written is given up.
    Begin(Target),
    /// Goes on with it.
    Write(Chunk),
    /// Ends it and puts it in its place.
    Finish,
    /// Gives it up.
    Abandon,
    /// Reads another file from now on.
    Open(u64, File),
    /// Reads on.
    Read,
}

/// A file that is to be written.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// What reports name it by.
    pub(crate) id: u64,
    /// Where it will be.
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) is_synced_on_the_way: bool,
    /// It has no name, and is handed back when it is whole: it is in the folder of `path`, and not synced.
    pub(crate) is_nameless: bool,
}

/// A file that is whole.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) bytes: u64,
    /// The file itself, at its beginning, if it has no name.
    pub(crate) file: Option<File>,
}

/// How its chunks become its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A snapshot, the end of which is put here.
    Snapshot { compress: bool, checksum: bool },
    /// As they are.
    Plain,
}

/// What came of it.
pub(crate) enum Report {
    /// The file of this id is whole and in its place. Or it is not.
    Written(u64, Result<Written, String>),
    /// The next bytes of the file that is read, or why there are none; none at its end.
    Read(u64, Result<Vec<u8>, String>),
}

/// Has the files.
#[derive(Default)]
pub(crate) struct SnapshotFiles {
    writing: Option<Writing>,
    reading: Option<(u64, File)>,
}

impl Worker for SnapshotFiles {
    type Job = Job;
    type Report = Report;

    fn work(&mut self, job: Job, report: &mut dyn FnMut(Report)) {
        match job {
            Job::Begin(target) => {
                let id = target.id;
                // One that is given up removes what it has written before another begins.
                self.writing = None;
                match Writing::begin(target) {
                    Ok(writing) => self.writing = Some(writing),
                    Err(reason) => report(Report::Written(id, Err(reason))),
                }
            }
            Job::Write(chunk) => {
                if let Some(writing) = &mut self.writing
                    && let Err(error) = writing.write(&chunk)
                {
                    let failed = Report::Written(writing.target.id, Err(writing.failure(&error)));
                    self.writing = None;
                    report(failed);
                }
            }
            Job::Finish => {
                if let Some(writing) = self.writing.take() {
                    report(Report::Written(writing.target.id, writing.finish()));
                }
            }
            Job::Abandon => self.writing = None,
            Job::Open(id, file) => self.reading = Some((id, file)),
            Job::Read => {
                if let Some((id, file)) = &mut self.reading {
                    report(Report::Read(*id, read_some(file).map_err(|error| error.to_string())));
                }
            }
        }
    }
}

/// The next bytes of a file, fewer only at its end.
fn read_some(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(READ_AT_ONCE);
    file.take(READ_AT_ONCE as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file that is being written. It is removed if it does not come to its end.
struct Writing {
    target: Target,
    temporary: PathBuf,
    file: File,
    /// Of a snapshot.
    finisher: Option<Finisher>,
    /// What is not written yet.
    bytes: Vec<u8>,
    written: u64,
    /// Bytes since the file was synced.
    unsynced: usize,
    /// There is nothing to remove: the file is in its place, or has no name.
    is_in_place: bool,
}

impl Writing {
    fn begin(target: Target) -> Result<Writing, String> {
        let (file, temporary) = create_beside(&target.path)?;
        if target.is_nameless {
            let failed = |error| format!("cannot remove {}: {error}", temporary.display());
            fs::remove_file(&temporary).map_err(failed)?;
        }
        let finisher = match target.format {
            Format::Snapshot { compress, checksum } => Some(Finisher::new(compress, checksum)),
            Format::Plain => None,
        };
        Ok(Writing {
            is_in_place: target.is_nameless,
            target,
            temporary,
            file,
            finisher,
            bytes: Vec::new(),
            written: 0,
            unsynced: 0,
        })
    }

    fn write(&mut self, chunk: &Chunk) -> io::Result<()> {
        match &mut self.finisher {
            Some(finisher) => finisher.push(chunk, &mut self.bytes),
            None => self.bytes.extend_from_slice(chunk.plain_bytes()),
        }
        if self.bytes.len() >= WRITTEN_AT_ONCE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.bytes)?;
        self.written += self.bytes.len() as u64;
        self.unsynced += self.bytes.len();
        self.bytes.clear();
        if self.target.is_synced_on_the_way && self.unsynced >= SYNCED_AT_ONCE {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Puts the file in its place. After that nothing that happens to the machine takes it away.
    fn finish(mut self) -> Result<Written, String> {
        if let Some(finisher) = self.finisher.take() {
            finisher.end(&mut self.bytes);
        }
        if self.target.is_nameless {
            let whole = self.flush().and_then(|()| self.file.rewind());
            whole.map_err(|error| self.failure(&error))?;
            let file = self.file.try_clone().map_err(|error| self.failure(&error))?;
            return Ok(Written { bytes: self.written, file: Some(file) });
        }
        let synced = self.flush().and_then(|()| self.file.sync_all());
        synced.map_err(|error| self.failure(&error))?;
        let path = &self.target.path;
        fs::rename(&self.temporary, path).map_err(|error| {
            let from = self.temporary.display();
            format!("cannot rename {from} to {}: {error}", path.display())
        })?;
        self.is_in_place = true;
        let synced = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
        synced.map_err(|error| format!("cannot sync the folder of {}: {error}", path.display()))?;
        Ok(Written { bytes: self.written, file: None })
    }

    fn failure(&self, error: &io::Error) -> String {
        format!("cannot write {}: {error}", self.temporary.display())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.is_in_place
            && let Err(error) = fs::remove_file(&self.temporary)
            && error.kind() != io::ErrorKind::NotFound
        {
            log::warn!("cannot remove {}: {error}", self.temporary.display());
        }
    }
}

/// A new file in the folder of `path`, and its name: `temp-PID-NUMBER.rdb`. One of that name that a server has left
/// behind, or has in use that has the same number in another container, stays as it is.
fn create_beside(path: &Path) -> Result<(File, PathBuf), String> {
    let folder = folder_of(path);
    let pid = std::process::id();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(MODE);
    let mut number = 1;
    loop {
        let temporary = folder.join(format!("temp-{pid}-{number}.rdb"));
        match options.open(&temporary) {
            Ok(file) => return Ok((file, temporary)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(format!("cannot make {}: {error}", temporary.display())),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
