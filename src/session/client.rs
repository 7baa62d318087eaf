//! A client: one connection, from the server's point of view.
//!
//! Ten thousand idle ones are normal, so the struct is small and what few clients need sits behind
//! boxes. It knows no socket: `net` has the socket that belongs to the slot.

use super::departure::Departure;
use super::held::HeldBytes;
use super::locals::Locals;
use super::state::{CopyParts, Session};
use crate::access::UserId;
use crate::listeners::blocked::BlockedCommand;
use crate::listeners::pause::Postponed;
use crate::listeners::pubsub::subscriptions::Subscriptions;
use crate::listeners::tracking::tracker::Tracker;
use crate::listeners::transaction::Transaction;
use crate::listeners::watch::Watched;
use crate::peer::Peer;
use crate::telemetry::stats::CommandId;
use crate::wire::{Parser, Protocol};

/// What CLIENT REPLY asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplyMode {
    #[default]
    On,
    Off,
    /// CLIENT REPLY SKIP is running: the next command is the one that gets no reply.
    SkipNext,
    Skip,
}

impl ReplyMode {
    /// The mode of the next request: only one is ever skipped.
    pub(crate) fn after_request(self) -> ReplyMode {
        match self {
            ReplyMode::SkipNext => ReplyMode::Skip,
            ReplyMode::Skip => ReplyMode::On,
            lasting => lasting,
        }
    }
}

/// Whether a connection is to be closed, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Doom {
    #[default]
    No,
    /// After what is owed to it has been sent. It is not read any more.
    AfterReply,
    /// At the end of this turn, sent or not.
    Now,
}

/// What is to be sent to a client.
#[derive(Debug, Default)]
pub struct Outbox {
    pub bytes: Vec<u8>,
    /// How many of them have been sent.
    pub sent: usize,
    /// A command of the client is running, and has taken `bytes` to write its reply; or its reply comes in parts, and there
    /// are more: see [`World::send_part`](crate::world::World).
    pub is_away: bool,
    /// What was pushed to the client meanwhile. It follows the reply: no push lands inside a reply.
    pub late: Vec<u8>,
    /// What may not be sent yet or lies elsewhere, if there is anything of that kind.
    pub(crate) held: Option<Box<HeldBytes>>,
}

/// A connection and its session.
#[derive(Debug)]
pub struct Client {
    /// Counts up from 1 and is never used again, unlike slots.
    pub id: u64,
    pub peer: Peer,
    /// Set by CLIENT SETNAME or HELLO SETNAME; empty: none. RESET takes it away.
    pub name: Box<[u8]>,
    /// What CLIENT SETINFO told. RESET keeps them: they describe the program, not the session.
    pub lib_name: Box<[u8]>,
    pub lib_ver: Box<[u8]>,
    /// When it connected, and when something came from it or went to it last, in µs of
    /// [`crate::clock::Now::mono`].
    pub created: u64,
    pub active: u64,

    pub db: usize,
    pub protocol: Protocol,
    pub user: UserId,
    /// Since when it could have logged in, if it has not: see [`super::unauthenticated`]. In µs of
    /// [`crate::clock::Now::mono`].
    pub(crate) unauthenticated_since: Option<u64>,
    /// Since when its connection is opening, if it is not open yet: [`Peer::is_opening`].
    pub(crate) opening_since: Option<u64>,
    pub reply_mode: ReplyMode,
    /// CLIENT NO-EVICT: never closed to save memory.
    pub no_evict: bool,
    /// CLIENT NO-TOUCH: its reads do not count as uses of keys.
    pub no_touch: bool,
    /// CLIENT CAPA REDIRECT: understands -REDIRECT errors. It describes the program, as `lib_name` does.
    pub redirect_capable: bool,

    /// Its command waits, or is held back: see [`crate::listeners::blocked`] and [`crate::listeners::pause`].
    pub is_waiting: bool,
    /// What few clients have.
    pub session: Option<Box<Session>>,
    /// What an embedder's commands keep with it. RESET leaves it.
    pub(crate) locals: Option<Box<Locals>>,
    /// The embedder has been told that it is there.
    pub(crate) has_connected: bool,

    pub doom: Doom,
    /// Why, since it was first to be closed.
    pub(crate) departure: Option<Departure>,
    /// It sends nothing any more, but wants its replies.
    pub half_closed: bool,
    /// Its inbox may hold complete requests, which run in the next turn.
    pub unfinished: bool,
    /// It is in the list of clients that this turn flushes.
    pub touched: bool,
    /// It is in the line of clients for whom messages wait.
    pub(crate) pushed: bool,
    /// Its socket took only a part of what is to be sent; the rest waits until it takes more.
    pub stalled: bool,

    /// More waits for it than the soft limit allows. If that is so still at this time, in µs of
    /// [`crate::clock::Now::mono`], it is cut off.
    pub(crate) slow_until: Option<u64>,
    /// It is closing and has not read all it is owed: the engine looks after it.
    pub lingering: bool,

    /// What it asked for last, refused or not. `None` if that is no command.
    pub last_command: Option<CommandId>,
    pub commands: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,

    /// The beginning of a request that is not complete. Empty nearly always.
    pub inbox: Vec<u8>,
    pub parser: Parser,
    pub outbox: Outbox,
    /// The bytes of memory that its transport holds beside: TLS.
    pub(crate) transport: usize,
    /// The bytes of memory with which the registry counts it, and its backlog.
    pub(crate) accounted: usize,
    pub(crate) accounted_backlog: usize,
}

impl Client {
    pub fn new(id: u64, peer: Peer, now: u64, user: UserId) -> Client {
        Client {
            id,
            peer,
            name: Box::default(),
            lib_name: Box::default(),
            lib_ver: Box::default(),
            created: now,
            active: now,
            db: 0,
            protocol: Protocol::default(),
            user,
            unauthenticated_since: None,
            opening_since: None,
            reply_mode: ReplyMode::default(),
            no_evict: false,
            no_touch: false,
            redirect_capable: false,
            is_waiting: false,
            session: None,
            locals: None,
            has_connected: false,
            doom: Doom::No,
            departure: None,
            half_closed: false,
            unfinished: false,
            touched: false,
            pushed: false,
            stalled: false,
            slow_until: None,
            lingering: false,
            last_command: None,
            commands: 0,
            bytes_in: 0,
            bytes_out: 0,
            inbox: Vec::new(),
            parser: Parser::default(),
            outbox: Outbox::default(),
            transport: 0,
            accounted: 0,
            accounted_backlog: 0,
        }
    }

    /// Bytes of memory that the client makes the server hold: itself and its buffers.
    pub fn memory(&self) -> usize {
        size_of::<Client>()
            + self.name.len()
            + self.lib_name.len()
            + self.lib_ver.len()
            + self.inbox.capacity()
            + self.parser.memory()
            + self.outbox.bytes.capacity()
            + self.outbox.late.capacity()
            + self.transport
            + self.outbox.held.as_ref().map_or(0, |held| held.memory())
            + self.session.as_ref().map_or(0, |session| session.memory())
            + self.locals.as_ref().map_or(0, |locals| locals.memory())
    }

    /// Returns whether it is a client of the server's own, which has no connection.
    #[inline]
    pub(crate) fn is_own(&self) -> bool {
        self.id == 0
    }

    /// The rare parts of the client's state, there from now on.
    pub(crate) fn session_mut(&mut self) -> &mut Session {
        self.session.get_or_insert_default()
    }

    /// Returns whether it is shown every command: MONITOR.
    pub(crate) fn is_monitor(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.is_monitor)
    }

    /// The keys that it watches, if it ever has watched any.
    pub(crate) fn watched(&self) -> Option<&Watched> {
        Some(&self.session.as_ref()?.watched)
    }

    /// The commands since MULTI, if the client has sent it.
    pub(crate) fn transaction(&self) -> Option<&Transaction> {
        self.session.as_ref()?.transaction.as_ref()
    }

    /// How many commands there are in its transaction, be it that they are queued or that they run.
    pub(crate) fn transaction_len(&self) -> Option<usize> {
        let session = self.session.as_ref()?;
        let queued = session.transaction.as_ref().map(|transaction| transaction.queue.len());
        queued.or(session.executing)
    }

    /// The database that its next request is for, which may be one to be queued.
    #[inline]
    pub(crate) fn next_db(&self) -> usize {
        self.transaction().and_then(|transaction| transaction.db).unwrap_or(self.db)
    }

    /// As [`Client::transaction`], to change.
    pub(crate) fn transaction_mut(&mut self) -> Option<&mut Transaction> {
        self.session.as_mut()?.transaction.as_mut()
    }

    /// What the client listens to, if it ever has listened to anything.
    pub(crate) fn subscriptions(&self) -> Option<&Subscriptions> {
        Some(&self.session.as_ref()?.subscriptions)
    }

    /// Returns whether the client listens to any channel or pattern.
    pub(crate) fn is_subscriber(&self) -> bool {
        self.subscriptions().is_some_and(|subscriptions| !subscriptions.is_empty())
    }

    /// Returns whether only commands about subscriptions may run: RESP2 cannot tell other replies from messages.
    pub(crate) fn is_resp2_subscriber(&self) -> bool {
        self.protocol == Protocol::Resp2 && self.is_subscriber()
    }

    /// The blocking command of the client that waits, if there is one.
    pub(crate) fn wait(&self) -> Option<&BlockedCommand> {
        self.session.as_ref()?.wait.as_ref()
    }

    /// How the client tracks keys, if it does.
    pub(crate) fn tracker(&self) -> Option<&Tracker> {
        self.session.as_ref()?.tracker.as_ref()
    }

    /// The id of the client that gets this one's invalidations; 0: it gets them itself, -1: there are none.
    pub(crate) fn redirect(&self) -> i64 {
        self.tracker().map_or(-1, |tracker| tracker.options.redirect.map_or(0, |id| id as i64))
    }

    /// As [`Client::tracker`], to change.
    pub(crate) fn tracker_mut(&mut self) -> Option<&mut Tracker> {
        self.session.as_mut()?.tracker.as_mut()
    }

    /// Its next command follows an -ASK: ASKING.
    pub(crate) fn is_asking(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.asking > 0)
    }

    /// It reads from replicas: READONLY.
    pub(crate) fn reads_replica(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.reads_replica)
    }

    /// What it wants a copy of, if it wants one and is no replica.
    pub(crate) fn copy_parts(&self) -> Option<CopyParts> {
        let session = self.session.as_ref()?;
        session.is_rdb_only.then_some(session.copy_parts)
    }

    /// Bytes that requests have brought and cost that have not run: half-read ones, those behind a command
    /// that waits, one that is held back, those in the queue of a transaction. `client-query-buffer-limit` bounds them.
    pub fn query_bytes(&self) -> usize {
        let queued = self.transaction().map_or(0, Transaction::memory);
        let postponed = self.session.as_ref().and_then(|session| session.postponed.as_ref());
        self.unread() + self.parser.memory() + queued + postponed.map_or(0, Postponed::memory)
    }

    /// How many bytes are missing of the argument that is half read: see [`Parser::missing`].
    #[inline]
    pub(crate) fn missing(&self) -> usize {
        if self.parser.is_half_read() { self.parser.missing(self.unread()) } else { 0 }
    }

    /// Bytes of its inbox that have not run.
    pub(crate) fn unread(&self) -> usize {
        let consumed = self.session.as_ref().map_or(0, |session| session.consumed);
        self.inbox.len().saturating_sub(consumed)
    }

    /// Returns whether it has logged in, or did not need to when it came.
    #[inline]
    pub(crate) fn is_authenticated(&self) -> bool {
        self.unauthenticated_since.is_none()
    }

    /// Returns whether its next request may run now.
    pub(crate) fn is_runnable(&self) -> bool {
        self.doom == Doom::No && !self.is_waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_client_is_small() {
        assert!(size_of::<Client>() <= 408, "{} bytes", size_of::<Client>());
    }
}
