//! ACCEPT: what becomes of newcomers, before their first byte.

use super::matching::number;
use super::shape::End;
use crate::error::{self, Error};
use crate::wire::Options;

/// What becomes of newcomers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Newcomers {
    end: Option<End>,
    /// How many of them, if not all.
    times: Option<u64>,
}

impl Newcomers {
    /// `ALL | REFUSE | HANG | CLOSE [TIMES n]`
    pub(crate) fn read(options: &mut Options<'_>) -> Result<Newcomers, Error> {
        const WANTED: &str = "ALL, REFUSE, HANG or CLOSE";
        let (next, fates) = (
            options.peek(),
            [
                ("ALL", None),
                ("REFUSE", Some(End::Reset)),
                ("HANG", Some(End::Hang)),
                ("CLOSE", Some(End::Close)),
            ],
        );
        let end =
            options.one_of(&fates).ok_or_else(|| error::stage_value("ACCEPT", next, WANTED))?;
        let times = match end.is_some() && options.flag("TIMES") {
            true => Some(number("TIMES", options.word(), 1..=u64::MAX)?),
            false => None,
        };
        match options.peek() {
            None => Ok(Newcomers { end, times }),
            Some(word) if end.is_some() && times.is_none() => Err(error::stage_word(word, "TIMES")),
            Some(word) => Err(error::stage_word(word, "nothing more")),
        }
    }

    /// How the connection of the next newcomer ends, if it does not live as usual.
    pub(crate) fn next(&mut self) -> Option<End> {
        let end = self.end?;
        match &mut self.times {
            Some(0) => return None,
            Some(times) => *times -= 1,
            None => {}
        }
        Some(end)
    }
}
