//! The thread beside the writer's: it does what takes long and what appending need not wait for. It syncs a file that
//! goes on being written, and ends rewrites.
//!
//! The thread starts with its first job: with `appendfsync always`, where the writer syncs itself, that is a rewrite.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::replacement::Rebase;
use crate::files::reason;
use crate::persistence::disk::Worker;

/// An increment that is appended to, and may be synced by another thread meanwhile.
pub(super) struct Increment {
    file: File,
    /// A sync of it has failed. While it is synced this is locked: the system tells of a failure once, and the sync that
    /// is not told must not pass for a success.
    is_broken: Mutex<bool>,
}

/// What this thread is to do.
pub(crate) enum SyncJob {
    /// Sync the file, which has the log up to this position.
    Sync(Arc<Increment>, u64),
    /// A rewrite has ended, and its base is in its place: put the manifest, delete what is history, and put the manifest
    /// without it.
    Rebase(Box<Rebase>),
}

/// What has come of a sync.
#[derive(Debug)]
pub(crate) enum Synced {
    /// The log is on disk up to this position.
    Durable { position: u64 },
    /// It was not synced: the file is not trusted.
    Failed(String),
    /// An earlier sync of the file has failed, and there was no other.
    Distrusted,
}

/// What has come of a job of this thread.
#[derive(Debug)]
pub(crate) enum SyncReport {
    Synced(Synced),
    Rebased(Result<(), String>),
}

/// Does the jobs of this thread.
pub(crate) struct Syncer;

impl Worker for Syncer {
    type Job = SyncJob;
    type Report = SyncReport;

    fn work(&mut self, job: SyncJob, report: &mut dyn FnMut(SyncReport)) {
        report(match job {
            SyncJob::Sync(increment, position) => SyncReport::Synced(increment.sync(position)),
            SyncJob::Rebase(rebase) => {
                SyncReport::Rebased(rebase.put().map_err(|error| reason(&error)))
            }
        });
    }
}

impl Increment {
    pub(super) fn new(file: File) -> Increment {
        Increment { file, is_broken: Mutex::new(false) }
    }

    /// Appends some of these bytes. Returns how many.
    pub(super) fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.file).write(bytes)
    }

    /// Returns whether a sync of it has failed. It waits for one that is under way.
    pub(super) fn is_broken(&self) -> bool {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Syncs the file, which has the log up to this position.
    pub(super) fn sync(&self, position: u64) -> Synced {
        let mut is_broken = self.lock();
        if *is_broken {
            return Synced::Distrusted;
        }
        #[cfg(test)]
        slow_disk::wait(&self.file);
        match self.file.sync_data() {
            Ok(()) => Synced::Durable { position },
            Err(error) => {
                *is_broken = true;
                Synced::Failed(reason(&error))
            }
        }
    }
}

/// A disk whose syncs do not end before they may.
#[cfg(test)]
pub(super) mod slow_disk {
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};
    use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

    static SLOW: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    static FASTER: Condvar = Condvar::new();

    fn slow() -> MutexGuard<'static, Vec<PathBuf>> {
        SLOW.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file whose syncs do not end while this lives.
    pub(crate) struct SlowFile(PathBuf);

    impl SlowFile {
        pub(crate) fn new(path: &Path) -> SlowFile {
            slow().push(path.to_owned());
            SlowFile(path.to_owned())
        }
    }

    impl Drop for SlowFile {
        fn drop(&mut self) {
            slow().retain(|path| *path != self.0);
            FASTER.notify_all();
        }
    }

    pub(super) fn wait(file: &File) {
        let Ok(file) = file.metadata() else { return };
        let is_slow = |path: &PathBuf| path.metadata().is_ok_and(|slow| slow.ino() == file.ino());
        let _none = FASTER.wait_while(slow(), |slow| slow.iter().any(is_slow));
    }
}
