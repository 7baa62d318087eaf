//! The kinds of directives: how words become the value of a field, and the value a text again.
//!
//! Kinds are what rows of [`super::table`] are made of. A kind knows its range and words its
//! refusals; it does not know which directive it serves.

use std::ffi::OsStr;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;
use std::path::{self, Path, PathBuf};

use super::choice::Choice;
use super::place::Reason;
use super::value::{
    BufferLimit, KeyspaceEvents, OutputBufferLimits, Percentiles, SavePoint, Secret, Share,
    Shutdown,
};
use crate::text::{double, number};

/// A way to write values of type `T`. What `show` gives, `read` takes and makes the same value of.
pub(crate) trait Kind<T> {
    /// Changes `field` to what `words` say. After an error it holds anything.
    fn read(&self, field: &mut T, words: &[&[u8]]) -> Result<(), Reason>;

    /// The value as one text, words with a space between.
    fn show(&self, field: &T) -> Vec<u8>;
}

/// The word of a directive that takes one.
pub(super) fn single<'a>(words: &[&'a [u8]]) -> Result<&'a [u8], Reason> {
    match words {
        [word] => Ok(word),
        _ => Err("wrong number of arguments".into()),
    }
}

/// The word of a directive that is read as text; only file names and secrets may be any bytes.
pub(super) fn utf8(word: &[u8]) -> Result<&str, Reason> {
    std::str::from_utf8(word).map_err(|_| "argument must be UTF-8".into())
}

/// The number as the type of its field, if it is in the range of its directive.
fn within<N, T>(number: N, range: &RangeInclusive<N>) -> Result<T, Reason>
where
    N: PartialOrd + Display + Copy,
    T: TryFrom<N>,
{
    let refusal = || {
        format!("argument must be between {} and {} inclusive", range.start(), range.end()).into()
    };
    if !range.contains(&number) {
        return Err(refusal());
    }
    T::try_from(number).map_err(|_| refusal())
}

/// A decimal number.
pub(crate) struct Integer(pub(crate) RangeInclusive<i64>);

impl<T: TryFrom<i64> + Display> Kind<T> for Integer {
    fn read(&self, field: &mut T, words: &[&[u8]]) -> Result<(), Reason> {
        let number = number::parse_i64(single(words)?)
            .ok_or("argument couldn't be parsed into an integer")?;
        *field = within(number, &self.0)?;
        Ok(())
    }

    fn show(&self, field: &T) -> Vec<u8> {
        field.to_string().into_bytes()
    }
}

/// A number of bytes, with a unit or without: `512mb`.
pub(crate) struct Memory(pub(crate) RangeInclusive<u64>);

impl<T: TryFrom<u64> + Display> Kind<T> for Memory {
    fn read(&self, field: &mut T, words: &[&[u8]]) -> Result<(), Reason> {
        let bytes =
            number::parse_memory(single(words)?).ok_or("argument must be a memory value")?;
        *field = within(bytes, &self.0)?;
        Ok(())
    }

    fn show(&self, field: &T) -> Vec<u8> {
        field.to_string().into_bytes()
    }
}

/// A number of bytes, or a share of `maxmemory`: `5%`.
pub(crate) struct MemoryOrPercent;

impl Kind<Share> for MemoryOrPercent {
    fn read(&self, field: &mut Share, words: &[&[u8]]) -> Result<(), Reason> {
        const NEITHER: &str = "argument must be a memory or percent value";
        *field = match single(words)?.split_last() {
            Some((b'%', digits)) => match number::parse_i64(digits).ok_or(NEITHER)? {
                0 => Share::Bytes(0),
                percent @ 1..=100 => Share::Percent(percent.unsigned_abs()),
                101.. => return Err("percentage argument must be less or equal to 100".into()),
                _ => return Err(NEITHER.into()),
            },
            _ => {
                let bytes = number::parse_memory(single(words)?).ok_or(NEITHER)?;
                Share::Bytes(within(bytes, &(0..=i64::MAX as u64))?)
            }
        };
        Ok(())
    }

    fn show(&self, field: &Share) -> Vec<u8> {
        match field {
            Share::Bytes(bytes) => bytes.to_string().into_bytes(),
            Share::Percent(percent) => format!("{percent}%").into_bytes(),
        }
    }
}

/// Any number of percentiles.
pub(crate) struct PercentileList;

impl Kind<Percentiles> for PercentileList {
    fn read(&self, field: &mut Percentiles, words: &[&[u8]]) -> Result<(), Reason> {
        const INVALID: &str = "Invalid latency-tracking-info-percentiles parameters";
        const OUTSIDE: &str =
            "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
        let read = |word: &&[u8]| match double::parse(word).ok_or(INVALID)? {
            percentile if (0.0..=100.0).contains(&percentile) => Ok(percentile),
            _ => Err(OUTSIDE),
        };
        // One empty word, as a file has it, is none.
        let words = if *words == [b"" as &[u8]] { &[] } else { words };
        *field = Percentiles(words.iter().map(read).collect::<Result<_, _>>()?);
        Ok(())
    }

    fn show(&self, field: &Percentiles) -> Vec<u8> {
        let texts: Vec<_> = field.0.iter().map(f64::to_string).collect();
        texts.join(" ").into_bytes()
    }
}

pub(crate) struct YesNo;

impl Kind<bool> for YesNo {
    fn read(&self, field: &mut bool, words: &[&[u8]]) -> Result<(), Reason> {
        *field = match single(words)? {
            word if word.eq_ignore_ascii_case(b"yes") => true,
            word if word.eq_ignore_ascii_case(b"no") => false,
            _ => return Err("argument must be 'yes' or 'no'".into()),
        };
        Ok(())
    }

    fn show(&self, field: &bool) -> Vec<u8> {
        if *field { b"yes".to_vec() } else { b"no".to_vec() }
    }
}

/// One of the names of a [`Choice`].
pub(crate) struct OneOf;

impl<T: Choice> Kind<T> for OneOf {
    fn read(&self, field: &mut T, words: &[&[u8]]) -> Result<(), Reason> {
        let word = single(words)?;
        match T::NAMES.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word)) {
            Some((_, value)) => *field = *value,
            None => {
                let names: Vec<_> = T::NAMES.iter().map(|(name, _)| *name).collect();
                let names = names.join(", ");
                return Err(format!("argument(s) must be one of the following: {names}").into());
            }
        }
        Ok(())
    }

    fn show(&self, field: &T) -> Vec<u8> {
        let name = T::NAMES.iter().find(|(_, value)| value == field).map_or("", |(name, _)| name);
        name.into()
    }
}

/// One of these names, for a directive that has no effect and so no type of its own.
pub(crate) struct Names(pub(crate) &'static [&'static str]);

impl Kind<&'static str> for Names {
    fn read(&self, field: &mut &'static str, words: &[&[u8]]) -> Result<(), Reason> {
        let word = single(words)?;
        match self.0.iter().find(|name| name.as_bytes().eq_ignore_ascii_case(word)) {
            Some(name) => *field = name,
            None => {
                let names = self.0.join(", ");
                return Err(format!("argument(s) must be one of the following: {names}").into());
            }
        }
        Ok(())
    }

    fn show(&self, field: &&'static str) -> Vec<u8> {
        field.as_bytes().to_vec()
    }
}

/// Any bytes.
pub(crate) struct Text;

impl Kind<Vec<u8>> for Text {
    fn read(&self, field: &mut Vec<u8>, words: &[&[u8]]) -> Result<(), Reason> {
        *field = single(words)?.to_vec();
        Ok(())
    }

    fn show(&self, field: &Vec<u8>) -> Vec<u8> {
        field.clone()
    }
}

/// A text of which this is true, and the reason to refuse any other.
pub(crate) struct Checked(pub(crate) fn(&[u8]) -> bool, pub(crate) &'static str);

impl Kind<Vec<u8>> for Checked {
    fn read(&self, field: &mut Vec<u8>, words: &[&[u8]]) -> Result<(), Reason> {
        let Checked(is_right, reason) = self;
        match single(words)? {
            word if is_right(word) => *field = word.to_vec(),
            _ => return Err((*reason).into()),
        }
        Ok(())
    }

    fn show(&self, field: &Vec<u8>) -> Vec<u8> {
        field.clone()
    }
}

/// A number of bytes that may be below zero, down to this one.
pub(crate) struct SignedMemory(pub(crate) i64);

impl Kind<i64> for SignedMemory {
    fn read(&self, field: &mut i64, words: &[&[u8]]) -> Result<(), Reason> {
        let word = single(words)?;
        let bytes = match word.strip_prefix(b"-") {
            Some(below) => number::parse_memory(below).map(|bytes| -i128::from(bytes)),
            None => number::parse_memory(word).map(i128::from),
        };
        let bytes = bytes.ok_or("argument must be a memory value")?;
        *field = within(bytes, &(self.0.into()..=i64::MAX.into()))?;
        Ok(())
    }

    fn show(&self, field: &i64) -> Vec<u8> {
        field.to_string().into_bytes()
    }
}

/// The three values of `oom-score-adj-values`.
pub(crate) struct OomScores;

impl Kind<[i64; 3]> for OomScores {
    fn read(&self, field: &mut [i64; 3], words: &[&[u8]]) -> Result<(), Reason> {
        const OUTSIDE: &str =
            "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
        let &[primary, replica, child] = words else {
            return Err("wrong number of arguments".into());
        };
        for (score, word) in field.iter_mut().zip([primary, replica, child]) {
            let given = number::parse_i64(word).ok_or(OUTSIDE)?;
            *score = within(given, &(-2000..=2000)).map_err(|_| OUTSIDE)?;
        }
        Ok(())
    }

    fn show(&self, field: &[i64; 3]) -> Vec<u8> {
        field.map(|score| score.to_string()).join(" ").into_bytes()
    }
}

/// The name of a file; empty for none.
pub(crate) struct FilePath;

impl Kind<Option<PathBuf>> for FilePath {
    fn read(&self, field: &mut Option<PathBuf>, words: &[&[u8]]) -> Result<(), Reason> {
        let word = single(words)?;
        *field = (!word.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(word)));
        Ok(())
    }

    fn show(&self, field: &Option<PathBuf>) -> Vec<u8> {
        field.as_ref().map_or_else(Vec::new, |path| path.as_os_str().as_bytes().to_vec())
    }
}

/// The path of a folder, from the root on. A relative one begins at the folder that was named before, as if the process
/// had gone there, and else at the working directory. That it is there, and what it is called without links, is for the
/// start to see.
pub(crate) struct FolderPath;

impl Kind<Option<PathBuf>> for FolderPath {
    fn read(&self, field: &mut Option<PathBuf>, words: &[&[u8]]) -> Result<(), Reason> {
        match single(words)? {
            [] => return Err("dir can't be empty".into()),
            word => {
                let given = Path::new(OsStr::from_bytes(word));
                let given = field.as_deref().unwrap_or(Path::new("")).join(given);
                // Without a working directory there is nothing better than what was given.
                *field = Some(path::absolute(&given).unwrap_or(given));
            }
        }
        Ok(())
    }

    fn show(&self, field: &Option<PathBuf>) -> Vec<u8> {
        FilePath.show(field)
    }
}

/// The name of a file in a folder.
pub(crate) struct FileName(pub(crate) &'static str);

impl Kind<PathBuf> for FileName {
    fn read(&self, field: &mut PathBuf, words: &[&[u8]]) -> Result<(), Reason> {
        let name = self.0;
        match single(words)? {
            [] => Err(format!("{name} can't be empty").into()),
            word if word.contains(&b'/') || word == b"." || word == b".." => {
                Err(format!("{name} can't be a path, just a filename").into())
            }
            word => {
                *field = PathBuf::from(OsStr::from_bytes(word));
                Ok(())
            }
        }
    }

    fn show(&self, field: &PathBuf) -> Vec<u8> {
        field.as_os_str().as_bytes().to_vec()
    }
}

/// `SECONDS CHANGES`, any number of times. Lines of a file add up, and an empty text takes away what was there.
pub(crate) struct SavePoints;

impl Kind<Vec<SavePoint>> for SavePoints {
    fn read(&self, field: &mut Vec<SavePoint>, words: &[&[u8]]) -> Result<(), Reason> {
        const INVALID: &str = "Invalid save parameters";
        if words.iter().all(|word| word.is_empty()) {
            field.clear();
            return Ok(());
        }
        if words.len() % 2 == 1 {
            return Err(INVALID.into());
        }
        let number = |word| number::parse_i64(word).and_then(|number| u64::try_from(number).ok());
        for pair in words.chunks_exact(2) {
            let (Some(seconds @ 1..), Some(changes)) = (number(pair[0]), number(pair[1])) else {
                return Err(INVALID.into());
            };
            let point = SavePoint { seconds, changes };
            if !field.contains(&point) {
                field.push(point);
            }
        }
        Ok(())
    }

    fn show(&self, field: &Vec<SavePoint>) -> Vec<u8> {
        let shown = |point: &SavePoint| format!("{} {}", point.seconds, point.changes);
        field.iter().map(shown).collect::<Vec<_>>().join(" ").into_bytes()
    }
}

/// The options of SHUTDOWN, in any order, or `default` for none.
pub(crate) struct ShutdownOptions;

impl ShutdownOptions {
    /// Every one and its place, in the order in which they are shown.
    const NAMES: [&str; 7] = ["default", "save", "nosave", "now", "force", "safe", "failover"];
}

impl Kind<Shutdown> for ShutdownOptions {
    fn read(&self, field: &mut Shutdown, words: &[&[u8]]) -> Result<(), Reason> {
        let names = ShutdownOptions::NAMES.join(", ");
        let unknown = || Reason::from(format!("argument(s) must be one of the following: {names}"));
        let mut given = [false; ShutdownOptions::NAMES.len()];
        if words.is_empty() {
            return Err("wrong number of arguments".into());
        }
        for word in words.iter().flat_map(|word| word.split(|&byte| byte == b' ')) {
            let is_it = |name: &&str| name.as_bytes().eq_ignore_ascii_case(word);
            given[ShutdownOptions::NAMES.iter().position(is_it).ok_or_else(unknown)?] = true;
        }
        let [_, save, nosave, now, force, safe, failover] = given;
        if save && nosave {
            return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
        }
        if failover {
            return Err("there are no replicas that could take over".into());
        }
        *field = Shutdown { saves: (save || nosave).then_some(save), now, force, safe };
        Ok(())
    }

    fn show(&self, field: &Shutdown) -> Vec<u8> {
        let Shutdown { saves, now, force, safe } = *field;
        let given = [false, saves == Some(true), saves == Some(false), now, force, safe, false];
        let names = ShutdownOptions::NAMES.iter().zip(given);
        let names: Vec<&str> = names.filter_map(|(name, is)| is.then_some(*name)).collect();
        if names.is_empty() { b"default".to_vec() } else { names.join(" ").into_bytes() }
    }
}

/// Any bytes; empty for none.
pub(crate) struct Password;

impl Kind<Secret> for Password {
    fn read(&self, field: &mut Secret, words: &[&[u8]]) -> Result<(), Reason> {
        *field = Secret::from(single(words)?);
        Ok(())
    }

    fn show(&self, field: &Secret) -> Vec<u8> {
        field.to_vec()
    }
}

/// The permissions of a file, in octal; 0 for none.
pub(crate) struct OctalMode;

impl Kind<Option<u32>> for OctalMode {
    fn read(&self, field: &mut Option<u32>, words: &[&[u8]]) -> Result<(), Reason> {
        let mode = i64::from_str_radix(utf8(single(words)?)?, 8)
            .map_err(|_| "argument couldn't be parsed as an octal number")?;
        *field = match mode {
            0 => None,
            0o001..=0o777 => Some(mode as u32),
            _ => return Err("argument must be between 0 and 777 inclusive".into()),
        };
        Ok(())
    }

    fn show(&self, field: &Option<u32>) -> Vec<u8> {
        format!("{:o}", field.unwrap_or(0)).into_bytes()
    }
}

/// A list of addresses; empty for none.
pub(crate) struct Addresses {
    pub(crate) most: usize,
}

impl Kind<Vec<String>> for Addresses {
    fn read(&self, field: &mut Vec<String>, words: &[&[u8]]) -> Result<(), Reason> {
        field.clear();
        // No address holds a space; and an empty list is written as one empty word.
        let addresses = words.iter().flat_map(|word| word.split(|&byte| byte == b' '));
        for address in addresses.filter(|address| !address.is_empty()) {
            field.push(utf8(address)?.to_owned());
        }
        if field.len() > self.most {
            return Err("Too many bind addresses specified.".into());
        }
        Ok(())
    }

    fn show(&self, field: &Vec<String>) -> Vec<u8> {
        field.join(" ").into_bytes()
    }
}

/// `CLASS HARD SOFT SECONDS`, any number of times. Classes that are not named keep their limits.
pub(crate) struct BufferLimits;

impl Kind<OutputBufferLimits> for BufferLimits {
    fn read(&self, field: &mut OutputBufferLimits, words: &[&[u8]]) -> Result<(), Reason> {
        const COUNT: &str = "Wrong number of arguments in buffer limit configuration.";
        const CLASS: &str = "Invalid client class specified in buffer limit configuration.";
        const SETTING: &str =
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
        let bytes = |word| {
            let bytes = number::parse_memory(word).and_then(|bytes| usize::try_from(bytes).ok());
            bytes.ok_or(SETTING)
        };
        let seconds = |word| {
            let seconds = number::parse_i64(word).ok_or(SETTING)?;
            within(seconds, &(0..=i32::MAX.into())).map_err(|_| SETTING)
        };

        if !words.len().is_multiple_of(4) {
            return Err(COUNT.into());
        }
        let mut rest = words;
        while let &[class, hard, soft, soft_seconds, ref more @ ..] = rest {
            let limit = match &class.to_ascii_lowercase()[..] {
                b"normal" => &mut field.normal,
                b"replica" | b"slave" => &mut field.replica,
                b"pubsub" => &mut field.pubsub,
                _ => return Err(CLASS.into()),
            };
            *limit = BufferLimit {
                hard: bytes(hard)?,
                soft: bytes(soft)?,
                soft_seconds: seconds(soft_seconds)?,
            };
            rest = more;
        }
        Ok(())
    }

    fn show(&self, field: &OutputBufferLimits) -> Vec<u8> {
        let classes =
            [("normal", field.normal), ("slave", field.replica), ("pubsub", field.pubsub)];
        let texts = classes.map(|(class, limit)| {
            format!("{class} {} {} {}", limit.hard, limit.soft, limit.soft_seconds)
        });
        texts.join(" ").into_bytes()
    }
}

/// The letters of [`KeyspaceEvents`] in any order, shown in the reference's. Empty for none.
pub(crate) struct EventLetters;

impl Kind<KeyspaceEvents> for EventLetters {
    fn read(&self, field: &mut KeyspaceEvents, words: &[&[u8]]) -> Result<(), Reason> {
        *field = KeyspaceEvents::default();
        for &letter in single(words)? {
            match letter {
                b'A' => field.classes |= KeyspaceEvents::ALL,
                b'K' => field.by_key = true,
                b'E' => field.by_event = true,
                _ => {
                    let known = KeyspaceEvents::LETTERS.iter().find(|(known, _)| *known == letter);
                    let &(_, class) =
                        known.ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")?;
                    field.classes |= class;
                }
            }
        }
        Ok(())
    }

    fn show(&self, field: &KeyspaceEvents) -> Vec<u8> {
        let is_all = field.classes & KeyspaceEvents::ALL == KeyspaceEvents::ALL;
        let mut letters = Vec::new();
        letters.extend(is_all.then_some(b'A'));
        for &(letter, class) in KeyspaceEvents::LETTERS {
            // The last stands behind the two that are no classes.
            if letter == b'm' {
                letters.extend(field.by_key.then_some(b'K'));
                letters.extend(field.by_event.then_some(b'E'));
            }
            let is_told = is_all && KeyspaceEvents::ALL & class != 0;
            letters.extend((field.classes & class != 0 && !is_told).then_some(letter));
        }
        letters
    }
}

/// A directive that can have one value only, and the reason for that.
pub(crate) struct Only<K, T>(pub(crate) K, pub T, pub &'static str);

impl<T: Clone + PartialEq, K: Kind<T>> Kind<()> for Only<K, T> {
    fn read(&self, (): &mut (), words: &[&[u8]]) -> Result<(), Reason> {
        let Only(kind, truth, reason) = self;
        let mut asked = truth.clone();
        kind.read(&mut asked, words)?;
        if asked == *truth { Ok(()) } else { Err((*reason).into()) }
    }

    fn show(&self, (): &()) -> Vec<u8> {
        self.0.show(&self.1)
    }
}

/// `HOST PORT`, from which to replicate. `NO ONE` and no word at all are none.
pub(crate) struct Source;

impl Kind<Vec<u8>> for Source {
    fn read(&self, field: &mut Vec<u8>, words: &[&[u8]]) -> Result<(), Reason> {
        *field = words.join(&b' ');
        if field.eq_ignore_ascii_case(b"no one") {
            field.clear();
        }
        Ok(())
    }

    fn show(&self, field: &Vec<u8>) -> Vec<u8> {
        field.clone()
    }
}
