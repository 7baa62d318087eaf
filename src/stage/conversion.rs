//! AS: a reply's true value, spelled as another type.
//!
//! | type | of what has elements | of a null | of a text, a number, a boolean |
//! |---|---|---|---|
//! | `array`, `set`, `push` | the elements; of a map keys and values | no elements | itself as the one element |
//! | `map` | pairs of the elements; the last of an odd number maps to null | no pairs | itself, mapping to null |
//! | `null` | null | null | null |
//! | `bulk` | the texts of the elements, with a space between | the empty text | its text; of a boolean 1 or 0 |
//! | `integer`, `double` | how many elements it has | 0 | the number that it is or spells, or the length of its text |
//!
//! An error stays one, and so does a reply of more than 4 MiB. RESP2 spells sets, pushes and maps as arrays, and doubles as bulk strings.

use crate::text::{double, number};
use crate::wire::{Protocol, Value, value};

/// A type that a reply is spelled as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Array,
    Null,
    Push,
    Bulk,
    Integer,
    Map,
    Set,
    Double,
}

impl Type {
    pub(crate) const NAMES: &[(&str, Type)] = &[
        ("array", Type::Array),
        ("null", Type::Null),
        ("push", Type::Push),
        ("bulk", Type::Bulk),
        ("integer", Type::Integer),
        ("map", Type::Map),
        ("set", Type::Set),
        ("double", Type::Double),
    ];
}

/// The longest reply that is converted: as a tree it takes many times the memory.
const LONGEST: usize = 4 << 20;

/// Appends each of the frames in `reply` as a frame of the type. What is no frame stays as it is.
pub(crate) fn convert(reply: &[u8], wanted: Type, protocol: Protocol, out: &mut Vec<u8>) {
    let mut rest = reply;
    while reply.len() <= LONGEST
        && let Ok(Some((value, len))) = value::decode(rest)
    {
        converted(value, wanted, protocol).encode(out);
        rest = &rest[len..];
    }
    out.extend_from_slice(rest);
}

fn converted(value: Value, wanted: Type, protocol: Protocol) -> Value {
    let is_resp2 = protocol == Protocol::Resp2;
    match (value, wanted) {
        (error @ (Value::Error(_) | Value::BulkError(_)), _) => error,
        (Value::Attribute(attributes, value), _) => {
            let value = Box::new(converted(*value, wanted, protocol));
            Value::Attribute(attributes, value)
        }
        (value, Type::Null) => null(has_elements(&value), protocol),
        (value, Type::Array) => Value::Array(elements(value)),
        (value, Type::Set | Type::Push) if is_resp2 => Value::Array(elements(value)),
        (value, Type::Set) => Value::Set(elements(value)),
        (value, Type::Push) => Value::Push(elements(value)),
        (value, Type::Map) => map(elements(value), protocol),
        (value, Type::Bulk) => Value::Bulk(text(value)),
        (value, Type::Integer) => Value::Integer(integer(value)),
        (value, Type::Double) => {
            let digits = digits(value);
            if is_resp2 { Value::Bulk(digits) } else { Value::Double(digits) }
        }
    }
}

fn null(had_elements: bool, protocol: Protocol) -> Value {
    match protocol {
        Protocol::Resp3 => Value::Null,
        Protocol::Resp2 if had_elements => Value::NullArray,
        Protocol::Resp2 => Value::NullBulk,
    }
}

fn has_elements(value: &Value) -> bool {
    matches!(
        value,
        Value::Array(_) | Value::Map(_) | Value::Set(_) | Value::Push(_) | Value::NullArray
    )
}

fn elements(value: Value) -> Vec<Value> {
    match value {
        Value::Array(elements) | Value::Set(elements) | Value::Push(elements) => elements,
        Value::Map(pairs) => pairs.into_iter().flat_map(|(key, value)| [key, value]).collect(),
        null if null.is_null() => Vec::new(),
        other => vec![other],
    }
}

fn map(mut elements: Vec<Value>, protocol: Protocol) -> Value {
    if elements.len() % 2 == 1 {
        elements.push(null(false, protocol));
    }
    if protocol == Protocol::Resp2 {
        return Value::Array(elements);
    }
    let mut elements = elements.into_iter();
    let mut pairs = Vec::new();
    while let (Some(key), Some(value)) = (elements.next(), elements.next()) {
        pairs.push((key, value));
    }
    Value::Map(pairs)
}

fn text(value: Value) -> Vec<u8> {
    match value {
        Value::Status(text)
        | Value::Bulk(text)
        | Value::Verbatim(_, text)
        | Value::Double(text)
        | Value::BigNumber(text)
        | Value::Error(text)
        | Value::BulkError(text) => text,
        Value::Integer(n) => n.to_string().into_bytes(),
        Value::Boolean(is_true) => vec![b'0' + u8::from(is_true)],
        Value::NullBulk | Value::NullArray | Value::Null => Vec::new(),
        Value::Attribute(_, value) => text(*value),
        other => elements(other).into_iter().map(text).collect::<Vec<_>>().join(&b' '),
    }
}

fn integer(value: Value) -> i64 {
    if has_elements(&value) {
        return i64::try_from(elements(value).len()).unwrap_or(i64::MAX);
    }
    let is_null = value.is_null();
    let text = text(value);
    if let Some(n) = number::parse_i64(&text) {
        return n;
    }
    match double::parse(&text) {
        _ if is_null => 0,
        // Rust's `as` keeps to the range of the integer.
        Some(number) => number as i64,
        None => i64::try_from(text.len()).unwrap_or(i64::MAX),
    }
}

fn digits(value: Value) -> Vec<u8> {
    match value {
        Value::Double(digits) => digits,
        scalar if !has_elements(&scalar) && !scalar.is_null() => {
            let text = text(scalar);
            match double::parse(&text) {
                Some(number) => {
                    let mut digits = Vec::new();
                    double::push(&mut digits, number);
                    digits
                }
                None => text.len().to_string().into_bytes(),
            }
        }
        other => integer(other).to_string().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_type(reply: &str, name: &str, protocol: Protocol) -> String {
        let (_, wanted) = Type::NAMES.iter().find(|(other, _)| *other == name).unwrap();
        let mut out = Vec::new();
        convert(reply.as_bytes(), *wanted, protocol, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_type_is_spelled_as_each_other() {
        for (reply, name, resp2, resp3) in [
            ("$1\r\na\r\n", "array", "*1\r\n$1\r\na\r\n", "*1\r\n$1\r\na\r\n"),
            ("*1\r\n:1\r\n", "set", "*1\r\n:1\r\n", "~1\r\n:1\r\n"),
            ("*1\r\n:1\r\n", "push", "*1\r\n:1\r\n", ">1\r\n:1\r\n"),
            ("*1\r\n:1\r\n", "null", "*-1\r\n", "_\r\n"),
            (":1\r\n", "null", "$-1\r\n", "_\r\n"),
            (
                "*3\r\n:1\r\n:2\r\n:3\r\n",
                "map",
                "*4\r\n:1\r\n:2\r\n:3\r\n$-1\r\n",
                "%2\r\n:1\r\n:2\r\n:3\r\n_\r\n",
            ),
            ("+OK\r\n", "bulk", "$2\r\nOK\r\n", "$2\r\nOK\r\n"),
            ("*2\r\n:1\r\n$1\r\nb\r\n", "bulk", "$3\r\n1 b\r\n", "$3\r\n1 b\r\n"),
            ("$2\r\n17\r\n", "integer", ":17\r\n", ":17\r\n"),
            ("$3\r\n1.5\r\n", "integer", ":1\r\n", ":1\r\n"),
            ("$4\r\nword\r\n", "integer", ":4\r\n", ":4\r\n"),
            ("$-1\r\n", "integer", ":0\r\n", ":0\r\n"),
            ("*2\r\n:1\r\n:1\r\n", "integer", ":2\r\n", ":2\r\n"),
            (":3\r\n", "double", "$1\r\n3\r\n", ",3\r\n"),
            ("$3\r\n2.5\r\n", "double", "$3\r\n2.5\r\n", ",2.5\r\n"),
            ("+OK\r\n", "double", "$1\r\n2\r\n", ",2\r\n"),
            ("-ERR no\r\n", "integer", "-ERR no\r\n", "-ERR no\r\n"),
            (":1\r\n:2\r\n", "bulk", "$1\r\n1\r\n$1\r\n2\r\n", "$1\r\n1\r\n$1\r\n2\r\n"),
            ("", "array", "", ""),
            ("no frame", "array", "no frame", "no frame"),
        ] {
            assert_eq!(as_type(reply, name, Protocol::Resp2), resp2, "{reply:?} as {name}");
            assert_eq!(as_type(reply, name, Protocol::Resp3), resp3, "{reply:?} as {name}");
        }
        assert_eq!(as_type("%1\r\n:1\r\n:2\r\n", "array", Protocol::Resp3), "*2\r\n:1\r\n:2\r\n");
        for (reply, name, expected) in [
            ("#t\r\n", "integer", ":1\r\n"),
            ("#f\r\n", "bulk", "$1\r\n0\r\n"),
            ("_\r\n", "array", "*0\r\n"),
            ("_\r\n", "map", "%0\r\n"),
            ("_\r\n", "bulk", "$0\r\n\r\n"),
            ("_\r\n", "double", ",0\r\n"),
            ("%1\r\n:1\r\n:2\r\n", "map", "%1\r\n:1\r\n:2\r\n"),
            ("%1\r\n:1\r\n:2\r\n", "integer", ":2\r\n"),
            ("%1\r\n:1\r\n:2\r\n", "double", ",2\r\n"),
            ("~2\r\n:1\r\n:2\r\n", "integer", ":2\r\n"),
            (">1\r\n:7\r\n", "integer", ":1\r\n"),
            ("*1\r\n*2\r\n:1\r\n:2\r\n", "bulk", "$3\r\n1 2\r\n"),
            ("=7\r\ntxt:123\r\n", "integer", ":123\r\n"),
            ("(12345678901234567890\r\n", "bulk", "$20\r\n12345678901234567890\r\n"),
            ("(12345678901234567890\r\n", "integer", ":9223372036854775807\r\n"),
            ("$3\r\nnan\r\n", "integer", ":3\r\n"),
            ("$3\r\nnan\r\n", "double", ",3\r\n"),
            ("$3\r\ninf\r\n", "double", ",inf\r\n"),
            // A double keeps its digits.
            (",1.50\r\n", "double", ",1.50\r\n"),
            (",nan\r\n", "double", ",nan\r\n"),
            (",1.5\r\n", "integer", ":1\r\n"),
            ("!6\r\nERR no\r\n", "bulk", "!6\r\nERR no\r\n"),
            ("*1\r\n-ERR no\r\n", "bulk", "$6\r\nERR no\r\n"),
            ("*1\r\n|1\r\n+a\r\n:1\r\n:5\r\n", "bulk", "$1\r\n5\r\n"),
            ("$19\r\n9007199254740993000\r\n", "integer", ":9007199254740993000\r\n"),
            (":1\r\nrest", "bulk", "$1\r\n1\r\nrest"),
        ] {
            assert_eq!(as_type(reply, name, Protocol::Resp3), expected, "{reply:?} as {name}");
        }
        // A null has no elements, whichever it is.
        assert_eq!(as_type("*-1\r\n", "null", Protocol::Resp2), "*-1\r\n");
        assert_eq!(as_type("*-1\r\n", "integer", Protocol::Resp2), ":0\r\n");
        assert_eq!(as_type("*-1\r\n", "bulk", Protocol::Resp2), "$0\r\n\r\n");
        assert_eq!(
            as_type("|1\r\n+a\r\n:1\r\n:5\r\n", "bulk", Protocol::Resp3),
            "|1\r\n+a\r\n:1\r\n$1\r\n5\r\n"
        );
    }

    #[test]
    fn a_long_reply_stays_as_it_is() {
        let bulk = |frame: usize| {
            let head = format!("${}\r\n", frame - "$4194304\r\n\r\n".len());
            format!("{head}{}\r\n", "x".repeat(frame - head.len() - 2))
        };
        let (longest, too_long) = (bulk(LONGEST), bulk(LONGEST + 1));
        assert_eq!((longest.len(), too_long.len()), (LONGEST, LONGEST + 1));
        assert_eq!(as_type(&longest, "array", Protocol::Resp3), format!("*1\r\n{longest}"));
        assert!(as_type(&too_long, "array", Protocol::Resp3) == too_long);
    }
}
