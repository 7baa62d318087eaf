//! Replies: the one place that knows how RESP2 and RESP3 spell what a handler says.
//!
//! A handler says `null`, `map(2)`, `double(0.5)`; what goes out depends on the protocol that the
//! client negotiated. An aggregate is announced with its size, its elements follow. HELLO switches
//! the protocol in mid-handler, and the very reply to it is already in the new one.
//!
//! Every command owes exactly one reply. Debug builds count: [`Reply::owed`] tells how many complete
//! replies stand since a mark, and an aggregate that is left open counts for none.
//!
//! What is pushed to the client whose command is running waits in a buffer of its own
//! ([`Reply::push_late`]) until the reply is complete: a push never lands inside a reply.

use crate::error::Error;
use crate::text::{double, number};

/// The version of RESP that a client negotiated with HELLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    #[default]
    Resp2,
    Resp3,
}

impl Protocol {
    /// The number that HELLO takes and CLIENT LIST shows.
    pub fn number(self) -> u8 {
        match self {
            Protocol::Resp2 => 2,
            Protocol::Resp3 => 3,
        }
    }
}

/// A place in the output to come back to.
#[derive(Debug, Clone, Copy)]
pub struct Mark(usize);

/// The writer of replies. It owns the client's outbox while the client's commands run.
#[derive(Debug)]
pub struct Reply {
    out: Vec<u8>,
    late: Vec<u8>,
    protocol: Protocol,
    #[cfg(debug_assertions)]
    tally: tally::Tally,
}

impl Reply {
    /// A writer that appends to `out`.
    pub fn new(out: Vec<u8>, protocol: Protocol) -> Reply {
        Reply {
            out,
            late: Vec::new(),
            protocol,
            #[cfg(debug_assertions)]
            tally: tally::Tally::default(),
        }
    }

    /// Gives the buffer back.
    pub fn into_inner(self) -> Vec<u8> {
        debug_assert!(self.late.is_empty(), "a push was not released");
        self.out
    }

    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// From here on replies are written in `protocol`.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// Bytes written and not yet handed back, unsent ones from before counted.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Bytes of memory that the output holds.
    pub fn memory(&self) -> usize {
        self.out.capacity()
    }

    // Simple types.

    /// `+OK`
    pub fn ok(&mut self) {
        self.counted();
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// `+text`: a short text of the server's own, without CR or LF.
    pub fn status(&mut self, text: &str) {
        debug_assert!(!text.contains(['\r', '\n']));
        self.counted();
        self.out.push(b'+');
        self.out.extend_from_slice(text.as_bytes());
        self.crlf();
    }

    /// `-CODE text`. CR and LF in the text become spaces here, and only here.
    pub fn error(&mut self, error: &Error) {
        self.counted();
        self.out.push(b'-');
        self.one_line(error.as_bytes());
        self.crlf();
    }

    /// `:n`
    pub fn int(&mut self, n: i64) {
        self.counted();
        self.header(b':', n);
    }

    /// A bulk string: any bytes.
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.counted();
        self.out.reserve(bytes.len() + 16);
        self.header(b'$', bytes.len() as i64);
        self.out.extend_from_slice(bytes);
        self.crlf();
    }

    /// An integer as a bulk string, which is how values that are kept as integers are shown.
    pub fn bulk_int(&mut self, n: i64) {
        let mut digits = Vec::with_capacity(20);
        number::push_i64(&mut digits, n);
        self.bulk(&digits);
    }

    /// No value where a value was asked for: RESP2 `$-1`, RESP3 `_`.
    pub fn null(&mut self) {
        self.counted();
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// No value where an array was asked for: RESP2 `*-1`, RESP3 `_`.
    pub fn null_array(&mut self) {
        self.counted();
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// A double, in the shortest form that reads back the same. RESP2: a bulk string.
    pub fn double(&mut self, value: f64) {
        match self.protocol {
            Protocol::Resp3 => {
                self.counted();
                self.out.push(b',');
                double::push(&mut self.out, value);
                self.crlf();
            }
            Protocol::Resp2 => {
                let mut digits = Vec::with_capacity(24);
                double::push(&mut digits, value);
                self.bulk(&digits);
            }
        }
    }

    /// A boolean. RESP2: the integer 1 or 0.
    pub fn boolean(&mut self, value: bool) {
        match self.protocol {
            Protocol::Resp3 => {
                self.counted();
                self.out.extend_from_slice(if value { b"#t\r\n" } else { b"#f\r\n" });
            }
            Protocol::Resp2 => self.int(value.into()),
        }
    }

    /// An integer of any size, given as its decimal digits. RESP2: a bulk string.
    pub fn big(&mut self, digits: &[u8]) {
        match self.protocol {
            Protocol::Resp3 => {
                self.counted();
                self.out.push(b'(');
                self.one_line(digits);
                self.crlf();
            }
            Protocol::Resp2 => self.bulk(digits),
        }
    }

    /// A text for people, with the three letters of its format: `txt` or `mkd`. RESP2: a bulk string.
    pub fn verbatim(&mut self, format: &[u8; 3], text: &[u8]) {
        match self.protocol {
            Protocol::Resp3 => {
                self.counted();
                self.out.reserve(text.len() + 20);
                self.header(b'=', text.len() as i64 + 4);
                self.out.extend_from_slice(format);
                self.out.push(b':');
                self.out.extend_from_slice(text);
                self.crlf();
            }
            Protocol::Resp2 => self.bulk(text),
        }
    }

    // Aggregates: a header, then so many elements by further calls.

    /// The header of an array of `n` elements.
    pub fn array(&mut self, n: usize) {
        self.opened(n);
        self.header(b'*', n as i64);
    }

    /// The header of a map: `n` pairs, so 2n elements. RESP2: a flat array of them.
    pub fn map(&mut self, n: usize) {
        match self.protocol {
            Protocol::Resp3 => {
                self.opened(2 * n);
                self.header(b'%', n as i64);
            }
            Protocol::Resp2 => self.array(2 * n),
        }
    }

    /// The header of a set of `n` elements. RESP2: an array.
    pub fn set(&mut self, n: usize) {
        match self.protocol {
            Protocol::Resp3 => {
                self.opened(n);
                self.header(b'~', n as i64);
            }
            Protocol::Resp2 => self.array(n),
        }
    }

    /// The header of a push of `n` elements. RESP2 has none: there it is an array.
    pub fn push(&mut self, n: usize) {
        match self.protocol {
            Protocol::Resp3 => {
                self.opened(n);
                self.header(b'>', n as i64);
            }
            Protocol::Resp2 => self.array(n),
        }
    }

    /// Attributes of the reply that follows: `n` pairs. RESP2 has none, so nothing may be written
    /// when this returns false.
    #[must_use]
    pub fn attribute(&mut self, n: usize) -> bool {
        let spoken = self.protocol == Protocol::Resp3;
        if spoken {
            self.attributed(2 * n);
            self.header(b'|', n as i64);
        }
        spoken
    }

    /// An array whose size is known only when its elements have been written: `elements` writes them
    /// and returns how many they are.
    pub fn array_of(&mut self, elements: impl FnOnce(&mut Reply) -> usize) {
        self.sized_late(elements, Reply::array);
    }

    /// As [`Reply::array_of`], for a map: `elements` returns the number of pairs.
    pub fn map_of(&mut self, elements: impl FnOnce(&mut Reply) -> usize) {
        self.sized_late(elements, Reply::map);
    }

    /// As [`Reply::array_of`], for a set.
    pub fn set_of(&mut self, elements: impl FnOnce(&mut Reply) -> usize) {
        self.sized_late(elements, Reply::set);
    }

    /// Writes the elements first, the header behind them, and turns the two around.
    fn sized_late(
        &mut self,
        elements: impl FnOnce(&mut Reply) -> usize,
        header: impl FnOnce(&mut Reply, usize),
    ) {
        let start = self.out.len();
        #[cfg(debug_assertions)]
        let outer = std::mem::take(&mut self.tally);
        let n = elements(self);
        #[cfg(debug_assertions)]
        {
            self.tally = outer;
        }
        let end = self.out.len();
        header(self, n);
        // The header opened an aggregate whose elements stand already.
        #[cfg(debug_assertions)]
        if n > 0 {
            self.tally.close();
        }
        self.out[start..].rotate_left(end - start);
    }

    /// Help lines: an array of statuses, as the HELP subcommands reply.
    pub fn help(&mut self, lines: &[String]) {
        self.array(lines.len());
        for line in lines {
            self.status(line);
        }
    }

    // Marks: errors and CLIENT REPLY take replies back.

    /// The present end of the output.
    pub fn mark(&self) -> Mark {
        Mark(self.out.len())
    }

    /// Takes back what was written since `mark`. Late pushes stay: they are no replies.
    pub fn rewind(&mut self, mark: Mark) {
        self.out.truncate(mark.0);
        #[cfg(debug_assertions)]
        self.tally.reset();
    }

    /// What was written since `mark`.
    pub fn since(&self, mark: Mark) -> &[u8] {
        &self.out[mark.0..]
    }

    /// Starts counting replies anew. Only debug builds count.
    pub fn begin(&mut self) {
        #[cfg(debug_assertions)]
        self.tally.reset();
    }

    /// How many complete replies were written since [`Reply::begin`], and `None` if one is open.
    #[cfg(debug_assertions)]
    pub fn owed(&self) -> Option<usize> {
        self.tally.complete()
    }

    // Pushes of the running command to its own client.

    /// Keeps a complete push frame back until [`Reply::release`].
    pub fn push_late(&mut self, frame: &[u8]) {
        self.late.extend_from_slice(frame);
    }

    /// The reply is complete: what was pushed meanwhile follows it.
    #[inline]
    pub fn release(&mut self) {
        if !self.late.is_empty() {
            self.out.append(&mut self.late);
        }
    }

    // Spelling.

    fn header(&mut self, kind: u8, n: i64) {
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

    /// A complete element has been written.
    #[inline]
    fn counted(&mut self) {
        #[cfg(debug_assertions)]
        self.tally.element();
    }

    /// An aggregate of `n` elements has been announced.
    #[inline]
    fn opened(&mut self, _n: usize) {
        #[cfg(debug_assertions)]
        self.tally.open(_n);
    }

    /// `n` elements follow that do not count themselves: what they are about comes after them.
    #[inline]
    fn attributed(&mut self, _n: usize) {
        #[cfg(debug_assertions)]
        self.tally.attribute(_n);
    }
}

/// Counts replies and open aggregates, in debug builds.
#[cfg(debug_assertions)]
mod tally {
    /// Elements that open aggregates still miss, the innermost last.
    #[derive(Debug, Default)]
    pub struct Tally {
        missing: Vec<Open>,
        complete: usize,
    }

    #[derive(Debug)]
    struct Open {
        missing: usize,
        /// An attribute is no element of what it stands in.
        attribute: bool,
    }

    impl Tally {
        pub fn reset(&mut self) {
            self.missing.clear();
            self.complete = 0;
        }

        pub fn complete(&self) -> Option<usize> {
            self.missing.is_empty().then_some(self.complete)
        }

        pub fn element(&mut self) {
            loop {
                let Some(open) = self.missing.last_mut() else {
                    self.complete += 1;
                    return;
                };
                open.missing = open.missing.checked_sub(1).expect("an element too many");
                if open.missing > 0 {
                    return;
                }
                // The aggregate is complete, and with it one element of the next outer one.
                let attribute = open.attribute;
                self.missing.pop();
                if attribute {
                    return;
                }
            }
        }

        pub fn open(&mut self, n: usize) {
            if n == 0 {
                self.element();
            } else {
                self.missing.push(Open { missing: n, attribute: false });
            }
        }

        pub fn attribute(&mut self, n: usize) {
            if n > 0 {
                self.missing.push(Open { missing: n, attribute: true });
            }
        }

        /// Takes the innermost aggregate for complete.
        pub fn close(&mut self) {
            if let Some(open) = self.missing.last_mut()
                && open.missing > 0
            {
                open.missing = 1;
                self.element();
            }
        }
    }
}
