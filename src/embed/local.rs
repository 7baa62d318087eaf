//! Clients without a socket: an engine driven by hand, for tests and embedders.
//!
//! Time stands still until [`Local::advance`] moves it, or STAGE CLOCK does.
//!
//! ```
//! use respd::internals::embed::local::Local;
//!
//! let mut local = Local::new(respd::internals::config::Config::default());
//! let client = local.connect();
//! assert_eq!(local.call(client, ["SET", "greeting", "hello"]).to_string(), "OK");
//! assert_eq!(local.call(client, ["GET", "greeting"]).to_string(), "\"hello\"");
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use super::command::Commands;
use super::parts::ALL;
use super::rows;
use crate::clock::{Change, Now};
use crate::config::Config;
use crate::dispatch::{Driver, Table};
use crate::engine::{Engine, Reading, Traffic};
use crate::peer::Peer;
use crate::session::Slot;
use crate::stage::shape::End;
use crate::telemetry::Timer;
use crate::wire::{Value, push_request, value};
use crate::world::{ClockRequest, World};

/// So many turns at most a moment takes in which there is always something to do.
const TURNS_A_MOMENT: usize = 10_000;

/// An engine and the time it believes in.
pub struct Local {
    /// The server without its sockets.
    pub engine: Engine,
    now: Now,
    /// By how many µs commands have set the wall clock forward.
    ahead: i64,
    /// When the watches of these numbers end. The time that is told is all that there is here.
    alarms: Vec<(u64, u64)>,
    touched: Vec<Slot>,
    meanwhile: Meanwhile,
}

/// What arrives while a script runs.
#[derive(Default)]
struct Meanwhile(VecDeque<(Connection, Vec<u8>)>);

impl Driver for Meanwhile {
    /// What a client sends arrives in one piece, and nothing else does before the script takes its next turn.
    fn serve_meanwhile(&mut self, world: &mut World, table: &Table, timer: &mut Timer, own: Slot) {
        let Some((client, mut bytes)) = self.0.pop_front() else {
            return;
        };
        let (mut reading, now) = (Reading::default(), world.now);
        let is_open = world.clients.slot_of(client.id) == Some(client.slot);
        let mut traffic = Traffic::meanwhile(world, table, timer, &mut reading, now);
        if client.slot != own && is_open && traffic.is_listening(client.slot) {
            traffic.receive(client.slot, &mut bytes, self);
        }
    }
}

/// A client of a [`Local`]. It may have been closed by the server: see [`Local::is_open`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    slot: Slot,
    id: u64,
}

impl Local {
    /// An engine with every command that respd has. If it is to begin with what is in a file, [`Local::wait_for_disk`]
    /// loads that.
    ///
    /// # Panics
    ///
    /// When a `user` line of `config` has a rule that is none, or the file that it is to begin with cannot be opened.
    pub fn new(config: Config) -> Local {
        let table = (ALL.table)(&config);
        Local::with_table(config, table)
    }

    /// As [`Local::new`], with commands of an embedder.
    ///
    /// # Panics
    ///
    /// Also when one of them has a mistake.
    pub fn with_commands(config: Config, groups: Vec<Commands>) -> Local {
        let (rows, mistakes) = rows::of_groups(&groups);
        assert!(mistakes.is_empty(), "{mistakes:?}");
        let mut table = (ALL.table)(&config);
        let states = rows::add_to(&mut table, rows, groups);
        let mut local = Local::with_table(config, table);
        local.engine.world.states = states;
        local
    }

    /// An engine with the commands of `table`. It panics as [`Local::new`] does.
    pub fn with_table(config: Config, table: Table) -> Local {
        // Some time in 2023, and the first second of the server.
        let now = Now { wall: 1_700_000_000_000_000, mono: 1_000_000 };
        let mut engine = super::engine(config, table, now).expect("a valid configuration");
        (ALL.begin)(&mut engine).expect("files that can be read");
        Local {
            engine,
            now,
            ahead: 0,
            alarms: Vec::new(),
            touched: Vec::new(),
            meanwhile: Meanwhile::default(),
        }
    }

    /// Connects a client.
    ///
    /// # Panics
    ///
    /// When `maxclients` are connected.
    pub fn connect(&mut self) -> Connection {
        self.try_connect(Peer::local()).expect("room for one more client")
    }

    /// Connects a client as `peer`. The error is what the server says before it closes.
    pub fn try_connect(&mut self, peer: Peer) -> Result<Connection, Vec<u8>> {
        let fate = self.engine.traffic().fate_of(&peer);
        if fate.is_some_and(|fate| fate != End::Hang) {
            return Err(Vec::new());
        }
        let slot = self.engine.traffic().connect(peer)?;
        if fate.is_some() {
            self.engine.traffic().hang(slot);
        }
        Ok(Connection { slot, id: self.engine.world.clients[slot].id })
    }

    /// Returns whether the server has not closed the connection.
    pub fn is_open(&self, client: Connection) -> bool {
        let clients = &self.engine.world.clients;
        clients.get(client.slot).is_some_and(|found| found.id == client.id)
    }

    /// Hands bytes to the server as if they came from the socket, and ends the turn. What is owed to
    /// the client waits in [`Local::received`].
    pub fn send(&mut self, client: Connection, bytes: &[u8]) {
        if self.is_open(client) && self.engine.traffic().is_listening(client.slot) {
            self.engine.traffic().receive(client.slot, &mut bytes.to_vec(), &mut self.meanwhile);
        }
        self.engine.end_turn(&mut self.meanwhile);
        self.heed_clock_requests();
        self.reap();
    }

    /// The bytes arrive while a script of another client runs, when that has them served for the next time.
    pub fn send_meanwhile(&mut self, client: Connection, bytes: &[u8]) {
        self.meanwhile.0.push_back((client, bytes.to_vec()));
    }

    /// Commands are timed by this clock, in nanoseconds, and scripts run long by it. Without it they take no time.
    pub fn time_commands_by(&mut self, read: fn() -> u64) {
        self.engine.time_commands_by(read);
    }

    /// The client sends nothing more.
    pub fn finish(&mut self, client: Connection) {
        if self.is_open(client) {
            self.engine.traffic().finish(client.slot);
        }
    }

    /// Takes what the server has sent to the client by now, and closes connections that are over.
    pub fn received(&mut self, client: Connection) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.is_open(client) {
            let unsent = self.engine.unsent(client.slot);
            bytes.extend_from_slice(&unsent);
            let sent = unsent.len();
            drop(unsent);
            if sent > 0 {
                self.engine.sent(client.slot, sent);
            }
            if !self.engine.world.clients[client.slot].unfinished {
                break;
            }
            // More of its requests were waiting for these replies to be sent.
            self.turn();
            self.heed_clock_requests();
        }
        if self.is_open(client) && self.engine.traffic().is_over(client.slot) {
            self.engine.traffic().disconnect(client.slot);
        }
        self.reap();
        bytes
    }

    /// Sends a command and reads one reply, for which it waits if that waits for the disk.
    ///
    /// # Panics
    ///
    /// When there is no reply, or more than one frame: use [`Local::send`] for what has none or many.
    pub fn call<T: AsRef<[u8]>>(
        &mut self,
        client: Connection,
        args: impl IntoIterator<Item = T>,
    ) -> Value {
        self.send(client, &request(args));
        let mut bytes = self.received(client);
        if bytes.is_empty() && self.engine.world.clients.await_log() {
            self.wait_for_disk();
            bytes = self.received(client);
        }
        match value::decode(&bytes) {
            Ok(Some((value, len))) if len == bytes.len() => value,
            other => panic!("not one reply: {other:?} in {:?}", String::from_utf8_lossy(&bytes)),
        }
    }

    /// Lets time pass, and what is due by then happen.
    pub fn advance(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).expect("less than half a million years");
        self.go_on_by(micros);
        self.heed_clock_requests();
        self.reap();
    }

    /// Waits, as long as that takes, until the threads of the server have done what it has given them: until a snapshot
    /// is written or a file loaded. No time passes by the clock.
    pub fn wait_for_disk(&mut self) {
        loop {
            let mut had = self.engine.wait_for_duties();
            self.turn();
            // The turn may have given them more.
            had |= self.engine.wait_for_duties();
            let is_due = self.engine.duties_due().is_some_and(|due| due <= self.now.mono);
            if !had && !is_due {
                return self.reap();
            }
        }
    }

    fn turn(&mut self) {
        let now = self.now.mono;
        for (_, watch) in self.alarms.extract_if(.., |(at, _)| *at <= now) {
            self.engine.world.end_watch(watch);
        }
        self.engine.turn(self.now, &mut self.meanwhile);
        self.engine.end_turn(&mut self.meanwhile);
        self.engine.rest(&mut self.meanwhile);
    }

    /// Sets the alarms, and makes the changes of the clock, that commands have asked for, one after the other.
    fn heed_clock_requests(&mut self) {
        let now = self.now.mono;
        let alarms = self.engine.take_alarms().into_iter();
        self.alarms.extend(alarms.map(|alarm| (now.saturating_add(alarm.after), alarm.watch)));
        while self.engine.has_clock_requests() {
            for ClockRequest { change, client } in self.engine.take_clock_requests() {
                let before = self.now.wall;
                match change {
                    Change::Run => {
                        self.engine.world.clock_cannot_run(client);
                        continue;
                    }
                    Change::Freeze => {}
                    Change::Advance(micros) => self.pass(micros),
                    Change::SetWall(wall) => self.set_wall(wall),
                    Change::Restore => self.set_wall(before.saturating_add_signed(-self.ahead)),
                }
                self.ahead += self.now.wall as i64 - before as i64;
                self.engine.world.clock_is_changed(client);
            }
            self.turn();
        }
    }

    fn set_wall(&mut self, wall: u64) {
        self.now.wall = wall;
        self.pass(0);
    }

    /// Lets so many µs pass, with a turn at every deadline on the way.
    fn pass(&mut self, micros: u64) {
        let end = self.now.mono.saturating_add(micros);
        let mut turns = 0;
        while let Some(due) = self.engine.next_deadline().filter(|&due| due <= end) {
            let passed = due.saturating_sub(self.now.mono);
            turns = if passed > 0 { 0 } else { turns + 1 };
            if turns > TURNS_A_MOMENT {
                break;
            }
            self.go_on_by(passed);
        }
        self.go_on_by(end - self.now.mono);
    }

    fn go_on_by(&mut self, micros: u64) {
        self.now.wall += micros;
        self.now.mono += micros;
        self.turn();
    }

    fn reap(&mut self) {
        let mut touched = std::mem::take(&mut self.touched);
        self.engine.traffic().take_touched(&mut touched);
        for &slot in &touched {
            if self.engine.world.clients.contains(slot) && self.engine.traffic().is_over(slot) {
                self.engine.traffic().disconnect(slot);
            }
        }
        self.touched = touched;
    }
}

/// The bytes of a request: an array of bulk strings.
pub fn request<T: AsRef<[u8]>>(args: impl IntoIterator<Item = T>) -> Vec<u8> {
    let args: Vec<T> = args.into_iter().collect();
    let mut bytes = Vec::new();
    push_request(&mut bytes, args.iter().map(AsRef::as_ref));
    bytes
}
