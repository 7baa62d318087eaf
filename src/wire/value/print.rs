//! `Display` for [`Value`]: what redis-cli 7 prints on a terminal, without a line break at the end.
//!
//! Elements are numbered, with `)` in an array or push, `~` in a set and `#` in a map; what is
//! nested moves in behind its number. In a map, a value that takes several lines begins on its own.
//!
//! Two types redis-cli 7 cannot print. Attributes, which it drops, come before their value and are
//! numbered with `|`; a big number, at which it gives up, is printed as it is.

use std::fmt;

use super::Value;
use crate::text::{number, quote};

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, 0)
    }
}

impl Value {
    /// Prints the value where a line has `indent` columns already; further lines are moved in as
    /// far.
    fn print(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        match self {
            Value::Status(text) | Value::Verbatim(_, text) | Value::BigNumber(text) => {
                f.write_str(&String::from_utf8_lossy(text))
            }
            Value::Error(text) | Value::BulkError(text) => {
                write!(f, "(error) {}", String::from_utf8_lossy(text))
            }
            Value::Integer(n) => write!(f, "(integer) {n}"),
            Value::Double(text) => write!(f, "(double) {}", String::from_utf8_lossy(text)),
            Value::Boolean(value) => write!(f, "({value})"),
            Value::NullBulk | Value::NullArray | Value::Null => f.write_str("(nil)"),
            Value::Bulk(text) => {
                let mut quoted = Vec::new();
                quote::push_quoted(&mut quoted, text);
                f.write_str(&String::from_utf8_lossy(&quoted))
            }
            Value::Array(elements) if elements.is_empty() => f.write_str("(empty array)"),
            Value::Set(elements) if elements.is_empty() => f.write_str("(empty set)"),
            Value::Push(elements) if elements.is_empty() => f.write_str("(empty push)"),
            Value::Map(pairs) if pairs.is_empty() => f.write_str("(empty hash)"),
            Value::Array(elements) | Value::Push(elements) => {
                print_elements(f, ')', elements, indent)
            }
            Value::Set(elements) => print_elements(f, '~', elements, indent),
            Value::Map(pairs) => print_pairs(f, '#', pairs, indent),
            Value::Attribute(attributes, value) => {
                print_pairs(f, '|', attributes, indent)?;
                if !attributes.is_empty() {
                    new_line(f, indent)?;
                }
                value.print(f, indent)
            }
        }
    }

    /// Returns whether the value is printed on more than one line because of what it contains.
    fn is_tall(&self) -> bool {
        match self {
            Value::Map(pairs) => {
                pairs.len() > 1 || pairs.iter().any(|(key, value)| key.is_tall() || value.is_tall())
            }
            Value::Attribute(attributes, value) => !attributes.is_empty() || value.is_tall(),
            other => other.elements().len() > 1 || other.elements().iter().any(Value::is_tall),
        }
    }
}

fn print_elements(
    f: &mut fmt::Formatter<'_>,
    mark: char,
    elements: &[Value],
    indent: usize,
) -> fmt::Result {
    for (index, element) in elements.iter().enumerate() {
        let inner = print_index(f, mark, index, elements.len(), indent)?;
        element.print(f, inner)?;
    }
    Ok(())
}

fn print_pairs(
    f: &mut fmt::Formatter<'_>,
    mark: char,
    pairs: &[(Value, Value)],
    indent: usize,
) -> fmt::Result {
    for (index, (key, value)) in pairs.iter().enumerate() {
        let inner = print_index(f, mark, index, pairs.len(), indent)?;
        key.print(f, inner)?;
        f.write_str(" => ")?;
        if value.is_tall() {
            new_line(f, inner)?;
        }
        value.print(f, inner)?;
    }
    Ok(())
}

/// Prints the number of an element, aligned to the longest, on a line of its own but for the first.
/// Returns the column that it ends at.
fn print_index(
    f: &mut fmt::Formatter<'_>,
    mark: char,
    index: usize,
    count: usize,
    indent: usize,
) -> Result<usize, fmt::Error> {
    if index > 0 {
        new_line(f, indent)?;
    }
    let width = number::decimal_len(count as u64);
    write!(f, "{:width$}{mark} ", index + 1)?;
    Ok(indent + width + 2)
}

fn new_line(f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
    write!(f, "\n{:indent$}", "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::value::decode;

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.as_bytes().to_vec())
    }

    fn shown(input: &[u8]) -> String {
        match decode(input) {
            Ok(Some((value, _))) => value.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn scalars_are_printed_as_redis_cli_prints_them() {
        for (input, expected) in [
            (&b"+OK\r\n"[..], "OK"),
            (b"-ERR no\r\n", "(error) ERR no"),
            (b":1\r\n", "(integer) 1"),
            (b"$5\r\na\x00\xff\"\\\r\n", r#""a\x00\xff\"\\""#),
            (b"$-1\r\n", "(nil)"),
            (b"*-1\r\n", "(nil)"),
            (b"_\r\n", "(nil)"),
            (b",2.5\r\n", "(double) 2.5"),
            (b"#t\r\n", "(true)"),
            (b"#f\r\n", "(false)"),
            (b"=7\r\ntxt:a\nb\r\n", "a\nb"),
            (b"*0\r\n", "(empty array)"),
            (b"~0\r\n", "(empty set)"),
            (b"%0\r\n", "(empty hash)"),
        ] {
            assert_eq!(shown(input), expected);
        }
    }

    #[test]
    fn elements_are_numbered_and_moved_in() {
        let array = Value::Array;
        let integers = |n: i64| (1..=n).map(Value::Integer).collect::<Vec<_>>();
        let mut long = integers(9);
        long.push(array(vec![Value::Integer(10), array(vec![Value::Integer(11)])]));
        let value = array(vec![array(vec![]), array(long), Value::Set(integers(2))]);
        let expected = "\
1) (empty array)
2)  1) (integer) 1
    2) (integer) 2
    3) (integer) 3
    4) (integer) 4
    5) (integer) 5
    6) (integer) 6
    7) (integer) 7
    8) (integer) 8
    9) (integer) 9
   10) 1) (integer) 10
       2) 1) (integer) 11
3) 1~ (integer) 1
   2~ (integer) 2";
        assert_eq!(value.to_string(), expected);
    }

    #[test]
    fn a_tall_value_in_a_map_begins_on_its_own_line() {
        let integers = |n: i64| (1..=n).map(Value::Integer).collect::<Vec<_>>();
        let inner = Value::Map(vec![(bulk("x"), Value::Array(integers(1)))]);
        let value = Value::Map(vec![
            (bulk("a"), Value::Array(integers(2))),
            (bulk("b"), inner),
            (bulk("c"), Value::Map(vec![])),
        ]);
        let expected = [
            r#"1# "a" => "#,
            r#"   1) (integer) 1"#,
            r#"   2) (integer) 2"#,
            r#"2# "b" => 1# "x" => 1) (integer) 1"#,
            r#"3# "c" => (empty hash)"#,
        ];
        assert_eq!(value.to_string(), expected.join("\n"));
    }

    #[test]
    fn attributes_are_printed_before_their_value() {
        let input = b"*1\r\n|1\r\n+ttl\r\n:1\r\n$1\r\nv\r\n";
        assert_eq!(shown(input), "1) 1| ttl => (integer) 1\n   \"v\"");
    }
}
