//! Reads a log that consists of commands: a push parser, bytes in and commands out.
//!
//! It can stop after every byte. A command is told when it is whole, and the commands of a transaction when its EXEC is
//! there: what a crash has cut off, the commands of a torn transaction among them, was never told, and
//! [`Reader::whole`] says where in the file it begins. Memory is bounded by what was read.
//!
//! What it does not know: which commands exist.

use std::fmt;

use crate::wire::request::MAX_LINE;
use crate::wire::{Args, Limits, OwnedArgs, Parsed, Parser, ProtocolError, Span};

/// Reads one file.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    parser: Parser,
    spans: Vec<Span>,
    /// Where in the file the input begins that is handed over next.
    offset: u64,
    /// Where the transaction begins that is being read, and its commands so far.
    transaction: Option<(u64, Vec<OwnedArgs>)>,
}

/// What the input begins with.
pub(crate) enum Item<'a> {
    /// A command of so many bytes.
    Command(usize, Args<'a>),
    /// So many bytes that are the last of a transaction.
    Transaction(usize, Vec<OwnedArgs>),
    /// So many bytes of which nothing is to be done.
    Nothing(usize),
    /// The beginning of something. Call again with the same bytes and more after them.
    Partial,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadError {
    /// The first byte of what is wrong.
    pub offset: u64,
    pub what: Wrong,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// A command begins with `*`, and a line that is none with `#`.
    Start(u8),
    Format(ProtocolError),
    NoWords,
    TooLong,
    /// MULTI in a transaction, or EXEC without one.
    Nested,
    Unopened,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at offset {}: ", self.offset)?;
        match &self.what {
            Wrong::Start(byte) => {
                write!(f, "a command begins with '*' and not with '{}'", byte.escape_ascii())
            }
            Wrong::Format(error) => write!(f, "{error}"),
            Wrong::NoWords => f.write_str("a command has no words"),
            Wrong::TooLong => f.write_str("a line or a command is too long"),
            Wrong::Nested => f.write_str("MULTI in a transaction: the one before was cut off"),
            Wrong::Unopened => f.write_str("EXEC without MULTI"),
        }
    }
}

impl Reader {
    /// A reader of what begins at this offset of a file.
    pub(crate) fn starting_at(offset: u64) -> Reader {
        Reader { offset, ..Reader::default() }
    }

    /// Where the input begins that is handed over next, in the file.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// How much of the file is whole: what is behind, if there is anything, has not been told.
    pub(crate) fn whole(&self) -> u64 {
        self.transaction.as_ref().map_or(self.offset, |&(start, _)| start)
    }

    /// Reads what `input` begins with. What it tells the length of is to be left out of the next call's input.
    pub(crate) fn next<'a>(&'a mut self, input: &'a mut [u8]) -> Result<Item<'a>, ReadError> {
        let offset = self.offset;
        let wrong = |what| Err(ReadError { offset, what });
        match input.first() {
            None => return Ok(Item::Partial),
            Some(b'#') => return self.annotation(input),
            Some(b'*') => {}
            Some(&other) => return wrong(Wrong::Start(other)),
        }
        // A span has 32 bits.
        let within = input.len().min(u32::MAX as usize);
        let is_longest = within < input.len();
        let limits = Limits { bulk: i64::from(u32::MAX), authenticated: true };
        let len = match self.parser.parse(&mut input[..within], &mut self.spans, limits) {
            Ok(Parsed::Request(len)) => len,
            Ok(Parsed::Nothing(_)) => return wrong(Wrong::NoWords),
            Ok(Parsed::Partial) if is_longest => return wrong(Wrong::TooLong),
            Ok(Parsed::Partial) => return Ok(Item::Partial),
            Err(error) => return wrong(Wrong::Format(error)),
        };
        self.offset += len as u64;
        let args = Args::new(&input[..len], &self.spans);
        let (is_multi, is_exec) = (args.is(0, "MULTI"), args.is(0, "EXEC"));
        match self.transaction.take() {
            Some(_) if is_multi => wrong(Wrong::Nested),
            None if is_exec => wrong(Wrong::Unopened),
            Some((_, commands)) if is_exec => Ok(Item::Transaction(len, commands)),
            Some((start, mut commands)) => {
                commands.push(args.to_owned());
                self.transaction = Some((start, commands));
                Ok(Item::Nothing(len))
            }
            None if is_multi => {
                self.transaction = Some((offset, Vec::new()));
                Ok(Item::Nothing(len))
            }
            None => Ok(Item::Command(len, args)),
        }
    }

    /// A line that says something about the commands behind it.
    fn annotation(&mut self, input: &[u8]) -> Result<Item<'_>, ReadError> {
        let line = &input[..input.len().min(MAX_LINE)];
        match line.iter().position(|&byte| byte == b'\n') {
            Some(end) => {
                self.offset += end as u64 + 1;
                Ok(Item::Nothing(end + 1))
            }
            None if line.len() == MAX_LINE => {
                Err(ReadError { offset: self.offset, what: Wrong::TooLong })
            }
            None => Ok(Item::Partial),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &[u8] = b"#TS:1\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$5\r\nmulti\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n#\n\
        *2\r\n$4\r\nINCR\r\n$1\r\nb\r\n*1\r\n$4\r\nEXEC\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n";

    fn line(args: Args<'_>) -> String {
        args.from(0).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
    }

    /// What is told of a file, which comes in pieces of so many bytes, and how much of it is whole.
    fn read(file: &[u8], piece: usize) -> Result<(Vec<String>, u64), ReadError> {
        let (mut reader, mut told, mut input) = (Reader::default(), Vec::new(), Vec::new());
        for piece in file.chunks(piece) {
            input.extend_from_slice(piece);
            loop {
                let used = match reader.next(&mut input)? {
                    Item::Command(used, args) => {
                        told.push(line(args));
                        used
                    }
                    Item::Transaction(used, all) => {
                        let all: Vec<_> = all.iter().map(|args| line(args.args())).collect();
                        told.push(all.join("; "));
                        used
                    }
                    Item::Nothing(used) => used,
                    Item::Partial => break,
                };
                input.drain(..used);
            }
        }
        Ok((told, reader.whole()))
    }

    #[test]
    fn a_file_is_read_in_any_pieces() {
        for piece in 1..LOG.len() {
            let (told, whole) = read(LOG, piece).unwrap();
            assert_eq!(told, ["SELECT 0", "INCR a; INCR b", "DEL a"]);
            assert_eq!(whole, LOG.len() as u64);
        }
    }

    #[test]
    fn what_is_cut_off_at_any_byte_is_not_told() {
        let exec = LOG.windows(6).position(|part| part == b"EXEC\r\n").unwrap() + 6;
        let ends = [(7, 0), (30, 1), (exec, 2), (LOG.len(), 3)];
        assert!(LOG[..30].ends_with(b"\r\n0\r\n"));
        for cut in 0..LOG.len() {
            let (told, whole) = read(&LOG[..cut], usize::MAX).unwrap();
            let (end, count) =
                ends.into_iter().rev().find(|&(end, _)| end <= cut).unwrap_or_default();
            assert_eq!((whole, told.len()), (end as u64, count), "{cut}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_offset() {
        for (text, offset, what) in [
            ("*1\r\n$1\r\na\r\nPING\r\n", 11, "a command begins with '*' and not with 'P'"),
            ("*1\r\n$1\r\na\r\n*0\r\n", 11, "a command has no words"),
            ("*1\r\n$1\r\na\r\n*x\r\n", 11, "invalid multibulk length"),
            ("*1\r\n$-1\r\n", 0, "invalid bulk length"),
            ("*1\r\n:1\r\n", 0, "expected '$', got ':'"),
            ("*1\r\n$1\r\nabc\r\n", 0, "invalid CRLF in request"),
            ("#\n*1\r\n$4\r\nEXEC\r\n", 2, "EXEC without MULTI"),
            (
                "*1\r\n$5\r\nMULTI\r\n*1\r\n$5\r\nMULTI\r\n",
                15,
                "MULTI in a transaction: the one before was cut off",
            ),
        ] {
            let error = read(text.as_bytes(), 3).unwrap_err();
            assert_eq!(error.to_string(), format!("at offset {offset}: {what}"));
        }
        let long = [b"#".as_slice(), &[b'x'; MAX_LINE]].concat();
        assert_eq!(read(&long, usize::MAX).unwrap_err().what, Wrong::TooLong);
    }

    #[test]
    fn no_byte_that_is_changed_makes_it_panic() {
        for at in 0..LOG.len() {
            for byte in [0, b'*', b'$', b'9', b'\n', 0xff] {
                let mut log = LOG.to_vec();
                log[at] = byte;
                let _ = read(&log, 5);
            }
        }
    }
}
