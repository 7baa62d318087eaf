//! Commands that the program calls which has the server in it: those of a handle.
//!
//! Each runs as a client of the server's own, which is there for as long as the call lasts and has the first database
//! selected, unless the handle says another. The gates that it passes are listed in [`crate::dispatch::frame`].

use super::Engine;
use crate::dispatch::command_call::reply_to_call;
use crate::dispatch::{Driver, Frame, Invocation, serve};
use crate::error::{self, Error};
use crate::peer::Peer;
use crate::wire::OwnedArgs;

/// A command to run, and what its reply is given to.
pub(crate) struct HostCall {
    /// The database that is selected.
    pub(crate) db: usize,
    pub(crate) args: OwnedArgs,
    /// Is given the bytes of the reply, which is one of RESP3.
    pub(crate) answer: Box<dyn FnOnce(Vec<u8>) + Send>,
}

impl Engine {
    /// Runs the command, and delivers what it has changed, in this turn. A pause may hold it back until that ends. With
    /// `appendfsync always` it is answered when the log is on disk.
    pub(crate) fn call(&mut self, call: HostCall, driver: &mut dyn Driver) {
        let reply = match self.refusal(&call) {
            Some(refused) => {
                let mut reply = reply_to_call();
                reply.error(&refused);
                reply.into_inner()
            }
            None => match self.run_call(&call, driver) {
                Some(reply) => reply,
                None => return self.calls.push_back(call),
            },
        };
        let answer = call.answer;
        self.world.clients.answer(move || answer(reply));
        serve::settle(&mut self.world, &self.table, &mut self.timer, driver);
    }

    /// Runs the calls that a pause has held back, when it is over.
    #[inline]
    pub(super) fn go_on_with_calls(&mut self, driver: &mut dyn Driver) {
        while self.world.pause.is_none()
            && let Some(call) = self.calls.pop_front()
        {
            self.call(call, driver);
        }
    }

    fn refusal(&self, call: &HostCall) -> Option<Error> {
        if call.args.args().is_empty() {
            return Some(error::CALL_WITHOUT_NAME);
        }
        (call.db >= self.world.store.databases()).then_some(error::CALL_IN_NO_DATABASE)
    }

    /// Returns the reply, unless a pause holds the command back.
    fn run_call(&mut self, call: &HostCall, driver: &mut dyn Driver) -> Option<Vec<u8>> {
        self.world.store.begin_effects();
        let now = self.world.now.mono;
        let slot = self.world.clients.add_own(Peer::local(), now);
        self.world.clients[slot].db = call.db;
        let mut reply = reply_to_call();
        let Engine { world, table, timer, .. } = self;
        let (frame, args) = (Frame::Call, call.args.args());
        let reply_to = &mut reply;
        let mut invocation =
            Invocation { world, table, timer, driver, reply: reply_to, slot, frame, args };
        let is_held_back = invocation.waits_for_pause();
        if !is_held_back {
            invocation.invoke();
        }
        self.timer.rest(&mut self.world.stats);
        self.world.end_session(slot);
        self.world.clients.remove_own(slot);
        self.world.store.shared.effects.hand_over();
        (!is_held_back).then(|| reply.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::sync::mpsc::{self, Receiver};
    use std::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::dispatch::NoDriver;
    use crate::embed::local::Local;
    use crate::world::restraint::LoadingProgress;

    /// Calls the words of a line. The reply comes out of the channel.
    fn call(local: &mut Local, line: &str) -> Receiver<String> {
        let (tell, told) = mpsc::channel();
        let answer = Box::new(move |reply| tell.send(String::from_utf8(reply).unwrap()).unwrap());
        let call = HostCall { db: 0, args: line.split(' ').collect(), answer };
        local.engine.call(call, &mut NoDriver);
        told
    }

    #[test]
    fn a_pause_holds_calls_back_in_their_order() {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        local.call(client, ["CLIENT", "PAUSE", "1000", "WRITE"]);
        let held: Vec<_> = (0..3).map(|_| call(&mut local, "INCR n")).collect();
        assert_eq!(call(&mut local, "GET n").try_recv().as_deref(), Ok("_\r\n"));
        local.advance(Duration::from_millis(999));
        assert!(held.iter().all(|told| told.try_recv().is_err()));
        local.advance(Duration::from_millis(1));
        let told: Vec<_> = held.iter().map(|told| told.try_recv().unwrap()).collect();
        assert_eq!(told, [":1\r\n", ":2\r\n", ":3\r\n"]);
        local.call(client, ["CLIENT", "PAUSE", "1000", "ALL"]);
        let held = call(&mut local, "PING");
        assert!(held.try_recv().is_err());
        local.advance(Duration::from_millis(1000));
        assert_eq!(held.try_recv().as_deref(), Ok("+PONG\r\n"));
    }

    #[test]
    fn what_a_call_changes_is_delivered_when_it_is_over() {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        local.send(client, b"BLPOP l 0\r\n");
        assert_eq!(call(&mut local, "RPUSH l x").try_recv().as_deref(), Ok(":1\r\n"));
        assert_eq!(local.received(client), b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n");
    }

    #[test]
    fn a_call_is_answered_when_the_log_is_on_disk() {
        let mut local = Local::new(Config::default());
        let clients = &mut local.engine.world.clients;
        clients.hold_for_log(true);
        let written = clients.log_written();
        local.engine.world.store.listen_to_effects(Box::new(move |batches| {
            written.fetch_add(batches.bytes() as u64, Ordering::Relaxed);
        }));
        assert!(call(&mut local, "GET k").try_recv().is_ok());
        let told = call(&mut local, "SET k v");
        assert!(told.try_recv().is_err());
        local.engine.world.clients.log_durable("SETkv".len() as u64);
        assert_eq!(told.try_recv().as_deref(), Ok("+OK\r\n"));
    }

    #[test]
    fn nothing_is_left_of_a_call() {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        let before = local.engine.world.clients.memory();
        for line in ["CLIENT NO-EVICT ON", "READONLY", "AUTH default x", "DEBUG PROTOCOL push"] {
            assert!(call(&mut local, line).try_recv().is_ok(), "{line}");
        }
        let clients = &local.engine.world.clients;
        assert_eq!((clients.len(), clients.staying(), clients.memory()), (1, 1, before));
        assert!(clients.has_evictable());
        local.call(client, ["CLIENT", "NO-EVICT", "ON"]);
        assert!(!local.engine.world.clients.has_evictable());
    }

    /// The files may hold the keys that the call would write.
    #[test]
    fn a_call_waits_for_no_files() {
        let mut local = Local::new(Config::default());
        local.engine.world.set_ready(false);
        assert_eq!(call(&mut local, "SET k v").try_recv().as_deref(), Ok("+OK\r\n"));
        let now = local.engine.world.now;
        let progress = LoadingProgress { since: now, total: 1, loaded: 0, used_memory: 0 };
        local.engine.world.set_loading(Some(progress));
        assert!(call(&mut local, "SET k w").try_recv().unwrap().starts_with("-LOADING"));
    }
}
