//! Reading patterns and the words of commands.

use super::{HOLES, Order, Pattern, Piece, Text};

/// How deep values may nest: as deep as those that are decoded.
const MAX_DEPTH: usize = crate::wire::value::MAX_DEPTH;
/// The longest text that a repetition may make, in bytes: `proto-max-bulk-len`.
const LONGEST: usize = 512 * 1024 * 1024;

const WORDS: [&str; 5] = ["$-1", "*-1", "_", "#t", "#f"];

/// The one value that `text` is.
pub fn value(text: &str) -> Result<Pattern, String> {
    let mut reader = Reader { text: text.as_bytes(), at: 0, depth: 0 };
    let value = reader.value()?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(format!("something stands behind the value at byte {}", reader.at)),
    }
}

/// The words of a command.
pub fn words(text: &str) -> Result<Vec<Text>, String> {
    let mut reader = Reader { text: text.as_bytes(), at: 0, depth: 0 };
    let mut words = Vec::new();
    while reader.peek().is_some() {
        words.push(reader.word(b"")?);
    }
    Ok(words)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// How many values are open around what is read.
    depth: usize,
}

impl Reader<'_> {
    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn takes(&mut self, word: &str) -> bool {
        self.peek();
        let takes = self.text[self.at..].starts_with(word.as_bytes());
        self.at += if takes { word.len() } else { 0 };
        takes
    }

    fn value(&mut self) -> Result<Pattern, String> {
        if self.depth > MAX_DEPTH {
            return Err(format!("values nest deeper than {MAX_DEPTH} levels"));
        }
        self.depth += 1;
        let value = self.value_at_depth();
        self.depth -= 1;
        value
    }

    fn value_at_depth(&mut self) -> Result<Pattern, String> {
        for word in WORDS {
            if self.takes(word) {
                return Ok(Pattern::Word(word));
            }
        }
        if self.takes("...") {
            return Ok(Pattern::Rest);
        }
        for (word, order) in [("{unordered}", Order::Any), ("{pairs}", Order::Pairs)] {
            if self.takes(word) {
                return match self.value()? {
                    Pattern::Aggregate(kind, _, items) => {
                        Ok(Pattern::Aggregate(kind, order, items))
                    }
                    Pattern::Scalar(kind, text) => Ok(Pattern::Lines(kind, text)),
                    _ => Err(format!("{word} stands before elements")),
                };
            }
        }
        if self.takes("{any}") {
            return Ok(Pattern::Any);
        }
        let kind = self.peek().ok_or("a value is missing")?;
        match kind {
            b'"' => Ok(Pattern::Scalar(b'$', self.word(b"[]")?)),
            b'[' => Ok(Pattern::Aggregate(b'*', Order::Fixed, self.elements()?)),
            b'~' | b'>' | b'%' => {
                self.at += 1;
                Ok(Pattern::Aggregate(kind, Order::Fixed, self.elements()?))
            }
            b'|' => {
                self.at += 1;
                let items = self.elements()?;
                Ok(Pattern::Attribute(items, Box::new(self.value()?)))
            }
            b'+' | b'-' | b':' | b',' | b'(' | b'=' | b'!' => {
                self.at += 1;
                Ok(Pattern::Scalar(kind, self.word(b"[]")?))
            }
            _ => Err(format!("no value at byte {}: {}", self.at, char::from(kind))),
        }
    }

    fn elements(&mut self) -> Result<Vec<Pattern>, String> {
        if !self.takes("[") {
            return Err(format!("a [ is missing at byte {}", self.at));
        }
        let mut items = Vec::new();
        while !self.takes("]") {
            items.push(self.value()?);
            self.takes("=>");
        }
        Ok(items)
    }

    /// A text, between quotes or up to a space or one of `ends`.
    fn word(&mut self, ends: &[u8]) -> Result<Text, String> {
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        let mut is_quoted = false;
        loop {
            let Some(&byte) = self.text.get(self.at) else {
                if is_quoted {
                    return Err("a quote is not closed".to_owned());
                }
                break;
            };
            self.at += 1;
            match byte {
                b'"' if is_quoted => {
                    is_quoted = false;
                    // A backslash, and the text goes on in the next line.
                    if self.text.get(self.at) == Some(&b'\\') {
                        self.at += 1;
                        if self.peek() != Some(b'"') {
                            return Err("a text does not go on".to_owned());
                        }
                    }
                }
                b'"' => is_quoted = true,
                b'\\' if is_quoted => literal.push(self.escaped()?),
                b'{' => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(self.braced()?);
                }
                _ if !is_quoted && (byte.is_ascii_whitespace() || ends.contains(&byte)) => {
                    self.at -= 1;
                    break;
                }
                _ => literal.push(byte),
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Text(pieces))
    }

    fn escaped(&mut self) -> Result<u8, String> {
        let byte = *self.text.get(self.at).ok_or("a backslash ends the line")?;
        self.at += 1;
        Ok(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'a' => 7,
            b'b' => 8,
            b'x' => {
                let digits = self.text.get(self.at..self.at + 2).ok_or("half a byte")?;
                self.at += 2;
                let digits = std::str::from_utf8(digits).map_err(|_| "half a byte")?;
                u8::from_str_radix(digits, 16).map_err(|_| format!("no byte: \\x{digits}"))?
            }
            other => other,
        })
    }

    /// What stands in braces, of which the first is read.
    fn braced(&mut self) -> Result<Piece, String> {
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|byte| *byte == b'}').ok_or("a brace is not closed")?;
        let inner = String::from_utf8_lossy(&rest[..end]).into_owned();
        self.at += end + 1;
        let hole = |kind: &str| HOLES.iter().find(|(name, _)| *name == kind).map(|(_, hole)| *hole);
        if inner == "any" {
            return Ok(Piece::Any);
        }
        if let Some(hole) = hole(&inner) {
            return Ok(Piece::Hole(None, hole));
        }
        if let Some((text, times)) = inner.rsplit_once('*') {
            let times: usize = times.parse().map_err(|_| format!("no count: {inner}"))?;
            if text.len().checked_mul(times).is_none_or(|length| length > LONGEST) {
                return Err(format!("{{{inner}}} is longer than {LONGEST} bytes"));
            }
            return Ok(Piece::Repeated(text.as_bytes().to_vec(), times));
        }
        match inner.split_once(':') {
            // The address of a connection.
            Some(("addr", _)) => Ok(Piece::Name(inner)),
            Some((name, kind)) => match hole(kind) {
                Some(hole) => Ok(Piece::Hole(Some(name.to_owned()), hole)),
                None => Err(format!("nothing is called {{{inner}}}")),
            },
            None => Ok(Piece::Name(inner)),
        }
    }
}
