//! What stands on disk: the configuration file and the ACL file.
//!
//! A door of the house: [`crate::config`] and [`crate::access`] read and print the text, the world keeps what it
//! says, and here files are found, read and replaced, for the start of a server and for CONFIG REWRITE, ACL LOAD
//! and ACL SAVE. A file is replaced in one step and keeps its mode.
//!
//! What it does not know: what a line means, and what a client is told.
//!
//! The book: chapter 13, On disk without fork (`book/src/13-on-disk-without-fork.md`).

mod acl_file;
mod config_file;
mod new_file;
mod replace;

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;

pub(crate) use acl_file::{first_users, load_users, save_users};
pub(crate) use new_file::create_in;

/// Opens a file to read it, and waits for nothing: a named pipe, to which nothing may ever be written, is an error.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    match file.metadata()?.file_type().is_fifo() {
        true => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a pipe and no file")),
        false => Ok(file),
    }
}

/// The content of a file that [`open`] opens.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    open(path)?.read_to_end(&mut content)?;
    Ok(content)
}

/// What the operating system calls an error.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}
