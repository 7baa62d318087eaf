//! Replies in writing: every value of RESP2 and RESP3 has one spelling and no two share it.
//!
//! `docs/conversations.md` has the table of all spellings, and what stands in braces for what varies. Words of commands
//! are texts, too, without quotes if they need none.

mod fit;
mod read;
mod write;

use std::collections::BTreeMap;

use crate::wire::Value;

pub use read::{value, words};
pub use write::command;

/// What names in braces stand for.
pub type Names = BTreeMap<String, Vec<u8>>;

/// A reply, as it may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    Any,
    /// The two bytes at most that are all of it: a null or a boolean.
    Word(&'static str),
    /// The byte of the type, and what follows; a bulk string has `$`.
    Scalar(u8, Text),
    /// A text as that, whose lines may come in any order.
    Lines(u8, Text),
    /// `*`, `~`, `>` or `%`; a map's keys and values take turns.
    Aggregate(u8, Order, Vec<Pattern>),
    Attribute(Vec<Pattern>, Box<Pattern>),
    /// Any elements, or none.
    Rest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Fixed,
    Any,
    Pairs,
}

/// A text, as it may be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Text(pub Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    Literal(Vec<u8>),
    Repeated(Vec<u8>, usize),
    Any,
    /// A kind of text, kept under a name if there is one.
    Hole(Option<String>, Hole),
    /// What a name stands for.
    Name(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hole {
    Int,
    Num,
    Hex,
    Word,
    Addr,
}

const HOLES: [(&str, Hole); 5] = [
    ("int", Hole::Int),
    ("num", Hole::Num),
    ("hex", Hole::Hex),
    ("word", Hole::Word),
    ("addr", Hole::Addr),
];

/// Repetitions as long as this are written with a count.
const LONG: usize = 48;

impl From<&Value> for Pattern {
    fn from(value: &Value) -> Pattern {
        let scalar = |kind: u8, text: &[u8]| Pattern::Scalar(kind, Text::literal(text));
        let all = |elements: &[Value]| elements.iter().map(Pattern::from).collect::<Vec<_>>();
        let flat = |pairs: &[(Value, Value)]| {
            pairs.iter().flat_map(|(key, value)| [key.into(), value.into()]).collect()
        };
        match value {
            Value::Status(text) => scalar(b'+', text),
            Value::Error(text) => scalar(b'-', text),
            Value::Integer(n) => scalar(b':', n.to_string().as_bytes()),
            Value::Bulk(text) => scalar(b'$', text),
            Value::NullBulk => Pattern::Word("$-1"),
            Value::NullArray => Pattern::Word("*-1"),
            Value::Null => Pattern::Word("_"),
            Value::Array(elements) => Pattern::Aggregate(b'*', Order::Fixed, all(elements)),
            Value::Set(elements) => Pattern::Aggregate(b'~', Order::Fixed, all(elements)),
            Value::Push(elements) => Pattern::Aggregate(b'>', Order::Fixed, all(elements)),
            Value::Map(pairs) => Pattern::Aggregate(b'%', Order::Fixed, flat(pairs)),
            Value::Double(text) => scalar(b',', text),
            Value::Boolean(value) => Pattern::Word(if *value { "#t" } else { "#f" }),
            Value::BigNumber(text) => scalar(b'(', text),
            Value::Verbatim(format, text) => {
                scalar(b'=', &[format.as_slice(), b":", text].concat())
            }
            Value::BulkError(text) => scalar(b'!', text),
            Value::Attribute(attributes, value) => {
                Pattern::Attribute(flat(attributes), Box::new(Pattern::from(&**value)))
            }
        }
    }
}

impl Text {
    pub fn literal(text: &[u8]) -> Text {
        let mut pieces = Vec::new();
        let (mut from, mut at) = (0, 0);
        while at < text.len() {
            match repetition(&text[at..]) {
                Some((unit, times)) => {
                    if from < at {
                        pieces.push(Piece::Literal(text[from..at].to_vec()));
                    }
                    pieces.push(Piece::Repeated(unit.to_vec(), times));
                    at += unit.len() * times;
                    from = at;
                }
                None => at += 1,
            }
        }
        if from < text.len() {
            pieces.push(Piece::Literal(text[from..].to_vec()));
        }
        Text(pieces)
    }

    /// The bytes, if there is only one way to read it.
    pub fn bytes(&self, names: &Names) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => bytes.extend_from_slice(text),
                Piece::Repeated(text, times) => bytes.extend(text.repeat(*times)),
                Piece::Name(name) => bytes.extend_from_slice(names.get(name)?),
                Piece::Any | Piece::Hole(..) => return None,
            }
        }
        Some(bytes)
    }
}

/// The letters that `text` begins with many times, and how many times.
fn repetition(text: &[u8]) -> Option<(&[u8], usize)> {
    (1..=4).filter(|size| text.len() >= LONG.max(4 * size)).find_map(|size| {
        let unit = &text[..size];
        // First, or a long text of another unit would be counted anew at each of its bytes.
        if !unit.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let times = text.chunks_exact(size).take_while(|chunk| *chunk == unit).count();
        (times * size >= LONG).then_some((unit, times))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, frame: &str) -> bool {
        let (reply, _) = crate::wire::value::decode(frame.as_bytes()).unwrap().unwrap();
        value(pattern).unwrap().fits(&reply, &mut Names::new())
    }

    #[test]
    fn every_type_has_a_spelling_of_its_own() {
        let all = [
            ("+OK\r\n", "+OK"),
            ("+two words\r\n", "+\"two words\""),
            ("-ERR no\r\n", "-\"ERR no\""),
            (":-2\r\n", ":-2"),
            ("$5\r\na\r\n\\{\r\n", "\"a\\r\\n\\\\\\{\""),
            ("$-1\r\n", "$-1"),
            ("*-1\r\n", "*-1"),
            ("_\r\n", "_"),
            ("*2\r\n:1\r\n*0\r\n", "[:1 []]"),
            ("%1\r\n+k\r\n#t\r\n", "%[+k => #t]"),
            ("~1\r\n#f\r\n", "~[#f]"),
            (">1\r\n,-inf\r\n", ">[,-inf]"),
            ("(123\r\n", "(123"),
            ("=6\r\ntxt:hi\r\n", "=\"txt:hi\""),
            ("!3\r\nERR\r\n", "!\"ERR\""),
            ("|1\r\n+a\r\n:1\r\n$1\r\nv\r\n", "|[+a => :1] \"v\""),
        ];
        for (frame, text) in all {
            let (reply, _) = crate::wire::value::decode(frame.as_bytes()).unwrap().unwrap();
            assert_eq!(Pattern::from(&reply).to_string(), text);
            for (_, other) in all {
                assert_eq!(fits(other, frame), other == text, "{other} for {text}");
            }
        }
    }

    #[test]
    fn what_has_no_bound_is_refused() {
        let deep = "[".repeat(100_000);
        assert!(value(&deep).unwrap_err().contains("nest deeper"));
        assert!(words("SET k {x*18446744073709551615}").unwrap_err().contains("longer than"));
        assert!(words("SET k {xy*9223372036854775808}").unwrap_err().contains("longer than"));
        assert!(value("[{x*600000000}]").is_err());
    }

    /// A count of each unit at each byte: a tenth of this kept a recorder busy for more than ten minutes.
    #[test]
    fn a_long_text_is_looked_at_once() {
        let long = b"x y".repeat(1_000_000);
        assert_eq!(Text::literal(&long), Text(vec![Piece::Literal(long)]));
        let plain = Text::literal(&b"xy".repeat(1_000_000));
        assert_eq!(plain, Text(vec![Piece::Repeated(b"xy".to_vec(), 1_000_000)]));
    }

    #[test]
    fn words_of_commands_are_read_as_they_were_written() {
        let long = "x".repeat(5000);
        let all: [&[u8]; 7] =
            [b"", b"two words", b"a\"'\\", b"{me}", b"\r\n\x00\xff", long.as_bytes(), b"#>"];
        let texts: Vec<Text> = all.iter().map(|word| Text::literal(word)).collect();
        let read = words(&command(&texts)).unwrap();
        let bytes: Vec<Vec<u8>> =
            read.iter().filter_map(|word| word.bytes(&Names::new())).collect();
        assert_eq!(bytes, all);
    }

    #[test]
    fn what_varies_fits_what_it_stands_for() {
        assert!(fits("{any}", ":1\r\n"));
        assert!(fits(":{int}", ":-17\r\n"));
        assert!(fits("\"id={int} {any}\"", "$8\r\nid=7 a=b\r\n"));
        assert!(!fits("\"id={int}\"", "$4\r\nid=x\r\n"));
        assert!(fits("\"{any}b{any}d\"", "$4\r\nabcd\r\n"));
        assert!(!fits("\"{any}b{any}d\"", "$4\r\nabce\r\n"));
        assert!(fits("[\"{a:word}\" \"{a}\"]", "*2\r\n$1\r\nx\r\n$1\r\nx\r\n"));
        assert!(!fits("[\"{a:word}\" \"{a}\"]", "*2\r\n$1\r\nx\r\n$1\r\ny\r\n"));
        assert!(fits("{unordered}[:1 :2]", "*2\r\n:2\r\n:1\r\n"));
        assert!(!fits("{pairs}[:1 :2 :3 :4]", "*4\r\n:2\r\n:1\r\n:3\r\n:4\r\n"));
        assert!(fits("{pairs}[:1 :2 :3 :4]", "*4\r\n:3\r\n:4\r\n:1\r\n:2\r\n"));
        assert!(fits("[:1 ...]", "*3\r\n:1\r\n:2\r\n:3\r\n"));
        assert!(fits("\"{ab*3}\"", "$6\r\nababab\r\n"));
    }

    #[test]
    fn what_still_fits_stays_as_it_was_written() {
        let renewed = |old: &str, new: &str| {
            value(old).unwrap().renewed(&value(new).unwrap(), &mut Names::new()).to_string()
        };
        assert_eq!(renewed("[:{int} :2]", "[:1 :3]"), "[:{int} :3]");
        assert_eq!(renewed("\"id={int} a=1\"", "\"id=7 a=2\""), "\"id={int} a=2\"");
        assert_eq!(renewed("{unordered}[:1 :2]", "[:2 :3]"), "{unordered}[:2 :3]");
    }
}
