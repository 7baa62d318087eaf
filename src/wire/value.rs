//! Replies read back: a tree of [`Value`]s from the bytes of RESP2 or RESP3.
//!
//! Tests compare replies with it, tools and the wire log print them with it, and the author of a
//! client may take it for a decoder. The server itself never needs it: requests are read by
//! `request` without a copy, and replies are written by `reply` without a tree.
//!
//! It promises:
//!
//! * what [`decode`] accepts, [`Value::encode`] writes back byte for byte;
//! * nothing is allocated from a declared length, and nesting is bounded, so hostile input costs no
//!   more than its own size;
//! * `Display`, in `print`, shows what redis-cli shows on a terminal.
//!
//! It is strict: a length or an integer has one spelling, and a line ends with CRLF. The streamed
//! types of RESP3 (`$?`, `*?`), which no server sends, are malformed here.

mod print;

use std::fmt;

use crate::error::Error;
use crate::text::{double, number};

/// How deep aggregates may nest.
pub const MAX_DEPTH: usize = 128;

/// One value of RESP2 or RESP3, named after its type in the RESP3 specification.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `+`: a status, RESP3's simple string.
    Status(Vec<u8>),
    /// `-`: an error, its code included.
    Error(Vec<u8>),
    /// `:`
    Integer(i64),
    /// `$`: a bulk string, RESP3's blob string.
    Bulk(Vec<u8>),
    /// `$-1`: the null of RESP2 where a bulk string was expected.
    NullBulk,
    /// `*-1`: the null of RESP2 where an array was expected.
    NullArray,
    /// `_`: the null of RESP3.
    Null,
    /// `*`
    Array(Vec<Value>),
    /// `%`: pairs, in the order in which they were sent.
    Map(Vec<(Value, Value)>),
    /// `~`: elements, in the order in which they were sent.
    Set(Vec<Value>),
    /// `>`: out of band data. The first element tells its kind.
    Push(Vec<Value>),
    /// `,`: a double, as the text that was sent, because that is what tests compare.
    Double(Vec<u8>),
    /// `#`
    Boolean(bool),
    /// `(`: an integer of any size, as the text that was sent.
    BigNumber(Vec<u8>),
    /// `=`: how a text is to be shown, `txt` or `mkd`, and the text.
    Verbatim([u8; 3], Vec<u8>),
    /// `!`: an error that may contain any bytes.
    BulkError(Vec<u8>),
    /// `|`: attributes in pairs, and the value that they say something about.
    Attribute(Vec<(Value, Value)>, Box<Value>),
}

/// Input that no further bytes can make a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// Where in the input the offending line begins, in bytes.
    pub(crate) offset: usize,
    /// What is wrong with it.
    pub(crate) reason: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.reason, self.offset)
    }
}

impl std::error::Error for Malformed {}

/// Reads the value that `input` begins with; returns it with the number of bytes that it takes, or
/// nothing if it is not complete. It keeps no state: the next call starts over.
pub fn decode(input: &[u8]) -> Result<Option<(Value, usize)>, Malformed> {
    let mut decoder = Decoder { input, at: 0, line: 0 };
    match decoder.value(MAX_DEPTH) {
        Ok(value) => Ok(Some((value, decoder.at))),
        Err(Stop::Incomplete) => Ok(None),
        Err(Stop::Malformed(reason)) => Err(Malformed { offset: decoder.line, reason }),
    }
}

impl Value {
    /// The text of a status, bulk string, verbatim string, double or big number.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Status(text)
            | Value::Bulk(text)
            | Value::Verbatim(_, text)
            | Value::Double(text)
            | Value::BigNumber(text) => Some(text),
            _ => None,
        }
    }

    /// The text of an error of either kind, its code included.
    #[doc(hidden)]
    pub fn as_error(&self) -> Option<&[u8]> {
        match self {
            Value::Error(text) | Value::BulkError(text) => Some(text),
            _ => None,
        }
    }

    /// As [`Value::as_bytes`], if the text is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()?).ok()
    }

    /// An integer, or the one that a text spells: INCR replies the one, GET the other.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Integer(n) => Some(*n),
            other => number::parse_i64(other.as_bytes()?),
        }
    }

    /// A number: a double, an integer, or what a text spells, which is how RESP2 has doubles.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Integer(n) => Some(*n as f64),
            Value::Double(text) if text == b"nan" => Some(f64::NAN),
            other => double::parse(other.as_bytes()?),
        }
    }

    /// The elements of an array, set or push.
    pub fn into_vec(self) -> Option<Vec<Value>> {
        match self {
            Value::Array(elements) | Value::Set(elements) | Value::Push(elements) => Some(elements),
            _ => None,
        }
    }

    /// The pairs of a map, in their order, or of the array that RESP2 has instead: flat, or of arrays of two.
    pub fn into_map(self) -> Option<Vec<(Value, Value)>> {
        let elements = match self {
            Value::Map(pairs) => return Some(pairs),
            Value::Array(elements) => elements,
            _ => return None,
        };
        let is_nested = !elements.is_empty()
            && elements.iter().all(|pair| matches!(pair, Value::Array(pair) if pair.len() == 2));
        let mut flat: Vec<Value> = match is_nested {
            true => elements.into_iter().filter_map(Value::into_vec).flatten().collect(),
            false => elements,
        };
        if !flat.len().is_multiple_of(2) {
            return None;
        }
        let mut pairs = Vec::with_capacity(flat.len() / 2);
        let mut rest = flat.drain(..);
        while let (Some(key), Some(value)) = (rest.next(), rest.next()) {
            pairs.push((key, value));
        }
        Some(pairs)
    }

    /// The value, or the error that it is, for `?`: a command of yours that hands it on tells its client what it was told
    /// itself.
    pub fn into_result(self) -> Result<Value, Error> {
        match self {
            // INFO's errorstats have what a called command has failed with.
            Value::Error(text) | Value::BulkError(text) => Err(Error::text(text).counted()),
            value => Ok(value),
        }
    }

    /// Returns whether this is one of the three nulls.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::NullBulk | Value::NullArray | Value::Null)
    }

    /// The elements of an array, set or push; none for any other value.
    #[doc(hidden)]
    pub fn elements(&self) -> &[Value] {
        match self {
            Value::Array(elements) | Value::Set(elements) | Value::Push(elements) => elements,
            _ => &[],
        }
    }

    /// What `key` maps to, in a map or in the flat array of keys and values that RESP2 has instead.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let is_key = |candidate: &Value| candidate.as_bytes() == Some(key.as_bytes());
        match self {
            Value::Map(pairs) => {
                pairs.iter().find(|(name, _)| is_key(name)).map(|(_, value)| value)
            }
            Value::Array(flat) => {
                flat.chunks_exact(2).find(|pair| is_key(&pair[0])).map(|pair| &pair[1])
            }
            _ => None,
        }
    }

    /// Appends the value as it is sent.
    #[doc(hidden)]
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Value::Status(text) => push_line(out, b'+', text),
            Value::Error(text) => push_line(out, b'-', text),
            Value::Integer(n) => push_number(out, b':', *n),
            Value::Bulk(text) => push_blob(out, b'$', text),
            Value::NullBulk => push_number(out, b'$', -1),
            Value::NullArray => push_number(out, b'*', -1),
            Value::Null => push_line(out, b'_', b""),
            Value::Array(elements) => push_elements(out, b'*', elements),
            Value::Map(pairs) => push_pairs(out, b'%', pairs),
            Value::Set(elements) => push_elements(out, b'~', elements),
            Value::Push(elements) => push_elements(out, b'>', elements),
            Value::Double(text) => push_line(out, b',', text),
            Value::Boolean(value) => push_line(out, b'#', if *value { b"t" } else { b"f" }),
            Value::BigNumber(text) => push_line(out, b'(', text),
            Value::Verbatim(format, text) => {
                push_blob(out, b'=', &[format, b":".as_slice(), text].concat());
            }
            Value::BulkError(text) => push_blob(out, b'!', text),
            Value::Attribute(attributes, value) => {
                push_pairs(out, b'|', attributes);
                value.encode(out);
            }
        }
    }
}

/// Why decoding stopped. `?` carries it up through every level of nesting.
enum Stop {
    Incomplete,
    Malformed(&'static str),
}

/// A place in the input.
struct Decoder<'a> {
    input: &'a [u8],
    /// Bytes read so far.
    at: usize,
    /// Where the line that was read last begins.
    line: usize,
}

impl<'a> Decoder<'a> {
    // ANCHOR: decode
    /// Reads a value that may contain `depth` levels of aggregates.
    fn value(&mut self, depth: usize) -> Result<Value, Stop> {
        let Some(&kind) = self.input.get(self.at) else {
            return Err(Stop::Incomplete);
        };
        let line = self.line(kind)?;
        Ok(match kind {
            b'+' => Value::Status(line.to_vec()),
            b'-' => Value::Error(line.to_vec()),
            b':' => Value::Integer(integer(line)?),
            b'$' if line == b"-1" => Value::NullBulk,
            b'$' => Value::Bulk(self.blob(line)?.to_vec()),
            b'*' if line == b"-1" => Value::NullArray,
            b'*' => Value::Array(self.elements(line, depth)?),
            b'%' => Value::Map(self.pairs(line, depth)?),
            b'~' => Value::Set(self.elements(line, depth)?),
            b'>' => Value::Push(self.elements(line, depth)?),
            b'_' if line.is_empty() => Value::Null,
            b',' if is_double(line) => Value::Double(line.to_vec()),
            b'#' if line == b"t" => Value::Boolean(true),
            b'#' if line == b"f" => Value::Boolean(false),
            b'(' if is_big_number(line) => Value::BigNumber(line.to_vec()),
            b'=' => match self.blob(line)? {
                [a, b, c, b':', text @ ..] => Value::Verbatim([*a, *b, *c], text.to_vec()),
                _ => return Err(Stop::Malformed("verbatim string without a format")),
            },
            b'!' => Value::BulkError(self.blob(line)?.to_vec()),
            b'|' => {
                let attributes = self.pairs(line, depth)?;
                Value::Attribute(attributes, Box::new(self.value(deeper(depth)?)?))
            }
            _ => return Err(Stop::Malformed("no value of its type")),
        })
    }
    // ANCHOR_END: decode

    /// Reads a line that begins with the byte of the type `kind`; returns what is between that and
    /// CRLF.
    fn line(&mut self, kind: u8) -> Result<&'a [u8], Stop> {
        self.line = self.at;
        if !b"+-:$*%~>_,#(=!|".contains(&kind) {
            return Err(Stop::Malformed("unknown type"));
        }
        let rest = &self.input[self.at + 1..];
        let Some(len) = rest.iter().position(|byte| b"\r\n".contains(byte)) else {
            return Err(Stop::Incomplete);
        };
        match rest[len..] {
            [b'\r', b'\n', ..] => {
                self.at += 1 + len + 2;
                Ok(&rest[..len])
            }
            [b'\r'] => Err(Stop::Incomplete),
            _ => Err(Stop::Malformed("line without CRLF")),
        }
    }

    /// Reads as many bytes as `line` says, and the CRLF behind them.
    fn blob(&mut self, line: &[u8]) -> Result<&'a [u8], Stop> {
        let rest = &self.input[self.at..];
        let Some((blob, rest)) = rest.split_at_checked(length(line)?) else {
            return Err(Stop::Incomplete);
        };
        match rest {
            [b'\r', b'\n', ..] => {
                self.at += blob.len() + 2;
                Ok(blob)
            }
            [] | [b'\r'] => Err(Stop::Incomplete),
            _ => Err(Stop::Malformed("blob without CRLF")),
        }
    }

    /// Reads as many values as `line` says.
    fn elements(&mut self, line: &[u8], depth: usize) -> Result<Vec<Value>, Stop> {
        let (count, depth) = (length(line)?, deeper(depth)?);
        // Grows with what is there, not to what was announced.
        let mut elements = Vec::new();
        for _ in 0..count {
            elements.push(self.value(depth)?);
        }
        Ok(elements)
    }

    /// Reads as many pairs of values as `line` says.
    fn pairs(&mut self, line: &[u8], depth: usize) -> Result<Vec<(Value, Value)>, Stop> {
        let (count, depth) = (length(line)?, deeper(depth)?);
        let mut pairs = Vec::new();
        for _ in 0..count {
            pairs.push((self.value(depth)?, self.value(depth)?));
        }
        Ok(pairs)
    }
}

fn deeper(depth: usize) -> Result<usize, Stop> {
    depth.checked_sub(1).ok_or(Stop::Malformed("nested too deep"))
}

fn integer(line: &[u8]) -> Result<i64, Stop> {
    number::parse_i64(line).ok_or(Stop::Malformed("not an integer"))
}

fn length(line: &[u8]) -> Result<usize, Stop> {
    usize::try_from(integer(line)?).map_err(|_| Stop::Malformed("negative length"))
}

fn is_double(line: &[u8]) -> bool {
    line == b"nan" || double::parse(line).is_some()
}

fn is_big_number(line: &[u8]) -> bool {
    let digits = line.strip_prefix(b"-").unwrap_or(line);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn push_line(out: &mut Vec<u8>, kind: u8, text: &[u8]) {
    out.push(kind);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

fn push_number(out: &mut Vec<u8>, kind: u8, n: i64) {
    out.push(kind);
    number::push_i64(out, n);
    out.extend_from_slice(b"\r\n");
}

fn push_len(out: &mut Vec<u8>, kind: u8, len: usize) {
    out.push(kind);
    number::push_u64(out, len as u64);
    out.extend_from_slice(b"\r\n");
}

fn push_blob(out: &mut Vec<u8>, kind: u8, text: &[u8]) {
    push_len(out, kind, text.len());
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

fn push_elements(out: &mut Vec<u8>, kind: u8, elements: &[Value]) {
    push_len(out, kind, elements.len());
    for element in elements {
        element.encode(out);
    }
}

fn push_pairs(out: &mut Vec<u8>, kind: u8, pairs: &[(Value, Value)]) {
    push_len(out, kind, pairs.len());
    for (key, value) in pairs {
        key.encode(out);
        value.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.as_bytes().to_vec())
    }

    fn read(input: &[u8]) -> Value {
        match decode(input) {
            Ok(Some((value, used))) if used == input.len() => value,
            other => panic!("{other:?}"),
        }
    }

    fn reason(input: &[u8]) -> (usize, &'static str) {
        match decode(input) {
            Err(Malformed { offset, reason }) => (offset, reason),
            other => panic!("{other:?}"),
        }
    }

    /// One input of each type, and what it means.
    fn examples() -> Vec<(&'static [u8], Value)> {
        let (one, two) = (Value::Integer(1), Value::Integer(-2));
        vec![
            (b"+OK\r\n", Value::Status(b"OK".to_vec())),
            (b"-ERR no\r\n", Value::Error(b"ERR no".to_vec())),
            (b":-2\r\n", two.clone()),
            (b"$0\r\n\r\n", bulk("")),
            (b"$4\r\na\r\nb\r\n", bulk("a\r\nb")),
            (b"$-1\r\n", Value::NullBulk),
            (b"*-1\r\n", Value::NullArray),
            (b"_\r\n", Value::Null),
            (b"*0\r\n", Value::Array(vec![])),
            (b"*2\r\n:1\r\n:-2\r\n", Value::Array(vec![one.clone(), two.clone()])),
            (b"%1\r\n$1\r\nk\r\n:1\r\n", Value::Map(vec![(bulk("k"), one.clone())])),
            (b"~1\r\n:1\r\n", Value::Set(vec![one.clone()])),
            (b">2\r\n+message\r\n:1\r\n", {
                Value::Push(vec![Value::Status(b"message".to_vec()), one.clone()])
            }),
            (b",3.141\r\n", Value::Double(b"3.141".to_vec())),
            (b",-inf\r\n", Value::Double(b"-inf".to_vec())),
            (b",nan\r\n", Value::Double(b"nan".to_vec())),
            (b"#t\r\n", Value::Boolean(true)),
            (b"#f\r\n", Value::Boolean(false)),
            (b"(-1234567999999999999999\r\n", {
                Value::BigNumber(b"-1234567999999999999999".to_vec())
            }),
            (b"=6\r\ntxt:hi\r\n", Value::Verbatim(*b"txt", b"hi".to_vec())),
            (b"!6\r\nERR \r\n\r\n", Value::BulkError(b"ERR \r\n".to_vec())),
            (b"|1\r\n+ttl\r\n:1\r\n$1\r\nv\r\n", {
                let attributes = vec![(Value::Status(b"ttl".to_vec()), one)];
                Value::Attribute(attributes, Box::new(bulk("v")))
            }),
        ]
    }

    #[test]
    fn every_type_decodes_and_encodes() {
        for (input, value) in examples() {
            assert_eq!(read(input), value);
            let mut out = Vec::new();
            value.encode(&mut out);
            assert_eq!(out, input);
        }
    }

    #[test]
    fn a_value_ends_where_the_next_one_begins() {
        for (input, value) in examples() {
            let pipeline = [input, b"+next\r\n"].concat();
            assert_eq!(decode(&pipeline), Ok(Some((value, input.len()))));
        }
    }

    #[test]
    fn the_beginning_of_a_value_is_incomplete() {
        for (input, _) in examples() {
            for len in 0..input.len() {
                assert_eq!(decode(&input[..len]), Ok(None), "{:?}", &input[..len]);
            }
        }
    }

    #[test]
    fn what_is_no_value_is_malformed() {
        for (input, expected) in [
            (&b"PING\r\n"[..], (0, "unknown type")),
            (b"?", (0, "unknown type")),
            (b"+OK\n", (0, "line without CRLF")),
            (b"+OK\rx", (0, "line without CRLF")),
            (b":\r\n", (0, "not an integer")),
            (b":01\r\n", (0, "not an integer")),
            (b":+1\r\n", (0, "not an integer")),
            (b":9223372036854775808\r\n", (0, "not an integer")),
            (b"$-2\r\n", (0, "negative length")),
            (b"~-1\r\n", (0, "negative length")),
            (b"$?\r\n", (0, "not an integer")),
            (b"$1\r\nabc", (0, "blob without CRLF")),
            (b"*2\r\n:1\r\n:x\r\n", (8, "not an integer")),
            (b"_x\r\n", (0, "no value of its type")),
            (b"#x\r\n", (0, "no value of its type")),
            (b",\r\n", (0, "no value of its type")),
            (b",1.5.0\r\n", (0, "no value of its type")),
            (b"(-\r\n", (0, "no value of its type")),
            (b"=3\r\ntxt\r\n", (0, "verbatim string without a format")),
        ] {
            assert_eq!(reason(input), expected, "{:?}", String::from_utf8_lossy(input));
        }
    }

    #[test]
    fn a_declared_length_allocates_nothing() {
        for kind in "$*%~>=!|".chars() {
            let input = format!("{kind}9223372036854775807\r\n");
            assert_eq!(decode(input.as_bytes()), Ok(None));
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for level in [&b"*1\r\n"[..], b"%1\r\n+k\r\n", b"|0\r\n"] {
            let mut input = level.repeat(MAX_DEPTH);
            input.extend_from_slice(b":1\r\n");
            assert!(matches!(decode(&input), Ok(Some((_, used))) if used == input.len()));
            let deeper = level.repeat(100_000);
            assert_eq!(reason(&deeper), (MAX_DEPTH * level.len(), "nested too deep"));
        }
    }

    #[test]
    fn random_values_come_back_as_they_were() {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        for _ in 0..2000 {
            let value = random.value(4);
            let mut out = Vec::new();
            value.encode(&mut out);
            assert_eq!(decode(&out), Ok(Some((value, out.len()))));
            assert_eq!(decode(&out[..out.len() - 1]), Ok(None));
        }
    }

    #[test]
    fn damaged_values_are_refused_or_read_within_the_input() {
        let mut random = Random(0x2545_F491_4F6C_DD1D);
        for _ in 0..20_000 {
            let mut input = Vec::new();
            random.value(3).encode(&mut input);
            for _ in 0..1 + random.below(3) {
                let at = random.below(input.len());
                input[at] = b"\r\n0123456789-*$%~>|"[random.below(19)];
            }
            match decode(&input) {
                Ok(Some((value, used))) => {
                    let mut out = Vec::new();
                    value.encode(&mut out);
                    assert_eq!(out, &input[..used]);
                }
                Ok(None) => {}
                Err(malformed) => assert!(malformed.offset < input.len()),
            }
        }
    }

    /// A generator of values, always the same ones.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 33) as usize % limit
        }

        fn bytes(&mut self) -> Vec<u8> {
            (0..self.below(6)).map(|_| self.below(256) as u8).collect()
        }

        fn word(&mut self) -> Vec<u8> {
            (0..self.below(6)).map(|_| b'a' + self.below(26) as u8).collect()
        }

        fn values(&mut self, depth: usize) -> Vec<Value> {
            (0..self.below(4)).map(|_| self.value(depth - 1)).collect()
        }

        fn pairs(&mut self, depth: usize) -> Vec<(Value, Value)> {
            (0..self.below(4)).map(|_| (self.value(depth - 1), self.value(depth - 1))).collect()
        }

        fn value(&mut self, depth: usize) -> Value {
            match self.below(if depth == 0 { 11 } else { 16 }) {
                0 => Value::Status(self.word()),
                1 => Value::Error(self.word()),
                2 => Value::Integer(self.below(usize::MAX) as i64 - (1 << 30)),
                3 => Value::NullBulk,
                4 => Value::NullArray,
                5 => Value::Null,
                6 => Value::Double(format!("{}", self.below(1000) as f64 / 8.0).into_bytes()),
                7 => Value::Boolean(self.below(2) == 0),
                8 => Value::BigNumber(self.below(usize::MAX).to_string().into_bytes()),
                9 => Value::Verbatim(*b"mkd", self.bytes()),
                10 => Value::BulkError(self.bytes()),
                11 => Value::Array(self.values(depth)),
                12 => Value::Map(self.pairs(depth)),
                13 => Value::Set(self.values(depth)),
                14 => Value::Push(self.values(depth)),
                _ => {
                    let attributes = self.pairs(depth);
                    Value::Attribute(attributes, Box::new(self.value(depth - 1)))
                }
            }
        }
    }

    #[test]
    fn values_give_what_they_hold() {
        assert_eq!(read(b"+OK\r\n").as_bytes(), Some(&b"OK"[..]));
        assert_eq!(read(b"=6\r\ntxt:hi\r\n").as_bytes(), Some(&b"hi"[..]));
        assert_eq!(read(b"-ERR no\r\n").as_bytes(), None);
        assert_eq!(read(b"-ERR no\r\n").as_error(), Some(&b"ERR no"[..]));
        assert_eq!(read(b":5\r\n").as_i64(), Some(5));
        assert_eq!(bulk("5").as_i64(), Some(5));
        assert_eq!(read(b"~1\r\n:1\r\n").elements(), [Value::Integer(1)]);
        assert_eq!(read(b":5\r\n").elements(), []);
        assert!(Value::NullArray.is_null() && !bulk("").is_null());
    }

    #[test]
    fn values_are_what_a_text_spells() {
        assert_eq!((bulk("x").as_i64(), bulk("1.5").as_i64()), (None, None));
        assert_eq!(
            (read(b",1.5\r\n").as_f64(), bulk("-inf").as_f64()),
            (Some(1.5), Some(f64::NEG_INFINITY))
        );
        assert_eq!((read(b":3\r\n").as_f64(), Value::Null.as_f64()), (Some(3.0), None));
        assert!(read(b",nan\r\n").as_f64().is_some_and(f64::is_nan));
        assert_eq!(read(b"+OK\r\n").as_str(), Some("OK"));
        assert_eq!(Value::Bulk(vec![0xff]).as_str(), None);
    }

    #[test]
    fn what_holds_values_is_taken_apart() {
        let one = || Value::Integer(1);
        assert_eq!(Value::Set(vec![one()]).into_vec(), Some(vec![one()]));
        assert_eq!((one().into_vec(), Value::Null.into_map()), (None, None));
        let pairs = Some(vec![(bulk("a"), one()), (bulk("b"), one())]);
        for map in [
            &b"%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n:1\r\n"[..],
            b"*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n:1\r\n",
            b"*2\r\n*2\r\n$1\r\na\r\n:1\r\n*2\r\n$1\r\nb\r\n:1\r\n",
        ] {
            assert_eq!(read(map).into_map(), pairs);
        }
        assert_eq!(read(b"*0\r\n").into_map(), Some(vec![]));
        assert_eq!(read(b"*1\r\n:1\r\n").into_map(), None);
    }

    #[test]
    fn an_error_is_handed_on_and_not_counted_twice() {
        let error = read(b"-WRONGTYPE no\r\n").into_result().unwrap_err();
        assert_eq!((error.as_bytes(), error.is_counted()), (&b"WRONGTYPE no"[..], true));
        assert_eq!(Value::Null.into_result(), Ok(Value::Null));
    }

    #[test]
    fn keys_are_found_in_maps_and_in_flat_arrays() {
        let map = read(b"%2\r\n+a\r\n:1\r\n$1\r\nb\r\n:2\r\n");
        let flat = read(b"*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n:2\r\n");
        for reply in [map, flat] {
            assert_eq!(reply.get("b"), Some(&Value::Integer(2)));
            assert_eq!(reply.get("c"), None);
        }
        assert_eq!(bulk("a").get("a"), None);
    }
}
