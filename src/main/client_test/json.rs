//! JSON, as far as adapters speak it: a reader with bounds, and a writer.
//!
//! A number stays the text that it is, so that no digit of a big one is lost. Pairs of an object stand in their order.

use std::fmt;

/// How deep arrays and objects may nest.
const MAX_DEPTH: usize = 256;
/// The longest text that is read.
pub const MAX_LENGTH: usize = 64 << 20;

#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole text.
    pub fn read(text: &str) -> Result<Json, &'static str> {
        if text.len() > MAX_LENGTH {
            return Err("it is too long");
        }
        let mut reading = Reading { text, at: 0 };
        let value = reading.value(MAX_DEPTH)?;
        reading.skip();
        if reading.at == text.len() { Ok(value) } else { Err("something stands behind it") }
    }

    pub fn text(text: impl Into<String>) -> Json {
        Json::Text(text.into())
    }

    /// What an object has under a name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(pairs) => {
                pairs.iter().find(|(own, _)| own == name).map(|(_, found)| found)
            }
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts of all that is in it, in order: libraries have lists, pairs and objects for the same reply.
    pub fn leaves(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.push_leaves(&mut found);
        found
    }

    fn push_leaves(&self, found: &mut Vec<String>) {
        match self {
            Json::Array(elements) => elements.iter().for_each(|element| element.push_leaves(found)),
            Json::Object(pairs) => {
                for (name, value) in pairs {
                    found.push(name.clone());
                    value.push_leaves(found);
                }
            }
            Json::Text(text) | Json::Number(text) => found.push(text.clone()),
            Json::Bool(value) => found.push(value.to_string()),
            Json::Null => found.push("null".to_owned()),
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(value) => write!(f, "{value}"),
            Json::Number(text) => f.write_str(text),
            Json::Text(text) => write_text(f, text),
            Json::Array(elements) => {
                f.write_str("[")?;
                for (index, element) in elements.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(f, "{comma}{element}")?;
                }
                f.write_str("]")
            }
            Json::Object(pairs) => {
                f.write_str("{")?;
                for (index, (name, value)) in pairs.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    write_text(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for char in text.chars() {
        match char {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            char if char.is_control() => write!(f, "\\u{:04x}", u32::from(char))?,
            char => write!(f, "{char}")?,
        }
    }
    f.write_str("\"")
}

/// A place in a text.
struct Reading<'a> {
    text: &'a str,
    at: usize,
}

impl Reading<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Whether `byte` comes next, behind blanks; then it is passed.
    fn takes(&mut self, byte: u8) -> bool {
        self.skip();
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn value(&mut self, depth: usize) -> Result<Json, &'static str> {
        self.skip();
        match self.peek() {
            Some(b'[' | b'{') if depth == 0 => Err("it is nested too deeply"),
            Some(b'[') => self.array(depth - 1),
            Some(b'{') => self.object(depth - 1),
            Some(b'"') => Ok(Json::Text(self.quoted()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Json, &'static str> {
        for (word, value) in
            [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))]
        {
            if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err("there is no value")
    }

    fn array(&mut self, depth: usize) -> Result<Json, &'static str> {
        self.at += 1;
        let mut elements = Vec::new();
        if self.takes(b']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            if self.takes(b']') {
                return Ok(Json::Array(elements));
            }
            if !self.takes(b',') {
                return Err("an array is not closed");
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, &'static str> {
        self.at += 1;
        let mut pairs = Vec::new();
        if self.takes(b'}') {
            return Ok(Json::Object(pairs));
        }
        loop {
            self.skip();
            let name = self.quoted()?;
            if !self.takes(b':') {
                return Err("a name has no value");
            }
            pairs.push((name, self.value(depth)?));
            if self.takes(b'}') {
                return Ok(Json::Object(pairs));
            }
            if !self.takes(b',') {
                return Err("an object is not closed");
            }
        }
    }

    fn number(&mut self) -> Result<Json, &'static str> {
        let from = self.at;
        while self.peek().is_some_and(|byte| b"+-.eE0123456789".contains(&byte)) {
            self.at += 1;
        }
        let text = &self.text[from..self.at];
        let is_number =
            text.parse::<f64>().is_ok() && text.ends_with(|last: char| last.is_ascii_digit());
        if is_number { Ok(Json::Number(text.to_owned())) } else { Err("a number is none") }
    }

    fn quoted(&mut self) -> Result<String, &'static str> {
        if self.peek() != Some(b'"') {
            return Err("a name is no text");
        }
        self.at += 1;
        let mut found = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(end) = rest.find(['"', '\\']) else { return Err("a text is not closed") };
            found.push_str(&rest[..end]);
            self.at += end + 1;
            if rest.as_bytes()[end] == b'"' {
                return Ok(found);
            }
            found.push(self.escaped()?);
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self) -> Result<char, &'static str> {
        let byte = self.peek().ok_or("a text is not closed")?;
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unit_pair()?,
            _ => return Err("an escape is unknown"),
        })
    }

    /// The four digits of `\u`, or two times four for what UTF-16 writes with two. Half a pair is U+FFFD.
    fn unit_pair(&mut self) -> Result<char, &'static str> {
        let first = self.unit()?;
        let is_pair = (0xd800..0xdc00).contains(&first)
            && self.text.as_bytes()[self.at..].starts_with(b"\\u");
        let from = self.at;
        let mut units = vec![first];
        if is_pair {
            self.at += 2;
            units.push(self.unit()?);
        }
        match char::decode_utf16(units).next() {
            Some(Ok(char)) => Ok(char),
            _ => {
                self.at = from;
                Ok(char::REPLACEMENT_CHARACTER)
            }
        }
    }

    fn unit(&mut self) -> Result<u16, &'static str> {
        let digits = self.text.get(self.at..self.at + 4).ok_or("an escape is not complete")?;
        self.at += 4;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let unit = u16::from_str_radix(digits, 16).ok();
        unit.filter(|_| is_hex).ok_or("an escape is not complete")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_back() {
        for text in [
            "null",
            "[true,false,-0,1e400,12345678901234567890123]",
            r#"{"a":[{}],"b":"x\"\\\n\r\t\u0001é"}"#,
            "[]",
        ] {
            assert_eq!(Json::read(text).map(|value| value.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(
            Json::read(" [ 1 , \"\\u00e9\\ud83d\\ude00\\ud800\\/\" ] ").unwrap().leaves(),
            ["1", "é😀\u{fffd}/"]
        );
        let object = Json::read(r#"{"value": {"a": [1, null]}}"#).unwrap();
        assert_eq!(object.get("value").unwrap().leaves(), ["a", "1", "null"]);
        assert_eq!(object.get("error"), None);
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "[",
            "[1",
            "[1,",
            "[1 2]",
            "{",
            "{1:2}",
            "{\"a\"}",
            "{\"a\":1",
            "\"",
            "\"\\",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u+123\"",
            "-",
            "1.",
            "1e",
            "nul",
            "1 1",
            "[1]]",
            "'a'",
            "é",
        ] {
            assert!(Json::read(text).is_err(), "{text}");
        }
        let deep = |count: usize| "[".repeat(count) + &"]".repeat(count);
        assert!(Json::read(&deep(MAX_DEPTH)).is_ok());
        assert_eq!(Json::read(&deep(MAX_DEPTH + 1)), Err("it is nested too deeply"));
        assert!(Json::read(&"[".repeat(1 << 20)).is_err(), "it costs no stack");
    }
}
