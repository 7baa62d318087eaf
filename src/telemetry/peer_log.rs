//! Lines of the log that a peer can cause: of each kind so many a minute, and then a count.
//!
//! A peer that reaches a port can send what is no request, guess passwords, or connect and leave, as often as it
//! likes. Each of that is worth a line, and none may fill a disk. So the first lines of a kind in a minute are
//! written, the others are counted, and when the minute is over one line says how many there were.
//!
//! Lines that only an operator can cause, or the server by itself, go to the log directly. So does the trace of the
//! wire, which is asked for to be complete.

use std::fmt;

use log::Level;

/// How long the lines of a kind are counted together, in µs.
const MINUTE: u64 = 60_000_000;

/// How many of them are written.
const MOST_LINES: u32 = 20;

/// How many clients are seen to come and to go: these lines are asked for, with `loglevel verbose`, and are worth more
/// when there are none missing. At ten a second they fill no disk unseen.
const MOST_CLIENTS: u32 = 600;

/// What these lines are called where the log shows the module that wrote them.
const TARGET: &str = "respd::peers";

/// What a peer has done, or what was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It has connected.
    Arrival,
    /// Its connection has ended.
    Departure,
    /// It was not accepted, or the server could not accept it.
    Accept,
    /// There was no place for it, or it must not connect from there.
    Refused,
    /// It made room for another before it had logged in.
    Replaced,
    /// It did not log in in time.
    LoginTimeout,
    /// It failed to log in.
    Login,
    /// It sent nothing for too long.
    Idle,
    /// Its connection broke.
    Connection,
    /// Its TLS handshake failed, or what protects its connection was broken.
    Transport,
    /// It should have said, as a proxy, for whom it connects, or said so and should not.
    Proxy,
    /// It sent what is no request.
    Protocol,
    /// It spoke HTTP: a browser may have been made to do that.
    CrossProtocol,
    /// It sent more than it may leave to be run.
    QueryLimit,
    /// It left more unread than it may.
    OutputLimit,
    /// It held more memory than others when there was too little.
    Evicted,
    /// A handler panicked over its request.
    Panic,
    /// Its script ran for so long that others were told to wait.
    SlowScript,
}

impl Cause {
    /// Every one, in the order of their numbers.
    const ALL: [Cause; 18] = [
        Cause::Arrival,
        Cause::Departure,
        Cause::Accept,
        Cause::Refused,
        Cause::Replaced,
        Cause::LoginTimeout,
        Cause::Login,
        Cause::Idle,
        Cause::Connection,
        Cause::Transport,
        Cause::Proxy,
        Cause::Protocol,
        Cause::CrossProtocol,
        Cause::QueryLimit,
        Cause::OutputLimit,
        Cause::Evicted,
        Cause::Panic,
        Cause::SlowScript,
    ];

    /// How grave it is, and what many of them are called.
    fn described(self) -> (Level, &'static str) {
        match self {
            Cause::Arrival => (Level::Debug, "clients that connected"),
            Cause::Departure => (Level::Debug, "clients that left"),
            Cause::Accept => (Level::Warn, "connections that were not accepted"),
            Cause::Refused => (Level::Warn, "refused connections"),
            Cause::Replaced => (Level::Info, "unauthenticated clients that made room"),
            Cause::LoginTimeout => (Level::Debug, "clients that did not log in in time"),
            Cause::Login => (Level::Warn, "failed logins"),
            Cause::Idle => (Level::Debug, "idle clients"),
            Cause::Connection => (Level::Debug, "broken connections"),
            Cause::Transport => (Level::Info, "failed TLS handshakes"),
            Cause::Proxy => (Level::Warn, "wrong PROXY headers"),
            Cause::Protocol => (Level::Debug, "protocol errors"),
            Cause::CrossProtocol => (Level::Warn, "clients that speak HTTP"),
            Cause::QueryLimit => (Level::Warn, "clients over their query buffer limit"),
            Cause::OutputLimit => (Level::Warn, "clients over their output buffer limit"),
            Cause::Evicted => (Level::Info, "clients closed to save memory"),
            Cause::Panic => (Level::Error, "panics"),
            Cause::SlowScript => (Level::Warn, "scripts that ran long"),
        }
    }

    /// How many lines of a minute are written.
    fn most_lines(self) -> u32 {
        match self {
            Cause::Arrival | Cause::Departure => MOST_CLIENTS,
            _ => MOST_LINES,
        }
    }

    /// Returns whether the log has lines of this kind at all.
    pub(crate) fn is_logged(self) -> bool {
        self.described().0 <= log::max_level()
    }
}

/// How many lines of each kind there were.
#[derive(Debug, Default)]
pub struct PeerLog {
    windows: [Window; Cause::ALL.len()],
}

/// The lines of one kind since the first of a minute.
#[derive(Debug, Default, Clone, Copy)]
struct Window {
    /// When that was, in µs of [`crate::clock::Now::mono`].
    began: u64,
    written: u32,
    left_out: u64,
}

impl Window {
    // ANCHOR: window
    /// One more line. Returns whether it is to be written.
    fn admit(&mut self, now: u64, most: u32) -> bool {
        if self.written == 0 {
            self.began = now;
        }
        let is_written = self.written < most;
        if is_written {
            self.written += 1;
        } else {
            self.left_out += 1;
        }
        is_written
    }

    /// If the minute is over, the next begins. Returns how many lines of it were left out.
    fn end(&mut self, now: u64) -> u64 {
        if self.written == 0 || now.saturating_sub(self.began) < MINUTE {
            return 0;
        }
        std::mem::take(self).left_out
    }
    // ANCHOR_END: window
}

impl PeerLog {
    /// Writes a line of the log, or counts it if there were many like it. It is `now` in µs of
    /// [`crate::clock::Now::mono`].
    pub(crate) fn log(&mut self, cause: Cause, now: u64, line: fmt::Arguments<'_>) {
        let (level, _) = cause.described();
        if cause.is_logged() && self.admits(cause, now) {
            log::log!(target: TARGET, level, "{line}");
        }
    }

    /// Counts one more line of a kind. Returns whether it is to be written.
    pub(crate) fn admits(&mut self, cause: Cause, now: u64) -> bool {
        self.end_window(cause, now);
        self.windows[cause as usize].admit(now, cause.most_lines())
    }

    /// When [`PeerLog::report`] has something to say.
    pub(crate) fn next_report(&self) -> Option<u64> {
        let has_more = |window: &&Window| window.left_out > 0;
        self.windows.iter().filter(has_more).map(|window| window.began + MINUTE).min()
    }

    /// Says how many lines were left out in minutes that are over.
    pub(crate) fn report(&mut self, now: u64) {
        if self.next_report().is_some_and(|due| due <= now) {
            Cause::ALL.into_iter().for_each(|cause| self.end_window(cause, now));
        }
    }

    fn end_window(&mut self, cause: Cause, now: u64) {
        let left_out = self.windows[cause as usize].end(now);
        if left_out > 0 {
            let (level, name) = cause.described();
            log::log!(target: TARGET, level, "{left_out} more {name} within a minute");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_in_the_order_of_their_numbers() {
        for (number, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, number, "{cause:?}");
        }
    }

    #[test]
    fn the_first_lines_of_a_minute_are_written_and_the_others_counted() {
        let mut window = Window::default();
        let written = (0..1000).filter(|&now| window.admit(5 + now, MOST_LINES)).count();
        assert_eq!(written, MOST_LINES as usize);
        assert_eq!(window.end(MINUTE + 4), 0, "the minute began with the first of them");
        assert_eq!(window.end(MINUTE + 5), 1000 - u64::from(MOST_LINES));
        assert_eq!(window.end(2 * MINUTE + 5), 0, "that was told");
        assert!(window.admit(2 * MINUTE + 6, MOST_LINES));
        assert_eq!(window.end(3 * MINUTE + 6), 0, "nothing was left out");
    }

    #[test]
    fn only_what_was_left_out_is_waited_for() {
        let mut peers = PeerLog::default();
        let protocol = Cause::Protocol as usize;
        (0..MOST_LINES).for_each(|_| assert!(peers.windows[protocol].admit(7, MOST_LINES)));
        assert_eq!(peers.next_report(), None);
        assert!(!peers.windows[protocol].admit(8, MOST_LINES));
        assert_eq!(peers.next_report(), Some(7 + MINUTE));
        peers.report(6 + MINUTE);
        assert_eq!(peers.next_report(), Some(7 + MINUTE));
        peers.report(7 + MINUTE);
        assert_eq!(peers.next_report(), None);
    }

    #[test]
    fn a_minute_in_which_nothing_was_left_out_ends_with_the_next_line() {
        let mut peers = PeerLog::default();
        let count = |peers: &mut PeerLog, now| {
            (0..MOST_LINES).filter(|_| peers.admits(Cause::Protocol, now)).count()
        };
        assert_eq!(count(&mut peers, 0), MOST_LINES as usize);
        assert_eq!(count(&mut peers, MINUTE), MOST_LINES as usize);
    }

    #[test]
    fn one_kind_does_not_silence_another() {
        let mut peers = PeerLog::default();
        for _ in 0..100 {
            peers.windows[Cause::Protocol as usize].admit(0, MOST_LINES);
        }
        assert!(peers.windows[Cause::Login as usize].admit(0, MOST_LINES));
    }
}
