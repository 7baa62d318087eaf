//! The arguments of one request, the command's name among them.
//!
//! Nothing is copied: an argument is a [`Span`] of the input buffer. What must outlive the buffer (a
//! queued or a waiting command) is kept as [`OwnedArgs`].

use std::fmt;
use std::ops::Index;

use crate::error::{self, Error};
use crate::text::{double, number};

/// Where an argument lies: offsets in bytes from the first byte of its request.
///
/// Four bytes each, because a request is bounded by the query buffer, and that by 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The span from `start` up to, not including, `end`. The parser keeps both under 4 GiB.
    pub fn new(start: usize, end: usize) -> Span {
        debug_assert!(start <= end && end <= u32::MAX as usize);
        Span { start: start as u32, end: end as u32 }
    }
}

/// A request as handlers see it: three words that are copied freely. `args[0]` is the command's name.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    input: &'a [u8],
    spans: &'a Vec<Span>,
}

impl<'a> Args<'a> {
    /// The arguments that `spans` marks in `input`. `spans` is a `&Vec` to be one word, not two.
    #[doc(hidden)]
    pub fn new(input: &'a [u8], spans: &'a Vec<Span>) -> Args<'a> {
        Args { input, spans }
    }

    /// How many arguments there are, the command's name counted.
    pub fn len(self) -> usize {
        self.spans.len()
    }

    /// Whether there are none: of a request that is never so.
    #[doc(hidden)]
    pub fn is_empty(self) -> bool {
        self.spans.is_empty()
    }

    /// An argument, if there are so many.
    pub fn get(self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|&span| self.at(span))
    }

    /// All arguments from `first` on; none if there are fewer.
    pub fn from(self, first: usize) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        let first = first.min(self.spans.len());
        self.spans[first..].iter().map(move |&span| self.at(span))
    }

    /// The arguments from `first` on, two by two. A last one that is left over is not met.
    pub(crate) fn pairs(
        self,
        first: usize,
    ) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + Clone {
        let first = first.min(self.spans.len());
        let pairs = self.spans[first..].chunks_exact(2);
        pairs.map(move |pair| (self.at(pair[0]), self.at(pair[1])))
    }

    /// Whether argument `index` exists and is `word`, in capitals or not.
    pub fn is(self, index: usize, word: &str) -> bool {
        self.get(index).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Argument `index` as a number without a fraction. The error is the usual one: `value is not an integer or out of range`.
    pub fn int(self, index: usize) -> Result<i64, Error> {
        self.get(index).and_then(number::parse_i64).ok_or(error::NOT_AN_INTEGER)
    }

    /// Argument `index` as a double, which may be infinite and is a number. The error is the usual one: `value is not a valid
    /// float`.
    pub fn double(self, index: usize) -> Result<f64, Error> {
        self.get(index).and_then(double::parse).ok_or(error::NOT_A_FLOAT)
    }

    /// The bytes that the arguments have in all.
    pub(crate) fn bytes(self) -> usize {
        self.spans.iter().map(|span| (span.end - span.start) as usize).sum()
    }

    /// The bytes that a request with these arguments has, as an array of bulk strings.
    pub(crate) fn wire_len(self) -> usize {
        let header = |n: usize| n.checked_ilog10().unwrap_or(0) as usize + "*1\r\n".len();
        let bulk = |span: &Span| {
            let len = (span.end - span.start) as usize;
            header(len) + len + "\r\n".len()
        };
        header(self.len()) + self.spans.iter().map(bulk).sum::<usize>()
    }

    /// At least [`Args::wire_len`], found at once.
    pub(crate) fn wire_len_bound(self) -> usize {
        const LONGEST_FRAME: usize = "$4294967295\r\n\r\n".len();
        self.input.len() + LONGEST_FRAME * (self.len() + 1)
    }

    /// A copy that needs no input buffer.
    pub fn to_owned(self) -> OwnedArgs {
        let mut owned = OwnedArgs {
            bytes: Vec::with_capacity(self.bytes()),
            spans: Vec::with_capacity(self.len()),
        };
        self.from(0).for_each(|arg| owned.keep(arg));
        owned
    }

    /// As [`Args::to_owned`], with other words in place of some arguments, in the order of these.
    pub(crate) fn to_owned_with(self, others: &[(usize, Box<[u8]>)]) -> OwnedArgs {
        if others.is_empty() {
            return self.to_owned();
        }
        let mut others = others.iter().peekable();
        let mut owned = OwnedArgs::default();
        for (index, arg) in self.from(0).enumerate() {
            let other = others.next_if(|(other, _)| *other == index);
            owned.keep(other.map_or(arg, |(_, word)| word));
        }
        owned
    }

    /// The bytes of a span that belongs to this request; unlike indexing, free of `self`'s borrow.
    fn at(self, span: Span) -> &'a [u8] {
        &self.input[span.start as usize..span.end as usize]
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    /// Panics when there is no such argument: a handler only indexes below its command's arity.
    fn index(&self, index: usize) -> &[u8] {
        self.at(self.spans[index])
    }
}

/// Arguments that own their bytes, packed end to end.
#[derive(Clone, Default)]
pub struct OwnedArgs {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl OwnedArgs {
    /// The arguments, as handlers see them.
    pub fn args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.spans)
    }

    fn keep(&mut self, arg: &[u8]) {
        self.push_spelled(|bytes| bytes.extend_from_slice(arg));
    }

    /// Adds the argument that `spell` appends.
    pub(crate) fn push_spelled(&mut self, spell: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        spell(&mut self.bytes);
        assert!(self.bytes.len() <= u32::MAX as usize, "arguments of 4 GiB or more");
        self.spans.push(Span::new(start, self.bytes.len()));
    }

    /// Takes all arguments out. Their memory stays.
    #[cfg(feature = "lua")]
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity() + self.spans.capacity() * size_of::<Span>()
    }
}

impl fmt::Debug for OwnedArgs {
    /// As a list of texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.args().from(0).map(Shown)).finish()
    }
}

/// An argument as a text.
struct Shown<'a>(&'a [u8]);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for OwnedArgs {
    fn from_iter<I: IntoIterator<Item = T>>(args: I) -> OwnedArgs {
        let mut owned = OwnedArgs::default();
        args.into_iter().for_each(|arg| owned.keep(arg.as_ref()));
        owned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn args_are_three_words() {
        assert_eq!(size_of::<Args<'_>>(), 3 * size_of::<usize>());
    }

    #[test]
    fn numbers_are_read_as_commands_read_them() {
        let owned: OwnedArgs = ["set", "-7", "2.5", "+1", "nan"].into_iter().collect();
        let args = owned.args();
        assert_eq!((args.int(1).unwrap(), args.double(2).unwrap()), (-7, 2.5));
        for index in [0, 2, 3, 4, 5] {
            let told = args.int(index).unwrap_err().to_string();
            assert_eq!(told, "ERR value is not an integer or out of range");
        }
        for index in [0, 4, 5] {
            let told = args.double(index).unwrap_err().to_string();
            assert_eq!(told, "ERR value is not a valid float");
        }
    }

    #[test]
    fn owned_args_read_as_they_were_written() {
        let owned: OwnedArgs = ["set", "k", ""].into_iter().collect();
        let args = owned.args();
        assert_eq!(
            (args.len(), &args[0], &args[1], &args[2]),
            (3, &b"set"[..], &b"k"[..], &b""[..])
        );
        assert_eq!(args.get(3), None);
        assert_eq!(args.from(1).len(), 2);
        assert_eq!(args.from(9).len(), 0);
        assert!(args.pairs(0).eq([(&b"set"[..], &b"k"[..])]));
        assert!(args.is(0, "SET"));
        assert_eq!(args.bytes(), 4);
        assert_eq!(args.wire_len(), b"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$0\r\n\r\n".len());
        assert!(args.wire_len() <= args.wire_len_bound());
        assert_eq!(args.to_owned().args().get(1), Some(&b"k"[..]));
        let others = [(0, Box::from(*b"get")), (2, Box::from(*b"v"))];
        let other = args.to_owned_with(&others);
        assert!(other.args().from(0).eq([&b"get"[..], b"k", b"v"]));
    }
}
