//! Whether a reply is one that a pattern stands for, and what is left of a pattern that it is not.

use crate::wire::Value;

use super::{Hole, Names, Order, Pattern, Piece, Text};

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
                kind == other
                    && items_fit(*order, if *kind == b'%' { 2 } else { 1 }, items, values, names)
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
        let (fixed, open) = match items.iter().position(|item| *item == Pattern::Rest) {
            Some(rest) => items.split_at(rest),
            None => (items, &[][..]),
        };
        let fits = values.len() >= fixed.len()
            && fixed.iter().zip(values).all(|(item, value)| item.fits_tree(value, names));
        let values = values.get(fixed.len()..).unwrap_or_default();
        return fits
            && match open {
                [] => values.is_empty(),
                [_] => true,
                [_, rest @ ..] => (0..=values.len()).any(|skipped| {
                    let mut found = names.clone();
                    let fits = items_fit(order, step, rest, &values[skipped..], &mut found);
                    if fits {
                        *names = found;
                    }
                    fits
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
            // Parts are what stands between them.
            Piece::Any => return None,
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
            (Pattern::Lines(..), Pattern::Scalar(kind, text)) => {
                Pattern::Lines(*kind, text.clone())
            }
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
    pub fn split(&self, separator: u8) -> Vec<Text> {
        let mut parts = Vec::new();
        let mut open = Text::default();
        for piece in &self.0 {
            let Piece::Literal(text) = piece else {
                open.0.push(piece.clone());
                continue;
            };
            for part in text.split_inclusive(|byte| *byte == separator) {
                open.0.push(Piece::Literal(part.to_vec()));
                if part.last() == Some(&separator) {
                    parts.push(std::mem::take(&mut open));
                }
            }
        }
        if !open.0.is_empty() {
            parts.push(open);
        }
        parts
    }
}
