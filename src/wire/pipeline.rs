//! Requests read ahead of their turn, as they come in a pipeline.
//!
//! Nearly every request is *plain*: a whole array of a few short bulk strings, within what
//! every client may send at any time. Such a request is read with less ado than
//! [`Parser`](super::Parser) needs for one that may be broken off or wrong anywhere; what is not plain
//! is left to the parser. And because nothing that runs meanwhile can change what a plain request
//! means, many are read at once: the keys of all of them can be fetched from memory together, instead
//! of waiting for each when its turn comes. A pipelined GET takes 80 ns that way, and 175 to 250 without
//! (docs/decisions/read-ahead.md).

use super::args::{Args, Span};
use super::request::{UNAUTHENTICATED_ARGS, UNAUTHENTICATED_BULK};

/// How many requests are read ahead.
const AHEAD: usize = 16;

/// The next requests of a client; one allocation for all clients.
#[derive(Debug, Default)]
pub struct Pipeline {
    requests: [SimpleRequest; AHEAD],
    /// How many of them have been read, and how many of those have had their turn.
    read: usize,
    taken: usize,
}

#[derive(Debug, Default)]
struct SimpleRequest {
    spans: Vec<Span>,
    len: usize,
}

impl Pipeline {
    /// Reads the plain requests that `input` begins with, and forgets what was read before.
    pub fn read(&mut self, input: &[u8]) {
        self.clear();
        let mut at = 0;
        for request in &mut self.requests {
            let Some(len) = plain(&input[at..], &mut request.spans) else {
                return;
            };
            request.len = len;
            at += len;
            self.read += 1;
        }
    }

    /// Forgets what was read.
    pub(crate) fn clear(&mut self) {
        (self.read, self.taken) = (0, 0);
    }

    /// Returns whether everything that was read has had its turn.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.taken == self.read
    }

    /// The next request and how long it is: `input` begins with it.
    #[inline]
    pub fn take<'a>(&'a mut self, input: &'a [u8]) -> Option<(Args<'a>, usize)> {
        let request = self.requests[..self.read].get(self.taken)?;
        self.taken += 1;
        Some((Args::new(&input[..request.len], &request.spans), request.len))
    }

    /// The requests that have been read from `input`.
    pub(crate) fn iter<'a>(&'a self, input: &'a [u8]) -> impl Iterator<Item = Args<'a>> + Clone {
        self.requests[..self.read].iter().scan(input, |rest, request| {
            let (input, behind) = rest.split_at(request.len);
            *rest = behind;
            Some(Args::new(input, &request.spans))
        })
    }
}

/// Reads a plain request into `spans` and returns how long it is, if `input` begins with one.
#[inline]
fn plain(input: &[u8], spans: &mut Vec<Span>) -> Option<usize> {
    spans.clear();
    let (words, mut at) = length(input, 0, b'*')?;
    if words == 0 || words > UNAUTHENTICATED_ARGS as usize {
        return None;
    }
    for _ in 0..words {
        let (size, start) = length(input, at, b'$')?;
        let end = start + size;
        if size > UNAUTHENTICATED_BULK as usize || input.get(end..end + 2)? != b"\r\n" {
            return None;
        }
        spans.push(Span::new(start, end));
        at = end + 2;
    }
    Some(at)
}

/// The number in the line at `at`, which begins with `kind`, and where the next line begins.
#[inline]
fn length(input: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    match *input.get(at..)? {
        [first, ones @ b'0'..=b'9', b'\r', b'\n', ..] if first == kind => {
            Some((usize::from(ones - b'0'), at + 4))
        }
        [first, tens @ b'1'..=b'9', ones @ b'0'..=b'9', b'\r', b'\n', ..] if first == kind => {
            Some((usize::from(tens - b'0') * 10 + usize::from(ones - b'0'), at + 5))
        }
        [first, b'1'..=b'9', ..] if first == kind => long_length(input, at),
        _ => None,
    }
}

/// As [`length`], for a number of three to five digits that does not begin with 0.
fn long_length(input: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut number = 0;
    for (digits, &byte) in input[at + 1..].iter().take(MOST_DIGITS + 1).enumerate() {
        match byte {
            b'0'..=b'9' => number = number * 10 + usize::from(byte - b'0'),
            b'\r' => {
                let end = at + 1 + digits;
                return (*input.get(end + 1)? == b'\n').then_some((number, end + 2));
            }
            _ => return None,
        }
    }
    None
}

/// Lengths of more digits are not plain.
const MOST_DIGITS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Limits, Parsed, Parser};

    /// The requests that `input` begins with.
    fn read(input: &str) -> Vec<Vec<String>> {
        let mut ahead = Pipeline::default();
        ahead.read(input.as_bytes());
        let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
        ahead.iter(input.as_bytes()).map(|args| args.from(0).map(text).collect()).collect()
    }

    #[test]
    fn whole_requests_are_read_one_after_the_other() {
        let input = "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*1\r\n$4\r\nPING\r\n";
        assert_eq!(read(input), [vec!["GET", "key"], vec!["PING"]]);
        for end in 0..22 {
            assert!(read(&input[..end]).is_empty());
        }
        let mut ahead = Pipeline::default();
        ahead.read(input.as_bytes());
        for (rest, name, len) in [(input, "GET", 22), (&input[22..], "PING", 14)] {
            assert!(!ahead.is_over());
            let (args, taken) = ahead.take(rest.as_bytes()).unwrap();
            assert_eq!((&args[0], taken), (name.as_bytes(), len));
        }
        assert!(ahead.is_over() && ahead.take(b"").is_none());
    }

    #[test]
    fn no_more_are_read_than_are_needed_soon() {
        assert_eq!(read(&"*1\r\n$4\r\nPING\r\n".repeat(AHEAD + 1)).len(), AHEAD);
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_parser() {
        let large = format!("*1\r\n$16385\r\n{}\r\n", "x".repeat(16385));
        for input in [
            "GET key\r\n",
            "*0\r\n",
            "*-1\r\n",
            "*2\r\n$x\r\nGET\r\n",
            "*\r\n$1\r\nGET\r\n",
            "*9999\r\n$3\r\n",
            "",
            "*1\r\n$04\r\nPING\r\n",
            "*01\r\n$4\r\nPING\r\n",
            "*1\r\n$4\rxPING\r\n",
            "*1\r\n$4\r\nPINGxx",
            "*1\r\n:4\r\nPING\r\n",
            "*2\r\n$9999999\r\n",
            &large,
        ] {
            assert!(read(input).is_empty(), "{input}");
        }
    }

    #[test]
    fn what_is_plain_is_read_as_the_parser_reads_it() {
        let unauthenticated = Limits { bulk: 1 << 20, authenticated: false };
        for size in [0, 1, 9, 10, 99, 100, 1000, 9999, 16384] {
            let value = "x".repeat(size);
            let input = format!("*3\r\n$3\r\nSET\r\n$0\r\n\r\n${size}\r\n{value}\r\n");
            let mut spans = Vec::new();
            let parsed = Parser::default().parse(
                &mut input.clone().into_bytes(),
                &mut spans,
                unauthenticated,
            );
            assert_eq!(parsed, Ok(Parsed::Request(input.len())));
            let args = Args::new(input.as_bytes(), &spans);
            assert_eq!(read(&input), [args.from(0).map(text).collect::<Vec<_>>()]);
        }
        fn text(word: &[u8]) -> String {
            String::from_utf8_lossy(word).into_owned()
        }
    }
}
