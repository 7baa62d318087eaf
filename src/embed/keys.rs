//! Where the keys of a command of your own stand.

use super::kept::kept;
use crate::dispatch::spec::key::{ACCESS, DELETE, OW, RM, RO, RW, UPDATE};
use crate::dispatch::spec::{KeyFlags, Place, keyword, numkeys, range};

/// A key spec: where some of a command's keys stand, and what the command does with them.
///
/// ACL rules for keys (`~pattern`, `%R~pattern`, `%W~pattern`), COMMAND GETKEYS, client-side caching and the prefetching of
/// pipelines ask it. Indexes are those of arguments: 0 is the command's name, and 1 that of a subcommand.
///
/// What is done with the keys may be said in several words: `.reads().removes()` is what GETDEL does. Without one it
/// follows from the command: one that [`reads`](super::Command::reads) reads them, any other reads and changes them.
///
/// ```
/// use respd::Keys;
///
/// let key = Keys::at(1).reads().changes(); // INCR key
/// let keys = Keys::range(1, -2, 1).reads().removes(); // BLPOP key... timeout
/// let pairs = Keys::range(1, -1, 2).replaces(); // MSET (key value)...
/// let counted = Keys::counted(1).reads(); // ZUNION numkeys key...
/// let target = Keys::behind("STORE", 2).replaces(); // SORT key [STORE destination]
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    pub(super) at: At,
    uses: u8,
}

/// Where keys stand.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    Range { first: usize, last: i32, step: usize },
    Counted(usize),
    Behind { word: &'static str, from: usize },
}

const READS: u8 = 1 << 0;
const CHANGES: u8 = 1 << 1;
const REPLACES: u8 = 1 << 2;
const REMOVES: u8 = 1 << 3;

impl Keys {
    /// One key, this argument. A request has to have it: an optional key at the end is `Keys::range(index, -1, 1)`.
    pub fn at(index: usize) -> Keys {
        Keys::range(index, i32::try_from(index).unwrap_or(i32::MAX), 1)
    }

    /// Every `step`-th argument from `first` to `last`, which counts from the end if it is negative: -1 is the last argument.
    pub fn range(first: usize, last: i32, step: usize) -> Keys {
        Keys::new(At::Range { first, last, step })
    }

    /// Argument `index` says how many keys follow it. A request in which it is no number above 0, or in which fewer arguments
    /// follow, has no keys, and is refused to users whose rules limit keys.
    pub fn counted(index: usize) -> Keys {
        Keys::new(At::Counted(index))
    }

    /// One key behind this word, if the word is there, in capitals or not. It is looked for from argument `from` on, and the first
    /// one counts: let the search begin behind arguments that may be any word.
    pub fn behind(word: &str, from: usize) -> Keys {
        Keys::new(At::Behind { word: kept(&word.to_ascii_uppercase()), from })
    }

    /// The command returns, copies or compares what is stored: rules have to allow it to be read.
    pub fn reads(self) -> Keys {
        self.and(READS)
    }

    /// The command changes what is stored, or adds to it: rules have to allow it to be written.
    pub fn changes(self) -> Keys {
        self.and(CHANGES)
    }

    /// The command puts another value in place of what is stored: rules have to allow it to be written.
    pub fn replaces(self) -> Keys {
        self.and(REPLACES)
    }

    /// The command removes the key, or a part of what is stored: rules have to allow it to be written.
    pub fn removes(self) -> Keys {
        self.and(REMOVES)
    }

    fn new(at: At) -> Keys {
        Keys { at, uses: 0 }
    }

    fn and(self, uses: u8) -> Keys {
        Keys { uses: self.uses | uses, ..self }
    }

    /// Returns whether it says that keys are not what they were when the command is done.
    pub(super) fn change(self) -> bool {
        self.uses & !READS != 0
    }

    /// What COMMAND INFO says of the keys, or `otherwise` where nothing is said.
    pub(super) fn flags(self, otherwise: KeyFlags) -> KeyFlags {
        let kind = match self.uses {
            0 => return otherwise,
            READS => RO,
            REPLACES => OW,
            REMOVES => RM,
            _ => RW,
        };
        [(READS, ACCESS), (CHANGES | REPLACES, UPDATE), (REMOVES, DELETE)]
            .into_iter()
            .filter(|(uses, _)| self.uses & uses != 0)
            .fold(kind, |flags, (_, flag)| flags | flag)
    }

    /// The place.
    pub(super) fn place(self) -> Place {
        match self.at {
            At::Range { first, last, step } if last < 0 => range(first, last, step),
            At::Range { first, last, step } => {
                range(first, last.saturating_sub(first as i32), step)
            }
            At::Counted(index) => numkeys(index),
            At::Behind { word, from } => keyword(word, from.min(i32::MAX as usize) as i32, 0, 1, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_with_keys_is_one_kind_and_what_users_see_of_it() {
        let at = Keys::at(1);
        assert_eq!(at.flags(RO | ACCESS), RO | ACCESS);
        assert_eq!(at.reads().flags(0), RO | ACCESS);
        assert_eq!(at.changes().flags(0), RW | UPDATE);
        assert_eq!(at.replaces().flags(0), OW | UPDATE);
        assert_eq!(at.removes().flags(0), RM | DELETE);
        assert_eq!(at.reads().changes().flags(0), RW | ACCESS | UPDATE);
        assert_eq!(at.reads().removes().flags(0), RW | ACCESS | DELETE);
        assert_eq!(at.reads().replaces().flags(0), RW | ACCESS | UPDATE);
        assert!(!at.reads().change() && at.removes().change());
    }
}
