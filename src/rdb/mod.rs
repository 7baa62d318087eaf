//! Values as payloads and files hold them: the RDB encoding of the reference.
//!
//! * `strings`: lengths and strings, which all else is made of; `lzf`: how long ones are made shorter;
//! * `listpack`, `old`: small collections packed into a string, as it is done now and as it was done; `element`: what they hold;
//! * `write`, `read`: a value of any type, `stream` the part of both that is about streams; `kinds`: the byte that a value begins with;
//!   `parts`: what a value is written from;
//! * `recorder`: the file of a moment as it is recorded; `opcode`: what stands between keys; `chunk`: what it is written to; `file`: how the file
//!   is finished, and loaded;
//! * `footer`: the version and the checksum that a payload ends with; `crc64`: the checksum.
//!
//! Whatever is read comes from outside: nothing is taken at its word, no memory is taken for what is only declared, and
//! what is cut short or malformed is no value.
//!
//! The book: chapter 13, On disk without fork (`book/src/13-on-disk-without-fork.md`).

pub(crate) mod chunk;
pub(crate) mod crc64;
mod element;
pub(crate) mod file;
pub(crate) mod footer;
#[cfg(fuzzing)]
pub mod fuzzing;
mod kinds;
mod listpack;
mod lzf;
mod old;
mod opcode;
mod parts;
pub(crate) mod read;
pub(crate) mod recorder;
mod stream;
pub(crate) mod strings;
pub(crate) mod write;

#[cfg(test)]
mod tests;
