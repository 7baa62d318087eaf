//! Spelling patterns.

use std::fmt;

use crate::text::quote;

use super::{HOLES, Order, Pattern, Piece, Text};

/// The types whose text stands between quotes, whatever it is.
const QUOTED: &[u8] = b"$=!-";
/// Lines are not longer if that can be helped.
const WIDTH: usize = 100;

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
                order.to_owned()
                    + &Pattern::Scalar(*kind, text.clone()).written(indent + order.len())
            }
            Pattern::Scalar(kind, text) => {
                let parts = text.split(b'\n');
                let opening =
                    if *kind == b'$' { String::new() } else { char::from(*kind).to_string() };
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

/// The words of a command, as [`words`](super::words) reads them.
pub fn command<'w>(words: impl IntoIterator<Item = &'w Text>) -> String {
    let words = words.into_iter().map(|word| match word.is_bare() {
        true => word.bare(),
        false => word.quoted(),
    });
    words.collect::<Vec<_>>().join(" ")
}

impl Text {
    /// The text between quotes.
    pub fn quoted(&self) -> String {
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
                let kind =
                    HOLES.iter().find(|(_, other)| other == hole).map_or("", |(kind, _)| kind);
                format!("{{{name}{kind}}}")
            }
        }
    }
}
