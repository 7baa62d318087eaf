//! The log: every change of the keyspace, appended to a file as it happens.
//!
//! * `manifest`: which files the log consists of;
//! * `format`: effects as requests;
//! * `reader`: requests out of a file.

#![allow(dead_code, reason = "what writes and reads the files comes next")]

mod format;
mod manifest;
mod reader;
