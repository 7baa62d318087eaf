//! The reactor: sockets, readiness and time, on one thread.
//!
//! It moves bytes between sockets and an [`Engine`] and knows nothing of what they mean. The contract
//! of a turn: wait for events; read every readable client within a byte budget; accept, so that what a client
//! has sent is read before a newcomer may take its place; read the letters of other threads; flush every touched
//! client once, directly (of a crowd of subscribers, some in each turn), and ask for writability only if something
//! is left; close the doomed; do what could wait for that. A client's slot in the engine is its
//! poll token. Slots are freed after the batch of events that may still mention them.
//!
//! While a script runs for long, the reactor is handed the thread in the middle of a turn, as the script's
//! [`Driver`]: it goes on with that turn for the other clients, reads what has come for them, accepts, flushes and
//! closes, and hands the thread back. Letters but for the one to stop wait for the script's end, and so does the time.
//!
//! mio is edge-triggered: after an event a socket is read until it is drained. A read that returns less
//! than was asked for has drained it. A client that has sent more than its budget is read on in the next turn.
//!
//! The book: chapter 7, The loop (`book/src/07-the-loop.md`).

mod accepting;
mod binder;
mod certificates;
mod clock;
mod connection;
mod courier;
mod faults;
mod listener;
mod mailbox;
mod opening;
mod proxy;
mod signals;
mod standing;
mod stream;
mod timekeeping;
mod tls;
mod told_time;

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token};

use crate::clock::Now;
use crate::config::Config;
use crate::dispatch::duty::Leave;
use crate::dispatch::{Driver, Table};
use crate::engine::{Engine, Reading, Traffic};
use crate::session::Slot;
use crate::telemetry::Timer;
use crate::telemetry::peer_log::Cause;
use crate::world::{NodePorts, World};
use binder::{Binder, NodeBinder};
use certificates::Reader;
use clock::{Asker, ClockChanges};
use connection::Connection;
use courier::Carrier;
use listener::{ListenSocket, described};
use mailbox::Mailbox;
use signals::{HangUp, Signal, Signals};
use standing::Standing;
use stream::{Arrival, Flushed, Received};
use tls::{Acceptor, Session};

pub(crate) use clock::Clock;
pub use clock::ManualClock;
pub(crate) use faults::{faults, nowhere};
pub use listener::{ListenAddress, Ports};
pub use mailbox::Undelivered;
pub(crate) use mailbox::{Letter, MailSender};

/// What is read at once. Most requests of most clients fit many times over.
const READ_BUFFER: usize = 64 * 1024;

/// How many bytes of one client are read in a turn before it is the others' turn. One read may bring more of a long
/// argument: what there is room for.
const READ_BUDGET: usize = 4 * READ_BUFFER;

/// How long clients may take to read what they are owed when the server leaves, by the clock of the machine.
const FAREWELL: Duration = Duration::from_secs(3);

/// Listeners have the tokens from here on upwards; clients have their slots.
const LISTENERS: usize = usize::MAX / 2;
const MAILBOX: Token = Token(usize::MAX - 1);
const SIGNALS: Token = Token(usize::MAX - 2);

/// What is ready on a client's socket.
#[derive(Clone, Copy)]
struct Ready {
    slot: Slot,
    readable: bool,
    /// It is the end of the stream that may be read, or an error: reading goes on until it is there.
    to_the_end: bool,
    writable: bool,
}

impl Ready {
    fn told(slot: Slot, event: &Event) -> Ready {
        let to_the_end = event.is_read_closed() || event.is_error();
        Ready { slot, readable: event.is_readable(), to_the_end, writable: event.is_writable() }
    }

    /// There may be more to read than was read before. The end of the stream may have been told already, and is
    /// not told twice.
    fn still(slot: Slot) -> Ready {
        Ready { slot, readable: true, to_the_end: true, writable: false }
    }
}

/// The sockets of a server, and the loop over them.
pub(crate) struct Reactor {
    poll: Poll,
    events: Events,
    clock: Clock,
    clock_changes: ClockChanges,
    mailbox: Mailbox,
    /// What has asked the server to leave, a letter or a signal.
    stopping: Option<Leave>,
    listeners: Vec<ListenSocket>,
    /// The tokens of the listeners, beside them. A token is never used again.
    listener_tokens: Vec<usize>,
    next_listener: usize,
    /// By slot.
    connections: Vec<Option<Connection>>,
    signals: Option<Signals>,
    /// What SIGHUP calls.
    hang_up: Option<HangUp>,
    /// What TLS connections begin with, if a port speaks TLS.
    acceptor: Option<Acceptor>,
    /// When its files are looked at, if `tls-auto-reload-interval` says so.
    reread_at: Option<u64>,
    /// What is read into. It is away while a client's requests run.
    buffer: Vec<u8>,
    /// What TLS reads ciphertext into, and writes it. There is none before there is such a client.
    wire: Vec<u8>,
    /// What this turn has yet to look at. A script that runs long has the rest looked at before it is over.
    ready: VecDeque<Ready>,
    /// Clients that may have more to read in the next turn: their budget is used up, or their script runs.
    unread: Vec<Slot>,
    /// While accepting pauses for want of file descriptors: when it is tried again.
    accept_at: Option<u64>,
    /// When the watches of these numbers end.
    alarms: Vec<(Instant, u64)>,
}

impl Reactor {
    /// Binds every listener that `config` and `ports` ask for.
    pub(crate) fn bind(config: &Config, ports: Ports, clock: Clock) -> io::Result<Reactor> {
        let poll = Poll::new()?;
        let mailbox = Mailbox::register(poll.registry(), MAILBOX)?;
        let acceptor = Acceptor::read(config)?;
        let wanted = binder::bind_all(config, ports, &mut Standing::default())?;
        let mut reactor = Reactor {
            poll,
            events: Events::with_capacity(1024),
            clock,
            clock_changes: ClockChanges::default(),
            mailbox,
            stopping: None,
            listeners: Vec::new(),
            listener_tokens: Vec::new(),
            next_listener: LISTENERS,
            connections: Vec::new(),
            signals: None,
            hang_up: None,
            acceptor,
            reread_at: None,
            buffer: vec![0; READ_BUFFER],
            wire: Vec::new(),
            ready: VecDeque::new(),
            unread: Vec::new(),
            accept_at: None,
            alarms: Vec::new(),
        };
        reactor.adopt(wanted)?;
        Ok(reactor)
    }

    /// SIGTERM and SIGINT end the loop as [`Letter::Stop`] does.
    pub(crate) fn stop_on_signals(&mut self) -> io::Result<()> {
        self.signals()?.stop()
    }

    /// SIGHUP calls `hang_up`; other signals that would end the process are logged.
    pub(crate) fn outlive_signals(&mut self, hang_up: HangUp) -> io::Result<()> {
        self.hang_up = Some(hang_up);
        self.signals()?.outlive()
    }

    fn signals(&mut self) -> io::Result<&mut Signals> {
        let signals = match self.signals.take() {
            Some(signals) => signals,
            None => Signals::register(self.poll.registry(), SIGNALS)?,
        };
        Ok(self.signals.insert(signals))
    }

    /// Does what the signals mean that have come.
    fn heed_signals(&mut self) {
        for signal in self.signals.as_mut().map(Signals::drain).unwrap_or_default() {
            match signal {
                Signal::Stop(ending) => self.stopping = Some(Leave::Signal(ending)),
                Signal::HangUp => {
                    if let Some(hang_up) = &mut self.hang_up {
                        hang_up();
                    }
                }
                Signal::Other(name) => log::warn!("{name} has come, and changes nothing"),
            }
        }
    }

    /// What other threads write to the loop with.
    pub(crate) fn mail(&self) -> MailSender {
        self.mailbox.sender()
    }

    /// What has it listen on the ports of nodes, from now on: they are adopted when the loop runs.
    pub(crate) fn node_ports(&self) -> Box<dyn NodePorts> {
        Box::new(NodeBinder::new(self.mail()))
    }

    /// Where the reactor listens, in the order of the configuration.
    pub(crate) fn bound(&self) -> Vec<ListenAddress> {
        self.listeners.iter().map(|listener| listener.bound().clone()).collect()
    }

    /// The loop is about to run. From now on it makes the changes of a manual clock, and the thread that
    /// asks for one waits for it.
    pub(crate) fn attach_clock(&self) {
        self.clock.attach(self.mail());
    }

    /// Offers what sockets are good for to the commands of the engine.
    pub(crate) fn serve_engine(&self, engine: &mut Engine) -> io::Result<()> {
        let mut binder = Binder::new(Standing::of(&self.listeners)?, self.mail());
        let rebind = Box::new(move |config: &Config| binder.rebind(config).map(described));
        engine.start_listening(described(&self.bound()), rebind);
        let certificates = self.acceptor.as_ref().map(Acceptor::certificates).unwrap_or_default();
        let reader = Reader::new(engine.config(), self.mail());
        engine.secure(Box::new(reader), certificates);
        engine.employ(Box::new(Carrier::new(self.mail())));
        Ok(())
    }

    /// Serves until a letter, a signal or a command asks it to stop.
    pub(crate) fn run(&mut self, engine: &mut Engine) -> io::Result<()> {
        self.mailbox.is_read_here();
        self.attach_clock();
        let mut touched = Vec::new();
        loop {
            while self.stopping.is_none() && !engine.wants_to_end() {
                self.turn(engine, &mut touched)?;
            }
            if engine.may_leave(self.stopping.take().unwrap_or(Leave::Command), self) {
                break;
            }
            engine.stay();
            self.signals.iter().for_each(Signals::stay);
        }
        self.leave(engine, &mut touched)?;
        engine.take_failure().map_or(Ok(()), |reason| Err(io::Error::other(reason)))
    }

    // ANCHOR: turn
    fn turn(&mut self, engine: &mut Engine, touched: &mut Vec<Slot>) -> io::Result<()> {
        if !self.poll(self.patience(engine))? {
            return Ok(());
        }
        self.begin_clock_turn(engine);
        let now = self.clock.now();
        self.sort_events();
        self.reread_tls(engine, now);
        engine.turn(now, self);
        while let Some(ready) = self.ready.pop_front() {
            self.attend(&mut engine.traffic(), ready);
            if let Some(pause) = engine.take_stall() {
                std::thread::sleep(pause);
                engine.turn(self.clock.now(), self);
            }
        }
        for letter in self.mailbox.take_some() {
            self.heed(engine, letter)?;
        }
        self.accept_newcomers(&mut engine.traffic(), now);
        self.keep_alarms(engine);
        engine.end_turn(self);
        self.flush_touched(&mut engine.traffic(), touched, None);
        engine.rest(self);
        self.end_clock_turn(engine, touched);
        Ok(())
    }
    // ANCHOR_END: turn

    /// Puts what is ready in line: clients that were not read to the end, then what the events tell. Newcomers wait
    /// until all of these have been looked at.
    fn sort_events(&mut self) {
        if !self.unread.is_empty() {
            self.ready.extend(self.unread.drain(..).map(Ready::still));
        }
        let mut has_signals = false;
        for event in self.events.iter() {
            match event.token() {
                // Letters are read in every turn.
                MAILBOX => {}
                SIGNALS => has_signals = true,
                Token(token) if token >= LISTENERS => {
                    let index = self.listener_tokens.iter().position(|&at| at == token);
                    if let Some(index) = index.filter(|_| self.accept_at.is_none()) {
                        self.listeners[index].come_back();
                    }
                }
                Token(slot) => self.ready.push_back(Ready::told(slot, event)),
            }
        }
        if has_signals {
            self.heed_signals();
        }
    }

    /// Does what a socket is ready for.
    fn attend(&mut self, traffic: &mut Traffic<'_>, ready: Ready) {
        if ready.readable {
            self.read(traffic, ready.slot, ready.to_the_end);
        }
        if ready.writable {
            traffic.writable(ready.slot);
        }
    }

    /// Waits for events. Returns whether the wait was not cut short by a signal.
    fn poll(&mut self, patience: Option<Duration>) -> io::Result<bool> {
        match self.poll.poll(&mut self.events, patience) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            polled => polled.map(|()| true),
        }
    }

    /// Does what a letter asks for.
    fn heed(&mut self, engine: &mut Engine, letter: Letter) -> io::Result<()> {
        match letter {
            Letter::Stop => self.stopping = Some(Leave::Program),
            Letter::Ready(ready) => engine.set_ready(ready),
            Letter::Rebind(wanted) => {
                self.adopt(wanted)?;
                self.listeners.iter().for_each(|listener| listener.retune(engine.config()));
            }
            Letter::Open(sockets) => {
                sockets.into_iter().try_for_each(|socket| self.listen(socket))?;
            }
            Letter::Close(port) => self.stop_listening(port),
            Letter::Secure(acceptor) => {
                self.acceptor = acceptor;
                self.listeners.iter_mut().for_each(ListenSocket::come_back);
            }
            Letter::Call(call) => engine.run(call, self),
            Letter::Command(call) => engine.call(call, self),
            Letter::Clock(change, done) => self.clock_changes.push(change, Asker::Thread(done)),
        }
        Ok(())
    }

    /// Returns whether there is something to read or to accept of which no event will tell.
    fn has_more(&self) -> bool {
        !self.unread.is_empty()
            || self.mailbox.has_more()
            || self.listeners.iter().any(ListenSocket::has_more)
    }

    /// Reads the files of TLS anew if they have changed, as often as the configuration says.
    fn reread_tls(&mut self, engine: &mut Engine, now: Now) {
        let seconds = engine.config().tls.auto_reload_interval;
        if seconds == 0 || self.acceptor.is_none() {
            self.reread_at = None;
            return;
        }
        let next = now.mono + u64::from(seconds) * 1_000_000;
        match self.reread_at {
            Some(due) if due <= now.mono => {
                engine.world.reread_changed_tls();
                self.reread_at = Some(next);
            }
            // The interval is another one now.
            due => self.reread_at = Some(due.map_or(next, |due| due.min(next))),
        }
    }

    // Bytes.

    /// Reads what the client has sent, and the end of its stream if `to_the_end` says that it has come.
    fn read(&mut self, traffic: &mut Traffic<'_>, slot: Slot, to_the_end: bool) {
        let mut budget = READ_BUDGET;
        while traffic.is_listening(slot)
            && let Some(Some(connection)) = self.connections.get_mut(slot)
        {
            if connection.expects_header()
                && !opening::hear(connection, traffic, slot, &mut self.buffer)
            {
                return;
            }
            if traffic.is_unfinished(slot) {
                return self.unread.push(slot);
            }
            let place = if connection.is_plain() { traffic.place(slot) } else { None };
            let in_place = place.is_some();
            let received = match place {
                Some(place) => connection.receive_behind(place),
                None => connection.receive(&mut self.buffer, &mut self.wire),
            };
            match received {
                Received::Bytes(arrival) => {
                    if let Some(session) = connection.tls() {
                        attend_tls(traffic, slot, session, arrival);
                    }
                    if in_place {
                        traffic.receive_in_place(slot, arrival.bytes, self);
                    } else if arrival.bytes > 0 {
                        let mut buffer = std::mem::take(&mut self.buffer);
                        traffic.receive(slot, &mut buffer[..arrival.bytes], self);
                        self.buffer = buffer;
                    }
                    // ANCHOR: budget
                    if arrival.has_drained && !to_the_end {
                        return;
                    }
                    budget = budget.saturating_sub(arrival.read);
                    if budget == 0 || traffic.has_stalled() {
                        return self.unread.push(slot);
                    }
                    // ANCHOR_END: budget
                }
                Received::Nothing => return,
                Received::End => return traffic.finish(slot),
                Received::CutOff => {
                    let line = "ended its connection without the close_notify of TLS";
                    traffic.log_opening(Cause::Connection, slot, line);
                    return traffic.finish(slot);
                }
                Received::Broken(error) => {
                    traffic.log_broken(slot, "reading", &error);
                    return traffic.hang_up(slot);
                }
                Received::Refused(why) => {
                    traffic.log_transport(slot, format_args!("{why}"));
                    return traffic.hang_up(slot);
                }
            }
        }
    }

    /// Flushes every client that this turn has something to send to, or to close. The one whose script runs, if
    /// one does, is left for later: its output is away.
    fn flush_touched(
        &mut self,
        traffic: &mut Traffic<'_>,
        touched: &mut Vec<Slot>,
        own: Option<Slot>,
    ) {
        traffic.take_touched(touched);
        for &slot in touched.iter() {
            if own == Some(slot) {
                traffic.writable(slot);
            } else {
                self.flush(traffic, slot);
            }
        }
    }

    /// Sends what the client is owed, and closes its connection if it is over.
    fn flush(&mut self, traffic: &mut Traffic<'_>, slot: Slot) {
        let Some(Some(connection)) = self.connections.get_mut(slot) else {
            return;
        };
        let flushed = connection.flush(traffic, slot, &mut self.wire);
        if let Some(bytes) = connection.tls().and_then(Session::grown) {
            traffic.set_transport(slot, bytes);
        }
        let is_stalled = matches!(flushed, Flushed::Part);
        if let Flushed::Broken(error) = flushed {
            traffic.log_broken(slot, "writing", &error);
            traffic.hang_up(slot);
        } else {
            let registry = self.poll.registry();
            if let Err(error) = connection.want_writable(registry, Token(slot), is_stalled) {
                traffic.log_broken(slot, "waiting", &error);
            }
        }
        if is_stalled {
            traffic.stalled(slot);
        }
        if traffic.is_over(slot) {
            if let Some(connection) = self.connections[slot].take() {
                match traffic.is_reset(slot) {
                    true => connection.reset(),
                    false => connection.close(traffic.may_still_send(slot), &mut self.buffer),
                }
            }
            traffic.disconnect(slot);
            if self.accept_at.is_some() {
                // A descriptor is free again.
                self.accept_at = Some(0);
            }
        }
    }

    /// Stops accepting, sends what is owed, and closes everything.
    fn leave(&mut self, engine: &mut Engine, touched: &mut Vec<Slot>) -> io::Result<()> {
        log::info!("leaving: {} clients are sent what they are owed", engine.clients());
        self.mailbox.close();
        self.finish_clock_changes(engine);
        self.listeners.clear();
        engine.stop_listening();
        self.accept_at = None;
        engine.dismiss_all();
        let end = Instant::now() + FAREWELL;
        loop {
            self.flush_touched(&mut engine.traffic(), touched, None);
            let left = end.saturating_duration_since(Instant::now());
            if engine.clients() == 0 || left.is_zero() {
                break;
            }
            if !self.poll(Some(left))? {
                continue;
            }
            for event in self.events.iter() {
                engine.traffic().writable(event.token().0);
            }
        }
        self.connections.clear();
        engine.forget_clients();
        Ok(())
    }
}

impl Driver for Reactor {
    /// Goes on with the turn, for all but the client in `own`: its bytes have been read and run, its output is away.
    fn serve_meanwhile(&mut self, world: &mut World, table: &Table, timer: &mut Timer, own: Slot) {
        let (mut reading, now) = (Reading::default(), self.clock.now());
        let mut traffic = Traffic::meanwhile(world, table, timer, &mut reading, now);
        match self.poll(Some(Duration::ZERO)) {
            Ok(true) => self.sort_events(),
            Ok(false) => {}
            Err(error) => {
                // The loop could not be reached any more, and the script not be ended.
                log::error!("cannot wait for events: {error}");
                self.stopping = Some(Leave::Program);
            }
        }
        if self.buffer.is_empty() {
            self.buffer = vec![0; READ_BUFFER];
        }
        traffic.go_on(self);
        let mut is_own_ready = false;
        while let Some(ready) = self.ready.pop_front() {
            if ready.slot == own {
                is_own_ready = true;
            } else {
                self.attend(&mut traffic, ready);
            }
        }
        if is_own_ready {
            self.unread.push(own);
        }
        if self.mailbox.asks_to_stop() {
            self.stopping = Some(Leave::Program);
        }
        self.accept_newcomers(&mut traffic, now);
        self.flush_touched(&mut traffic, &mut Vec::new(), Some(own));
        if self.stopping.is_some() {
            traffic.end_process();
        }
    }
}

/// What has come changes more than the client's bytes: a handshake goes on, or is over.
fn attend_tls(traffic: &mut Traffic<'_>, slot: Slot, session: &mut Session, arrival: Arrival) {
    if arrival.has_opened {
        traffic.known_by(slot, session.users());
        traffic.opened(slot);
    }
    if session.has_unsent() {
        traffic.writable(slot);
    }
    if let Some(bytes) = session.grown() {
        traffic.set_transport(slot, bytes);
    }
}
