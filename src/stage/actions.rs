//! What a fault does: the actions behind DO, joined by THEN.
//!
//! An action says where the reply comes from, or what becomes of it. Where none says so, the command runs if its true reply
//! is needed for the others, and does not if they only end the connection.

use super::conversion::Type;
use super::matching::number;
use super::shape::{End, Pause, Place, Shape, Split, length};
use crate::error::{self, Error};
use crate::text::quote;
use crate::wire::Options;

/// The longest bytes that an action has, after their escapes.
pub(crate) const LONGEST: usize = 1 << 20;

/// The longest bytes that are sought in a reply: a client chooses how long that is.
const LONGEST_SOUGHT: usize = 64;

/// The most actions of one fault.
const MOST_ACTIONS: usize = 16;

/// The longest time, in ms: a day.
const LONGEST_TIME: u64 = 24 * 60 * 60 * 1000;

const WANTED: &str = "RUN, ERROR, REPLY, AS, DELAY, SPLIT, CUT, CLOSE, RESET, HANG, PUSH or DROP";
const TYPES: &str = "array, null, push, bulk, integer, map, set or double";

/// Where the reply comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The command runs.
    Run,
    /// It does not, and this is the reply.
    Error(Error),
    Reply(Box<[u8]>),
    /// It does not, and there is none.
    Nothing,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Actions {
    pub(crate) source: Source,
    pub(crate) shape: Shape,
}

/// Actions that are being read.
#[derive(Default)]
struct Reading {
    /// The source, where an action has said it.
    source: Option<Source>,
    shape: Shape,
    /// How many there are.
    count: usize,
    /// What is pushed now comes behind the reply.
    is_behind: bool,
    has_delay: bool,
}

impl Actions {
    /// Reads the words behind DO up to the last.
    pub(crate) fn read(options: &mut Options<'_>) -> Result<Actions, Error> {
        let mut reading = Reading::default();
        loop {
            reading.read_one(options)?;
            match options.word() {
                None => return reading.finish(),
                Some(word) if word.eq_ignore_ascii_case(b"THEN") => {}
                Some(word) => return Err(error::stage_word(word, "THEN")),
            }
            if let Some(end) = reading.shape.end {
                let word = match end {
                    End::Close => "CLOSE",
                    End::Reset => "RESET",
                    End::Hang => "HANG",
                };
                return Err(error::stage_behind_end(word));
            }
        }
    }

    /// Bytes of memory beside the actions themselves.
    pub(crate) fn memory(&self) -> usize {
        let source = match &self.source {
            Source::Error(error) => error.as_bytes().len(),
            Source::Reply(bytes) => bytes.len(),
            Source::Run | Source::Nothing => 0,
        };
        let pushed = length(&self.shape.before) + length(&self.shape.behind);
        source + pushed + self.shape.memory()
    }
}

impl Reading {
    fn read_one(&mut self, options: &mut Options<'_>) -> Result<(), Error> {
        let joint = if self.count == 0 { "DO" } else { "THEN" };
        let word = options.peek().ok_or_else(|| error::stage_value(joint, None, WANTED))?;
        self.count += 1;
        if self.count > MOST_ACTIONS {
            return Err(error::stage_too_many("actions of one fault", MOST_ACTIONS));
        }
        let is_first = self.count == 1;
        if options.flag("RUN") {
            self.set_source("RUN", Source::Run)?;
        } else if options.flag("ERROR") {
            self.set_source("ERROR", Source::Error(error_text(options.word())?))?;
        } else if options.flag("REPLY") {
            self.set_source("REPLY", Source::Reply(bytes("REPLY", options.word())?.into()))?;
        } else if options.flag("PUSH") {
            let pushed = bytes("PUSH", options.word())?.into();
            let is_behind = self.is_behind;
            let shape = &mut self.shape;
            if is_behind { &mut shape.behind } else { &mut shape.before }.push(pushed);
            if length(&shape.before) + length(&shape.behind) > LONGEST {
                return Err(error::stage_too_long("PUSH", LONGEST));
            }
            // A first PUSH is in front of the reply. Where nothing says what the reply is, the next is behind it.
            self.is_behind |= is_first && !is_source(following(*options));
            return Ok(());
        } else {
            self.read_shape(options, word)?;
        }
        self.is_behind = true;
        Ok(())
    }

    fn read_shape(&mut self, options: &mut Options<'_>, word: &[u8]) -> Result<(), Error> {
        let shape = &mut self.shape;
        if options.flag("AS") {
            let name = options.peek();
            let wanted = options.one_of(Type::NAMES);
            let wanted = wanted.ok_or_else(|| error::stage_value("AS", name, TYPES))?;
            once("AS", shape.converted.replace(wanted).is_some())
        } else if options.flag("DELAY") {
            shape.delay = time("DELAY", options.word())?;
            once("DELAY", std::mem::replace(&mut self.has_delay, true))
        } else if options.flag("SPLIT") {
            let split = split(options)?;
            shape.splits.push(split);
            Ok(())
        } else if options.flag("CUT") {
            let most = u64::from(u32::MAX);
            let cut = number("CUT", options.word(), 0..=most)? as usize;
            once("CUT", shape.cut.replace(cut).is_some())
        } else if options.flag("DROP") {
            once("DROP", std::mem::replace(&mut shape.is_dropped, true))
        } else if let Some(end) =
            options.one_of(&[("CLOSE", End::Close), ("RESET", End::Reset), ("HANG", End::Hang)])
        {
            shape.end = Some(end);
            Ok(())
        } else {
            Err(error::stage_word(word, WANTED))
        }
    }

    fn set_source(&mut self, word: &'static str, source: Source) -> Result<(), Error> {
        if self.source.is_some() {
            return Err(error::stage_two("RUN, ERROR or REPLY"));
        }
        // What has been pushed by now is in front of it; nothing else may be.
        if self.is_behind {
            return Err(error::stage_first(word));
        }
        self.source = Some(source);
        Ok(())
    }

    /// All have been read: says what they mean together.
    fn finish(self) -> Result<Actions, Error> {
        let Reading { source, mut shape, .. } = self;
        let has_own_reply = matches!(source, Some(Source::Error(_) | Source::Reply(_)));
        if has_own_reply && (shape.converted.is_some() || shape.is_dropped) {
            return Err(error::stage_needs_reply("AS or DROP", "ERROR or REPLY"));
        }
        let is_shaped = shape.converted.is_some() || shape.is_dropped || !shape.splits.is_empty();
        if shape.end.is_some() && !has_own_reply && shape.cut.is_none() {
            if is_shaped {
                let words = "AS, SPLIT or DROP";
                return Err(error::stage_needs_reply(words, "CLOSE, RESET or HANG without CUT"));
            }
            let source = source.unwrap_or(Source::Nothing);
            shape.is_dropped = true;
            return Ok(Actions { source, shape });
        }
        if shape.is_dropped && shape.cut.is_some() {
            return Err(error::stage_needs_reply("CUT", "DROP"));
        }
        if shape.cut.is_some() {
            shape.end.get_or_insert(End::Close);
        }
        Ok(Actions { source: source.unwrap_or(Source::Run), shape })
    }
}

/// The word behind THEN, if THEN is next.
fn following(mut options: Options<'_>) -> Option<&[u8]> {
    if options.flag("THEN") { options.peek() } else { None }
}

fn is_source(word: Option<&[u8]>) -> bool {
    let sources = [&b"RUN"[..], b"ERROR", b"REPLY"];
    word.is_some_and(|word| sources.iter().any(|source| word.eq_ignore_ascii_case(source)))
}

fn once(word: &str, was_there: bool) -> Result<(), Error> {
    if was_there { Err(error::stage_two(word)) } else { Ok(()) }
}

/// `AT n | BEFORE bytes | EACH n [PAUSE ms]`
fn split(options: &mut Options<'_>) -> Result<Split, Error> {
    const PLACES: &str = "AT, BEFORE or EACH";
    let most = u64::from(u32::MAX);
    let place = if options.flag("AT") {
        Place::At(number("AT", options.word(), 1..=most)? as usize)
    } else if options.flag("EACH") {
        Place::Each(number("EACH", options.word(), 1..=most)? as usize)
    } else if options.flag("BEFORE") {
        match bytes("BEFORE", options.word())? {
            empty if empty.is_empty() => {
                return Err(error::stage_value("BEFORE", Some(b""), "at least one byte"));
            }
            long if long.len() > LONGEST_SOUGHT => {
                return Err(error::stage_too_long("BEFORE", LONGEST_SOUGHT));
            }
            sought => Place::Before(sought.into()),
        }
    } else {
        return Err(error::stage_value("SPLIT", options.peek(), PLACES));
    };
    let pause = match options.flag("PAUSE") {
        true => Pause::Micros(time("PAUSE", options.word())?),
        false => Pause::Turn,
    };
    Ok(Split { place, pause })
}

/// The value of `word` in ms, as µs.
fn time(word: &str, value: Option<&[u8]>) -> Result<u64, Error> {
    Ok(number(word, value, 0..=LONGEST_TIME)? * 1000)
}

/// The value of `word` as bytes, the escapes of conversations read.
pub(crate) fn bytes(word: &str, value: Option<&[u8]>) -> Result<Vec<u8>, Error> {
    let text = value.ok_or_else(|| error::stage_value(word, None, "bytes"))?;
    let bytes = quote::unescaped(text).ok_or_else(|| {
        error::stage_value(
            word,
            value,
            "bytes, in which \\ is followed by n r t a b, x and two digits, or what it stands for",
        )
    })?;
    match bytes.len() > LONGEST {
        true => Err(error::stage_too_long(word, LONGEST)),
        false => Ok(bytes),
    }
}

/// The value of ERROR. A `-` in front is dropped.
fn error_text(value: Option<&[u8]>) -> Result<Error, Error> {
    const MOST: usize = 4096;
    let text = value.ok_or_else(|| error::stage_value("ERROR", None, "the text of an error"))?;
    let text = text.strip_prefix(b"-").unwrap_or(text);
    match text.len() > MOST {
        true => Err(error::stage_too_long("ERROR", MOST)),
        false => Ok(Error::text(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::OwnedArgs;

    fn read(line: &str) -> Actions {
        let args: OwnedArgs = line.split(' ').collect();
        Actions::read(&mut args.args().options(0)).unwrap()
    }

    #[test]
    fn all_their_bytes_are_counted() {
        let bytes = "x".repeat(64);
        for line in ["REPLY", "ERROR", "PUSH", "RUN THEN PUSH", "SPLIT BEFORE"] {
            let memory = read(&format!("{line} {bytes}")).memory();
            assert!((64..300).contains(&memory), "{line}: {memory}");
        }
        assert_eq!(read("RUN").memory(), 0);
    }

    #[test]
    fn a_split_without_a_pause_waits_for_a_later_turn() {
        let pauses = |line| read(line).shape.splits.iter().map(|split| split.pause).collect();
        let found: Vec<Pause> = pauses("SPLIT AT 1 THEN SPLIT AT 2 PAUSE 0");
        assert_eq!(found, [Pause::Turn, Pause::Micros(0)]);
    }
}
