//! `string.gsub` with a string: the text that a subject becomes.

use super::item::Fault;
use super::matcher::{Captured, Matcher};

/// The text may not be longer. Lua's limit of memory counts it only when it is a value.
const MOST_BYTES: usize = 256 << 20;

/// Replaces the first `most` matches. Returns the text and how many there were.
pub(super) fn all(
    subject: &[u8],
    matcher: &mut Matcher<'_>,
    replacement: &[u8],
    most: i32,
) -> Result<(Vec<u8>, i32), Fault> {
    let mut text = Vec::with_capacity(subject.len());
    let (mut at, mut count) = (0, 0);
    let is_anchored = matcher.take_anchor();
    while count < most {
        let end = matcher.match_at(at)?;
        if let Some(end) = end {
            count += 1;
            add_replacement(&mut text, matcher, replacement, (at, end))?;
        }
        match (end, subject.get(at)) {
            (Some(end), _) if end > at => at = end,
            (_, Some(&byte)) => {
                add(&mut text, &[byte])?;
                at += 1;
            }
            (_, None) => break,
        }
        if is_anchored {
            break;
        }
    }
    add(&mut text, &subject[at..])?;
    Ok((text, count))
}

/// `%1` to `%9` in a replacement are captures, `%0` is the whole match. Other characters stand for themselves, behind `%`
/// too; a `%` at the end makes a NUL.
fn add_replacement(
    text: &mut Vec<u8>,
    matcher: &mut Matcher<'_>,
    replacement: &[u8],
    (start, end): (usize, usize),
) -> Result<(), Fault> {
    let mut rest = replacement;
    while let Some(escape) = rest.iter().position(|&byte| byte == b'%') {
        matcher.spend(1 + escape / 16)?;
        add(text, &rest[..escape])?;
        let escaped = rest.get(escape + 1).copied().unwrap_or(0);
        rest = rest.get(escape + 2..).unwrap_or_default();
        let captured = match escaped {
            b'0' => matcher.whole(start, end),
            b'1'..=b'9' => matcher.captured(usize::from(escaped - b'1'), start, end)?,
            other => {
                add(text, &[other])?;
                continue;
            }
        };
        match captured {
            Captured::Text(captured) => add(text, captured)?,
            Captured::Position(position) => add(text, position.to_string().as_bytes())?,
        }
    }
    matcher.spend(rest.len() / 16)?;
    add(text, rest)
}

fn add(text: &mut Vec<u8>, more: &[u8]) -> Result<(), Fault> {
    if text.len() + more.len() > MOST_BYTES {
        let error = mlua::Error::MemoryError("not enough memory".to_owned());
        return Err(Fault::Stopped(Box::new(error)));
    }
    text.extend_from_slice(more);
    Ok(())
}
