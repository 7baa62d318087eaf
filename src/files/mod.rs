//! What stands on disk: the configuration file and the ACL file.
//!
//! A door of the house: [`crate::config`] and [`crate::access`] read and print the text, the world keeps what it
//! says, and here files are found, read and replaced, for the start of a server and for CONFIG REWRITE, ACL LOAD
//! and ACL SAVE. A file is replaced in one step and keeps its mode.
//!
//! What it does not know: what a line means, and what a client is told.

mod acl_file;
mod config_file;
mod new_file;
mod replace;

use std::io;

use nix::errno::Errno;

pub(crate) use acl_file::{first_users, load_users, save_users};
pub(crate) use new_file::create_in;

/// What the operating system calls an error.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}
