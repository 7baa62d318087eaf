//! The journal of the keyspace: which keys have changed, and which events happened to them.
//!
//! WATCH, client-side caching, blocked clients and keyspace events follow it. The keyspace knows none of
//! them: it notes, and the world reads the notes between two commands. A note that none of them needs is
//! not made.

/// Bits of [`class`].
pub(crate) type Classes = u32;

/// The classes of events, as `notify-keyspace-events` chooses among them.
pub(crate) mod class {
    use super::Classes;

    pub(crate) const GENERIC: Classes = 1 << 0;
    pub(crate) const STRING: Classes = 1 << 1;
    pub(crate) const LIST: Classes = 1 << 2;
    pub(crate) const SET: Classes = 1 << 3;
    pub(crate) const HASH: Classes = 1 << 4;
    pub(crate) const ZSET: Classes = 1 << 5;
    pub(crate) const EXPIRED: Classes = 1 << 6;
    pub(crate) const EVICTED: Classes = 1 << 7;
    /// A key was asked for and not found.
    pub(crate) const KEY_MISS: Classes = 1 << 8;
    /// A key was added.
    pub(crate) const NEW: Classes = 1 << 9;
    pub(crate) const STREAM: Classes = 1 << 10;
    /// Nothing has events of this one: it can be chosen, and that is all.
    pub(crate) const MODULE: Classes = 1 << 11;
}

/// The notes since they were last read.
#[derive(Debug, Default)]
pub struct Journal {
    /// Whether changes of keys are noted.
    pub follows_keys: bool,
    /// The classes of events that are announced.
    pub announces: Classes,
    notes: Vec<(usize, What, usize)>,
    /// The keys of the notes, end to end. A note tells where its key ends.
    keys: Vec<u8>,
}

/// What there is to know of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// It has another value now, or another expiry, or is gone.
    Changed,
    /// As that, and it has nothing that it did not have before: those that wait for more of it do not have to look again.
    Lessened,
    /// It has the same value for those that read it, and those that wait for it are to look again.
    Awaited,
    /// An event of this class and name.
    Event(Classes, &'static str),
}

/// One note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Note<'a> {
    pub(crate) db: usize,
    pub(crate) what: What,
    pub(crate) key: &'a [u8],
}

impl Journal {
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// Returns whether a change that is an event of this class is noted in any way.
    #[inline]
    pub(crate) fn wants(&self, class: Classes) -> bool {
        self.follows_keys || self.announces & class != 0
    }

    /// The key has changed.
    #[inline]
    pub(crate) fn changed(&mut self, db: usize, key: &[u8]) {
        if self.follows_keys {
            self.note(db, What::Changed, key);
        }
    }

    /// The key has lost something.
    pub(crate) fn lessened(&mut self, db: usize, key: &[u8]) {
        if self.follows_keys {
            self.note(db, What::Lessened, key);
        }
    }

    /// Those that wait for the key are to look again.
    pub(crate) fn awaited(&mut self, db: usize, key: &[u8]) {
        if self.follows_keys {
            self.note(db, What::Awaited, key);
        }
    }

    /// Something happened to the key.
    #[inline]
    pub(crate) fn event(&mut self, db: usize, class: Classes, event: &'static str, key: &[u8]) {
        if self.announces & class != 0 {
            self.note(db, What::Event(class, event), key);
        }
    }

    #[cold]
    fn note(&mut self, db: usize, what: What, key: &[u8]) {
        self.keys.extend_from_slice(key);
        self.notes.push((db, what, self.keys.len()));
    }

    /// All notes, in the order in which they were made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Note<'_>> {
        let mut start = 0;
        self.notes.iter().map(move |&(db, what, end)| {
            let key = &self.keys[start..end];
            start = end;
            Note { db, what, key }
        })
    }

    /// Takes the notes away to read them, and goes on noting. [`Journal::put_back`] gives their memory
    /// back.
    pub(crate) fn take(&mut self) -> Journal {
        let Journal { follows_keys, announces, .. } = *self;
        std::mem::replace(self, Journal { follows_keys, announces, ..Journal::default() })
    }

    /// The notes that were taken have been read.
    pub(crate) fn put_back(&mut self, mut read: Journal) {
        if self.is_empty() && read.keys.capacity() <= SPARE {
            read.notes.clear();
            read.keys.clear();
            self.notes = read.notes;
            self.keys = read.keys;
        }
    }
}

/// More than so many bytes of keys are not kept room for.
const SPARE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_followed_is_noted() {
        let mut journal = Journal::default();
        journal.changed(0, b"a");
        journal.event(0, class::LIST, "lpush", b"a");
        assert!(journal.is_empty());
        journal.follows_keys = true;
        journal.announces = class::LIST;
        journal.changed(1, b"one");
        journal.event(1, class::LIST, "lpush", b"one");
        journal.event(1, class::SET, "sadd", b"one");
        journal.changed(2, b"");
        let read = journal.take();
        let notes: Vec<_> = read.iter().collect();
        let event = What::Event(class::LIST, "lpush");
        assert_eq!(
            notes,
            [
                Note { db: 1, what: What::Changed, key: b"one" },
                Note { db: 1, what: event, key: b"one" },
                Note { db: 2, what: What::Changed, key: b"" },
            ]
        );
        assert!(journal.is_empty() && journal.follows_keys);
        journal.put_back(read);
        assert!(journal.is_empty());
    }
}
