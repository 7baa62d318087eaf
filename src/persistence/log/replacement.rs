//! Texts that take the place of files: the manifest, of which there is a whole one at any time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::manifest::extended;
use crate::files::reason;

/// The mode of the files, before the process's umask: that of the reference, which may be given them.
pub(super) const MODE: u32 = 0o644;

/// A text that takes the place of a file.
pub(super) struct Replacement {
    pub path: PathBuf,
    pub text: Vec<u8>,
}

/// The end of a rewrite.
pub(super) struct Rebase {
    /// The base, which is in its place.
    pub base: PathBuf,
    pub manifest: Replacement,
    pub history: Vec<PathBuf>,
    /// The manifest's text when the history is gone.
    pub without_history: Vec<u8>,
}

impl Replacement {
    pub(super) fn put(&self) -> io::Result<()> {
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let temporary = folder.join(extended("temp-".as_ref(), &name.to_string_lossy()));
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(MODE).open(&temporary)?;
        let put = file
            .write_all(&self.text)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&temporary, &self.path));
        if put.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        put?;
        File::open(folder)?.sync_all()
    }
}

impl Rebase {
    pub(super) fn put(self) -> io::Result<()> {
        if let Err(error) = self.manifest.put() {
            // No manifest names it.
            let _ = fs::remove_file(&self.base);
            return Err(error);
        }
        delete(&self.history);
        // The history is gone from the manifest at the latest when the server starts.
        let path = self.manifest.path;
        if let Err(error) = (Replacement { path, text: self.without_history }).put() {
            log::warn!("the manifest of the log keeps its history: {}", reason(&error));
        }
        Ok(())
    }
}

/// Deletes files that no manifest needs any more. What cannot be deleted is in the way of nothing.
pub(super) fn delete(files: &[PathBuf]) {
    for path in files {
        match fs::remove_file(path) {
            Ok(()) => log::info!("the log's old file {} is deleted", path.display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => log::warn!("cannot delete {}: {}", path.display(), reason(&error)),
        }
    }
}

/// Makes the folder of the log, and what is in its parent durable.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
        }
    }
}
