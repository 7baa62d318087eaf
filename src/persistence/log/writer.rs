//! The thread's end of the log: appends to its files, and syncs them.
//!
//! What cannot be appended (the disk is full) is kept, in its order, and tried again with the next job: no byte is
//! lost or written twice while the thread runs. A failed sync is another thing: the system may have dropped what it
//! could not write, and a second sync would succeed without it. The file is not trusted any more then, nothing of it is
//! reported to be on disk, and only a rewrite makes the log whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::replacement::{MODE, Rebase, Replacement, make_folder};
use crate::files::reason;
use crate::persistence::disk::Worker;

/// What the thread is to do.
pub(crate) enum Job {
    /// Append this. With `sync` it is synced, together with all before it. With `tell` it is reported, if all goes well
    /// too: a report wakes the loop.
    Append { bytes: Vec<u8>, sync: bool, tell: bool },
    /// What comes from now on goes to the file at `path`, which is new unless `is_there`. What came before is synced
    /// first. Then the manifest, if there is one, is put in its place.
    Begin { path: PathBuf, is_there: bool, manifest: Option<Replacement> },
    /// A rewrite has ended, and its base is in its place: put the manifest, delete what is history, and put the manifest
    /// without it.
    Rebase(Box<Rebase>),
    /// The log ends: sync, and close the file.
    Close,
}

/// What has come of a job.
#[derive(Debug)]
pub(crate) enum Report {
    /// The log is in its files up to this position.
    Written {
        position: u64,
    },
    /// It is on disk up to this position.
    Durable {
        position: u64,
    },
    /// It was not written: it is kept, and tried again.
    Failed(String),
    /// It was not synced: the file is not trusted.
    NotSynced(String),
    Begun(Result<(), String>),
    Rebased(Result<(), String>),
}

/// Who does that.
#[derive(Default)]
pub(crate) struct Writer {
    file: Option<File>,
    /// Bytes that were handed over, and those at their end that are not in the file yet.
    taken: u64,
    kept: Vec<u8>,
    /// Whether the last attempt to write has failed, and whether what has been written is reported.
    has_failed: bool,
    tells: bool,
    /// A sync has failed, or something was lost, and no other file has been begun since.
    is_broken: bool,
}

impl Worker for Writer {
    type Job = Job;
    type Report = Report;

    fn work(&mut self, job: Job, report: &mut dyn FnMut(Report)) {
        match job {
            Job::Append { bytes, sync, tell } => {
                self.tells = sync || tell || self.has_failed;
                self.taken += bytes.len() as u64;
                if self.kept.is_empty() {
                    self.kept = bytes;
                } else {
                    self.kept.extend_from_slice(&bytes);
                }
                if self.write(report) && sync {
                    self.sync(report);
                }
            }
            Job::Begin { path, is_there, manifest } => {
                let begun = self.begin(&path, is_there, manifest, report);
                report(Report::Begun(begun.map_err(|error| reason(&error))));
            }
            Job::Rebase(rebase) => {
                let done = rebase.put();
                report(Report::Rebased(done.map_err(|error| reason(&error))));
            }
            Job::Close => {
                if self.write(report) {
                    self.sync(report);
                }
                *self = Writer { taken: self.taken, ..Writer::default() };
            }
        }
    }
}

impl Writer {
    /// One that counts from this position.
    pub(crate) fn starting_at(position: u64) -> Writer {
        Writer { taken: position, ..Writer::default() }
    }

    /// One that takes the place of another, which has lost what it was given up to this position.
    pub(crate) fn after_loss(position: u64) -> Writer {
        Writer { is_broken: true, ..Writer::starting_at(position) }
    }

    /// Writes what is kept. Returns whether all is in the file.
    fn write(&mut self, report: &mut dyn FnMut(Report)) -> bool {
        let Some(file) = &mut self.file else {
            return false;
        };
        let mut written = 0;
        let failed = loop {
            match self.kept.get(written..) {
                None | Some([]) => break None,
                Some(rest) => match file.write(rest) {
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
        self.has_failed = failed.is_some();
        if self.tells || self.has_failed {
            report(Report::Written { position: self.taken - self.kept.len() as u64 });
        }
        failed.map(|error| report(Report::Failed(reason(&error)))).is_none()
    }

    /// Syncs the file. Returns whether all that is in it is on disk.
    fn sync(&mut self, report: &mut dyn FnMut(Report)) -> bool {
        let Some(file) = &self.file else {
            return false;
        };
        if self.is_broken {
            return false;
        }
        match file.sync_data() {
            Ok(()) => report(Report::Durable { position: self.taken - self.kept.len() as u64 }),
            Err(error) => {
                self.is_broken = true;
                report(Report::NotSynced(reason(&error)));
            }
        }
        !self.is_broken
    }

    fn begin(
        &mut self,
        path: &Path,
        is_there: bool,
        manifest: Option<Replacement>,
        report: &mut dyn FnMut(Report),
    ) -> io::Result<()> {
        if self.is_broken {
            // The base that is being made has what the broken file should have had.
            self.kept.clear();
        } else if self.file.is_some() && !(self.write(report) && self.sync(report)) {
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
        self.file = Some(file);
        self.is_broken = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Does jobs, and returns what was reported, in short.
    fn work(writer: &mut Writer, job: Job) -> String {
        let mut told = Vec::new();
        writer.work(job, &mut |report| {
            told.push(match report {
                Report::Written { position } => format!("written {position}"),
                Report::Durable { position } => format!("durable {position}"),
                Report::Failed(reason) => format!("failed: {reason}"),
                Report::NotSynced(_) => "not synced".to_owned(),
                Report::Begun(begun) => format!("begun: {begun:?}"),
                Report::Rebased(rebased) => format!("rebased: {rebased:?}"),
            });
        });
        told.join(", ")
    }

    fn append(bytes: &str, sync: bool) -> Job {
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
        let mut writer = Writer::starting_at(100);
        writer.file = Some(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let full = "No space left on device";
        assert_eq!(work(&mut writer, append("one ", true)), format!("written 100, failed: {full}"));
        assert_eq!(work(&mut writer, append("two", true)), format!("written 100, failed: {full}"));
        // There is room again.
        make_folder(&folder).unwrap();
        let path = folder.join("log");
        writer.file = Some(File::create(&path).unwrap());
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
        writer.file = Some(File::from(std::os::fd::OwnedFd::from(pipe)));
        assert_eq!(work(&mut writer, append("one", true)), "written 3, not synced");
        assert_eq!(work(&mut writer, append("two", true)), "written 6");
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
