//! The thread's end of the log: appends to its files, and syncs them, or has [`Syncer`] do so meanwhile.
//!
//! What cannot be appended (the disk is full) is kept, in its order, and tried again with the next job: no byte is
//! lost or written twice while the thread runs. A failed sync is another thing: the system may have dropped what it
//! could not write, and a second sync would succeed without it. The file is not trusted any more then, nothing of it is
//! reported to be on disk, and only a rewrite makes the log whole.
//!
//! [`Syncer`]: super::syncer::Syncer

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::replacement::{MODE, Replacement, make_folder};
use super::syncer::{Increment, SyncJob, Synced};
use crate::files::reason;
use crate::persistence::disk::{Jobs, Worker};

/// What the thread is to do.
pub(crate) enum Job {
    /// Append this. With `tell` it is reported, if all goes well too: a report wakes the loop.
    Append { bytes: Vec<u8>, sync: Sync, tell: bool },
    /// What comes from now on goes to the file at `path`, which is new unless `is_there`. What came before is synced
    /// first. Then the manifest, if there is one, is put in its place.
    Begin { path: PathBuf, is_there: bool, manifest: Option<Replacement> },
    /// The log ends: sync, and close the file.
    Close,
}

/// Whether what is appended is synced, together with all before it.
pub(crate) enum Sync {
    No,
    /// This thread does, and goes on with the next job when it is done.
    Here,
    /// It has another do so, and goes on.
    Beside(Jobs<SyncJob>),
}

/// What has come of a job.
#[derive(Debug)]
pub(crate) enum Report {
    /// All that was handed over is written: see [`Writer::written`].
    Written,
    /// It was not written: it is kept, and tried again.
    Failed(String),
    Synced(Synced),
    /// What was to be synced by another thread was not, for there is none.
    NoSyncer,
    Begun(Result<(), String>),
}

/// Does the jobs of the thread.
#[derive(Default)]
pub(crate) struct Writer {
    increment: Option<Arc<Increment>>,
    /// Bytes that were handed over, and those at their end that are not in the file yet.
    taken: u64,
    kept: Vec<u8>,
    /// Up to which position the log is in its files, which the loop may ask at any time.
    written: Arc<AtomicU64>,
    /// Whether the last attempt to write has failed, and whether what has been written is reported.
    has_failed: bool,
    tells: bool,
    /// Something was lost, and no other file has been begun since.
    has_lost: bool,
}

impl Worker for Writer {
    type Job = Job;
    type Report = Report;

    fn work(&mut self, job: Job, report: &mut dyn FnMut(Report)) {
        match job {
            Job::Append { bytes, sync, tell } => {
                self.tells = tell || self.has_failed;
                self.taken += bytes.len() as u64;
                if self.kept.is_empty() {
                    self.kept = bytes;
                } else {
                    self.kept.extend_from_slice(&bytes);
                }
                let is_written = self.write(report);
                match sync {
                    Sync::Here if is_written => _ = self.sync(report),
                    Sync::Beside(jobs) if is_written => self.sync_beside(&jobs, report),
                    // It has failed, which is reported, or there is no file.
                    Sync::Here | Sync::Beside(_) if !self.has_failed => {
                        report(Report::Synced(Synced::Distrusted));
                    }
                    _ => {}
                }
            }
            Job::Begin { path, is_there, manifest } => {
                let begun = self.begin(&path, is_there, manifest, report);
                report(Report::Begun(begun.map_err(|error| reason(&error))));
            }
            Job::Close => {
                if self.write(report) {
                    self.sync(report);
                }
                self.increment = None;
            }
        }
    }
}

impl Writer {
    /// One that counts from the position that has been written.
    pub(crate) fn starting_at(written: &Arc<AtomicU64>) -> Writer {
        let taken = written.load(Ordering::Relaxed);
        Writer { taken, written: Arc::clone(written), ..Writer::default() }
    }

    /// One that takes the place of another, which has lost some of what it was given up to this position.
    pub(crate) fn after_loss(position: u64, written: &Arc<AtomicU64>) -> Writer {
        written.store(position, Ordering::Relaxed);
        Writer { has_lost: true, ..Writer::starting_at(written) }
    }

    /// Writes what is kept. Returns whether all is in the file.
    fn write(&mut self, report: &mut dyn FnMut(Report)) -> bool {
        let Some(increment) = &self.increment else {
            return false;
        };
        let mut written = 0;
        let failed = loop {
            match self.kept.get(written..) {
                None | Some([]) => break None,
                Some(rest) => match increment.append(rest) {
                    Ok(0) => break Some(io::Error::from(io::ErrorKind::WriteZero)),
                    Ok(bytes) => written += bytes,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => break Some(error),
                },
            }
        };
        self.kept.drain(..written);
        if self.kept.is_empty() {
            self.kept = Vec::new();
        }
        self.written.store(self.position(), Ordering::Relaxed);
        self.has_failed = failed.is_some();
        match failed {
            Some(error) => report(Report::Failed(reason(&error))),
            None if self.tells => report(Report::Written),
            None => {}
        }
        !self.has_failed
    }

    /// Up to which position the log is in its files.
    fn position(&self) -> u64 {
        self.taken - self.kept.len() as u64
    }

    /// Syncs the file. Returns whether all that is in it is on disk.
    fn sync(&self, report: &mut dyn FnMut(Report)) -> bool {
        let synced = match self.trusted() {
            Some(increment) => increment.sync(self.position()),
            None => Synced::Distrusted,
        };
        let is_durable = matches!(synced, Synced::Durable { .. });
        report(Report::Synced(synced));
        is_durable
    }

    /// Has another thread sync the file.
    fn sync_beside(&self, jobs: &Jobs<SyncJob>, report: &mut dyn FnMut(Report)) {
        let Some(increment) = self.trusted() else {
            return report(Report::Synced(Synced::Distrusted));
        };
        if jobs.hand(SyncJob::Sync(Arc::clone(increment), self.position()), 0).is_err() {
            report(Report::NoSyncer);
        }
    }

    fn trusted(&self) -> Option<&Arc<Increment>> {
        self.increment.as_ref().filter(|_| !self.has_lost)
    }

    fn begin(
        &mut self,
        path: &Path,
        is_there: bool,
        manifest: Option<Replacement>,
        report: &mut dyn FnMut(Report),
    ) -> io::Result<()> {
        if self.trusted().is_none_or(|increment| increment.is_broken()) {
            // The base that is being made has what the broken file should have had, or one that could not be begun.
            self.kept.clear();
            self.written.store(self.taken, Ordering::Relaxed);
        } else if !(self.write(report) && self.sync(report)) {
            return Err(io::Error::other("the log before it cannot be written"));
        }
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let mut options = OpenOptions::new();
        let options = options.append(true).mode(MODE);
        let file = match is_there {
            true => options.open(path)?,
            false => options.create(true).open(path).and_then(|file| {
                // One that a crash has left is in no manifest.
                file.set_len(0)?;
                file.sync_all()?;
                Ok(file)
            })?,
        };
        if let Some(manifest) = manifest {
            manifest.put()?;
        }
        self.increment = Some(Arc::new(Increment::new(file)));
        self.has_lost = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    /// Does jobs, and returns what was reported, in short.
    fn work(writer: &mut Writer, job: Job) -> String {
        let mut told = Vec::new();
        let written = Arc::clone(&writer.written);
        writer.work(job, &mut |report| {
            let written = written.load(Ordering::Relaxed);
            told.push(match report {
                Report::Written => format!("written {written}"),
                Report::Failed(reason) => format!("failed behind {written}: {reason}"),
                Report::Synced(Synced::Durable { position }) => format!("durable {position}"),
                Report::Synced(Synced::Failed(_)) => "not synced".to_owned(),
                Report::Synced(Synced::Distrusted) => "not trusted".to_owned(),
                Report::NoSyncer => "no syncer".to_owned(),
                Report::Begun(begun) => format!("begun: {begun:?}"),
            });
        });
        told.join(", ")
    }

    fn append(bytes: &str, sync: bool) -> Job {
        let sync = if sync { Sync::Here } else { Sync::No };
        Job::Append { bytes: bytes.into(), sync, tell: true }
    }

    /// A folder with this name that goes with the test.
    fn folder(test: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("respd-writer-{}-{test}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn what_a_full_disk_does_not_take_is_kept_in_its_order() {
        let folder = folder("full");
        let mut writer = Writer::starting_at(&Arc::new(AtomicU64::new(100)));
        let increment = |file| Some(Arc::new(Increment::new(file)));
        writer.increment = increment(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let full = "failed behind 100: No space left on device";
        assert_eq!(work(&mut writer, append("one ", true)), full);
        assert_eq!(work(&mut writer, append("two", true)), full);
        // There is room again.
        make_folder(&folder).unwrap();
        let path = folder.join("log");
        writer.increment = increment(File::create(&path).unwrap());
        assert_eq!(work(&mut writer, append("", true)), "written 107, durable 107");
        assert_eq!(fs::read(&path).unwrap(), b"one two");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_was_not_synced_is_not_trusted_before_a_rewrite() {
        let folder = folder("unsynced");
        let mut writer = Writer::default();
        // A pipe takes what is written, and cannot be synced.
        let (reader, pipe) = std::io::pipe().unwrap();
        let pipe = Increment::new(File::from(std::os::fd::OwnedFd::from(pipe)));
        writer.increment = Some(Arc::new(pipe));
        assert_eq!(work(&mut writer, append("one", true)), "written 3, not synced");
        assert_eq!(work(&mut writer, append("two", true)), "written 6, not trusted");
        let path = folder.join("log");
        let begin = Job::Begin { path: path.clone(), is_there: false, manifest: None };
        assert_eq!(work(&mut writer, begin), "begun: Ok(())");
        assert_eq!(work(&mut writer, append("three", true)), "written 11, durable 11");
        assert_eq!(fs::read(&path).unwrap(), b"three", "the base has what was before");
        drop(reader);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_begins_when_the_one_before_is_synced_and_the_manifest_names_it() {
        let folder = folder("begins");
        let mut writer = Writer::default();
        let manifest = Replacement { path: folder.join("manifest"), text: b"text".to_vec() };
        let [one, other] = ["one", "other"].map(|name| folder.join(name));
        let begin = Job::Begin { path: one.clone(), is_there: false, manifest: None };
        assert_eq!(work(&mut writer, begin), "begun: Ok(())");
        assert_eq!(work(&mut writer, append("1", false)), "written 1");
        let path = other.clone();
        let begin = Job::Begin { path, is_there: false, manifest: Some(manifest) };
        assert_eq!(work(&mut writer, begin), "written 1, durable 1, begun: Ok(())");
        assert_eq!(work(&mut writer, append("2", false)), "written 2");
        assert_eq!(work(&mut writer, Job::Close), "written 2, durable 2");
        assert_eq!([&one, &other].map(|path| fs::read(path).unwrap()), [b"1", b"2"]);
        assert_eq!(fs::read(folder.join("manifest")).unwrap(), b"text");
        let missing = Job::Begin { path: folder.join("no/such"), is_there: true, manifest: None };
        assert!(work(&mut writer, missing).starts_with("begun: Err"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
