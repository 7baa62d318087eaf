//! Requests: finding complete commands in bytes that arrive in any pieces.
//!
//! A request is an array of bulk strings (`*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n`) or an inline command
//! (`ECHO hi\r\n`, quoted as in redis-cli). The parser promises:
//!
//! * **in place**: arguments are spans of the input; an inline word that has escapes is unescaped where
//!   it stands;
//! * **resumable**: it can stop after every byte, and when it goes on it looks only at bytes that it has
//!   not seen, so a request costs the same in one piece and in a thousand;
//! * **no credit**: nothing is allocated from a declared length. Ten bytes may announce a million
//!   arguments; memory grows when they arrive;
//! * the texts and limits are those of Valkey 9.1.
//!
//! It knows no command, no client and no socket.

use std::fmt;

use super::args::Span;
use super::bulk;
use crate::text::{number, quote};

/// The longest inline request, and the longest line that announces a length, in bytes.
pub const MAX_LINE: usize = 64 * 1024;

/// The most arguments a request may announce.
const MAX_ARGS: i64 = i32::MAX as i64;

/// The most arguments, and the longest of them in bytes, of a client that has not logged in.
pub(crate) const UNAUTHENTICATED_ARGS: i64 = 10;
pub(crate) const UNAUTHENTICATED_BULK: i64 = 16 * 1024;

/// What a client may send at the moment.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest argument in bytes: `proto-max-bulk-len`.
    pub bulk: i64,
    /// Whether the client has logged in, or need not.
    pub authenticated: bool,
}

/// What the input begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// A request of so many bytes, whose arguments are in the caller's spans.
    Request(usize),
    /// So many bytes that ask for nothing and get no reply: `*0`, `*-1`, an empty line.
    Nothing(usize),
    /// The beginning of a request. Call again with the same bytes and more after them.
    Partial,
}

/// Why a connection cannot go on: after this it is not known where the next request would begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolError {
    /// The number behind `*` is none, or too large.
    MultibulkLength,
    /// The number behind `$` is none, or too large.
    BulkLength,
    /// More arguments than a client may send before it has logged in.
    UnauthenticatedMultibulkLength,
    /// A longer argument than a client may send before it has logged in.
    UnauthenticatedBulkLength,
    /// Something else stands where the `$` of an argument belongs.
    ExpectedBulk(u8),
    /// An argument does not end where its length says.
    Crlf,
    /// An inline request has a quote that is not closed.
    UnbalancedQuotes,
    /// An inline request has no end within [`MAX_LINE`].
    InlineTooBig,
    /// The line behind `*` has no end within [`MAX_LINE`].
    MultibulkCountTooBig,
    /// The line behind `$` has no end within [`MAX_LINE`].
    BulkCountTooBig,
    /// The header of a proxy that this server does not know as one.
    ProxyHeader,
    /// `POST` or `Host:`: a web browser was made to send this. It gets no reply.
    CrossProtocol,
}

impl ProtocolError {
    /// The reason as the client is told it: a byte that it sent comes back as it was.
    pub(crate) fn reason(self) -> Vec<u8> {
        match self {
            ProtocolError::ExpectedBulk(got) => [b"expected '$', got '", &[got][..], b"'"].concat(),
            other => other.to_string().into_bytes(),
        }
    }
}

/// The reason as the log has it.
impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self {
            ProtocolError::MultibulkLength => "invalid multibulk length",
            ProtocolError::BulkLength => "invalid bulk length",
            ProtocolError::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            ProtocolError::UnauthenticatedBulkLength => "unauthenticated bulk length",
            ProtocolError::ExpectedBulk(got) => {
                return write!(f, "expected '$', got '{}'", got.escape_ascii());
            }
            ProtocolError::Crlf => "invalid CRLF in request",
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in request",
            ProtocolError::InlineTooBig => "too big inline request",
            ProtocolError::MultibulkCountTooBig => "too big mbulk count string",
            ProtocolError::BulkCountTooBig => "too big bulk count string",
            ProtocolError::ProxyHeader => {
                "a PROXY header, from an address that 'proxy-protocol-from' does not name"
            }
            ProtocolError::CrossProtocol => "possible cross-protocol attack",
        };
        f.write_str(reason)
    }
}

/// Where parsing goes on when more bytes have come. While there is no half-read request it is one word.
#[derive(Debug, Default)]
pub struct Parser {
    half: Option<Box<Half>>,
}

#[derive(Debug)]
struct Half {
    spans: Vec<Span>,
    place: Progress,
}

// ANCHOR: progress
/// How far into a request the parser has come.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// The first byte of what is read next: a line, or the body of an argument.
    at: usize,
    /// Bytes of that line that have been looked at and do not end it.
    seen: usize,
    /// Arguments that are still to come; none are before the first line has been read.
    missing: i64,
    /// The length of the argument whose body is read next.
    bulk: Option<usize>,
}
// ANCHOR_END: progress

impl Parser {
    /// Parses the request at the start of `input` and leaves its arguments in `spans`.
    ///
    /// After [`Parsed::Partial`] the next call must get the same bytes again, with more behind them.
    /// `spans` is the caller's so that all its parsers share one allocation.
    pub fn parse(
        &mut self,
        input: &mut [u8],
        spans: &mut Vec<Span>,
        limits: Limits,
    ) -> Result<Parsed, ProtocolError> {
        let half = self.half.take();
        let resumed = half.is_some();
        let mut place = match half {
            None => {
                spans.clear();
                Progress::default()
            }
            Some(half) => {
                *spans = half.spans;
                half.place
            }
        };
        let parsed = match input.first() {
            None => return Ok(Parsed::Partial),
            Some(b'*') => multibulk(input, &mut place, spans, limits),
            Some(_) => inline(input, &mut place, spans),
        };
        if parsed == Ok(Parsed::Partial) {
            // The caller's list may have room for another client's million: a copy has none to spare.
            let spans = if resumed { std::mem::take(spans) } else { spans.clone() };
            self.half = Some(Box::new(Half { spans, place }));
        }
        parsed
    }

    /// Bytes of memory that a half-read request holds, its input not counted.
    pub fn memory(&self) -> usize {
        self.half
            .as_ref()
            .map_or(0, |half| size_of::<Half>() + half.spans.capacity() * size_of::<Span>())
    }

    /// How many bytes are missing of the argument that is half read, its end of line counted, where `held` bytes of the
    /// request have come. 0 if that is not known.
    pub(crate) fn missing(&self, held: usize) -> usize {
        let place = self.half.as_ref().map(|half| half.place);
        let end = place.and_then(|place| Some(place.at + place.bulk? + b"\r\n".len()));
        end.map_or(0, |end| end.saturating_sub(held))
    }

    /// Returns whether the request that is half read is complete, and ends where `held` bytes of it have come.
    pub(crate) fn completes(&self, held: usize) -> bool {
        let place = self.half.as_ref().map(|half| half.place);
        place.is_some_and(|place| {
            let end = place.bulk.map(|bulk| place.at + bulk + b"\r\n".len());
            place.missing == 1 && end == Some(held)
        })
    }

    /// Returns whether a request has begun to arrive and is not complete.
    pub fn is_half_read(&self) -> bool {
        self.half.is_some()
    }
}

fn multibulk(
    input: &[u8],
    place: &mut Progress,
    spans: &mut Vec<Span>,
    limits: Limits,
) -> Result<Parsed, ProtocolError> {
    if place.at == 0 {
        let Some(count) = length(input, place, ProtocolError::MultibulkCountTooBig)? else {
            return Ok(Parsed::Partial);
        };
        match count {
            Some(count) if count > MAX_ARGS => return Err(ProtocolError::MultibulkLength),
            Some(count) if count <= 0 => return Ok(Parsed::Nothing(place.at)),
            Some(count) if count > UNAUTHENTICATED_ARGS && !limits.authenticated => {
                return Err(ProtocolError::UnauthenticatedMultibulkLength);
            }
            Some(count) => place.missing = count,
            None => return Err(ProtocolError::MultibulkLength),
        }
    }
    // ANCHOR: words
    while place.missing > 0 {
        let size = match place.bulk {
            Some(size) => size,
            None => {
                let Some(size) = length(input, place, ProtocolError::BulkCountTooBig)? else {
                    return Ok(Parsed::Partial);
                };
                match size {
                    Some(size) if (0..=limits.bulk).contains(&size) => {
                        if size > UNAUTHENTICATED_BULK && !limits.authenticated {
                            return Err(ProtocolError::UnauthenticatedBulkLength);
                        }
                        place.bulk = Some(size as usize);
                        size as usize
                    }
                    _ => return Err(ProtocolError::BulkLength),
                }
            }
        };
        let end = place.at + size;
        match input.get(end..end + 2) {
            None => return Ok(Parsed::Partial),
            Some(b"\r\n") => spans.push(Span::new(place.at, end)),
            Some(_) => return Err(ProtocolError::Crlf),
        }
        place.at = end + 2;
        place.bulk = None;
        place.missing -= 1;
    }
    Ok(Parsed::Request(place.at))
    // ANCHOR_END: words
}

// ANCHOR: length
/// Reads the line at `place`, a type byte and a number, and moves `place` behind it. The first line of a
/// request begins with `*`, as the caller has seen, and any other has to with `$`: that is asked before how
/// the line ends.
///
/// `None` while the line is not complete, `Some(None)` if what it holds is not a number.
#[inline]
fn length(
    input: &[u8],
    place: &mut Progress,
    too_big: ProtocolError,
) -> Result<Option<Option<i64>>, ProtocolError> {
    let line = &input[place.at..];
    let Some(more) = line[place.seen..].iter().position(|&byte| byte == b'\r') else {
        if line.len() > MAX_LINE {
            return Err(too_big);
        }
        place.seen = line.len();
        return Ok(None);
    };
    let end = place.seen + more;
    if end > MAX_LINE {
        return Err(too_big);
    }
    match line.get(end + 1) {
        None => {
            place.seen = end;
            Ok(None)
        }
        _ if place.at > 0 && line[0] != b'$' => Err(ProtocolError::ExpectedBulk(line[0])),
        Some(b'\n') => {
            place.at += end + 2;
            place.seen = 0;
            Ok(Some(line.get(1..end).and_then(number::parse_i64)))
        }
        Some(_) => Err(ProtocolError::Crlf),
    }
}
// ANCHOR_END: length

fn inline(
    input: &mut [u8],
    place: &mut Progress,
    spans: &mut Vec<Span>,
) -> Result<Parsed, ProtocolError> {
    let Some(more) = input[place.seen..].iter().position(|&byte| byte == b'\n') else {
        if input.len() > MAX_LINE {
            return Err(ProtocolError::InlineTooBig);
        }
        place.seen = input.len();
        return Ok(Parsed::Partial);
    };
    let end = place.seen + more;
    if end > MAX_LINE {
        return Err(ProtocolError::InlineTooBig);
    }
    // The CR belongs to the end of the line; a quote before it ends the line.
    let words = if input[..end].ends_with(b"\r") { end - 1 } else { end };
    let line = &mut input[..words];
    if is_proxy_header(line) {
        return Err(ProtocolError::ProxyHeader);
    }
    quote::split_quoted(line, |word| spans.push(Span::new(word.start, word.end)))
        .map_err(|_| ProtocolError::UnbalancedQuotes)?;
    match spans.first() {
        None => Ok(Parsed::Nothing(end + 1)),
        Some(_) => {
            let name = &super::Args::new(line, spans)[0];
            if name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:") {
                return Err(ProtocolError::CrossProtocol);
            }
            Ok(Parsed::Request(end + 1))
        }
    }
}

/// Returns whether a line is version 1 of the PROXY protocol, or the third line of version 2, whose first two are empty
/// and whose fourth is `QUIT`. As requests they would be answered each, and every later reply be taken for another's.
fn is_proxy_header(line: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 3] = [b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN"];
    line == b"\0" || BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))
}

/// Appends a request of these words as the parser reads it: an array of bulk strings.
pub fn push_request<'w>(out: &mut Vec<u8>, words: impl ExactSizeIterator<Item = &'w [u8]>) {
    out.push(b'*');
    number::push_u64(out, words.len() as u64);
    out.extend_from_slice(b"\r\n");
    for word in words {
        match word.len() {
            ..bulk::TINY => bulk::push_tiny(out, word),
            bulk::TINY..bulk::LIMIT => bulk::push_short(out, word),
            length => {
                out.push(b'$');
                number::push_u64(out, length as u64);
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(word);
                out.extend_from_slice(b"\r\n");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Args;

    const LIMITS: Limits = Limits { bulk: 1024, authenticated: true };
    const UNAUTHENTICATED: Limits = Limits { bulk: 1 << 20, authenticated: false };

    /// The arguments of the request that `input` begins with, and how long it is.
    fn parsed(input: &[u8]) -> (Vec<String>, usize) {
        let mut input = input.to_vec();
        let mut spans = Vec::new();
        match Parser::default().parse(&mut input, &mut spans, LIMITS) {
            Ok(Parsed::Request(len)) => {
                let args = Args::new(&input, &spans);
                (args.from(0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect(), len)
            }
            other => panic!("{other:?}"),
        }
    }

    fn outcome(input: &[u8], limits: Limits) -> Result<Parsed, ProtocolError> {
        Parser::default().parse(&mut input.to_vec(), &mut Vec::new(), limits)
    }

    #[test]
    fn a_request_ends_where_the_next_begins() {
        let input = b"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\nPING\r\n";
        assert_eq!(parsed(input), (vec!["ECHO".to_owned(), "hi".to_owned()], 22));
        assert_eq!(parsed(&input[22..]), (vec!["PING".to_owned()], 6));
    }

    #[test]
    fn an_inline_request_is_unescaped_where_it_stands() {
        let (args, len) = parsed(b"SET \"a b\" '\\'' \"\\x41\\n\" x\r\nPING\r\n");
        assert_eq!((&args[..], len), (&["SET", "a b", "'", "A\n", "x"].map(str::to_owned)[..], 27));
    }

    #[test]
    fn what_asks_for_nothing_is_as_long_as_it_is() {
        for (input, len) in [
            (&b"*0\r\nPING\r\n"[..], 4),
            (b"*-1\r\n", 5),
            (b"\r\nPING\r\n", 2),
            (b"\n", 1),
            (b"  \t \r\n", 6),
        ] {
            assert_eq!(outcome(input, LIMITS), Ok(Parsed::Nothing(len)));
        }
        assert_eq!(outcome(b"", LIMITS), Ok(Parsed::Partial));
    }

    #[test]
    fn parsers_share_one_list_of_spans() {
        let (mut one, mut two) = (Parser::default(), Parser::default());
        let mut spans = Vec::new();
        let mut half = b"*2\r\n$3\r\nGET\r\n$1\r\n".to_vec();
        assert_eq!(one.parse(&mut half, &mut spans, LIMITS), Ok(Parsed::Partial));
        let mut other = b"*1\r\n$4\r\nPING\r\n".to_vec();
        assert_eq!(two.parse(&mut other, &mut spans, LIMITS), Ok(Parsed::Request(14)));
        assert_eq!(&Args::new(&other, &spans)[0], b"PING");
        half.extend_from_slice(b"k\r\n");
        assert_eq!(one.parse(&mut half, &mut spans, LIMITS), Ok(Parsed::Request(20)));
        assert_eq!(&Args::new(&half, &spans)[1], b"k");
    }

    #[test]
    fn only_a_half_read_request_holds_memory() {
        let mut parser = Parser::default();
        let mut spans = Vec::new();
        assert_eq!((parser.is_half_read(), parser.memory()), (false, 0));
        let mut input = b"*1000000\r\n$1\r\n".to_vec();
        assert_eq!(parser.parse(&mut input, &mut spans, LIMITS), Ok(Parsed::Partial));
        assert!(parser.is_half_read() && parser.memory() <= 128, "{}", parser.memory());
        input.extend_from_slice(b"xyz");
        assert!(parser.parse(&mut input, &mut spans, LIMITS).is_err());
        assert_eq!((parser.is_half_read(), parser.memory()), (false, 0));
        assert_eq!(size_of::<Parser>(), size_of::<usize>());
    }

    #[test]
    fn a_half_read_request_does_not_keep_the_room_that_another_needed() {
        let mut spans = Vec::with_capacity(100_000);
        for half in [&b"PIN"[..], b"*3\r\n$3\r\nSET\r\n"] {
            let mut parser = Parser::default();
            let parsed = parser.parse(&mut half.to_vec(), &mut spans, LIMITS);
            assert_eq!(parsed, Ok(Parsed::Partial));
            assert!(parser.memory() <= 128, "{} bytes", parser.memory());
            assert!(spans.capacity() >= 100_000, "the next parser finds it");
        }
    }

    #[test]
    fn limits_are_met_and_not_passed() {
        assert_eq!(outcome(b"*1\r\n$1024\r\n", LIMITS), Ok(Parsed::Partial));
        assert_eq!(outcome(b"*1\r\n$1025\r\n", LIMITS), Err(ProtocolError::BulkLength));
        assert_eq!(outcome(b"*2147483647\r\n", LIMITS), Ok(Parsed::Partial));
        assert_eq!(outcome(b"*2147483648\r\n", LIMITS), Err(ProtocolError::MultibulkLength));
        assert_eq!(outcome(b"*10\r\n$16384\r\n", UNAUTHENTICATED), Ok(Parsed::Partial));
        assert_eq!(
            outcome(b"*11\r\n", UNAUTHENTICATED),
            Err(ProtocolError::UnauthenticatedMultibulkLength)
        );
        assert_eq!(
            outcome(b"*1\r\n$16385\r\n", UNAUTHENTICATED),
            Err(ProtocolError::UnauthenticatedBulkLength)
        );
        let line = |len| [vec![b'x'; len], b"\n".to_vec()].concat();
        assert_eq!(outcome(&line(MAX_LINE), LIMITS), Ok(Parsed::Request(MAX_LINE + 1)));
        assert_eq!(outcome(&line(MAX_LINE + 1), LIMITS), Err(ProtocolError::InlineTooBig));
    }

    #[test]
    fn a_line_is_too_long_whether_its_end_has_come_or_not() {
        for (before, error) in
            [("", ProtocolError::MultibulkCountTooBig), ("*1\r\n", ProtocolError::BulkCountTooBig)]
        {
            let sign = if before.is_empty() { '*' } else { '$' };
            let line = format!("{before}{sign}{}", "1".repeat(MAX_LINE));
            assert_eq!(outcome(line.as_bytes(), LIMITS), Err(error));
            assert_eq!(outcome(format!("{line}\r\n").as_bytes(), LIMITS), Err(error));
        }
    }

    #[test]
    fn a_header_of_the_proxy_protocol_is_no_request() {
        for line in
            ["PROXY TCP4 192.0.2.7 ", "PROXY TCP6 ::1 ::1 1 2\r\n", "PROXY UNKNOWN\r\n", "\0\r\n"]
        {
            let input = [line.as_bytes(), b"\n"].concat();
            assert_eq!(outcome(&input, LIMITS), Err(ProtocolError::ProxyHeader), "{line}");
        }
        for line in ["PROXY\n", "PROXY TCP4\n", "proxy tcp4 1\n", "ECHO PROXY TCP4 x\n", "\0 \n"] {
            assert_eq!(outcome(line.as_bytes(), LIMITS), Ok(Parsed::Request(line.len())), "{line}");
        }
    }

    #[test]
    fn a_web_browser_is_known_by_its_first_word() {
        for input in ["POST / HTTP/1.1\r\n", "post\n", "Host: example.com\r\n"] {
            assert_eq!(outcome(input.as_bytes(), LIMITS), Err(ProtocolError::CrossProtocol));
        }
        // As an argument it is an ordinary word.
        assert_eq!(outcome(b"*1\r\n$4\r\nPOST\r\n", LIMITS), Ok(Parsed::Request(14)));
        assert_eq!(outcome(b"ECHO POST\r\n", LIMITS), Ok(Parsed::Request(11)));
    }
}
