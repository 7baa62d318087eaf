//! A file that is made anew in a folder, under a name that a client gives.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::replace::NEW_FILE_MODE;

/// Makes a file of this name, which is no path, in the folder. `None`: the name is none, or such a file is there. It may
/// hold passwords, and only its owner can read it.
pub(crate) fn create_in(folder: &Path, name: &[u8]) -> io::Result<Option<File>> {
    if name.is_empty()
        || name == b"."
        || name == b".."
        || name.iter().any(|byte| b"/\0".contains(byte))
    {
        return Ok(None);
    }
    let path = folder.join(OsStr::from_bytes(name));
    let created = OpenOptions::new().write(true).create_new(true).mode(NEW_FILE_MODE).open(path);
    match created {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        created => created.map(Some),
    }
}
