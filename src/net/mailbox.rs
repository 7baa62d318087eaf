//! The mailbox of the loop: everything that another thread wants of it.
//!
//! A letter is put into a channel and the poll is woken, so the loop reads it in the turn that this causes:
//! after what clients have sent, and before anything is sent to them. Letters are read in their order, and no
//! more than [`LETTERS_PER_TURN`] of them in a turn, so that a thread that writes without end does not keep
//! clients waiting. When the loop has ended, sending a letter is an error, and letters that were not read are
//! dropped: a channel for the result that a letter brought is closed then, which its other end sees.
//!
//! What another thread may want of the loop is one more [`Letter`]: a reply that was deferred, or that this much
//! of a file is on disk. A thread whose news the engine fetches itself (that of the disk) only wakes the loop:
//! [`MailSender::wake`]. Signals alone come another way, for a handler of signals may not allocate: see
//! [`super::signals`].

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, OnceLock};
use std::thread::{self, ThreadId};

use mio::{Registry, Token, Waker};

use super::listener::{ListenSocket, Wanted};
use super::tls::Acceptor;
use crate::clock::Change;
use crate::engine::{Engine, HostCall};

/// How many letters are read in a turn, at most.
const LETTERS_PER_TURN: usize = 64;

/// What another thread wants of the loop.
pub(crate) enum Letter {
    /// Stop accepting, send what is owed, end.
    Stop,
    /// The server can do its work from now on, or can not.
    Ready(bool),
    /// Listen here from now on, and nowhere else.
    Rebind(Vec<Wanted>),
    /// Listen here, too.
    Open(Vec<ListenSocket>),
    /// Listen on this port no more.
    Close(u16),
    /// New connections of the ports that speak TLS begin with this.
    Secure(Option<Acceptor>),
    /// Run this between two commands.
    Call(Call),
    /// Run this command between two others.
    Command(HostCall),
    /// Change the manual clock, and send a word when all that is due by then has happened.
    Clock(Change, mpsc::Sender<()>),
}

/// A closure for the thread of the loop.
pub(crate) type Call = Box<dyn FnOnce(&mut Engine) + Send>;

/// Why a letter was not read, or what it asks for cannot be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undelivered {
    /// The server has ended, or the closure panicked.
    Ended,
    /// The thread that waits would be the one that is waited for: that of the server.
    OwnThread,
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Undelivered::Ended => "the server has ended",
            Undelivered::OwnThread => "the server's own thread cannot wait for the server",
        })
    }
}

impl std::error::Error for Undelivered {}

/// The receiving end, which the loop has.
pub(crate) struct Mailbox {
    /// `None`: the loop has ended.
    letters: Option<Receiver<Letter>>,
    /// Letters that were looked at while a script ran, and wait for its end.
    waiting: VecDeque<Letter>,
    sender: MailSender,
    has_more: bool,
}

/// The sending end, for any number of threads.
#[derive(Debug, Clone)]
pub(crate) struct MailSender {
    letters: mpsc::Sender<Letter>,
    waker: Arc<Waker>,
    /// The thread of the loop, as soon as it runs.
    reader: Arc<OnceLock<ThreadId>>,
}

impl Mailbox {
    /// A mailbox whose letters wake the poll with this token.
    pub(crate) fn register(registry: &Registry, token: Token) -> io::Result<Mailbox> {
        let waker = Arc::new(Waker::new(registry, token)?);
        let (letters, receiver) = mpsc::channel();
        let sender = MailSender { letters, waker, reader: Arc::default() };
        Ok(Mailbox { letters: Some(receiver), waiting: VecDeque::new(), sender, has_more: false })
    }

    pub(crate) fn sender(&self) -> MailSender {
        self.sender.clone()
    }

    /// This thread is the one that reads the letters.
    pub(crate) fn is_read_here(&self) {
        self.sender.reader.get_or_init(|| thread::current().id());
    }

    /// The letters of one turn.
    pub(crate) fn take_some(&mut self) -> Vec<Letter> {
        let mut taken = Vec::new();
        if !self.waiting.is_empty() {
            taken.extend(self.waiting.drain(..self.waiting.len().min(LETTERS_PER_TURN)));
        }
        let letters = self.letters.iter().flat_map(Receiver::try_iter);
        taken.extend(letters.take(LETTERS_PER_TURN - taken.len()));
        self.has_more = taken.len() == LETTERS_PER_TURN;
        taken
    }

    /// Returns whether one of the next letters asks the loop to end. They wait, in their order, for
    /// [`Mailbox::take_some`].
    pub(crate) fn asks_to_stop(&mut self) -> bool {
        let seen = self.waiting.len();
        let letters = self.letters.iter().flat_map(Receiver::try_iter);
        self.waiting.extend(letters.take(LETTERS_PER_TURN));
        self.has_more |= !self.waiting.is_empty();
        self.waiting.range(seen..).any(|letter| matches!(letter, Letter::Stop))
    }

    /// Returns whether there may be letters of which no event will tell.
    pub(crate) fn has_more(&self) -> bool {
        self.has_more
    }

    /// No letter will be read any more. Those that are there are dropped.
    pub(crate) fn close(&mut self) {
        self.letters = None;
        self.waiting.clear();
        self.has_more = false;
    }
}

impl MailSender {
    /// Sends a letter, without waiting for anything.
    pub(crate) fn send(&self, letter: Letter) -> Result<(), Undelivered> {
        self.letters.send(letter).map_err(|_| Undelivered::Ended)?;
        self.wake();
        Ok(())
    }

    /// Has the loop begin a turn.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            log::error!("cannot wake the reactor: {error}");
        }
    }

    /// Sends a letter with one end of a channel, and waits for what comes out of the other.
    pub(crate) fn ask<T>(
        &self,
        letter: impl FnOnce(mpsc::Sender<T>) -> Letter,
    ) -> Result<T, Undelivered> {
        if self.reader.get() == Some(&thread::current().id()) {
            return Err(Undelivered::OwnThread);
        }
        let (tell, told) = mpsc::channel();
        self.send(letter(tell))?;
        told.recv().map_err(|_| Undelivered::Ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox() -> (mio::Poll, Mailbox) {
        let poll = mio::Poll::new().unwrap();
        let mailbox = Mailbox::register(poll.registry(), Token(0)).unwrap();
        (poll, mailbox)
    }

    #[test]
    fn a_turn_reads_so_many_letters_and_the_next_goes_on() {
        let (_poll, mut mailbox) = mailbox();
        let sender = mailbox.sender();
        (0..LETTERS_PER_TURN + 1).for_each(|_| sender.send(Letter::Stop).unwrap());
        assert_eq!((mailbox.take_some().len(), mailbox.has_more()), (LETTERS_PER_TURN, true));
        assert_eq!((mailbox.take_some().len(), mailbox.has_more()), (1, false));
    }

    #[test]
    fn letters_that_are_looked_at_while_a_script_runs_keep_their_order() {
        let (_poll, mut mailbox) = mailbox();
        let sender = mailbox.sender();
        assert!(!mailbox.asks_to_stop() && !mailbox.has_more());
        sender.send(Letter::Ready(true)).unwrap();
        assert!(!mailbox.asks_to_stop() && mailbox.has_more());
        (0..LETTERS_PER_TURN).for_each(|_| sender.send(Letter::Stop).unwrap());
        assert!(mailbox.asks_to_stop());
        sender.send(Letter::Ready(false)).unwrap();
        let (first, second) = (mailbox.take_some(), mailbox.take_some());
        assert!(matches!(first[0], Letter::Ready(true)) && first.len() == LETTERS_PER_TURN);
        assert!(matches!(second[..], [Letter::Stop, Letter::Ready(false)]));
        assert!(mailbox.take_some().is_empty() && !mailbox.has_more());
    }

    #[test]
    fn a_letter_to_a_loop_that_has_ended_is_an_error_and_no_hang() {
        let (_poll, mut mailbox) = mailbox();
        let sender = mailbox.sender();
        let (tell, told) = mpsc::channel::<()>();
        sender.send(Letter::Clock(Change::Run, tell)).unwrap();
        mailbox.close();
        assert!(told.recv().is_err(), "what was not read is dropped");
        assert_eq!(sender.send(Letter::Stop), Err(Undelivered::Ended));
        let asked = sender.ask(|tell| Letter::Clock(Change::Run, tell));
        assert_eq!(asked, Err(Undelivered::Ended));
    }

    #[test]
    fn the_thread_that_reads_does_not_wait_for_itself() {
        let (_poll, mailbox) = mailbox();
        mailbox.is_read_here();
        let asked = mailbox.sender().ask(|tell| Letter::Clock(Change::Run, tell));
        assert_eq!(asked, Err(Undelivered::OwnThread));
    }
}
