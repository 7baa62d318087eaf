//! The manifest: which files a log consists of, and in which order they are read.
//!
//! A log is a base, which holds the keyspace of one moment, and increments, which hold what changed since, the oldest
//! first. The manifest names them, a line each, as Redis 7 and Valkey 9.1 write and read it:
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b
//! file appendonly.aof.1.base.rdb seq 1 type h
//! file appendonly.aof.4.incr.aof seq 4 type i
//! ```
//!
//! A line is words, two by two; words that it does not know are passed over (Redis 8 writes `startoffset`). A name
//! that has spaces or does not print is quoted. Lines that begin with `#` are comments. Files of the type `h` are
//! history: a base and increments that a rewrite has replaced, which may be deleted.
//!
//! What it does not know: where the files are, and what they hold.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use crate::text::{number, quote};

/// The longest line that a manifest may have, in bytes, as in Valkey 9.1.
const MAX_LINE: usize = 1024;

/// The files of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub base: Option<LogFile>,
    /// The oldest first. What is appended goes to the last.
    pub increments: Vec<LogFile>,
    /// Replaced, and to be deleted.
    pub history: Vec<LogFile>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFile {
    /// A name in the folder of the log, which is no path.
    pub name: OsString,
    /// Counts up from 1, for bases and increments apart.
    pub number: u64,
}

/// A line that is none of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ManifestError {
    /// Counts from 1; 0: it is the text as a whole.
    line: usize,
    text: Vec<u8>,
    reason: &'static str,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(self.reason),
            line => write!(f, "line {line}, '{}': {}", self.text.escape_ascii(), self.reason),
        }
    }
}

const FORMAT: &str = "it is not 'file NAME seq NUMBER type b|h|i'";

impl Manifest {
    /// Reads the text of a manifest.
    pub(crate) fn parse(text: &[u8]) -> Result<Manifest, ManifestError> {
        let mut manifest = Manifest::default();
        for (index, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            manifest.read_line(line).map_err(|reason| ManifestError {
                line: index + 1,
                text: line.trim_ascii_end().iter().copied().take(MAX_LINE).collect(),
                reason,
            })?;
        }
        if text.is_empty() {
            return Err(ManifestError { line: 0, text: Vec::new(), reason: "it is empty" });
        }
        Ok(manifest)
    }

    fn read_line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        if line.starts_with(b"#") {
            return Ok(());
        }
        if !line.ends_with(b"\n") || line.len() >= MAX_LINE {
            return Err("the line does not end, or is too long");
        }
        let words = quote::split(line.trim_ascii()).ok_or(FORMAT)?;
        if words.len() < 6 || !words.len().is_multiple_of(2) {
            return Err(FORMAT);
        }
        let (mut name, mut number, mut kind) = (None, None, None);
        for pair in words.chunks_exact(2) {
            let [key, value] = pair else { continue };
            match key.to_ascii_lowercase().as_slice() {
                b"file" => name = Some(value.clone()),
                b"seq" => number = number::parse_i64(value).and_then(|seq| seq.try_into().ok()),
                b"type" => kind = value.first().copied(),
                _ => {}
            }
        }
        let (Some(name), Some(number @ 1..), Some(kind)) = (name, number, kind) else {
            return Err(FORMAT);
        };
        let name = OsString::from_vec(name);
        if !is_plain(&name) {
            return Err("the file is a path and not a name");
        }
        self.add(LogFile { name, number }, kind)
    }

    fn add(&mut self, file: LogFile, kind: u8) -> Result<(), &'static str> {
        match kind {
            b'b' if self.base.is_some() => return Err("there is a base already"),
            b'b' => self.base = Some(file),
            b'h' => self.history.push(file),
            b'i' if self.increments.last().is_some_and(|last| last.number >= file.number) => {
                return Err("its number is not above that of the increment before");
            }
            b'i' => self.increments.push(file),
            _ => return Err("the type of the file is not b, h or i"),
        }
        Ok(())
    }

    /// The text of the manifest, as Valkey 9.1 writes it.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        self.base.iter().for_each(|file| file.push_line('b', &mut text));
        self.history.iter().for_each(|file| file.push_line('h', &mut text));
        self.increments.iter().for_each(|file| file.push_line('i', &mut text));
        text
    }

    /// The files to read, in their order.
    pub(crate) fn to_read(&self) -> impl Iterator<Item = &LogFile> {
        self.base.iter().chain(&self.increments)
    }

    /// Returns whether there is nothing to read.
    pub(crate) fn is_empty(&self) -> bool {
        self.base.is_none() && self.increments.is_empty()
    }

    /// The next base of a log that is named `log` (`appendfilename`). It is commands or has the form of a snapshot.
    pub(crate) fn next_base(&self, log: &OsStr, is_snapshot: bool) -> LogFile {
        let number = self.base.as_ref().map_or(0, |base| base.number) + 1;
        let form = if is_snapshot { "rdb" } else { "aof" };
        LogFile { name: extended(log, &format!(".{number}.base.{form}")), number }
    }

    /// The next increment of it.
    pub(crate) fn next_increment(&self, log: &OsStr) -> LogFile {
        let number = self.increments.last().map_or(0, |last| last.number) + 1;
        LogFile { name: extended(log, &format!(".{number}.incr.aof")), number }
    }

    /// A rewrite is done: `base` is in the place of all files but the last increment, which are history now.
    pub(crate) fn rebase(&mut self, base: LogFile) {
        self.history.extend(self.base.replace(base));
        let old = self.increments.len().saturating_sub(1);
        self.history.extend(self.increments.drain(..old));
    }
}

impl LogFile {
    fn push_line(&self, kind: char, text: &mut Vec<u8>) {
        text.extend_from_slice(b"file ");
        let name = self.name.as_bytes();
        let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        match !name.is_empty() && name.iter().all(is_plain) {
            true => text.extend_from_slice(name),
            false => quote::push_quoted(text, name),
        }
        text.extend_from_slice(format!(" seq {} type {kind}\n", self.number).as_bytes());
    }

    /// The file, or the first after it that the folder does not have: what a manifest that is gone has named is not
    /// written over.
    pub(crate) fn unused(mut self, folder: &Path) -> LogFile {
        while self.path(folder).exists() {
            let name = self.name.to_string_lossy().into_owned();
            let (before, next) = (format!(".{}.", self.number), format!(".{}.", self.number + 1));
            let Some(at) = name.rfind(&before) else { break };
            self.number += 1;
            self.name = [&name[..at], &next, &name[at + before.len()..]].concat().into();
        }
        self
    }

    /// Where it is.
    pub(crate) fn path(&self, folder: &Path) -> PathBuf {
        folder.join(&self.name)
    }
}

/// A name with this behind it.
pub(crate) fn extended(name: &OsStr, end: &str) -> OsString {
    let mut name = name.to_owned();
    name.push(end);
    name
}

/// Returns whether it is the name of a file, and no path.
fn is_plain(name: &OsString) -> bool {
    let mut parts = Path::new(name).components();
    let is_name = matches!(parts.next(), Some(Component::Normal(first)) if first == name);
    is_name && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, number: u64) -> LogFile {
        LogFile { name: name.into(), number }
    }

    fn refused(text: &str) -> String {
        Manifest::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read() {
        let manifest = Manifest {
            base: Some(file("a b\"c\\\n.2.base.rdb", 2)),
            increments: vec![file("x.3.incr.aof", 3), file("x.5.incr.aof", 5)],
            history: vec![file("x.1.base.rdb", 1), file("\u{e9}", 4)],
        };
        let text = manifest.text();
        let expected = "file \"a b\\\"c\\\\\\n.2.base.rdb\" seq 2 type b\n\
                        file x.1.base.rdb seq 1 type h\n\
                        file \"\\xc3\\xa9\" seq 4 type h\n\
                        file x.3.incr.aof seq 3 type i\n\
                        file x.5.incr.aof seq 5 type i\n";
        assert_eq!(String::from_utf8(text.clone()).unwrap(), expected);
        assert_eq!(Manifest::parse(&text), Ok(manifest));
    }

    #[test]
    fn what_others_write_is_read() {
        let text = "# comment\nseq 1 FILE a type i startoffset 0 endoffset 9 \t\r\n  file b seq 2 type incr\n";
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(manifest.increments, [file("a", 1), file("b", 2)]);
        assert!(!manifest.is_empty() && Manifest::parse(b"#\n").unwrap().is_empty());
    }

    /// Valkey 9.1 refuses all of these, too.
    #[test]
    fn what_is_no_line_is_refused_with_its_number() {
        assert_eq!(refused(""), "it is empty");
        let long = format!("file {} seq 1 type i\n", "x".repeat(1100));
        for (text, expected) in [
            ("file a seq 1 type i", "the line does not end, or is too long"),
            (long.as_str(), "the line does not end, or is too long"),
            ("\n", FORMAT),
            ("file a seq 1\n", FORMAT),
            ("file a seq 1 type\n", FORMAT),
            ("file a seq 0 type i\n", FORMAT),
            ("file a seq x type i\n", FORMAT),
            ("file a seq -1 type i\n", FORMAT),
            ("file \"a seq 1 type i\n", FORMAT),
            ("name a seq 1 type i\n", FORMAT),
            ("file a seq 1 type \"\"\n", FORMAT),
            ("file a/b seq 1 type i\n", "the file is a path and not a name"),
            ("file ../b seq 1 type i\n", "the file is a path and not a name"),
            ("file .. seq 1 type i\n", "the file is a path and not a name"),
            ("file \"\" seq 1 type i\n", "the file is a path and not a name"),
            ("file a seq 1 type x\n", "the type of the file is not b, h or i"),
            ("file a seq 1 type b\nfile b seq 2 type b\n", "there is a base already"),
            (
                "file a seq 2 type i\nfile b seq 2 type i\n",
                "its number is not above that of the increment before",
            ),
        ] {
            let told = refused(text);
            let line = text.lines().count();
            assert!(told.starts_with(&format!("line {line}, '")), "{told}");
            assert!(told.ends_with(&format!("': {expected}")), "{told}");
        }
    }

    #[test]
    fn a_rewrite_leaves_the_last_increment() {
        let mut manifest = Manifest::default();
        assert_eq!(manifest.next_base("x".as_ref(), true), file("x.1.base.rdb", 1));
        manifest.rebase(file("x.1.base.rdb", 1));
        for _ in 0..3 {
            manifest.increments.push(manifest.next_increment("x".as_ref()));
        }
        let base = manifest.next_base("x".as_ref(), false);
        manifest.rebase(base);
        assert_eq!(manifest.base, Some(file("x.2.base.aof", 2)));
        assert_eq!(manifest.increments, [file("x.3.incr.aof", 3)]);
        let old = ["x.1.base.rdb", "x.1.incr.aof", "x.2.incr.aof"];
        assert_eq!(manifest.history.iter().map(|file| &file.name).collect::<Vec<_>>(), old);
    }
}
