//! The clock of a server: the machine's, or one that a test stops and advances, with real sockets.
//!
//! Below `net` time is told. Here it is read, once a turn, from one of two clocks.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::mailbox::{Letter, MailSender, Undelivered};
use super::told_time::{Time, micros, wall_micros};
use crate::clock::{Change, Now};

/// So many turns at most a change of the clock waits for a turn in which nothing arrives.
const TURNS_UNTIL_QUIET: usize = 100;

/// So many turns at most one moment of a manual clock takes. A server that always has something to do at once (a
/// command that wakes itself) does not keep the clock from going on.
const TURNS_A_MOMENT: usize = 10_000;

/// What the loop reads the time from.
pub(crate) enum Clock {
    Machine {
        /// What the steady clock counts from.
        origin: Instant,
    },
    Manual(ManualClock),
}

impl Clock {
    pub(crate) fn machine() -> Clock {
        Clock::Machine { origin: Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        match self {
            Clock::Machine { origin } => {
                Now { wall: wall_micros(), mono: micros(origin.elapsed()) }
            }
            Clock::Manual(clock) => clock.lock().time.now(),
        }
    }

    /// Returns whether no time passes by itself.
    pub(crate) fn is_frozen(&self) -> bool {
        match self {
            Clock::Machine { .. } => false,
            Clock::Manual(clock) => clock.lock().time.is_frozen(),
        }
    }

    /// Changes the time while nothing goes by it yet.
    pub(crate) fn change_at_once(&self, change: Change) {
        if let Clock::Manual(clock) = self {
            clock.lock().change(change);
        }
    }

    /// The loop runs: it makes the changes of the clock from now on, which come by mail.
    pub(crate) fn attach(&self, mail: MailSender) {
        if let Clock::Manual(clock) = self {
            clock.lock().server = Server::Runs(mail);
        }
    }
}

impl Drop for Clock {
    /// The loop has ended: a manual clock is changed at once again, and another server may go by it.
    fn drop(&mut self) {
        if let Clock::Manual(clock) = self {
            clock.lock().server = Server::None;
        }
    }
}

/// A clock that a test stops and advances, for a server with real sockets ([`crate::Builder::clock`]).
///
/// It runs like the machine's until [`ManualClock::freeze`]. Everything that the server does at a certain time
/// goes by it: expiry, timeouts of commands and of idle clients, CLIENT PAUSE, the age of a client. How long a command
/// takes is measured, by the clock of the machine.
///
/// A change takes effect after all that clients had sent before. It returns when everything that is due by then has
/// happened and what clients are owed for it is sent. Only a command of the server's own cannot wait for that:
/// for it the change is made after the command.
///
/// ```no_run
/// # use std::time::Duration;
/// let clock = respd::ManualClock::new();
/// clock.freeze();
/// let server = respd::Server::builder().any_port().clock(clock.clone()).bind()?.spawn();
/// // … SET key value EX 60, by any client …
/// clock.advance(Duration::from_secs(60));
/// // The key has expired.
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    time: Time,
    /// What the time was when the server was bound that goes by it.
    first: Time,
    server: Server,
}

impl Shared {
    /// Makes the change at once.
    fn change(&mut self, change: Change) {
        match change {
            Change::Restore => self.time.restore(self.first),
            change => self.time.change(change),
        }
    }
}

/// The server that goes by a manual clock.
#[derive(Debug)]
enum Server {
    None,
    /// It is bound and does not run yet.
    Bound,
    Runs(MailSender),
}

impl Default for ManualClock {
    fn default() -> ManualClock {
        ManualClock::new()
    }
}

impl ManualClock {
    /// A clock that shows the machine's time, and runs.
    pub fn new() -> ManualClock {
        let time = Time::running();
        let shared = Shared { time, first: time, server: Server::None };
        ManualClock { shared: Arc::new(Mutex::new(shared)) }
    }

    /// Stops the clock.
    #[doc(hidden)]
    pub fn freeze(&self) {
        self.change(Change::Freeze);
    }

    /// Lets the clock run on, from the time that it shows.
    #[doc(hidden)]
    pub fn run(&self) {
        self.change(Change::Run);
    }

    /// Lets time pass. What falls due happens in its order, each at its own time.
    pub fn advance(&self, time: Duration) {
        self.change(Change::Advance(micros(time)));
    }

    /// Sets the wall clock, in time since 1970: expiry goes by it. Timeouts go by the steady clock, which this
    /// leaves as it is.
    pub fn set(&self, since_1970: Duration) {
        self.change(Change::SetWall(micros(since_1970)));
    }

    /// The time that the clock shows, since 1970.
    #[doc(hidden)]
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.lock().time.now().wall)
    }

    /// A server is to go by this clock. It is an error if another does.
    pub(crate) fn claim(&self) -> io::Result<()> {
        let shared = &mut *self.lock();
        if !matches!(shared.server, Server::None) {
            let told = "the clock is another server's";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
        }
        (shared.server, shared.first) = (Server::Bound, shared.time);
        Ok(())
    }

    fn change(&self, change: Change) {
        let mail = match &self.lock().server {
            Server::Runs(mail) => Some(mail.clone()),
            Server::None | Server::Bound => None,
        };
        let made = mail.map(|mail| match mail.ask(|done| Letter::Clock(change, done)) {
            // The other end of the channel is dropped: the loop need not tell.
            Err(Undelivered::OwnThread) => mail.send(Letter::Clock(change, mpsc::channel().0)),
            asked => asked,
        });
        if !matches!(made, Some(Ok(()))) {
            self.lock().change(change);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The changes of the clock that the loop is making, one after the other.
///
/// Time does not jump: it goes from one deadline of the server to the next, with a turn at each. So a key that
/// a command sets at the end of a pause lives from that time on, and not from the time at which all is over.
#[derive(Default)]
pub(crate) struct ClockChanges {
    line: VecDeque<ClockChange>,
}

struct ClockChange {
    change: Change,
    asker: Asker,
    /// The steady time at which it is over, once it has begun.
    target: Option<u64>,
    /// Turns that it has waited, or that the moment at hand has taken.
    turns: usize,
}

/// The asker of a change, which is told when it is made.
pub(crate) enum Asker {
    /// A thread of the program, at the other end of a channel.
    Thread(mpsc::Sender<()>),
    /// The client of this id, by STAGE.
    Client(u64),
}

impl ClockChanges {
    pub(crate) fn push(&mut self, change: Change, asker: Asker) {
        self.line.push_back(ClockChange { change, asker, target: None, turns: 0 });
    }

    /// Takes those out whose change is not made, or not to its end: it will not be.
    pub(crate) fn give_up(&mut self) -> Vec<Asker> {
        self.line.drain(..).map(|change| change.asker).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    // ANCHOR: begin_turn
    /// A turn begins, and the clock goes on to the first of the next deadline and the end of the change.
    /// `is_quiet`: there is nothing to do that a turn before the change has to see. `due`: the next deadline, if
    /// there is one.
    pub(crate) fn begin_turn(&mut self, clock: &Clock, is_quiet: bool, due: Option<u64>) {
        let (Some(first), Clock::Manual(clock)) = (self.line.front_mut(), clock) else {
            return;
        };
        let shared = &mut *clock.lock();
        first.turns += 1;
        let Some(target) = first.target else {
            if is_quiet || first.turns > TURNS_UNTIL_QUIET {
                first.begin(shared, due);
            }
            return;
        };
        let next = match due {
            Some(due) if first.turns <= TURNS_A_MOMENT => due.min(target),
            _ => target,
        };
        first.go_to(&mut shared.time, next);
    }
    // ANCHOR_END: begin_turn

    /// Returns whether time has passed as it was told to, and nothing more is due.
    pub(crate) fn has_advanced(&self, clock: &Clock, due: Option<u64>) -> bool {
        self.line.front().is_some_and(|first| {
            matches!(first.change, Change::Advance(_))
                && first.target.is_some_and(|target| {
                    clock.now().mono >= target && due.is_none_or(|due| due > target)
                })
        })
    }

    /// A turn ends. Returns the asker of the change that is over by that, if one is.
    pub(crate) fn end_turn(&mut self, clock: &Clock, due: Option<u64>) -> Option<Asker> {
        let first = self.line.front()?;
        let target = first.target?;
        let is_over = due.is_none_or(|due| due > target) || first.turns > TURNS_A_MOMENT;
        match clock.now().mono >= target && is_over {
            true => self.line.pop_front().map(|change| change.asker),
            false => None,
        }
    }

    /// The loop ends: every change is made at once. Returns their askers.
    pub(crate) fn finish(&mut self, clock: &Clock) -> Vec<Asker> {
        if let Clock::Manual(clock) = clock {
            let shared = &mut *clock.lock();
            for change in &self.line {
                match change.target {
                    Some(target) => shared.time.go_to(target),
                    None => shared.change(change.change),
                }
            }
        }
        self.give_up()
    }
}

impl ClockChange {
    /// Makes the change, or its first step.
    fn begin(&mut self, shared: &mut Shared, due: Option<u64>) {
        self.turns = 0;
        if let Change::Advance(by) = self.change {
            let target = shared.time.mono_after(by);
            self.target = Some(target);
            self.go_to(&mut shared.time, due.map_or(target, |due| due.min(target)));
        } else {
            self.target = Some(shared.time.now().mono);
            shared.change(self.change);
        }
    }

    fn go_to(&mut self, time: &mut Time, mono: u64) {
        if mono > time.now().mono {
            time.go_to(mono);
            self.turns = 0;
        }
    }
}
