//! Replies: the one place that knows how RESP2 and RESP3 spell what a handler says.
//!
//! A handler says `null`, `map(2)`, `double(0.5)`; what goes out depends on the protocol that the
//! client negotiated. An aggregate is announced with its size, its elements follow. HELLO switches
//! the protocol in mid-handler, and the very reply to it is already in the new one.
//!
//! A few bytes of request may ask for any amount of reply, so the output has a limit that holds while it grows
//! ([`Reply::set_limit`]). What would pass it is not stored, nor is anything behind it: the reply is full, and its memory is
//! bounded. A handler need not look, except in a loop that runs as often as a client wishes: that ends when [`Reply::is_full`].
//!
//! A long string is not copied to the output ([`Reply::shared`]): its bytes stay where they are, and a segment says where
//! in the output they belong. All positions, marks among them, are those of the bytes that are written.
//!
//! What is pushed to the client whose command is running follows the reply ([`Reply::append`]): a push
//! never lands inside a reply.

use std::borrow::Cow;
use std::cell::Cell;

use super::bulk;
use super::segments::Segments;
use crate::error::Error;
use crate::shared_bytes::SharedBytes;
use crate::text::double;
use crate::text::number::{self, Spelled};

/// The version of RESP that a client negotiated with HELLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// RESP2, which a connection begins with.
    #[default]
    Resp2,
    /// RESP3.
    Resp3,
}

impl Protocol {
    /// The number that HELLO takes and CLIENT LIST shows.
    pub(crate) fn number(self) -> u8 {
        match self {
            Protocol::Resp2 => 2,
            Protocol::Resp3 => 3,
        }
    }
}

/// How doubles are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Doubles {
    /// In the fewest digits that read back the same: `1.1`.
    #[default]
    Shortest,
    /// In seventeen digits, as Redis did before 7.2: `1.1000000000000001`.
    Seventeen,
}

/// A place in the output to come back to.
#[derive(Debug, Clone, Copy)]
pub struct Mark(usize);

impl Mark {
    /// Where it is in the bytes that were written.
    pub(crate) fn position(self) -> usize {
        self.0
    }
}

/// The fewest bytes of an element: `_`, and the end of its line.
const LEAST_ELEMENT: usize = 3;

/// The writer of replies. It owns the client's outbox while the client's commands run.
#[derive(Debug)]
pub struct Reply {
    out: Vec<u8>,
    protocol: Protocol,
    /// The output stays shorter than this. 0 once something did not fit.
    end: usize,
    /// What `end` is while everything fits.
    limit: usize,
    /// The output was not empty when the writer took it.
    has_backlog: bool,
    doubles: Doubles,
    /// Whether long strings stay where they are.
    shares: bool,
    /// The long strings of the output that do. They count against the limit.
    segments: Segments,
}

impl Reply {
    /// A writer that appends to `out`.
    pub fn new(out: Vec<u8>, protocol: Protocol) -> Reply {
        let has_backlog = !out.is_empty();
        Reply {
            out,
            protocol,
            end: usize::MAX,
            limit: usize::MAX,
            has_backlog,
            doubles: Doubles::Shortest,
            shares: false,
            segments: Segments::default(),
        }
    }

    /// The same writer, for an output that has these segments already. It gets more of them if it `shares`.
    pub(crate) fn with_segments(self, segments: Segments, shares: bool) -> Reply {
        Reply { segments, shares, ..self }
    }

    /// From here on long strings are copied.
    pub(crate) fn stop_sharing(&mut self) {
        self.shares = false;
    }

    /// The same writer, with another spelling of doubles.
    pub(crate) fn with_doubles(self, doubles: Doubles) -> Reply {
        Reply { doubles, ..self }
    }

    /// Gives the buffer back.
    pub fn into_inner(self) -> Vec<u8> {
        debug_assert!(self.segments.is_empty(), "no other writer than a client's has segments");
        self.out
    }

    /// As [`Reply::into_inner`], with the segments.
    pub(crate) fn into_parts(self) -> (Vec<u8>, Segments) {
        (self.out, self.segments)
    }

    /// The protocol that the reply is written in.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// From here on replies are written in `protocol`.
    pub(crate) fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// Bytes written and not yet handed back, unsent ones from before counted.
    pub(crate) fn len(&self) -> usize {
        self.out.len() + self.elsewhere()
    }

    /// How many of them lie elsewhere.
    pub(crate) fn elsewhere(&self) -> usize {
        self.segments.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Bytes of memory that the output holds.
    pub(crate) fn memory(&self) -> usize {
        self.out.capacity() + self.segments.memory()
    }

    /// From here on the output, unsent bytes from before counted, stays shorter than `limit` bytes.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
        if !self.is_full() {
            self.make_room();
        }
    }

    /// The output may be written up to the limit again.
    fn make_room(&mut self) {
        self.end = self.limit.saturating_sub(self.segments.len());
    }

    /// Returns whether something did not fit. Nothing is stored then, until [`Reply::rewind`] makes room.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.end == 0
    }

    /// Returns whether the client had left replies unread when the writer took its outbox.
    pub(crate) fn has_backlog(&self) -> bool {
        self.has_backlog
    }

    /// Returns whether so many bytes fit, and a few more for the header and the end of a line. One comparison
    /// for each element is all that the limit costs.
    #[inline]
    fn fits(&mut self, bytes: usize) -> bool {
        let has_room = bytes < self.end.saturating_sub(self.out.len());
        if !has_room {
            self.end = 0;
        }
        has_room
    }

    // Simple types.

    /// `+OK`
    pub fn ok(&mut self) {
        if self.fits(5) {
            self.out.extend_from_slice(b"+OK\r\n");
        }
    }

    /// `+text`: a short text of the server's own. CR and LF in it become spaces.
    pub fn status(&mut self, text: &str) {
        if self.fits(text.len()) {
            self.out.push(b'+');
            self.one_line(text.as_bytes());
            self.crlf();
        }
    }

    /// `+text` of a script's, which may be any bytes. CR and LF in it become spaces.
    #[cfg(feature = "lua")]
    pub(crate) fn status_bytes(&mut self, text: &[u8]) {
        if self.fits(text.len()) {
            self.out.push(b'+');
            self.one_line(text);
            self.crlf();
        }
    }

    /// `-CODE text`. CR and LF in the text become spaces here, and only here.
    pub fn error(&mut self, error: &Error) {
        if self.fits(error.as_bytes().len()) {
            self.out.push(b'-');
            self.one_line(error.as_bytes());
            self.crlf();
        }
    }

    /// `:n`
    pub fn int(&mut self, n: i64) {
        if self.fits(20) {
            self.header(b':', n);
        }
    }

    /// A bulk string: any bytes.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        if !self.fits(bytes.len()) {
            return;
        }
        match bytes.len() {
            ..bulk::TINY => bulk::push_tiny(&mut self.out, bytes),
            bulk::TINY..bulk::LIMIT => bulk::push_short(&mut self.out, bytes),
            _ => self.long_bulk(bytes),
        }
    }

    /// As [`Reply::bulk`], without a copy where the output is a client's.
    pub(crate) fn shared(&mut self, bytes: &SharedBytes) {
        if !self.shares {
            return self.bulk(bytes);
        }
        if !self.fits(bytes.len()) {
            return;
        }
        self.header(b'$', bytes.len() as i64);
        self.segments.push(self.out.len(), bytes.clone());
        self.make_room();
        self.crlf();
    }

    fn long_bulk(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len() + 16);
        self.header(b'$', bytes.len() as i64);
        self.out.extend_from_slice(bytes);
        self.crlf();
    }

    /// An integer as a bulk string, which is how values that are kept as integers are shown.
    pub(crate) fn bulk_int(&mut self, n: i64) {
        self.bulk(&Spelled::new(n));
    }

    // ANCHOR: null
    /// No value where a value was asked for: RESP2 `$-1`, RESP3 `_`.
    pub fn null(&mut self) {
        if self.fits(5) {
            self.out.extend_from_slice(match self.protocol {
                Protocol::Resp2 => b"$-1\r\n",
                Protocol::Resp3 => b"_\r\n",
            });
        }
    }
    // ANCHOR_END: null

    /// No value where an array was asked for: RESP2 `*-1`, RESP3 `_`.
    pub fn null_array(&mut self) {
        if self.fits(5) {
            self.out.extend_from_slice(match self.protocol {
                Protocol::Resp2 => b"*-1\r\n",
                Protocol::Resp3 => b"_\r\n",
            });
        }
    }

    /// A double, in the shortest form that reads back the same unless [`Reply::with_doubles`] said otherwise.
    /// RESP2: a bulk string.
    pub fn double(&mut self, value: f64) {
        if self.doubles == Doubles::Seventeen {
            let mut digits = Vec::new();
            double::push_seventeen(&mut digits, value);
            return self.spelled_double(&digits);
        }
        if self.protocol == Protocol::Resp2
            && let Some(n) = double::whole(value)
        {
            return self.bulk_int(n);
        }
        if !self.fits(24) {
            return;
        }
        match self.protocol {
            Protocol::Resp3 => {
                self.out.push(b',');
                double::push(&mut self.out, value);
                self.crlf();
            }
            Protocol::Resp2 => {
                let start = self.out.len();
                double::push(&mut self.out, value);
                // How many digits there are is known only now.
                let digits = self.out.len() - start;
                self.header(b'$', digits as i64);
                self.out[start..].rotate_left(digits);
                self.crlf();
            }
        }
    }

    /// A double that has been spelled already. RESP2: a bulk string.
    pub(crate) fn spelled_double(&mut self, digits: &[u8]) {
        self.digits(b',', digits);
    }

    /// A boolean. RESP2: the integer 1 or 0.
    pub fn boolean(&mut self, value: bool) {
        match self.protocol {
            Protocol::Resp3 => {
                if self.fits(4) {
                    self.out.extend_from_slice(if value { b"#t\r\n" } else { b"#f\r\n" });
                }
            }
            Protocol::Resp2 => self.int(value.into()),
        }
    }

    /// An integer of any size, given as its decimal digits. RESP2: a bulk string.
    pub fn big(&mut self, digits: &[u8]) {
        self.digits(b'(', digits);
    }

    /// A text for people, with the three letters of its format: `txt` or `mkd`. RESP2: a bulk string.
    pub fn verbatim(&mut self, format: &[u8; 3], text: &[u8]) {
        match self.protocol {
            Protocol::Resp3 => {
                if self.fits(text.len()) {
                    self.out.reserve(text.len() + 20);
                    self.header(b'=', text.len() as i64 + 4);
                    self.out.extend_from_slice(format);
                    self.out.push(b':');
                    self.out.extend_from_slice(text);
                    self.crlf();
                }
            }
            Protocol::Resp2 => self.bulk(text),
        }
    }

    /// Any bytes, as they are: replies that were written before, or what a test has said.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        if self.fits(bytes.len()) {
            self.out.extend_from_slice(bytes);
        }
    }

    // Aggregates: a header, then so many elements by further calls.

    /// The header of an array of `n` elements.
    pub fn array(&mut self, n: usize) {
        self.announce(b'*', n, n);
    }

    // ANCHOR: map
    /// The header of a map: `n` pairs, so 2n elements. RESP2: a flat array of them.
    pub fn map(&mut self, n: usize) {
        match self.protocol {
            Protocol::Resp3 => self.announce(b'%', n, n.saturating_mul(2)),
            Protocol::Resp2 => self.array(n.saturating_mul(2)),
        }
    }
    // ANCHOR_END: map

    /// The header of an array of `n` pairs, each of which [`Reply::pair`] begins. RESP2: a flat array.
    pub(crate) fn pairs(&mut self, n: usize) {
        match self.protocol {
            Protocol::Resp3 => self.array(n),
            Protocol::Resp2 => self.array(n.saturating_mul(2)),
        }
    }

    /// The header of one of the [`Reply::pairs`]: an array of two. RESP2: nothing.
    pub(crate) fn pair(&mut self) {
        if self.protocol == Protocol::Resp3 {
            self.array(2);
        }
    }

    /// The header of a set of `n` elements. RESP2: an array.
    pub fn set(&mut self, n: usize) {
        match self.protocol {
            Protocol::Resp3 => self.announce(b'~', n, n),
            Protocol::Resp2 => self.array(n),
        }
    }

    /// The header of a push of `n` elements. RESP2 has none: there it is an array.
    pub fn push(&mut self, n: usize) {
        match self.protocol {
            Protocol::Resp3 => self.announce(b'>', n, n),
            Protocol::Resp2 => self.array(n),
        }
    }

    /// Attributes of the reply that follows: `n` pairs. RESP2 has none, so nothing may be written
    /// when this returns false.
    #[must_use]
    pub fn attribute(&mut self, n: usize) -> bool {
        let spoken = self.protocol == Protocol::Resp3;
        if spoken {
            self.announce(b'|', n, n.saturating_mul(2));
        }
        spoken
    }

    /// An array whose size is known only when its elements have been written: `elements` writes them
    /// and returns how many they are.
    pub(crate) fn array_of(&mut self, elements: impl FnOnce(&mut Reply) -> usize) {
        self.sized_late(elements, Reply::array);
    }

    /// As [`Reply::array_of`], for a map: `elements` returns the number of pairs.
    pub(crate) fn map_of(&mut self, elements: impl FnOnce(&mut Reply) -> usize) {
        self.sized_late(elements, Reply::map);
    }

    /// As [`Reply::array_of`], for a set.
    pub(crate) fn set_of(&mut self, elements: impl FnOnce(&mut Reply) -> usize) {
        self.sized_late(elements, Reply::set);
    }

    /// A step of a walk: the cursor to go on with, and an array of elements. `elements` writes these,
    /// and returns the cursor and how many they are.
    pub(crate) fn page(&mut self, elements: impl FnOnce(&mut Reply) -> (u64, usize)) {
        let next = Cell::new(0);
        let elements = |reply: &mut Reply| {
            let (cursor, n) = elements(reply);
            next.set(cursor);
            n
        };
        self.sized_late(elements, |reply, n| {
            let mut digits = Vec::with_capacity(20);
            number::push_u64(&mut digits, next.get());
            reply.array(2);
            reply.bulk(&digits);
            reply.array(n);
        });
    }

    // ANCHOR: sized_late
    /// Writes the elements first, the header behind them, and turns the two around.
    fn sized_late(
        &mut self,
        elements: impl FnOnce(&mut Reply) -> usize,
        header: impl FnOnce(&mut Reply, usize),
    ) {
        let start = self.out.len();
        let n = elements(self);
        if self.is_full() {
            return;
        }
        let end = self.out.len();
        // The elements that the header announces fit: they are there.
        self.end = usize::MAX;
        header(self, n);
        self.make_room();
        debug_assert_eq!(self.segments.len_since(start), 0);
        self.out[start..].rotate_left(end - start);
    }
    // ANCHOR_END: sized_late

    /// Help lines: an array of statuses, as the HELP subcommands reply.
    pub(crate) fn help(&mut self, lines: &[String]) {
        self.array(lines.len());
        for line in lines {
            self.status(line);
        }
    }

    // Marks: errors and CLIENT REPLY take replies back.

    /// The present end of the output.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.out.len())
    }

    /// Takes back what was written since `mark`. There is room again.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.out.truncate(mark.0);
        self.segments.truncate(mark.0);
        self.make_room();
    }

    /// An error in place of what was written since `mark`. It fits, whatever the limit.
    pub(crate) fn replace(&mut self, mark: Mark, error: &Error) {
        self.rewind(mark);
        self.end = usize::MAX;
        self.error(error);
        self.make_room();
    }

    /// How many bytes were written since `mark`.
    #[inline]
    pub(crate) fn written_since(&self, mark: Mark) -> usize {
        let written = self.out.len().saturating_sub(mark.0);
        if self.segments.is_empty() { written } else { written + self.segments.len_since(mark.0) }
    }

    /// What was written since `mark`. It is copied if some of it lies elsewhere.
    pub(crate) fn since(&self, mark: Mark) -> Cow<'_, [u8]> {
        self.behind(mark.0)
    }

    /// What was written behind a position. It is copied if some of it lies elsewhere.
    pub(crate) fn behind(&self, position: usize) -> Cow<'_, [u8]> {
        self.segments.whole(&self.out, position, self.out.len())
    }

    /// Writes once more what was written between the marks.
    pub(crate) fn repeat(&mut self, from: Mark, to: Mark) {
        if self.fits(to.0 - from.0) {
            self.out.extend_from_within(from.0..to.0);
        }
    }

    /// Moves what was pushed while the reply was written behind it. `frames` is empty then.
    #[inline]
    pub(crate) fn append(&mut self, frames: &mut Vec<u8>) {
        if !frames.is_empty() {
            self.out.append(frames);
        }
    }

    // Spelling.

    #[inline]
    fn header(&mut self, kind: u8, n: i64) {
        if let 0..10 = n {
            return self.out.extend_from_slice(&[kind, b'0' + n as u8, b'\r', b'\n']);
        }
        self.out.push(kind);
        number::push_i64(&mut self.out, n);
        self.crlf();
    }

    fn crlf(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }

    fn one_line(&mut self, text: &[u8]) {
        self.out.extend(text.iter().map(|&byte| match byte {
            b'\r' | b'\n' => b' ',
            other => other,
        }));
    }

    /// Digits on a line of their own, which begins with `kind`. RESP2: a bulk string.
    fn digits(&mut self, kind: u8, digits: &[u8]) {
        match self.protocol {
            Protocol::Resp3 => {
                if self.fits(digits.len()) {
                    self.out.push(kind);
                    self.one_line(digits);
                    self.crlf();
                }
            }
            Protocol::Resp2 => self.bulk(digits),
        }
    }

    /// The header of an aggregate. One that cannot fit with all its elements is found out before any is written.
    fn announce(&mut self, kind: u8, n: usize, elements: usize) {
        if self.fits(elements.saturating_mul(LEAST_ELEMENT)) {
            self.header(kind, n as i64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frames;

    /// What `write` writes in each protocol.
    fn spelled(write: impl Fn(&mut Reply)) -> (String, String) {
        let [resp2, resp3] = [Protocol::Resp2, Protocol::Resp3].map(|protocol| {
            let mut reply = Reply::new(Vec::new(), protocol);
            write(&mut reply);
            assert_eq!(frames::count(&reply.out), Some(1), "it is one whole reply");
            String::from_utf8(reply.into_inner()).unwrap()
        });
        (resp2, resp3)
    }

    #[track_caller]
    fn assert_same(write: impl Fn(&mut Reply), expected: &str) {
        assert_eq!(spelled(write), (expected.to_owned(), expected.to_owned()));
    }

    #[track_caller]
    fn assert_spelled(write: impl Fn(&mut Reply), resp2: &str, resp3: &str) {
        assert_eq!(spelled(write), (resp2.to_owned(), resp3.to_owned()));
    }

    #[test]
    fn simple_types_of_resp2_are_the_same_in_resp3() {
        assert_same(Reply::ok, "+OK\r\n");
        assert_same(|reply| reply.status("PONG"), "+PONG\r\n");
        assert_same(|reply| reply.int(-42), ":-42\r\n");
        assert_same(|reply| reply.int(i64::MIN), ":-9223372036854775808\r\n");
        assert_same(|reply| reply.bulk(b"a\r\nb"), "$4\r\na\r\nb\r\n");
        assert_same(|reply| reply.bulk(b""), "$0\r\n\r\n");
        assert_same(|reply| reply.bulk_int(-7), "$2\r\n-7\r\n");
        assert_same(|reply| reply.array(0), "*0\r\n");
    }

    #[test]
    fn each_protocol_has_its_nulls() {
        assert_spelled(Reply::null, "$-1\r\n", "_\r\n");
        assert_spelled(Reply::null_array, "*-1\r\n", "_\r\n");
    }

    #[test]
    fn types_of_resp3_have_a_spelling_in_resp2() {
        assert_spelled(|reply| reply.double(0.5), "$3\r\n0.5\r\n", ",0.5\r\n");
        assert_spelled(|reply| reply.double(f64::INFINITY), "$3\r\ninf\r\n", ",inf\r\n");
        assert_spelled(|reply| reply.double(-f64::INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
        assert_spelled(|reply| reply.double(f64::NAN), "$3\r\nnan\r\n", ",nan\r\n");
        assert_spelled(|reply| reply.spelled_double(b"1.50"), "$4\r\n1.50\r\n", ",1.50\r\n");
        assert_spelled(|reply| reply.boolean(true), ":1\r\n", "#t\r\n");
        assert_spelled(|reply| reply.boolean(false), ":0\r\n", "#f\r\n");
        assert_spelled(|reply| reply.big(b"123456789"), "$9\r\n123456789\r\n", "(123456789\r\n");
        assert_spelled(|reply| reply.verbatim(b"txt", b"hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n");
    }

    #[test]
    fn aggregates_of_resp3_are_arrays_in_resp2() {
        fn two(reply: &mut Reply) {
            reply.int(1);
            reply.int(2);
        }
        let two_of = |header: fn(&mut Reply, usize), n| {
            move |reply: &mut Reply| {
                header(reply, n);
                two(reply);
            }
        };
        assert_spelled(two_of(Reply::array, 2), "*2\r\n:1\r\n:2\r\n", "*2\r\n:1\r\n:2\r\n");
        assert_spelled(two_of(Reply::map, 1), "*2\r\n:1\r\n:2\r\n", "%1\r\n:1\r\n:2\r\n");
        assert_spelled(two_of(Reply::set, 2), "*2\r\n:1\r\n:2\r\n", "~2\r\n:1\r\n:2\r\n");
        assert_spelled(two_of(Reply::push, 2), "*2\r\n:1\r\n:2\r\n", ">2\r\n:1\r\n:2\r\n");
        assert_spelled(|reply| reply.map(0), "*0\r\n", "%0\r\n");
    }

    #[test]
    fn attributes_are_left_out_of_resp2() {
        let write = |reply: &mut Reply| {
            if reply.attribute(1) {
                reply.bulk(b"ttl");
                reply.int(3);
            }
            reply.ok();
        };
        assert_spelled(write, "+OK\r\n", "|1\r\n$3\r\nttl\r\n:3\r\n+OK\r\n");
    }

    #[test]
    fn aggregates_may_be_counted_while_they_are_written() {
        let nested = |reply: &mut Reply| {
            reply.array_of(|reply| {
                reply.map_of(|reply| {
                    reply.int(1);
                    reply.set_of(|_| 0);
                    1
                });
                reply.ok();
                2
            });
        };
        assert_spelled(
            nested,
            "*2\r\n*2\r\n:1\r\n*0\r\n+OK\r\n",
            "*2\r\n%1\r\n:1\r\n~0\r\n+OK\r\n",
        );
    }

    #[test]
    fn an_error_is_one_line() {
        let error = Error::text("ERR no\r\nsuch\nthing");
        assert_same(|reply| reply.error(&error), "-ERR no  such thing\r\n");
    }

    #[test]
    fn the_protocol_may_change_in_the_middle() {
        let mut reply = Reply::new(Vec::new(), Protocol::Resp2);
        reply.null();
        reply.set_protocol(Protocol::Resp3);
        reply.null();
        assert_eq!(reply.into_inner(), b"$-1\r\n_\r\n");
    }

    #[test]
    fn an_error_takes_back_what_was_begun() {
        let mut reply = Reply::new(Vec::new(), Protocol::Resp3);
        reply.ok();
        let mark = reply.mark();
        reply.array(3);
        reply.int(1);
        assert_eq!(&reply.since(mark)[..], b"*3\r\n:1\r\n");
        reply.rewind(mark);
        reply.null();
        assert_eq!(reply.into_inner(), b"+OK\r\n_\r\n");
    }

    #[test]
    fn nothing_is_stored_behind_what_does_not_fit() {
        let mut reply = Reply::new(b"sent".to_vec(), Protocol::Resp3);
        reply.set_limit(100);
        let start = reply.mark();
        reply.bulk(&[b'x'; 50]);
        let mark = reply.mark();
        reply.bulk(&[b'x'; 50]);
        assert!(reply.is_full());
        reply.ok();
        reply.array(0);
        assert_eq!(reply.mark().0, mark.0);
        reply.rewind(mark);
        assert!(!reply.is_full());
        reply.ok();
        assert_eq!(&reply.since(mark)[..], b"+OK\r\n");
        reply.replace(start, &Error::text("x".repeat(200)));
        assert_eq!(reply.len(), 4 + 203);
        // What has no room is full at once, and another error fits.
        let end = reply.mark();
        reply.null();
        assert!(reply.is_full());
        reply.replace(end, &Error::text("no"));
        assert_eq!(&reply.since(end)[..], b"-no\r\n");
        // A higher limit does not let anything follow what is missing.
        reply.null();
        reply.set_limit(1000);
        reply.ok();
        assert!(reply.is_full());
        reply.rewind(end);
        reply.bulk(&[b'x'; 500]);
        assert!(!reply.is_full());
    }

    #[test]
    fn every_type_respects_the_limit() {
        let long = &[b'7'; 40][..];
        let writers: [fn(&mut Reply, &[u8]); 18] = [
            |reply, _| reply.ok(),
            |reply, _| reply.status("twelve bytes"),
            |reply, _| reply.error(&Error::text("twelve bytes")),
            |reply, _| reply.int(1),
            |reply, _| reply.bulk(b"short"),
            |reply, long| reply.bulk(long),
            |reply, _| reply.null(),
            |reply, _| reply.null_array(),
            |reply, _| reply.double(1.5),
            |reply, long| reply.spelled_double(long),
            |reply, _| reply.boolean(true),
            |reply, long| reply.big(long),
            |reply, long| reply.verbatim(b"txt", long),
            |reply, _| reply.array(usize::MAX),
            |reply, _| reply.map(usize::MAX),
            |reply, _| reply.set(usize::MAX),
            |reply, _| reply.push(usize::MAX),
            |reply, _| {
                reply.array_of(|reply| {
                    (0..100).for_each(|_| reply.ok());
                    100
                })
            },
        ];
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            for write in writers {
                let mut reply = Reply::new(vec![b'x'; 99], protocol);
                reply.set_limit(100);
                write(&mut reply, long);
                assert!(reply.is_full());
                assert_eq!(reply.len(), 99);
            }
        }
    }

    #[test]
    fn an_array_that_cannot_fit_is_full_before_its_elements() {
        let mut reply = Reply::new(Vec::new(), Protocol::Resp3);
        reply.set_limit(3000);
        reply.array(999);
        assert!(!reply.is_full());
        reply.array(1000);
        assert!(reply.is_full());
    }
}
