//! Effects: every change of the keyspace, said as the command that brings it about again.
//!
//! An append-only file, a replica or a mirror listens ([`Store::listen_to_effects`]). Run in order on a keyspace
//! that was the same before, what it hears makes one that is the same after, at whatever time that is done:
//!
//! * A command that changed data is said in its own words, unless these would not do the same again: then its
//!   handler says what it came to. A time is absolute, a random choice is what was chosen, a pop that
//!   waited is the pop that it became, a condition that held is gone. A command that changed nothing is not
//!   said; [`Shared::changes`] decides.
//! * Keys that expire or are evicted are said as UNLINK, as Valkey 9.1 does, and fields that expire as HDEL, both
//!   before the command that finds them gone. A replayer therefore lets nothing expire by itself.
//! * An effect names its database, and a [`Batch`] holds what happened at once: one command, or one
//!   transaction, whose effects belong between MULTI and EXEC wherever they go.
//!
//! Without a listener a command costs one load of a bool, and nothing is collected. What has been collected is
//! handed over when the engine has run what a client sent and at the end of each turn, before replies are
//! sent, and earlier when a batch ends that makes it more than [`MOST_BYTES`]. A batch is never torn. It is
//! bounded by the commands of its transaction, which the client's query buffer limit bounds, and by the keys,
//! members and fields that these remove.

use std::fmt;

use super::{Shared, Store};

/// Collected effects of more bytes are handed over at the end of the batch, not only of the turn.
pub const MOST_BYTES: usize = 64 * 1024;

/// An effect about any number of members, fields or elements is said as several, of so many each at most, so
/// that each stays a request that servers accept.
const MOST_WORDS: usize = 1024;

/// Receives all batches since its last call, in their order. A panic in it ends the server: a log or a replica that
/// has missed a batch must not be taken for whole.
pub type Listener = Box<dyn FnMut(&Batches) + Send>;

/// Names a listener to [`Store::leave_effects`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerId(u64);

/// Collects effects and hands them to the listeners.
#[derive(Default)]
pub struct Effects {
    /// Whether there is a listener: the one thing that every command asks.
    are_heard: bool,
    listeners: Vec<(ListenerId, Listener)>,
    /// How many listeners there have been: the number of the last one's id.
    listened: u64,
    batches: Batches,
    /// [`Shared::changes`] when the last command ended.
    seen: u64,
    /// Whether the running command has said its effect itself.
    is_said: bool,
    /// How many commands are running that keep the effects of others together: see [`Effects::hold`].
    held: usize,
}

impl fmt::Debug for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effects")
            .field("listeners", &self.listeners.len())
            .field("batches", &self.batches)
            .finish_non_exhaustive()
    }
}

impl Effects {
    /// Returns whether there is a listener.
    #[inline]
    pub fn are_heard(&self) -> bool {
        self.are_heard
    }

    /// Says what the running command came to: a command with this name and these arguments, in this database.
    /// Its own words are not said then. It may be called several times.
    pub fn say(&mut self, db: usize, name: &str, words: &[&[u8]]) {
        if self.are_heard {
            self.is_said = true;
            self.add(db, name, words);
        }
    }

    /// As [`Effects::say`] with more words at the end: as many commands as these need.
    pub fn say_all<'w>(
        &mut self,
        db: usize,
        name: &str,
        words: &[&[u8]],
        more: impl IntoIterator<Item = &'w [u8]>,
    ) {
        if self.are_heard {
            self.is_said = true;
            self.add_all(db, name, words, more);
        }
    }

    /// The keyspace has said what the running command came to: the time that it gave a key had come, and the key is
    /// gone.
    pub fn say_no_more(&mut self) {
        self.is_said = self.are_heard;
    }

    /// A key has gone by itself.
    #[inline]
    pub(crate) fn key_is_gone(&mut self, db: usize, key: &[u8]) {
        if self.are_heard {
            self.add(db, "UNLINK", &[key]);
        }
    }

    /// Fields of a hash have gone by themselves.
    pub(crate) fn fields_are_gone<'n>(
        &mut self,
        db: usize,
        key: &[u8],
        names: impl IntoIterator<Item = &'n [u8]>,
    ) {
        if self.are_heard {
            self.add_all(db, "HDEL", &[key], names);
        }
    }

    #[cold]
    fn add(&mut self, db: usize, name: &str, words: &[&[u8]]) {
        self.batches.word(name.as_bytes());
        words.iter().for_each(|word| self.batches.word(word));
        self.batches.end_effect(db);
    }

    #[cold]
    fn add_all<'w>(
        &mut self,
        db: usize,
        name: &str,
        words: &[&[u8]],
        more: impl IntoIterator<Item = &'w [u8]>,
    ) {
        let mut more = more.into_iter().peekable();
        while more.peek().is_some() {
            self.batches.word(name.as_bytes());
            words.iter().for_each(|word| self.batches.word(word));
            more.by_ref().take(MOST_WORDS).for_each(|word| self.batches.word(word));
            self.batches.end_effect(db);
        }
    }

    /// The commands that run until [`Effects::release`] are one batch: those of a transaction.
    pub fn hold(&mut self) {
        self.held += 1;
    }

    /// Ends what [`Effects::hold`] has begun. The batch ends with the command that called both.
    pub fn release(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// Returns whether a command is running that keeps the effects of others together.
    pub(crate) fn is_held(&self) -> bool {
        self.held > 0
    }

    /// What was said since the last batch is one, unless it is held.
    #[inline]
    pub fn end_batch(&mut self) {
        if self.are_heard && self.held == 0 {
            self.batches.end();
            if self.batches.bytes.len() > MOST_BYTES {
                self.hand_over();
            }
        }
    }

    /// Hands over what has been collected, unless it is held. Returns whether nothing is left.
    pub fn hand_over_unheld(&mut self) -> bool {
        if self.held == 0 {
            self.hand_over();
        }
        self.batches.effects.is_empty()
    }

    /// Hands over what has been collected. To be called between commands, where nothing is held any more.
    #[inline]
    pub fn hand_over(&mut self) {
        if self.are_heard && !self.batches.effects.is_empty() {
            self.held = 0;
            self.batches.end();
            for (_, listener) in &mut self.listeners {
                listener(&self.batches);
            }
            self.batches.clear();
        }
    }
}

impl Store {
    /// Calls `listener` with all effects from now on. To be called between commands, as is [`Store::leave_effects`].
    pub fn listen_to_effects(&mut self, listener: Listener) -> ListenerId {
        let Shared { effects, changes, .. } = &mut self.shared;
        effects.hand_over();
        effects.listened += 1;
        let id = ListenerId(effects.listened);
        effects.listeners.push((id, listener));
        effects.are_heard = true;
        effects.seen = *changes;
        id
    }

    /// Removes a listener, which still receives what has been collected. Returns false if it was removed before.
    pub fn leave_effects(&mut self, id: ListenerId) -> bool {
        let effects = &mut self.shared.effects;
        effects.hand_over();
        let before = effects.listeners.len();
        effects.listeners.retain(|(other, _)| *other != id);
        effects.are_heard = !effects.listeners.is_empty();
        effects.listeners.len() < before
    }

    /// Commands are about to run. What has changed before was said when it did, or is not said: in no case is it what
    /// the first of them came to.
    #[inline]
    pub(crate) fn begin_effects(&mut self) {
        let Shared { effects, changes, .. } = &mut self.shared;
        if effects.are_heard {
            effects.seen = *changes;
            effects.is_said = false;
            effects.end_batch();
        }
    }

    // ANCHOR: say_command
    /// A command of these words, in this database, is over. It is said if it changed data and its handler has not
    /// said what it came to. To be called while there is a listener.
    pub fn say_command<'w>(&mut self, db: usize, words: impl Iterator<Item = &'w [u8]>) {
        let Shared { effects, changes, .. } = &mut self.shared;
        let has_changed = std::mem::replace(&mut effects.seen, *changes) != *changes;
        let is_said = std::mem::take(&mut effects.is_said);
        if has_changed && !is_said {
            words.for_each(|word| effects.batches.word(word));
            effects.batches.end_effect(db);
        }
        effects.end_batch();
    }
    // ANCHOR_END: say_command
}

/// Effects in their order, flat: words end to end, and where each thing ends.
#[derive(Debug, Default)]
pub struct Batches {
    bytes: Vec<u8>,
    /// Where each word ends in `bytes`.
    words: Vec<usize>,
    /// The database of each effect, and where it ends in `words`.
    effects: Vec<(usize, usize)>,
    /// Where each batch ends in `effects`.
    ends: Vec<usize>,
}

impl Batches {
    fn word(&mut self, word: &[u8]) {
        self.bytes.extend_from_slice(word);
        self.words.push(self.bytes.len());
    }

    /// The words since the last effect are one, in this database.
    fn end_effect(&mut self, db: usize) {
        self.effects.push((db, self.words.len()));
    }

    fn end(&mut self) {
        if self.ends.last().copied().unwrap_or(0) < self.effects.len() {
            self.ends.push(self.effects.len());
        }
    }

    fn clear(&mut self) {
        if self.bytes.capacity() > 2 * MOST_BYTES || self.words.capacity() > MOST_BYTES {
            *self = Batches::default();
        }
        self.bytes.clear();
        self.words.clear();
        self.effects.clear();
        self.ends.clear();
    }

    /// The batches, each of which has at least one effect.
    pub fn iter(&self) -> impl Iterator<Item = Batch<'_>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| Batch { all: self, start, end })
    }

    /// Bytes of all words.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// What happened at once.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    all: &'a Batches,
    start: usize,
    end: usize,
}

impl<'a> Batch<'a> {
    /// How many effects it has. More than one are to be kept together.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub fn iter(self) -> impl ExactSizeIterator<Item = Effect<'a>> {
        (self.start..self.end).map(move |index| Effect { all: self.all, index })
    }
}

/// A command, and the database to run it in.
#[derive(Debug, Clone, Copy)]
pub struct Effect<'a> {
    all: &'a Batches,
    index: usize,
}

impl<'a> Effect<'a> {
    pub fn db(self) -> usize {
        self.all.effects[self.index].0
    }

    /// The command's name and its arguments.
    pub fn words(self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        let effects = &self.all.effects;
        let start = self.index.checked_sub(1).map_or(0, |before| effects[before].1);
        (start..effects[self.index].1).map(move |word| {
            let start = word.checked_sub(1).map_or(0, |before| self.all.words[before]);
            &self.all.bytes[start..self.all.words[word]]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// What was heard: calls of batches of effects, each with its database in front.
    type Heard = Arc<Mutex<Vec<Vec<Vec<String>>>>>;

    fn shown(effect: Effect<'_>) -> String {
        let words: Vec<_> = effect.words().map(String::from_utf8_lossy).collect();
        format!("{} {}", effect.db(), words.join(" "))
    }

    fn listen(store: &mut Store) -> (Heard, ListenerId) {
        let heard = Heard::default();
        let into = Arc::clone(&heard);
        let id = store.listen_to_effects(Box::new(move |batches| {
            let batches = batches.iter().map(|batch| batch.iter().map(shown).collect());
            into.lock().unwrap().push(batches.collect());
        }));
        (heard, id)
    }

    #[test]
    fn what_is_said_is_heard_batch_by_batch() {
        let mut store = Store::new(2);
        store.shared.effects.say(0, "DEL", &[b"unheard"]);
        let (heard, id) = listen(&mut store);
        let effects = &mut store.shared.effects;
        effects.say(0, "DEL", &[b"a"]);
        effects.say(1, "SET", &[b"b", b""]);
        effects.end_batch();
        effects.end_batch();
        effects.key_is_gone(1, b"c");
        assert!(heard.lock().unwrap().is_empty());
        effects.hand_over();
        effects.hand_over();
        effects.say(0, "DEL", &[b"d"]);
        assert!(store.leave_effects(id) && !store.leave_effects(id));
        store.shared.effects.say(0, "DEL", &[b"unheard"]);
        store.shared.effects.hand_over();
        let expected = vec![
            vec![vec!["0 DEL a".to_owned(), "1 SET b ".to_owned()], vec!["1 UNLINK c".to_owned()]],
            vec![vec!["0 DEL d".to_owned()]],
        ];
        assert_eq!(*heard.lock().unwrap(), expected);
    }

    #[test]
    fn a_command_is_said_if_it_changed_data_and_said_nothing_itself() {
        let mut store = Store::new(1);
        store.shared.changes = 5;
        let (heard, _) = listen(&mut store);
        let words = || [&b"SPOP"[..], b"k"].into_iter();
        store.say_command(0, words());
        store.shared.changes += 1;
        store.say_command(0, words());
        store.say_command(0, words());
        store.shared.changes += 1;
        store.shared.effects.say_all(0, "SREM", &[b"k"], [&b"m"[..], b"n"]);
        store.say_command(0, words());
        store.shared.effects.say_no_more();
        store.shared.changes += 1;
        store.say_command(0, words());
        store.shared.effects.hand_over();
        let one = |effect: &str| vec![effect.to_owned()];
        let expected = vec![vec![one("0 SPOP k"), one("0 SREM k m n")]];
        assert_eq!(*heard.lock().unwrap(), expected);
    }

    #[test]
    fn what_is_collected_is_bounded_and_no_batch_is_torn() {
        let mut store = Store::new(1);
        let (heard, _) = listen(&mut store);
        let effects = &mut store.shared.effects;
        let value = vec![b'x'; MOST_BYTES];
        effects.say(0, "SET", &[b"k", &value]);
        effects.say(0, "SET", &[b"k", &value]);
        assert!(heard.lock().unwrap().is_empty());
        effects.end_batch();
        assert_eq!(heard.lock().unwrap().len(), 1);
        assert_eq!(effects.batches.bytes.capacity(), 0);
    }

    #[test]
    fn any_number_of_members_is_said_in_parts() {
        let mut store = Store::new(1);
        let (heard, _) = listen(&mut store);
        let members = vec![&b"m"[..]; 2 * MOST_WORDS + 1];
        store.shared.effects.say_all(0, "SREM", &[b"k"], members);
        store.shared.effects.hand_over();
        let heard = heard.lock().unwrap();
        let words = heard[0][0].iter().map(|effect| effect.matches(" m").count());
        assert_eq!(words.collect::<Vec<_>>(), [MOST_WORDS, MOST_WORDS, 1]);
    }
}
