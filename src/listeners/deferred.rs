//! Replies that come later, from any thread: a command is done, and its client waits for what a [`Deferred`] is told.
//!
//! What is told is put into one queue, which the loop empties in its turns. The loop is woken when the first reply is put
//! into an empty queue: those that follow, until the loop has taken them all out, cost a lock and no system call.
//!
//! A reply names its client by id and its command by a number that no other command has. A client that is gone by then,
//! or waits for that reply no more, is found by neither, and the reply is dropped.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::wire::Reply;

/// What writes a reply, in the thread of the loop.
pub(crate) type WriteReply = Box<dyn FnOnce(&mut Reply) + Send>;

/// Wakes the loop, from any thread.
type Wake = Arc<dyn Fn() + Send + Sync>;

/// A queue with room for more is given back when it is empty.
const MOST_KEPT: usize = 1 << 14;

/// The reply that a command owes its client, for any thread to give: see [`Ctx::defer`](crate::Ctx::defer).
///
/// Dropped without a reply it is an error reply: the client does not wait for ever.
#[must_use = "dropped without a reply it is an error reply"]
pub struct Deferred {
    /// Where the reply goes, until it is given. `None`: nothing waits for it.
    replies: Option<Arc<Queue>>,
    awaited: Awaited,
}

/// Which command waits for a reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Awaited {
    /// The client's id, and the slot that it had.
    pub(crate) client: u64,
    pub(crate) slot: usize,
    /// The number of the wait.
    pub(crate) number: u64,
}

/// What has become of a deferred reply.
pub(crate) enum Outcome {
    Written(WriteReply),
    Failed(Error),
    /// Its `Deferred` was dropped.
    Dropped,
}

/// A reply that was given.
pub(crate) struct LateReply {
    pub(crate) awaited: Awaited,
    pub(crate) outcome: Outcome,
}

/// The deferred replies of a server: the end of the queue that the loop has.
pub(crate) struct LateReplies {
    queue: Arc<Queue>,
    /// Those that were taken out of the queue, and wait for their turn.
    taken: VecDeque<LateReply>,
    /// How many commands have deferred their reply: the number of the last one.
    begun: u64,
}

/// The queue between threads and the loop.
struct Queue {
    /// `None`: the server has ended.
    given: Mutex<Option<VecDeque<LateReply>>>,
    wake: Wake,
}

impl Deferred {
    /// One that nothing waits for: what it is told is dropped.
    pub(crate) fn void(client: u64, slot: usize) -> Deferred {
        Deferred { replies: None, awaited: Awaited { client, slot, number: 0 } }
    }

    /// The number of the wait; 0: nothing waits for the reply.
    pub(crate) fn number(&self) -> u64 {
        self.awaited.number
    }

    /// Gives the reply. `write` runs in the server's thread with a [`Reply`] of the client's protocol, and writes exactly one; a
    /// client that is left with less or more, or for which it panics, is told of an internal error.
    ///
    /// Returns at once. A reply that no client waits for is dropped, and `write` does not run: the client has gone, was
    /// unblocked by CLIENT UNBLOCK, or its server has ended.
    pub fn reply(mut self, write: impl FnOnce(&mut Reply) + Send + 'static) {
        self.give(Outcome::Written(Box::new(write)));
    }

    /// Replies with an error, as [`Deferred::reply`] does with what is written.
    pub fn error(mut self, error: impl Into<Error>) {
        self.give(Outcome::Failed(error.into()));
    }

    /// The id of the client that waits: that of [`Ctx::client`](crate::Ctx::client).
    #[doc(hidden)]
    pub fn client(&self) -> u64 {
        self.awaited.client
    }

    fn give(&mut self, outcome: Outcome) {
        if let Some(replies) = self.replies.take() {
            replies.put(LateReply { awaited: self.awaited, outcome });
        }
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        self.give(Outcome::Dropped);
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deferred").field("client", &self.awaited.client).finish_non_exhaustive()
    }
}

impl LateReplies {
    /// No reply was given yet. `wake` has the loop begin a turn.
    pub(crate) fn new(wake: Wake) -> LateReplies {
        let given = Mutex::new(Some(VecDeque::new()));
        LateReplies { queue: Arc::new(Queue { given, wake }), taken: VecDeque::new(), begun: 0 }
    }

    /// The command of the client waits for a reply.
    pub(crate) fn begin(&mut self, client: u64, slot: usize) -> Deferred {
        self.begun += 1;
        let awaited = Awaited { client, slot, number: self.begun };
        Deferred { replies: Some(self.queue.clone()), awaited }
    }

    /// The next reply, in the order in which they were given.
    pub(crate) fn take(&mut self) -> Option<LateReply> {
        self.refill();
        self.taken.pop_front()
    }

    /// Takes all out of the queue that are there, if none is left of those that were taken out before. The loop is woken for
    /// the next that is given.
    pub(crate) fn refill(&mut self) {
        if !self.taken.is_empty() {
            return;
        }
        if self.taken.capacity() > MOST_KEPT {
            self.taken = VecDeque::new();
        }
        if let Some(given) = self.queue.lock().as_mut() {
            mem::swap(given, &mut self.taken);
        }
    }

    /// Returns whether there are replies that were taken out and wait for their turn.
    pub(crate) fn has_taken(&self) -> bool {
        !self.taken.is_empty()
    }
}

impl Drop for LateReplies {
    /// The server has ended. What comes from here on is dropped.
    fn drop(&mut self) {
        // What a reply holds may hold another `Deferred`, so that none is dropped under the lock.
        let given = self.queue.lock().take();
        drop(given);
    }
}

impl Queue {
    fn put(&self, reply: LateReply) {
        let mut given = self.lock();
        let Some(replies) = given.as_mut() else {
            drop(given);
            return;
        };
        let is_first = replies.is_empty();
        replies.push_back(reply);
        drop(given);
        if is_first {
            (self.wake)();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<VecDeque<LateReply>>> {
        // Nothing that may panic happens under the lock.
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A queue, and how often it has woken the loop.
    fn replies() -> (LateReplies, Arc<AtomicUsize>) {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        let wake = Arc::new(move || _ = count.fetch_add(1, Ordering::Relaxed));
        (LateReplies::new(wake), woken)
    }

    #[test]
    fn the_loop_is_woken_once_for_all_that_it_finds() {
        let (mut replies, woken) = replies();
        for round in 1..=3 {
            let deferred: Vec<Deferred> = (1..=5).map(|id| replies.begin(id, 0)).collect();
            deferred.into_iter().for_each(|deferred| deferred.reply(Reply::ok));
            assert_eq!(woken.load(Ordering::Relaxed), round);
            let taken: Vec<u64> =
                std::iter::from_fn(|| replies.take()).map(|late| late.awaited.client).collect();
            assert_eq!(taken, [1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn what_is_given_meanwhile_comes_behind_what_was_taken() {
        let (mut replies, _) = replies();
        let [first, second, third] = [1, 2, 3].map(|id| replies.begin(id, 0));
        first.reply(Reply::ok);
        second.reply(Reply::ok);
        assert_eq!(replies.take().map(|late| late.awaited.client), Some(1));
        third.error(Error::fixed("ERR late"));
        assert!(replies.has_taken());
        assert_eq!(replies.take().map(|late| late.awaited.client), Some(2));
        assert!(!replies.has_taken());
        assert_eq!(replies.take().map(|late| late.awaited.client), Some(3));
        assert!(replies.take().is_none());
    }

    #[test]
    fn one_that_is_dropped_says_so_and_a_void_one_says_nothing() {
        let (mut replies, woken) = replies();
        drop(Deferred::void(1, 0));
        Deferred::void(1, 0).reply(Reply::ok);
        assert!(replies.take().is_none());
        drop(replies.begin(7, 0));
        let late = replies.take().expect("a word of it");
        assert!(matches!(late.outcome, Outcome::Dropped));
        assert_eq!((late.awaited.client, late.awaited.number), (7, 1));
        assert_eq!(woken.load(Ordering::Relaxed), 1);
    }

    /// A reply that was given holds a `Deferred` of another client: that is dropped with it.
    #[test]
    fn a_server_that_ends_drops_what_was_not_read() {
        let (mut replies, woken) = replies();
        let [first, second, third] = [1, 2, 3].map(|id| replies.begin(id, 0));
        let held = Arc::new(());
        let inside = held.clone();
        first.reply(move |_| drop((second, inside)));
        drop(replies);
        assert_eq!(Arc::strong_count(&held), 1);
        let inside = held.clone();
        third.reply(move |_| drop(inside));
        assert_eq!((Arc::strong_count(&held), woken.load(Ordering::Relaxed)), (1, 1));
    }
}
