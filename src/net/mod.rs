//! The reactor: sockets, readiness and time, on one thread.
//!
//! It moves bytes between sockets and an [`Engine`] and knows nothing of what they mean. The contract
//! of a turn: wait for events; read every readable client within a byte budget; accept, so that what a client
//! has sent is read before a newcomer may take its place; let the engine settle; flush every touched client once, directly (of a crowd of subscribers, some in each turn), and
//! ask for writability only if something is left; close the doomed. A client's slot in the engine is its
//! poll token. Slots are freed after the batch of events that may still mention them.
//!
//! mio is edge-triggered: after an event a socket is read until it is drained. A read that returns less
//! than was asked for has drained it. Who has sent more than its budget is read on in the next turn.

mod connection;
mod listener;
mod signals;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::{Events, Poll, Token, Waker};

use crate::clock::Now;
use crate::config::Config;
use crate::engine::Engine;
use crate::session::Slot;
use crate::telemetry::peer_log::Cause;
use crate::telemetry::process;
use crate::world::Rebind;
use connection::{Connection, Flushed, Received};
use listener::{Binder, ListenSocket, Wanted};
use signals::{HangUp, Signal, Signals};

pub(crate) use listener::nowhere;
pub use listener::{ListenAddress, Ports};

/// What is read at once. Most requests of most clients fit many times over.
const READ_BUFFER: usize = 64 * 1024;

/// How many bytes of one client are read in a turn before it is the others' turn.
const READ_BUDGET: usize = 4 * READ_BUFFER;

/// How many newcomers of one listener are accepted in a turn.
const ACCEPT_BUDGET: usize = 256;

/// How long accepting pauses when the process has no file descriptor left, unless one is freed earlier.
const ACCEPT_PAUSE: u64 = 100_000;

/// How long clients may take to read what they are owed when the server leaves, in µs.
const FAREWELL: u64 = 3_000_000;

/// Listeners have the tokens from here on upwards; clients have their slots.
const LISTENERS: usize = usize::MAX / 2;
const WAKER: Token = Token(usize::MAX - 1);
const SIGNALS: Token = Token(usize::MAX - 2);

/// Reads the clocks, for everybody: below here time is told.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    pub fn start() -> Clock {
        Clock { origin: Instant::now() }
    }

    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { wall: micros(wall), mono: micros(self.origin.elapsed()) }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Asks a running reactor to leave, from any thread.
#[derive(Debug, Clone)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Stop {
    /// Stop accepting, send what is owed, end. Returns at once.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::Release);
        if let Err(error) = self.waker.wake() {
            log::error!("cannot wake the reactor: {error}");
        }
    }
}

/// Tells a reactor, from any thread, whether its server is ready.
///
/// A server that is not ready is alive: clients connect, shake hands and wait.
#[derive(Debug, Clone)]
pub struct Readiness {
    tell: Sender<bool>,
    waker: Arc<Waker>,
}

impl Readiness {
    /// Whether the server can do its work from now on. Returns at once.
    pub fn set(&self, ready: bool) {
        // Nobody listens when the server has gone.
        if self.tell.send(ready).is_ok()
            && let Err(error) = self.waker.wake()
        {
            log::error!("cannot wake the reactor: {error}");
        }
    }
}

/// The sockets of a server, and the loop over them.
pub struct Reactor {
    poll: Poll,
    clock: Clock,
    listeners: Vec<ListenSocket>,
    /// The tokens of the listeners, beside them. A token is never used again.
    listener_tokens: Vec<usize>,
    next_listener: usize,
    /// Listeners that CONFIG SET has bound.
    rebound: Receiver<Vec<Wanted>>,
    binder: Option<Binder>,
    /// By slot.
    connections: Vec<Option<Connection>>,
    signals: Option<Signals>,
    /// What SIGHUP calls.
    hang_up: Option<HangUp>,
    stop: Stop,
    readiness: Readiness,
    /// What [`Readiness::set`] said.
    told_ready: Receiver<bool>,
    buffer: Vec<u8>,
    /// Clients that have used up their budget and may have more to read.
    unread: Vec<Slot>,
    /// While accepting pauses for want of file descriptors: when it is tried again.
    accept_at: Option<u64>,
}

impl Reactor {
    /// Binds every listener that `config` and `ports` ask for.
    pub fn bind(config: &Config, ports: Ports, clock: Clock) -> io::Result<Reactor> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let wanted = listener::bind_all(config, ports, &[])?;
        let (adopt, rebound) = mpsc::channel();
        let (tell, told_ready) = mpsc::channel();
        let mut reactor = Reactor {
            poll,
            clock,
            listeners: Vec::new(),
            listener_tokens: Vec::new(),
            next_listener: LISTENERS,
            rebound,
            binder: None,
            connections: Vec::new(),
            signals: None,
            hang_up: None,
            readiness: Readiness { tell, waker: waker.clone() },
            told_ready,
            stop: Stop { asked: Arc::default(), waker },
            buffer: vec![0; READ_BUFFER],
            unread: Vec::new(),
            accept_at: None,
        };
        reactor.adopt(wanted)?;
        reactor.binder = Some(Binder::new(reactor.bound(), adopt));
        Ok(reactor)
    }

    /// Listens on `wanted`, and on nothing else any more.
    fn adopt(&mut self, wanted: Vec<Wanted>) -> io::Result<()> {
        let mut old = std::mem::take(&mut self.listeners);
        let mut old_tokens = std::mem::take(&mut self.listener_tokens);
        for wanted in wanted {
            let (listener, token) = match wanted {
                Wanted::New(mut listener) => {
                    let token = self.next_listener;
                    self.next_listener += 1;
                    listener.register(self.poll.registry(), Token(token))?;
                    (listener, token)
                }
                Wanted::Kept(bound) => {
                    let Some(at) = old.iter().position(|listener| *listener.bound() == bound)
                    else {
                        continue;
                    };
                    (old.swap_remove(at), old_tokens.swap_remove(at))
                }
            };
            self.listeners.push(listener);
            self.listener_tokens.push(token);
        }
        Ok(())
    }

    /// SIGTERM and SIGINT end the loop as [`Stop::stop`] does.
    pub fn stop_on_signals(&mut self) -> io::Result<()> {
        self.signals()?.stop()
    }

    /// SIGHUP calls `hang_up`; other signals that would end the process are logged.
    pub fn outlive_signals(&mut self, hang_up: HangUp) -> io::Result<()> {
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
                Signal::Stop => self.stop.asked.store(true, Ordering::Release),
                Signal::HangUp => {
                    if let Some(hang_up) = &mut self.hang_up {
                        hang_up();
                    }
                }
                Signal::Other(name) => log::warn!("{name} has come, and changes nothing"),
            }
        }
    }

    /// What ends the loop from outside.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// What says from outside whether the server is ready.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Where the reactor listens, in the order of the configuration.
    pub fn bound(&self) -> Vec<ListenAddress> {
        self.listeners.iter().map(|listener| listener.bound().clone()).collect()
    }

    /// Serves until somebody asks it to stop.
    pub fn run(&mut self, engine: &mut Engine) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        engine.world.process.listeners = described(&self.bound());
        engine.world.rebind = self.binder.take().map(|mut binder| -> Rebind {
            Box::new(move |config| binder.rebind(config).map(described))
        });
        let mut touched = Vec::new();
        while !self.is_asked_to_stop() && !engine.world.reactor_requests.shutdown {
            self.turn(engine, &mut events, &mut touched)?;
        }
        self.leave(engine, &mut events, &mut touched)
    }

    fn is_asked_to_stop(&self) -> bool {
        self.stop.asked.load(Ordering::Acquire)
    }

    fn turn(
        &mut self,
        engine: &mut Engine,
        events: &mut Events,
        touched: &mut Vec<Slot>,
    ) -> io::Result<()> {
        match self.poll.poll(events, self.patience(engine)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let now = self.clock.now();
        engine.turn(now);
        for slot in std::mem::take(&mut self.unread) {
            // The end of its stream may have been told already, and is not told twice.
            self.read(engine, slot, true);
        }
        for event in events.iter() {
            match event.token() {
                WAKER => self.told_ready.try_iter().for_each(|ready| engine.world.set_ready(ready)),
                SIGNALS => self.heed_signals(),
                Token(token) if token >= LISTENERS => {
                    let index = self.listener_tokens.iter().position(|&at| at == token);
                    if let Some(index) = index.filter(|_| self.accept_at.is_none()) {
                        self.listeners[index].come_back();
                    }
                }
                Token(slot) => {
                    if event.is_readable() {
                        self.read(engine, slot, event.is_read_closed() || event.is_error());
                    }
                    if event.is_writable() {
                        engine.world.clients.touch(slot);
                    }
                }
            }
        }
        while let Ok(wanted) = self.rebound.try_recv() {
            self.adopt(wanted)?;
            self.listeners.iter().for_each(|listener| listener.retune(&engine.world.config));
        }
        self.accept_newcomers(engine, now);
        engine.take_touched(touched);
        for &slot in touched.iter() {
            self.flush(engine, slot);
        }
        Ok(())
    }

    /// How long to wait for events: not at all while there is something to do, else until the next
    /// deadline, else for ever.
    fn patience(&self, engine: &Engine) -> Option<Duration> {
        if !self.unread.is_empty() || self.listeners.iter().any(ListenSocket::has_more) {
            return Some(Duration::ZERO);
        }
        let due = engine.next_deadline().into_iter().chain(self.accept_at).min()?;
        let now = self.clock.now().mono;
        // Rounded up to whole milliseconds, as poll counts: waking early would be waking twice.
        Some(Duration::from_millis(due.saturating_sub(now).div_ceil(1000)))
    }

    // Newcomers.

    fn accept(&mut self, engine: &mut Engine, index: usize, now: Now) {
        if self.accept_at.is_some() {
            return;
        }
        // Listeners of one kind share the places for newcomers.
        let share = self.listeners.len();
        let listener = &mut self.listeners[index];
        let most = engine.world.most_newcomers(listener.bound().kind()) / share;
        for _ in 0..ACCEPT_BUDGET.min(most.max(1)) {
            match listener.accept() {
                Ok(Some((stream, peer))) => match engine.connect(peer) {
                    Ok(slot) => {
                        let mut connection = Connection::new(stream);
                        if let Err(error) = connection.register(self.poll.registry(), Token(slot)) {
                            let line = format_args!("cannot wait for a newcomer: {error}");
                            engine.world.peer_log.log(Cause::Accept, now.mono, line);
                            engine.disconnect(slot);
                            continue;
                        }
                        if self.connections.len() <= slot {
                            self.connections.resize_with(slot + 1, || None);
                        }
                        self.connections[slot] = Some(connection);
                    }
                    Err(farewell) => {
                        let heard = Connection::new(stream).dismiss(&farewell, &mut self.buffer);
                        if let Err(error) = heard {
                            log_broken(engine, "telling a newcomer why it cannot stay", &error);
                        }
                    }
                },
                Ok(None) => return,
                Err(error) if listener::is_out_of_descriptors(&error) => {
                    let line = format_args!("accepting pauses: {error}");
                    engine.world.peer_log.log(Cause::Accept, now.mono, line);
                    self.accept_at = Some(now.mono + ACCEPT_PAUSE);
                    return;
                }
                // That newcomer is gone; the next one may be fine.
                Err(error) => log_broken(engine, "accepting", &error),
            }
        }
        listener.come_back();
    }

    /// Accepts where newcomers were told of, or where the last turn stopped: for its budget, or for want of
    /// descriptors.
    fn accept_newcomers(&mut self, engine: &mut Engine, now: Now) {
        if let Some(due) = self.accept_at {
            if due > now.mono {
                return;
            }
            self.accept_at = None;
            self.listeners.iter_mut().for_each(ListenSocket::come_back);
        }
        for index in 0..self.listeners.len() {
            if self.listeners[index].take_more() {
                self.accept(engine, index, now);
            }
        }
    }

    // Bytes.

    /// Reads what the client has sent, and the end of its stream if `to_the_end` says that it has come.
    fn read(&mut self, engine: &mut Engine, slot: Slot, to_the_end: bool) {
        let Some(Some(connection)) = self.connections.get_mut(slot) else {
            return;
        };
        let mut budget = READ_BUDGET;
        while engine.is_listening(slot) {
            if engine.is_unfinished(slot) {
                self.unread.push(slot);
                return;
            }
            match connection.receive(&mut self.buffer) {
                Received::Bytes(n) => {
                    engine.receive(slot, &mut self.buffer[..n]);
                    if let Some(pause) = engine.world.reactor_requests.stall.take() {
                        std::thread::sleep(pause);
                        engine.turn(self.clock.now());
                    }
                    if n < self.buffer.len() && !to_the_end {
                        return;
                    }
                    budget = budget.saturating_sub(n);
                    if budget == 0 {
                        self.unread.push(slot);
                        return;
                    }
                }
                Received::Nothing => return,
                Received::End => return engine.finish(slot),
                Received::Broken(error) => {
                    log_broken(engine, "reading", &error);
                    return engine.hang_up(slot);
                }
            }
        }
    }

    /// Sends what the client is owed, and closes its connection if it is over.
    fn flush(&mut self, engine: &mut Engine, slot: Slot) {
        let Some(Some(connection)) = self.connections.get_mut(slot) else {
            return;
        };
        let flushed = connection.flush(engine, slot);
        let is_stalled = matches!(flushed, Flushed::Part);
        if let Flushed::Broken(error) = flushed {
            log_broken(engine, "writing", &error);
            engine.hang_up(slot);
        } else {
            let registry = self.poll.registry();
            if let Err(error) = connection.want_writable(registry, Token(slot), is_stalled) {
                log_broken(engine, "waiting", &error);
            }
        }
        if is_stalled {
            engine.stalled(slot);
        }
        if engine.is_over(slot) {
            if let Some(connection) = self.connections[slot].take()
                && engine.may_still_send(slot)
            {
                connection.close(&mut self.buffer);
            }
            engine.disconnect(slot);
            if self.accept_at.is_some() {
                // A descriptor is free again.
                self.accept_at = Some(0);
            }
        }
    }

    /// Stops accepting, sends what is owed, and closes everything.
    fn leave(
        &mut self,
        engine: &mut Engine,
        events: &mut Events,
        touched: &mut Vec<Slot>,
    ) -> io::Result<()> {
        log::info!("leaving: {} clients are sent what they are owed", engine.world.clients.len());
        self.listeners.clear();
        self.accept_at = None;
        engine.dismiss_all();
        let end = self.clock.now().mono + FAREWELL;
        loop {
            engine.take_touched(touched);
            for &slot in touched.iter() {
                self.flush(engine, slot);
            }
            let now = self.clock.now();
            if engine.world.clients.is_empty() || now.mono >= end {
                break;
            }
            let left = Duration::from_micros(end - now.mono);
            match self.poll.poll(events, Some(left)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in events.iter() {
                if engine.world.clients.contains(event.token().0) {
                    engine.world.clients.touch(event.token().0);
                }
            }
        }
        self.connections.clear();
        Ok(())
    }
}

/// Logs what failed on a client's connection.
fn log_broken(engine: &mut Engine, what: &str, error: &io::Error) {
    let line = format_args!("{what} failed: {error}");
    engine.world.peer_log.log(Cause::Connection, engine.world.now.mono, line);
}

/// As INFO's `listener` lines show them.
fn described(bound: &[ListenAddress]) -> Vec<process::Listener> {
    bound
        .iter()
        .map(|bound| process::Listener {
            name: bound.name(),
            bind: bound.host(),
            port: bound.port(),
        })
        .collect()
}
