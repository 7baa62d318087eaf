//! Replies in writing: every value of RESP2 and RESP3 has one spelling and no two share it.
//!
//! A value begins with the byte of its type, as on the wire; its length is left out.
//!
//! | written | is |
//! |---|---|
//! | `+OK` `+"two words"` | a simple string |
//! | `-"ERR syntax error"` | an error |
//! | `:42` `,1.5` `(12345678901234567890` `#t` `#f` | an integer, a double, a big number, a boolean |
//! | `"text\r\n"` | a bulk string, with the escapes of redis-cli and `\{` for a brace |
//! | `="txt:text"` `!"ERR text"` | a verbatim string with its format, a bulk error |
//! | `$-1` `*-1` `_` | the nulls |
//! | `["a" :1]` `~["a" :1]` `>["a" :1]` | an array, a set, a push |
//! | `%["k" => :1]` `\|["k" => :1] "v"` | a map, and attributes before their value |
//!
//! A text is broken over lines by a backslash behind its quote: `"one\r\n"\`, and on the next line
//! `"two\r\n"`. What varies is written in braces:
//!
//! | written | stands for |
//! |---|---|
//! | `{any}` | any value; in a text, any bytes |
//! | `{int}` `{num}` `{hex}` `{word}` `{addr}` | in a text or number: digits, decimals, hexadecimal digits, anything without a space, an address and port |
//! | `{me:int}`, later `{me}` | the same, under a name; where the name occurs again the text is the same |
//! | `{x*5000}` | a text so many times |
//! | `...` | any elements, or none |
//! | `{unordered}["a" "b"]` `{pairs}["f" "v"]` | elements, or elements two by two, in any order |
//! | `{unordered}"a\nb\n"` | a text with these lines in any order |
//!
//! Words of commands are texts, too, without quotes if they need none.

use std::collections::BTreeMap;
use std::fmt;

use respd::resp::Value;
use respd::text::quote;

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

/// The types whose text stands between quotes, whatever it is.
const QUOTED: &[u8] = b"$=!-";
const WORDS: [&str; 5] = ["$-1", "*-1", "_", "#t", "#f"];
/// Lines are not longer if that can be helped.
const WIDTH: usize = 100;
/// Repetitions as long as this are written with a count.
const LONG: usize = 48;

// From a value.

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
            Value::Verbatim { format, text } => {
                scalar(b'=', &[format.as_slice(), b":", text].concat())
            }
            Value::BulkError(text) => scalar(b'!', text),
            Value::Attribute { attributes, value } => {
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
        let is_plain = unit.iter().all(u8::is_ascii_alphanumeric);
        let times = text.chunks_exact(size).take_while(|chunk| *chunk == unit).count();
        (is_plain && times * size >= LONG).then_some((unit, times))
    })
}

// Whether a value fits.

impl Pattern {
    /// Whether the reply is one that this stands for; then `names` has what it gave names to.
    pub fn fits(&self, value: &Value, names: &mut Names) -> bool {
        let mut found = names.clone();
        let fits = self.fits_tree(&Pattern::from(value), &mut found);
        if fits {
            *names = found;
        }
        fits
    }

    fn fits_tree(&self, value: &Pattern, names: &mut Names) -> bool {
        match (self, value) {
            (Pattern::Any, _) => true,
            (Pattern::Word(word), Pattern::Word(other)) => word == other,
            (Pattern::Scalar(kind, text), Pattern::Scalar(other, bytes)) => {
                kind == other && text.fits(&bytes.bytes(names).unwrap_or_default(), names)
            }
            (Pattern::Lines(kind, text), Pattern::Scalar(other, bytes)) => {
                let mut left = bytes.split(b'\n');
                let lines = text.split(b'\n');
                let is_as_long = kind == other && left.len() == lines.len();
                is_as_long
                    && lines.iter().all(|line| {
                        let fits = |other: &Text| {
                            line.fits(&other.bytes(names).unwrap_or_default(), &mut names.clone())
                        };
                        left.iter().position(fits).map(|found| left.remove(found)).is_some()
                    })
            }
            (Pattern::Aggregate(kind, order, items), Pattern::Aggregate(other, _, values)) => {
                kind == other && items_fit(*order, if *kind == b'%' { 2 } else { 1 }, items, values, names)
            }
            (Pattern::Attribute(items, then), Pattern::Attribute(values, value)) => {
                items_fit(Order::Fixed, 2, items, values, names) && then.fits_tree(value, names)
            }
            _ => false,
        }
    }
}

fn items_fit(
    order: Order,
    step: usize,
    items: &[Pattern],
    values: &[Pattern],
    names: &mut Names,
) -> bool {
    if order == Order::Fixed {
        return match items {
            [] => values.is_empty(),
            [Pattern::Rest] => true,
            [Pattern::Rest, rest @ ..] => (0..=values.len()).any(|skipped| {
                let mut found = names.clone();
                let fits = items_fit(order, step, rest, &values[skipped..], &mut found);
                if fits {
                    *names = found;
                }
                fits
            }),
            [first, rest @ ..] => values.split_first().is_some_and(|(value, values)| {
                first.fits_tree(value, names) && items_fit(order, step, rest, values, names)
            }),
        };
    }
    let step = if order == Order::Pairs { 2 } else { step };
    let open = items.last() == Some(&Pattern::Rest);
    let mut left: Vec<&[Pattern]> = values.chunks(step).collect();
    for item in items[..items.len() - usize::from(open)].chunks(step) {
        let found = left.iter().position(|value| {
            let mut tried = names.clone();
            let fits = items_fit(Order::Fixed, 1, item, value, &mut tried);
            if fits {
                *names = tried;
            }
            fits
        });
        let Some(found) = found else { return false };
        left.remove(found);
    }
    open || left.is_empty()
}

impl Text {
    fn fits(&self, text: &[u8], names: &mut Names) -> bool {
        let mut parts = self.0.split(|piece| *piece == Piece::Any);
        let first = parts.next().unwrap_or(&[]);
        let Some(mut at) = part_fits(first, text, 0, names) else { return false };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return at == text.len();
        }
        // Each part at the first place that it fits, the last one at the end.
        while let Some(part) = parts.next() {
            let is_last = parts.peek().is_none();
            let starts = match part.first() {
                None => at..text.len() + 1,
                Some(_) => at..text.len(),
            };
            let found = starts.clone().find_map(|start| {
                if let Some(Piece::Literal(literal)) = part.first()
                    && !text[start..].starts_with(literal)
                {
                    return None;
                }
                if is_last && part.is_empty() {
                    return Some(text.len());
                }
                let mut tried = names.clone();
                let end = part_fits(part, text, start, &mut tried)?;
                (!is_last || end == text.len()).then(|| {
                    *names = tried;
                    end
                })
            });
            let Some(end) = found else { return false };
            at = end;
        }
        true
    }
}

/// Where a part without `{any}` ends, if it is what `text` has at `at`.
fn part_fits(part: &[Piece], text: &[u8], mut at: usize, names: &mut Names) -> Option<usize> {
    for piece in part {
        let rest = &text[at..];
        let len = match piece {
            Piece::Literal(literal) => rest.starts_with(literal).then_some(literal.len())?,
            Piece::Repeated(unit, times) => {
                let all = unit.repeat(*times);
                rest.starts_with(&all).then_some(all.len())?
            }
            Piece::Name(name) => {
                let known = names.get(name)?;
                rest.starts_with(known).then_some(known.len())?
            }
            Piece::Hole(name, hole) => {
                let len = hole.len(rest)?;
                if let Some(name) = name {
                    names.insert(name.clone(), rest[..len].to_vec());
                }
                len
            }
            Piece::Any => unreachable!("parts are what stands between them"),
        };
        at += len;
    }
    Some(at)
}

impl Hole {
    /// How much of `text` it takes.
    fn len(self, text: &[u8]) -> Option<usize> {
        let run = |text: &[u8], is_part: &dyn Fn(&u8) -> bool| {
            text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len())
        };
        let len = match self {
            Hole::Int | Hole::Num => {
                let sign = usize::from(text.first() == Some(&b'-'));
                let digits = run(&text[sign..], &u8::is_ascii_digit);
                match self {
                    Hole::Int if digits > 0 => sign + digits,
                    // Decimals, and an exponent.
                    Hole::Num if digits > 0 => run(text, &|byte| b"+-.e0123456789".contains(byte)),
                    _ => 0,
                }
            }
            Hole::Hex => run(text, &u8::is_ascii_hexdigit),
            Hole::Word => run(text, &|byte| !byte.is_ascii_whitespace()),
            Hole::Addr => {
                let len = run(text, &|byte| byte.is_ascii_graphic() && !b"]\"',".contains(byte));
                if text[..len].contains(&b':') { len } else { 0 }
            }
        };
        (len > 0).then_some(len)
    }
}

// What becomes of an old pattern when the reply is new.

impl Pattern {
    /// The value, written as `self` is where that fits.
    pub fn renewed(&self, value: &Pattern, names: &mut Names) -> Pattern {
        let mut found = names.clone();
        if self.fits_tree(value, &mut found) {
            *names = found;
            return self.clone();
        }
        match (self, value) {
            (Pattern::Aggregate(kind, order, items), Pattern::Aggregate(other, _, values))
                if kind == other =>
            {
                let is_alike = *order == Order::Fixed && items.len() == values.len();
                let items = match is_alike {
                    true => renewed_all(items, values, names),
                    false => values.clone(),
                };
                Pattern::Aggregate(*kind, *order, items)
            }
            (Pattern::Lines(..), Pattern::Scalar(kind, text)) => Pattern::Lines(*kind, text.clone()),
            (Pattern::Scalar(kind, text), Pattern::Scalar(other, new)) if kind == other => {
                let new = new.bytes(names).unwrap_or_default();
                Pattern::Scalar(*kind, text.renewed(&new, b"\n", names))
            }
            _ => value.clone(),
        }
    }
}

fn renewed_all(items: &[Pattern], values: &[Pattern], names: &mut Names) -> Vec<Pattern> {
    items.iter().zip(values).map(|(item, value)| item.renewed(value, names)).collect()
}

impl Text {
    /// As [`Pattern::renewed`], line by line and word by word.
    fn renewed(&self, new: &[u8], separators: &[u8], names: &mut Names) -> Text {
        let mut found = names.clone();
        if self.fits(new, &mut found) {
            *names = found;
            return self.clone();
        }
        let next: &[u8] = if separators == b"\n" { b" " } else { b"" };
        let Some(&separator) = separators.first() else { return Text::literal(new) };
        let old = self.split(separator);
        let parts: Vec<&[u8]> = new.split_inclusive(|byte| *byte == separator).collect();
        if old.len() != parts.len() {
            return if next.is_empty() {
                Text::literal(new)
            } else {
                self.renewed(new, next, names)
            };
        }
        let mut pieces: Vec<Piece> = Vec::new();
        for (old, part) in old.iter().zip(parts) {
            for piece in old.renewed(part, next, names).0 {
                match (pieces.last_mut(), piece) {
                    (Some(Piece::Literal(last)), Piece::Literal(more)) => last.extend(more),
                    (_, piece) => pieces.push(piece),
                }
            }
        }
        Text(pieces)
    }

    /// Its parts, each with the separator that ends it.
    fn split(&self, separator: u8) -> Vec<Text> {
        let mut parts = vec![Text::default()];
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => {
                    for part in text.split_inclusive(|byte| *byte == separator) {
                        let last = parts.last_mut().expect("there is one");
                        last.0.push(Piece::Literal(part.to_vec()));
                        if part.last() == Some(&separator) {
                            parts.push(Text::default());
                        }
                    }
                }
                piece => parts.last_mut().expect("there is one").0.push(piece.clone()),
            }
        }
        if parts.last().is_some_and(|part| part.0.is_empty()) {
            parts.pop();
        }
        parts
    }
}

// Writing.

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(0))
    }
}

impl Pattern {
    /// The spelling, where a line has `indent` columns already.
    pub fn written(&self, indent: usize) -> String {
        let flat = self.on_one_line();
        if indent + flat.len() <= WIDTH {
            return flat;
        }
        let margin = "\n".to_owned() + &" ".repeat(indent);
        match self {
            Pattern::Aggregate(kind, _, items) if !items.is_empty() => {
                let mut lines = self.opening();
                let mut column = WIDTH;
                for item in items.chunks(if *kind == b'%' { 2 } else { 1 }) {
                    let item = elements(item, *kind, indent + 2);
                    // Elements fill lines; pairs, and what takes several, have their own.
                    let is_tall = *kind == b'%' || item.contains('\n');
                    if is_tall || column + 1 + item.len() > WIDTH {
                        lines += &format!("{margin}  {item}");
                        column = if is_tall { WIDTH } else { indent + 2 + item.len() };
                    } else {
                        lines += &format!(" {item}");
                        column += 1 + item.len();
                    }
                }
                lines + &margin + "]"
            }
            Pattern::Lines(kind, text) => {
                let order = "{unordered}";
                order.to_owned() + &Pattern::Scalar(*kind, text.clone()).written(indent + order.len())
            }
            Pattern::Scalar(kind, text) => {
                let parts = text.split(b'\n');
                let opening = if *kind == b'$' { String::new() } else { char::from(*kind).to_string() };
                let margin = format!("\\{margin}{}", " ".repeat(opening.len()));
                opening + &parts.iter().map(Text::quoted).collect::<Vec<_>>().join(&margin)
            }
            _ => flat,
        }
    }

    fn opening(&self) -> String {
        let Pattern::Aggregate(kind, order, _) = self else { return String::new() };
        let order = match order {
            Order::Fixed => "",
            Order::Any => "{unordered}",
            Order::Pairs => "{pairs}",
        };
        let kind = if *kind == b'*' { String::new() } else { char::from(*kind).to_string() };
        format!("{order}{kind}[")
    }

    fn on_one_line(&self) -> String {
        match self {
            Pattern::Any => "{any}".to_owned(),
            Pattern::Rest => "...".to_owned(),
            Pattern::Word(word) => (*word).to_owned(),
            Pattern::Scalar(b'$', text) => text.quoted(),
            Pattern::Lines(kind, text) => {
                format!("{{unordered}}{}", Pattern::Scalar(*kind, text.clone()).on_one_line())
            }
            Pattern::Scalar(kind, text) => {
                let kind_of_text = char::from(*kind);
                match QUOTED.contains(kind) || !text.is_bare() {
                    true => format!("{kind_of_text}{}", text.quoted()),
                    false => format!("{kind_of_text}{}", text.bare()),
                }
            }
            Pattern::Aggregate(kind, _, items) => {
                self.opening() + &elements(items, *kind, usize::MAX) + "]"
            }
            Pattern::Attribute(items, then) => {
                format!("|[{}] {}", elements(items, b'%', usize::MAX), then.on_one_line())
            }
        }
    }
}

/// Elements behind one another. A map's are pairs.
fn elements(items: &[Pattern], kind: u8, indent: usize) -> String {
    let written = |item: &Pattern| match indent {
        usize::MAX => item.on_one_line(),
        indent => item.written(indent),
    };
    let pairs = items.chunks(if kind == b'%' { 2 } else { 1 });
    let pairs = pairs.map(|pair| pair.iter().map(written).collect::<Vec<_>>().join(" => "));
    pairs.collect::<Vec<_>>().join(" ")
}

impl Text {
    fn quoted(&self) -> String {
        let mut quoted = "\"".to_owned();
        for piece in &self.0 {
            quoted += &match piece {
                Piece::Literal(text) => {
                    let mut out = Vec::new();
                    quote::push_quoted(&mut out, text);
                    let out = String::from_utf8_lossy(&out).into_owned();
                    out[1..out.len() - 1].replace('{', "\\{")
                }
                piece => piece.braced(),
            };
        }
        quoted + "\""
    }

    /// Whether it needs no quotes.
    fn is_bare(&self) -> bool {
        let is_plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"'\\{}[]".contains(byte);
        !self.0.is_empty()
            && self.0.iter().all(|piece| match piece {
                Piece::Literal(text) => text.iter().all(is_plain),
                _ => true,
            })
    }

    fn bare(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Literal(text) => String::from_utf8_lossy(text).into_owned(),
            piece => piece.braced(),
        });
        pieces.collect()
    }
}

impl Piece {
    fn braced(&self) -> String {
        match self {
            Piece::Literal(text) | Piece::Repeated(text, 1) => {
                String::from_utf8_lossy(text).into_owned()
            }
            Piece::Repeated(text, times) => {
                format!("{{{}*{times}}}", String::from_utf8_lossy(text))
            }
            Piece::Any => "{any}".to_owned(),
            Piece::Name(name) => format!("{{{name}}}"),
            Piece::Hole(name, hole) => {
                let name = name.as_ref().map(|name| format!("{name}:")).unwrap_or_default();
                let (kind, _) = HOLES.iter().find(|(_, other)| other == hole).expect("listed");
                format!("{{{name}{kind}}}")
            }
        }
    }
}

// Reading.

/// The one value that `text` is.
pub fn value(text: &str) -> Result<Pattern, String> {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    let value = reader.value()?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(format!("something stands behind the value at byte {}", reader.at)),
    }
}

/// The words of a command.
pub fn words(text: &str) -> Result<Vec<Text>, String> {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    let mut words = Vec::new();
    while reader.peek().is_some() {
        words.push(reader.word(b"")?);
    }
    Ok(words)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
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
                    Pattern::Aggregate(kind, _, items) => Ok(Pattern::Aggregate(kind, order, items)),
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
            let times = times.parse().map_err(|_| format!("no count: {inner}"))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, frame: &str) -> bool {
        let (reply, _) = respd::resp::value::decode(frame.as_bytes()).unwrap().unwrap();
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
            let (reply, _) = respd::resp::value::decode(frame.as_bytes()).unwrap().unwrap();
            assert_eq!(Pattern::from(&reply).to_string(), text);
            for (_, other) in all {
                assert_eq!(fits(other, frame), other == text, "{other} for {text}");
            }
        }
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
