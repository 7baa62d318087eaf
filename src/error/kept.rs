//! What a client is told of data that is kept, loaded or copied: snapshots, the log, REPLCONF and SYNC.

use super::Error;

/// Nothing says that files are kept, so that none are left by a server in a test.
pub const NO_FILES: Error =
    Error::fixed("ERR this server keeps no files: neither 'dir' nor 'save' is configured");
/// What could not be written, for a reason that is in the log.
pub const NOT_SAVED: Error = Error::fixed("ERR");
pub const SAVING: Error = Error::fixed("ERR Background save already in progress");
pub const NOT_SAVING: Error =
    Error::fixed("ERR Background saving is currently not in progress or scheduled");
pub const RECORDING: Error = Error::fixed(
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to \
     schedule a BGSAVE whenever possible.",
);
/// A client asks for a copy of the data, and the file of that could not be written.
pub const NOT_COPIED: Error = Error::fixed("ERR BGSAVE failed, replication can't continue");
/// SYNC of a replica.
pub const NO_REPLICATION: Error = Error::fixed(
    "ERR this server does not replicate: SYNC is for a client that wants a copy of the data, and has said \
     REPLCONF rdb-only 1",
);
pub const NOT_LOADED: Error =
    Error::fixed("ERR Error trying to load the RDB dump, check server logs.");
pub const RELOAD_OPTIONS: Error =
    Error::fixed("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");

/// The last snapshot could not be written.
pub fn unsaved(product: &str) -> Error {
    Error::text(format!(
        "MISCONF {product} is configured to save RDB snapshots, but it's currently unable to persist to disk. \
         Commands that may modify the data set are disabled, because this instance is configured to report \
         errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the \
         {product} logs for details about the RDB error."
    ))
}

pub const REWRITING: Error =
    Error::fixed("ERR Background append only file rewriting already in progress");
pub const NO_LOG_TO_REWRITE: Error = Error::fixed(
    "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
);
pub const LOG_NOT_LOADED: Error =
    Error::fixed("ERR Error trying to load the AOF files, check server logs.");

/// The log cannot be written.
pub fn unlogged(reason: &str) -> Error {
    Error::text(format!("MISCONF Errors writing to the AOF file: {reason}"))
}

pub const NO_PARTS: Error = Error::fixed("ERR Missing rdb-filter-only values");

/// About a word of a client.
fn about(text: &str, word: &[u8]) -> Error {
    Error::text([text.as_bytes(), word].concat())
}

pub fn unsupported_part(name: &[u8]) -> Error {
    about("ERR Unsupported rdb-filter-only option: ", name)
}

pub fn unrecognized_version(version: &[u8]) -> Error {
    about("ERR Unrecognized version format: ", version)
}

pub fn unrecognized_replconf(option: &[u8]) -> Error {
    about("ERR Unrecognized REPLCONF option: ", option)
}

pub fn unrecognized_rdb_client(id: i64) -> Error {
    Error::text(format!("ERR Unrecognized RDB client id {id}"))
}

pub fn replica_address_too_long(bytes: usize) -> Error {
    Error::text(format!(
        "ERR REPLCONF ip-address provided by replica instance is too long: {bytes} bytes"
    ))
}
