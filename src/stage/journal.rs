//! The journal: which commands clients have sent, and what they were replied.
//!
//! An entry is made when a command comes, in the order in which they come, and has a reply as soon as that is given. It
//! holds what was sent as it was sent, passwords too: a stage is no place for secrets. The commands of STAGE itself are
//! in no journal. Old entries go when there are too many, or when they take too much memory; their numbers are missing
//! then, and those of the others stay.
//!
//! A [`Watch`] counts commands for a client that waits until there are so many.

use std::collections::{BTreeMap, VecDeque};

use super::matching::{Clients, Commands, Subject};
use crate::wire::{Args, OwnedArgs};

/// How many entries are kept, unless a limit is given.
pub(crate) const USUAL_LIMIT: u64 = 10_000;

/// The highest limit.
pub(crate) const HIGHEST_LIMIT: u64 = 10_000_000;

/// How many bytes of memory the entries take at most.
const MOST_BYTES: usize = 64 << 20;

/// What clients have sent since the journal is on.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    is_on: bool,
    limit: usize,
    entries: VecDeque<Entry>,
    /// The number of the last entry.
    last: u64,
    /// Bytes of all entries.
    bytes: usize,
    /// The entries of clients whose commands wait, by the ids of these.
    open: BTreeMap<u64, u64>,
    watches: Vec<Watch>,
    /// The number of the last watch.
    last_watch: u64,
}

/// A command, and its reply.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Counted from 1.
    pub(crate) number: u64,
    /// When it came, in µs since 1970.
    pub(crate) micros: u64,
    pub(crate) client: Who,
    /// As COMMAND LIST spells it; empty if there is no such command.
    name: Box<[u8]>,
    pub(crate) args: OwnedArgs,
    /// As bytes of the protocol. `None`: there is none yet.
    pub(crate) reply: Option<Box<[u8]>>,
}

/// The client that has sent it, as it was then.
#[derive(Debug)]
pub(crate) struct Who {
    pub(crate) id: u64,
    pub(crate) name: Box<[u8]>,
    lib: Box<[u8]>,
    user: Box<[u8]>,
    db: usize,
    proto: u8,
    node: Box<[u8]>,
}

/// A client that waits until commands have been sent so often.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) number: u64,
    pub(crate) client: u64,
    commands: Commands,
    /// How many there were.
    pub(crate) count: u64,
    wanted: u64,
}

impl Who {
    fn of(subject: Subject<'_>) -> Who {
        let Subject { id, name, lib, user, db, proto, node } = subject;
        let [name, lib, user, node] = [name, lib, user, node].map(Into::into);
        Who { id, name, lib, user, db, proto, node }
    }

    fn subject(&self) -> Subject<'_> {
        let Who { id, name, lib, user, db, proto, node } = self;
        Subject { id: *id, name, lib, user, db: *db, proto: *proto, node }
    }
}

impl Entry {
    fn weight(&self) -> usize {
        let Who { name, lib, user, node, .. } = &self.client;
        let texts =
            [name, lib, user, node, &self.name].iter().map(|text| text.len()).sum::<usize>();
        let reply = self.reply.as_ref().map_or(0, |reply| reply.len());
        size_of::<Entry>() + texts + self.args.memory() + reply
    }
}

impl Watch {
    /// Returns whether there are as many as are waited for.
    pub(crate) fn is_met(&self) -> bool {
        self.count >= self.wanted
    }
}

impl Journal {
    /// Begins anew, with no entries, and keeps so many of those that come.
    pub(crate) fn turn_on(&mut self, limit: usize) {
        self.forget();
        (self.is_on, self.limit) = (true, limit);
    }

    /// Makes no more entries. Those that there are stay.
    pub(crate) fn turn_off(&mut self) {
        self.is_on = false;
    }

    /// Forgets all entries, and counts from 1 again.
    pub(crate) fn forget(&mut self) {
        (self.entries, self.bytes, self.last) = (VecDeque::new(), 0, 0);
        self.open.clear();
        self.watches.iter_mut().for_each(|watch| watch.count = 0);
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Makes the entry of a command that has come, and returns its number. `name` is its full name. One that a pause has
    /// held back has its entry.
    pub(crate) fn add(
        &mut self,
        micros: u64,
        client: Subject<'_>,
        name: &[u8],
        args: Args<'_>,
    ) -> Option<u64> {
        if self.open.contains_key(&client.id) {
            return None;
        }
        self.last += 1;
        let (number, client, name) = (self.last, Who::of(client), name.into());
        let entry = Entry { number, micros, client, name, args: args.to_owned(), reply: None };
        self.bytes += entry.weight();
        self.open.insert(entry.client.id, number);
        self.entries.push_back(entry);
        self.let_old_go();
        Some(number)
    }

    /// Counts the command for all that wait for such, and returns those whose count is another now.
    pub(crate) fn count<'j>(
        &'j mut self,
        name: &'j [u8],
        args: Args<'j>,
    ) -> impl Iterator<Item = &'j Watch> {
        self.watches.iter_mut().filter_map(move |watch| {
            let is_meant = watch.commands.matches(name, args);
            watch.count += u64::from(is_meant);
            is_meant.then_some(&*watch)
        })
    }

    /// The command of the client has this reply, which was to be told: the last one of which that is not known.
    pub(crate) fn answer(&mut self, client: u64, reply: &[u8]) {
        let Some(number) = self.open.remove(&client) else {
            return;
        };
        let Ok(at) = self.entries.binary_search_by_key(&number, |entry| entry.number) else {
            return;
        };
        let entry = &mut self.entries[at];
        self.bytes -= entry.weight();
        entry.reply = Some(reply.into());
        self.bytes += entry.weight();
        self.let_old_go();
    }

    /// The client has gone: its last command may have no reply.
    pub(crate) fn gone(&mut self, client: u64) {
        self.open.remove(&client);
        self.unwatch(|watch| watch.client == client);
    }

    /// The entries from this number on, of these clients.
    pub(crate) fn entries(&self, since: u64, clients: &Clients) -> impl Iterator<Item = &Entry> {
        let first = self.entries.partition_point(|entry| entry.number < since);
        let entries = self.entries.range(first..);
        entries.filter(|entry| clients.matches(entry.client.subject()))
    }

    /// Has a client wait until there are so many such commands, and returns the watch. Those that came before count, as
    /// far as their entries are there.
    pub(crate) fn watch(&mut self, client: u64, commands: Commands, wanted: u64) -> &Watch {
        let is_meant = |entry: &&Entry| commands.matches(&entry.name, entry.args.args());
        let count = self.entries.iter().filter(is_meant).count() as u64;
        self.unwatch(|watch| watch.client == client);
        self.last_watch += 1;
        let number = self.last_watch;
        self.watches.push(Watch { number, client, commands, count, wanted });
        &self.watches[self.watches.len() - 1]
    }

    /// Forgets the watch of this number, and returns it.
    pub(crate) fn take_watch(&mut self, number: u64) -> Option<Watch> {
        let at = self.watches.iter().position(|watch| watch.number == number)?;
        Some(self.watches.swap_remove(at))
    }

    /// Forgets all watches, and returns them.
    pub(crate) fn take_watches(&mut self) -> Vec<Watch> {
        std::mem::take(&mut self.watches)
    }

    /// Forgets watches.
    fn unwatch(&mut self, is_over: impl Fn(&Watch) -> bool) {
        self.watches.retain(|watch| !is_over(watch));
    }

    /// Forgets old entries while there are too many.
    fn let_old_go(&mut self) {
        while self.entries.len() > self.limit || self.bytes > MOST_BYTES {
            let Some(old) = self.entries.pop_front() else { return };
            self.bytes -= old.weight();
            if old.reply.is_none() {
                self.open.remove(&old.client.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Subject<'_> =
        Subject { id: 1, name: b"ann", lib: b"", user: b"default", db: 0, proto: 2, node: b"" };

    fn numbers(journal: &Journal) -> Vec<u64> {
        journal.entries(0, &Clients::default()).map(|entry| entry.number).collect()
    }

    #[test]
    fn old_entries_go_when_there_are_too_many() {
        let mut journal = Journal::default();
        journal.turn_on(2);
        let args: OwnedArgs = ["PING"].into_iter().collect();
        for _ in 0..3 {
            journal.add(0, ANN, b"ping", args.args());
            journal.answer(1, b"+PONG");
        }
        assert_eq!(numbers(&journal), [2, 3]);
        // The reply to what has gone is kept by nothing.
        journal.add(0, ANN, b"ping", args.args());
        for id in 2..4 {
            journal.add(0, Subject { id, ..ANN }, b"ping", args.args());
        }
        let before = journal.bytes;
        journal.answer(1, &[0; 100]);
        assert_eq!((numbers(&journal), journal.bytes), (vec![5, 6], before));
        journal.turn_on(2);
        assert_eq!((numbers(&journal), journal.bytes), (vec![], 0));
    }

    #[test]
    fn no_watch_is_kept_for_a_client_that_has_gone() {
        let mut journal = Journal::default();
        journal.turn_on(2);
        for id in [1, 2] {
            journal.watch(id, Commands::default(), 9);
        }
        journal.gone(1);
        let left: Vec<u64> = journal.take_watches().iter().map(|watch| watch.client).collect();
        assert_eq!(left, [2]);
    }

    #[test]
    fn entries_take_no_more_memory_than_they_may() {
        let mut journal = Journal::default();
        journal.turn_on(100);
        let args: OwnedArgs = ["GET"].into_iter().collect();
        for _ in 0..9 {
            journal.add(0, ANN, b"get", args.args());
            journal.answer(1, &vec![0; 10 << 20]);
        }
        assert_eq!(numbers(&journal), [4, 5, 6, 7, 8, 9]);
        assert!(journal.bytes <= MOST_BYTES);
        journal.add(0, ANN, b"get", args.args());
        journal.answer(1, &vec![0; MOST_BYTES]);
        assert_eq!((numbers(&journal), journal.bytes), (vec![], 0));
    }
}
