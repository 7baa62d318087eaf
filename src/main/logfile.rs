//! The log file: lines are appended, and the file is opened anew after another program has moved it away.
//!
//! [`LogFile::reopen`] does so at once (SIGHUP); writing does so by itself within a second, for a rotation that
//! sends no signal. When the path cannot be opened again, lines go on to the file that is open.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{AccessFlags, eaccess};

/// How often writing looks whether the file is still at its path: a line costs no more system calls.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A log file that the logger writes and SIGHUP reopens: clones are one file.
#[derive(Debug, Clone)]
pub struct LogFile {
    path: Arc<Path>,
    open: Arc<Mutex<Open>>,
    /// What was opened anew, and takes the place of the other with the next line. It is apart, because writing may
    /// wait, for the reader of a pipe, and reopening may not.
    fresh: Arc<Mutex<Option<File>>>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// When the file was last known to be at its path.
    looked: Option<Instant>,
}

impl LogFile {
    /// Opens the file at `path`, or makes it.
    pub fn open(path: PathBuf) -> io::Result<LogFile> {
        let open = Open { file: append_to(&path)?, looked: None };
        Ok(LogFile { path: path.into(), open: Arc::new(Mutex::new(open)), fresh: Arc::default() })
    }

    /// Says why [`LogFile::open`] would fail, as far as that can be seen without making a file.
    pub fn check(path: &Path) -> io::Result<()> {
        let (place, needed) = match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(Errno::EISDIR.into()),
            Ok(found) if found.file_type().is_fifo() => return append_to(path).map(drop),
            Ok(_) => (path, AccessFlags::W_OK),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                (folder.unwrap_or(Path::new(".")), AccessFlags::W_OK | AccessFlags::X_OK)
            }
            Err(error) => return Err(error),
        };
        eaccess(place, needed).map_err(io::Error::from)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens what is at the path now, or makes a new file there. It waits for nothing.
    pub fn reopen(&self) -> io::Result<()> {
        let file = append_to(&self.path)?;
        *lock(&self.fresh) = Some(file);
        Ok(())
    }

    /// Writes to the file at the path, as far as that was looked after by `now`.
    fn write_at(&self, now: Instant, bytes: &[u8]) -> io::Result<usize> {
        let mut open = lock(&self.open);
        if let Some(file) = lock(&self.fresh).take() {
            *open = Open { file, looked: None };
        }
        let is_fresh = |looked| now.saturating_duration_since(looked) < LOOK_EVERY;
        if !open.looked.is_some_and(is_fresh) {
            open.looked = Some(now);
            if !is_at(&open.file, &self.path)
                && let Ok(file) = append_to(&self.path)
            {
                open.file = file;
            }
        }
        open.file.write(bytes)
    }
}

/// A panic while writing a line leaves nothing half done that matters.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_at(Instant::now(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        lock(&self.open).file.flush()
    }
}

/// Opens a file without waiting: a named pipe that nothing reads is an error. Writing to one waits all the same.
fn append_to(path: &Path) -> io::Result<File> {
    let at_once = OFlag::O_NONBLOCK.bits();
    let opened = File::options().create(true).append(true).custom_flags(at_once).open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(number) if number == Errno::ENXIO as i32 => {
            io::Error::new(error.kind(), "nothing reads what is written there")
        }
        _ => error,
    })?;
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    Ok(file)
}

/// Returns whether `file` is what is at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let id = |found: &Metadata| (found.dev(), found.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(open), Ok(found)) if id(&open) == id(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that goes with its test, and a log file in it.
    struct Logs {
        folder: PathBuf,
        log: LogFile,
    }

    impl Logs {
        fn new(test: &str) -> Logs {
            let name = format!("respd-logfile-{}-{test}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            let log = LogFile::open(folder.join("log")).unwrap();
            Logs { folder, log }
        }

        fn rename(&self, from: &str, to: &str) {
            fs::rename(self.folder.join(from), self.folder.join(to)).unwrap();
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.folder.join(name)).unwrap()
        }
    }

    impl Drop for Logs {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    #[test]
    fn a_line_after_the_file_was_moved_or_removed_goes_to_a_new_one() {
        let logs = Logs::new("moved");
        let mut now = Instant::now();
        logs.log.write_at(now, b"one\n").unwrap();
        logs.rename("log", "log.1");
        // Within the second nothing is looked at; the line is where an operator finds it, too.
        logs.log.write_at(now, b"two\n").unwrap();
        now += LOOK_EVERY;
        logs.log.write_at(now, b"three\n").unwrap();
        assert_eq!((&logs.read("log.1")[..], &logs.read("log")[..]), ("one\ntwo\n", "three\n"));

        fs::remove_file(logs.folder.join("log")).unwrap();
        now += LOOK_EVERY;
        logs.log.write_at(now, b"four\n").unwrap();
        assert_eq!(logs.read("log"), "four\n");

        // Another file is in its place already.
        logs.rename("log", "log.2");
        fs::write(logs.folder.join("log"), "made by another\n").unwrap();
        now += LOOK_EVERY;
        logs.log.write_at(now, b"five\n").unwrap();
        assert_eq!(logs.read("log"), "made by another\nfive\n");
    }

    #[test]
    fn a_path_that_cannot_be_opened_again_loses_no_line() {
        let logs = Logs::new("lost");
        let mut now = Instant::now();
        logs.rename("log", "log.1");
        fs::create_dir(logs.folder.join("log")).unwrap();
        logs.log.write_at(now, b"one\n").unwrap();
        assert!(logs.log.reopen().is_err());
        fs::remove_dir(logs.folder.join("log")).unwrap();
        now += LOOK_EVERY;
        logs.log.write_at(now, b"two\n").unwrap();
        assert_eq!((&logs.read("log.1")[..], &logs.read("log")[..]), ("one\n", "two\n"));
    }

    #[test]
    fn reopening_does_not_wait_for_a_line() {
        let logs = Logs::new("reopened");
        logs.rename("log", "log.1");
        logs.log.reopen().unwrap();
        assert_eq!(logs.read("log"), "");
    }

    /// The thread of the log may wait for the reader of a pipe; SIGHUP may not wait for that thread.
    #[test]
    fn reopening_waits_for_no_line_that_is_being_written() {
        let logs = Logs::new("writing");
        let writing = lock(&logs.log.open);
        logs.log.reopen().unwrap();
        drop(writing);
        logs.log.write_at(Instant::now(), b"one\n").unwrap();
        assert_eq!(logs.read("log"), "one\n");
    }
}
