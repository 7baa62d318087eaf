//! What stays when the server has gone: snapshots of all data in a file, and the log of what has changed since.
//!
//! * [`log`]: every change, appended to a file as it happens;
//! * `snapshots`: when one is written, what came of it, and what the server begins with;
//! * [`copies`]: the data of one moment for a client that asks for it;
//! * `recording`: one moment of the keyspace on its way to the disk; `loading`: a file on its way to the keyspace;
//! * `status`: how snapshots stand; `libraries`: functions in files;
//! * `files`: the files, as the thread of the disk has them; `disk`: that thread;
//! * `pace`: how much of a long work is done in one turn.
//!
//! By default nothing is written, and a server in a test has no files at all: `dir`, `save` and `appendonly` turn that on. What is kept of it while the server runs is lent
//! from the world; what is done in every turn is a [`Duty`].
//!
//! The book: chapter 13, On disk without fork (`book/src/13-on-disk-without-fork.md`).

pub(crate) mod copies;
mod disk;
mod files;
pub(crate) mod libraries;
mod loading;
pub(crate) mod log;
mod pace;
mod recording;
pub(crate) mod snapshots;
mod status;

use crate::dispatch::duty::Duty;

/// What is done in every turn.
pub(crate) const DUTIES: &[Duty] = &[snapshots::DUTY, log::DUTY, copies::DUTY];
