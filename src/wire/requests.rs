//! Requests in bytes that arrive in any pieces.

use super::args::{Args, Span};
use super::request::{Limits, Parsed, Parser};
use crate::error::{self, Error};

/// Reads requests from the bytes of a connection, which arrive in any pieces: arrays of bulk strings, and lines of words as
/// telnet sends them.
///
/// ```
/// let mut requests = respd::wire::Requests::default();
/// requests.push(b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\nPI");
/// let args = requests.next()?.expect("a whole request");
/// assert!(args.is(0, "get") && &args[1] == b"key");
/// assert!(requests.next()?.is_none());
/// requests.push(b"NG\r\n");
/// assert!(requests.next()?.is_some_and(|args| args.is(0, "ping")));
/// # Ok::<(), respd::Error>(())
/// ```
#[derive(Debug)]
pub struct Requests {
    bytes: Vec<u8>,
    /// How many of the bytes belong to requests that were taken.
    taken: usize,
    parser: Parser,
    spans: Vec<Span>,
    longest: i64,
}

/// The longest argument of a request, in bytes, where nothing else is said: 512 MiB.
const LONGEST: i64 = 512 << 20;

impl Default for Requests {
    fn default() -> Requests {
        Requests::with_longest_argument(LONGEST as usize)
    }
}

impl Requests {
    /// A longer argument than this, in bytes, is an error. Without it: 512 MiB.
    pub fn with_longest_argument(bytes: usize) -> Requests {
        Requests {
            bytes: Vec::new(),
            taken: 0,
            parser: Parser::default(),
            spans: Vec::new(),
            longest: i64::try_from(bytes).unwrap_or(i64::MAX),
        }
    }

    /// Adds what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        // Not at each request: a pipeline of many would be moved as often.
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next request, if it is complete: its name is argument 0. After an error it is not known where another would begin:
    /// the client is told the error, and its connection closed.
    #[expect(clippy::should_implement_trait, reason = "there may be more later")]
    pub fn next(&mut self) -> Result<Option<Args<'_>>, Error> {
        let limits = Limits { bulk: self.longest, authenticated: true };
        loop {
            let rest = self.taken;
            let parsed = self.parser.parse(&mut self.bytes[rest..], &mut self.spans, limits);
            match parsed.map_err(|broken| error::protocol(broken.to_string().into()))? {
                Parsed::Request(length) => {
                    self.taken += length;
                    return Ok(Some(Args::new(&self.bytes[rest..], &self.spans)));
                }
                Parsed::Nothing(length) => self.taken += length,
                Parsed::Partial => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::push_request;

    #[test]
    fn requests_in_any_pieces_are_the_same_requests() {
        let mut bytes = b"\r\nSET k \"a b\"\r\n*0\r\n".to_vec();
        push_request(&mut bytes, [&b"GET"[..], b"k"].into_iter());
        bytes.extend_from_slice(b"PING\r\n");
        for size in 1..=bytes.len() {
            let (mut requests, mut read) = (Requests::default(), Vec::new());
            for piece in bytes.chunks(size) {
                requests.push(piece);
                while let Some(args) = requests.next().unwrap() {
                    read.push(args.from(0).map(<[u8]>::to_vec).collect::<Vec<_>>());
                }
            }
            let expected: [&[&[u8]]; 3] = [&[b"SET", b"k", b"a b"], &[b"GET", b"k"], &[b"PING"]];
            assert_eq!(read, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn an_argument_that_is_too_long_is_an_error_before_it_has_come() {
        let mut requests = Requests::with_longest_argument(10);
        requests.push(b"*1\r\n$11\r\n");
        let refused = requests.next().map(|_| ()).unwrap_err();
        assert_eq!(refused.as_bytes(), b"ERR Protocol error: invalid bulk length");
    }
}
