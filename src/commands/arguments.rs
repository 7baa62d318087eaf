//! Reading arguments: the conversions that many handlers need, each with the reference's error.

use std::ops::Range;

use crate::clock::Now;
use crate::error::{self, Error};
use crate::keyspace::Millis;
use crate::text::extended::Extended;
use crate::text::number;
use crate::wire::{Args, Options};

/// Argument `index` as an integer.
pub(crate) fn int(args: Args<'_>, index: usize) -> Result<i64, Error> {
    args.int(index)
}

/// The value of an option as an integer.
pub(crate) fn integer(value: &[u8]) -> Result<i64, Error> {
    number::parse_i64(value).ok_or(error::NOT_AN_INTEGER)
}

/// `LIMIT limit` as *INTERCARD has it, the last one if there are several: how many members are counted
/// at most. 0 stands for all of them. `negative` is the error about what is no count.
pub(crate) fn cardinality_limit(mut options: Options<'_>, negative: Error) -> Result<usize, Error> {
    let mut most = usize::MAX;
    while !options.is_over() {
        let limit = options.value("LIMIT").ok_or(error::SYNTAX)?;
        most = match number::parse_i64(limit).map(usize::try_from) {
            Some(Ok(0)) => usize::MAX,
            Some(Ok(limit)) => limit,
            _ => return Err(negative),
        };
    }
    Ok(most)
}

/// The places of the keys of `numkeys key…`, of which argument `index` is the number. `too_few` is the error
/// about what is no number from 1 on, `too_many` the one about more keys than there are arguments.
pub(crate) fn keys(
    args: Args<'_>,
    index: usize,
    too_few: impl FnOnce() -> Error,
    too_many: Error,
) -> Result<Range<usize>, Error> {
    let number = args.get(index).and_then(number::parse_i64).filter(|&number| number > 0);
    let number = usize::try_from(number.ok_or_else(too_few)?).unwrap_or(usize::MAX);
    let first = index + 1;
    if number > args.len() - first {
        return Err(too_many);
    }
    Ok(first..first + number)
}

/// `[COUNT count]` and nothing else: how many elements LMPOP and ZMPOP take at most.
pub(crate) fn pop_count(mut options: Options<'_>) -> Result<usize, Error> {
    let count = match options.value("COUNT") {
        None => 1,
        Some(count) => number::parse_i64(count)
            .filter(|&count| count > 0)
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| error::not_positive("count"))?,
    };
    if options.is_over() { Ok(count) } else { Err(error::SYNTAX) }
}

/// `start stop`, of which argument `index` is the first.
pub(crate) fn start_and_stop(args: Args<'_>, index: usize) -> Result<(i64, i64), Error> {
    Ok((int(args, index)?, int(args, index + 1)?))
}

/// The elements from `start` to `stop`, both included, of `len` elements. Negative ones count from the end.
/// Unlike [`span`], a `stop` before the first element is before it, and not cut off to it.
pub(crate) fn elements((start, stop): (i64, i64), len: usize) -> Range<usize> {
    let len = len as i64;
    let from_end = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let start = from_end(start).clamp(0, len);
    let end = from_end(stop).saturating_add(1).clamp(start, len);
    start as usize..end as usize
}

/// Those of `NX`, `XX`, `GT` and `LT` that were given. Which of them go together is for the command to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Conditions {
    /// The thing is not there yet.
    pub(crate) nx: bool,
    /// It is there.
    pub(crate) xx: bool,
    /// What it becomes is greater than what it is.
    pub(crate) gt: bool,
    /// What it becomes is less than what it is.
    pub(crate) lt: bool,
}

impl Conditions {
    /// Steps over the next option if it is one of them. Returns whether it was.
    pub(crate) fn take(&mut self, options: &mut Options<'_>) -> bool {
        let flag = match () {
            () if options.flag("NX") => &mut self.nx,
            () if options.flag("XX") => &mut self.xx,
            () if options.flag("GT") => &mut self.gt,
            () if options.flag("LT") => &mut self.lt,
            () => return false,
        };
        *flag = true;
        true
    }
}

/// `NX` or `XX`: whether a thing has to be there. Both together are a syntax error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Presence(Option<bool>);

impl Presence {
    /// Steps over the option if it is one of `names`: the one for what is not there, and the one for
    /// what is. Returns whether it was.
    pub(crate) fn take(
        &mut self,
        options: &mut Options<'_>,
        names: [&str; 2],
    ) -> Result<bool, Error> {
        let [absent, present] = names;
        let Some(wanted) = options.one_of(&[(absent, false), (present, true)]) else {
            return Ok(false);
        };
        if self.0.is_some_and(|other| other != wanted) {
            return Err(error::SYNTAX);
        }
        self.0 = Some(wanted);
        Ok(true)
    }

    /// Whether a thing that `is_there`, or is not, is as wanted.
    pub(crate) fn allows(self, is_there: impl FnOnce() -> bool) -> bool {
        self.0.is_none_or(|wanted| wanted == is_there())
    }

    /// Whether the thing has to be there.
    pub(crate) fn wants_present(self) -> bool {
        self.0 == Some(true)
    }
}

/// A number that is 0 for no. What is no number is 0, as C reads it.
pub(crate) fn flag(text: &[u8]) -> bool {
    number::parse_i64(text).is_some_and(|flag| flag != 0)
}

/// Argument `index` as a double; no NaN.
pub(crate) fn float(args: Args<'_>, index: usize) -> Result<f64, Error> {
    args.double(index)
}

/// How long a command may wait: argument `index`, in seconds with a fraction, of which whole ms count. It is
/// read as INCRBYFLOAT reads its increment. The result is in µs; 0: for ever.
pub(crate) fn timeout(args: Args<'_>, index: usize, now: Now) -> Result<u64, Error> {
    let seconds = args.get(index).and_then(Extended::parse).ok_or(error::TIMEOUT_NOT_A_FLOAT)?;
    timeout_of(seconds.thousandfold(), now)
}

/// As [`timeout`], in whole ms.
pub(crate) fn timeout_in_ms(args: Args<'_>, index: usize, now: Now) -> Result<u64, Error> {
    let millis = int(args, index).map_err(|_| error::not_an_integer("timeout"))?;
    timeout_of(millis, now)
}

/// A timeout in µs, if there is such a moment.
fn timeout_of(millis: i64, now: Now) -> Result<u64, Error> {
    let millis = u64::try_from(millis).map_err(|_| error::TIMEOUT_IS_NEGATIVE)?;
    if millis > i64::MAX as u64 - now.wall / 1000 {
        return Err(error::TIMEOUT_OUT_OF_RANGE);
    }
    Ok(millis.saturating_mul(1000))
}

/// The part from `start` to `end`, both included, of something that has `len` elements. Negative ones
/// count from the end, and what lies outside is cut off.
pub(crate) fn span(start: i64, end: i64, len: usize) -> Range<usize> {
    let from_start = |at: i64| if at < 0 { (at + len as i64).max(0) as usize } else { at as usize };
    let (start, end) = (from_start(start), from_start(end));
    let end = len.min(end.saturating_add(1));
    start.min(end)..end
}

/// As [`span`], except that nothing is between two that are reversed and both count from the end, even
/// if they are so far out that both are cut off to the first element.
pub(crate) fn forward_span(start: i64, end: i64, len: usize) -> Range<usize> {
    if start < 0 && end < 0 && start > end { 0..0 } else { span(start, end, len) }
}

/// What the options of a command say about expiry: `EX seconds`, `PX milliseconds`,
/// `EXAT unix-time-seconds`, `PXAT unix-time-milliseconds`, `KEEPTTL` or `PERSIST`.
///
/// Only one of them may be given, though that one twice. What is no option at all is found out before
/// what is no time: so the options are collected first, and [`Expiry::resolve`] reads the number.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Expiry<'a> {
    #[default]
    Unsaid,
    In(Unit, &'a [u8]),
    At(Unit, &'a [u8]),
    /// `KEEPTTL` or `PERSIST`, whichever the command takes.
    Bare,
}

/// What a time to live is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
}

/// What becomes of a key's time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// Nothing was said about it.
    Unsaid,
    /// It expires then, which may have been long ago.
    Until(Millis),
    /// `KEEPTTL` or `PERSIST`, whichever the command takes.
    Bare,
}

impl<'a> Expiry<'a> {
    /// Steps over the next option, if it is one about expiry; `bare` is the one that has no time:
    /// `KEEPTTL` or `PERSIST`. Returns whether it was.
    pub(crate) fn take(&mut self, options: &mut Options<'a>, bare: &str) -> Result<bool, Error> {
        let said = if options.flag(bare) {
            Expiry::Bare
        } else if let Some(time) = options.value("EX") {
            Expiry::In(Unit::Seconds, time)
        } else if let Some(time) = options.value("PX") {
            Expiry::In(Unit::Milliseconds, time)
        } else if let Some(time) = options.value("EXAT") {
            Expiry::At(Unit::Seconds, time)
        } else if let Some(time) = options.value("PXAT") {
            Expiry::At(Unit::Milliseconds, time)
        } else {
            return Ok(false);
        };
        if !self.agrees_with(said) {
            return Err(error::SYNTAX);
        }
        *self = said;
        Ok(true)
    }

    /// What was said, when it is `now`. `command` is named by the error about a time that is not
    /// positive or that cannot be counted.
    pub(crate) fn resolve(self, now: Millis, command: &str) -> Result<Lifetime, Error> {
        self.resolve_from(1, now, command)
    }

    /// As [`Expiry::resolve`], where a time must be `least` at least.
    pub(crate) fn resolve_from(
        self,
        least: i64,
        now: Millis,
        command: &str,
    ) -> Result<Lifetime, Error> {
        let (unit, time, since) = match self {
            Expiry::Unsaid => return Ok(Lifetime::Unsaid),
            Expiry::Bare => return Ok(Lifetime::Bare),
            Expiry::In(unit, time) => (unit, time, now),
            Expiry::At(unit, time) => (unit, time, 0),
        };
        let time = number::parse_i64(time).ok_or(error::NOT_AN_INTEGER)?;
        let factor = if unit == Unit::Seconds { 1000 } else { 1 };
        Some(time)
            .filter(|&time| time >= least)
            .and_then(|time| time.checked_mul(factor)?.checked_add(since))
            .map(Lifetime::Until)
            .ok_or_else(|| error::invalid_expire(command))
    }

    fn agrees_with(self, other: Expiry<'_>) -> bool {
        match (self, other) {
            (Expiry::Unsaid, _) | (Expiry::Bare, Expiry::Bare) => true,
            (Expiry::In(one, _), Expiry::In(another, _))
            | (Expiry::At(one, _), Expiry::At(another, _)) => one == another,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::OwnedArgs;

    /// What `options` say at 1000 ms.
    fn said(options: &str, bare: &str) -> Result<Lifetime, String> {
        let owned: OwnedArgs = options.split_whitespace().collect();
        let (mut options, mut expiry) = (owned.args().options(0), Expiry::default());
        while !options.is_over() {
            if !expiry.take(&mut options, bare).map_err(|error| error.to_string())? {
                return Err("another option".to_owned());
            }
        }
        expiry.resolve(1000, "set").map_err(|error| error.to_string())
    }

    #[test]
    fn a_span_counts_from_both_ends() {
        assert_eq!(span(0, -1, 5), 0..5);
        assert_eq!(span(-3, -2, 5), 2..4);
        assert_eq!(span(-9, 9, 5), 0..5);
        assert_eq!(span(i64::MIN, i64::MAX, 5), 0..5);
        assert_eq!(span(-7, -9, 5), 0..1);
        assert_eq!(forward_span(-9, -7, 5), 0..1);
        for nothing in [span(5, 9, 5), span(3, 2, 5), span(0, -1, 0), forward_span(-7, -9, 5)] {
            assert!(nothing.is_empty(), "{nothing:?}");
        }
    }

    #[test]
    fn elements_are_counted_from_both_ends() {
        for (start, stop, expected) in [
            (0, -1, 0..5),
            (1, 3, 1..4),
            (-2, -1, 3..5),
            (-9, 0, 0..1),
            (3, 9, 3..5),
            (i64::MIN, i64::MAX, 0..5),
        ] {
            assert_eq!(elements((start, stop), 5), expected, "{start} {stop}");
        }
        for nothing in [(5, 9), (0, -6), (3, 2), (i64::MAX, i64::MIN)] {
            assert!(elements(nothing, 5).is_empty(), "{nothing:?}");
        }
        assert_eq!(elements((0, -1), 0), 0..0);
    }

    #[test]
    fn keys_are_as_many_as_their_number_says() {
        let read = |words: &str| {
            let owned: OwnedArgs = words.split_whitespace().collect();
            keys(owned.args(), 1, || error::NUMKEYS, error::SYNTAX)
                .map_err(|error| error.to_string())
        };
        assert_eq!(read("LMPOP 2 a b LEFT"), Ok(2..4));
        assert_eq!(read("ZDIFF 1 a"), Ok(2..3));
        let too_few = Err(error::NUMKEYS.to_string());
        for words in ["LMPOP 0 a", "LMPOP -1 a", "LMPOP x a", "LMPOP 9223372036854775808 a"] {
            assert_eq!(read(words), too_few, "{words}");
        }
        for words in ["LMPOP 2 a", "LMPOP 9223372036854775807 a"] {
            assert_eq!(read(words), Err(error::SYNTAX.to_string()), "{words}");
        }
    }

    #[test]
    fn one_option_about_expiry_is_understood() {
        assert_eq!(said("", "KEEPTTL"), Ok(Lifetime::Unsaid));
        assert_eq!(said("EX 3", "KEEPTTL"), Ok(Lifetime::Until(4000)));
        assert_eq!(said("px 3", "KEEPTTL"), Ok(Lifetime::Until(1003)));
        assert_eq!(said("EXAT 3", "KEEPTTL"), Ok(Lifetime::Until(3000)));
        assert_eq!(said("PXAT 3", "KEEPTTL"), Ok(Lifetime::Until(3)));
        assert_eq!(said("EX 3 EX 4", "KEEPTTL"), Ok(Lifetime::Until(5000)));
        assert_eq!(said("keepttl KEEPTTL", "KEEPTTL"), Ok(Lifetime::Bare));
        assert_eq!(said("PERSIST", "PERSIST"), Ok(Lifetime::Bare));
        assert_eq!(said("PERSIST", "KEEPTTL"), Err("another option".to_owned()));
        assert_eq!(said("EX", "KEEPTTL"), Err("another option".to_owned()));
    }

    #[test]
    fn two_options_about_expiry_are_one_too_many() {
        for options in ["EX 1 PX 1", "EX 1 EXAT 1", "EX 1 KEEPTTL", "KEEPTTL PXAT 1"] {
            assert_eq!(said(options, "KEEPTTL"), Err("ERR syntax error".to_owned()), "{options}");
        }
    }

    #[test]
    fn a_time_is_a_positive_integer_that_can_be_counted() {
        let invalid = Err("ERR invalid expire time in 'set' command".to_owned());
        for time in ["EX 0", "PXAT -1", "EX 9223372036854775", "EXAT 9223372036854776"] {
            assert_eq!(said(time, "KEEPTTL"), invalid, "{time}");
        }
        assert_eq!(said("PX 9223372036854774807", "KEEPTTL"), Ok(Lifetime::Until(i64::MAX)));
        assert_eq!(said("PX 9223372036854774808", "KEEPTTL"), invalid);
        let not_an_integer = Err("ERR value is not an integer or out of range".to_owned());
        assert_eq!(said("EX 1.5", "KEEPTTL"), not_an_integer);
    }
}
