//! Files that are written in one step: a reader sees the old content or the new one, also
//! after a crash. They keep their mode, because they may hold passwords.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

/// The mode of a file that was not there.
pub(crate) const NEW_FILE_MODE: u32 = 0o600;

/// Puts `text` in the place of the file at `path`. A link stays a link, and what it leads to is
/// replaced.
pub(crate) fn replace_file(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = &match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        found => found?,
    };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = folder.join(temporary);

    // One that a crash left behind would be in the way for ever, where every start has the same pid.
    let _ = fs::remove_file(&temporary);
    let done = write_beside(path, &temporary, text).and_then(|()| fs::rename(&temporary, path));
    if done.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    done?;
    File::open(folder)?.sync_all()
}

/// Writes `temporary` so that exactly the users can read it that can read the file at `path`.
fn write_beside(path: &Path, temporary: &Path, text: &[u8]) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(NEW_FILE_MODE).open(temporary)?;
    file.write_all(text)?;
    if let Ok(original) = fs::metadata(path) {
        // A group that cannot be kept must not become another group's right to read.
        let same_owners = fchown(&file, Some(original.uid()), Some(original.gid())).is_ok();
        let mode = original.mode() & if same_owners { 0o777 } else { 0o707 };
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    file.sync_all()
}
