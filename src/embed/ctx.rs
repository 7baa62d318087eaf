//! What a command of your own sees.

use std::any::Any;
use std::time::Duration;

use super::ClientView;
use crate::dispatch;
use crate::listeners::{Deferred, Event};
use crate::session::{Departure, Doom};
use crate::wire::{IntoArgs, Reply, Value, value};

/// The value of a reply to a call.
pub(super) fn read_reply(bytes: &[u8]) -> Value {
    match value::decode(bytes) {
        Ok(Some((value, _))) => value,
        _ => Value::Error(b"ERR the reply nests too deep".to_vec()),
    }
}

/// The context of a command of your own that runs: its client, the state of its group, and the reply that it writes.
pub struct Ctx<'a> {
    pub(super) inner: dispatch::Ctx<'a>,
}

impl Ctx<'_> {
    /// Calls `run` with a context around that of a handler.
    #[inline]
    pub(super) fn around<R>(ctx: &mut dispatch::Ctx<'_>, run: impl FnOnce(&mut Ctx<'_>) -> R) -> R {
        let dispatch::Ctx { world, reply, table, timer, driver, row, slot, frame, .. } = ctx;
        let (replies, until) = (1, None);
        let driver = &mut **driver;
        let (slot, frame) = (*slot, *frame);
        let inner =
            dispatch::Ctx { world, reply, table, timer, driver, row, slot, frame, replies, until };
        let mut own = Ctx { inner };
        let returned = run(&mut own);
        let dispatch::Ctx { replies, until, .. } = own.inner;
        (ctx.replies, ctx.until) = (replies, until);
        returned
    }

    /// Where the reply is written: exactly one, in types and not in bytes, so that RESP2 and RESP3 follow.
    #[inline]
    pub fn reply(&mut self) -> &mut Reply {
        self.inner.reply
    }

    /// What [`Commands::state`](super::Commands::state) gave to the commands of this group.
    ///
    /// # Panics
    ///
    /// When the group has no state of this type. The client is told of an internal error then, and closed.
    pub fn state<T: Any>(&mut self) -> &mut T {
        self.state_and_reply().0
    }

    /// The state, and the reply to write what is found in it.
    ///
    /// # Panics
    ///
    /// As [`Ctx::state`].
    pub fn state_and_reply<T: Any>(&mut self) -> (&mut T, &mut Reply) {
        let row = self.inner.row;
        let found = self.inner.state_and_reply();
        found.unwrap_or_else(|| panic!("'{}' has no {}", row.full_name, std::any::type_name::<T>()))
    }

    /// What is kept with this connection, a value of each type, for whichever command asks for it. It is made when it is asked
    /// for first, and dropped with the connection; [`Gone::local`](super::Gone::local) may have it then. RESET leaves it as
    /// it is. Its own bytes count as memory of the client, and not what it holds elsewhere.
    ///
    /// ```
    /// # use respd::Command;
    /// #[derive(Default)]
    /// struct Cursor {
    ///     line: usize,
    /// }
    ///
    /// let next = Command::new("next", |ctx, _| {
    ///     let cursor: &mut Cursor = ctx.local();
    ///     cursor.line += 1;
    ///     let line = cursor.line;
    ///     ctx.reply().int(line as i64);
    ///     Ok(())
    /// });
    /// ```
    pub fn local<T: Default + Send + 'static>(&mut self) -> &mut T {
        self.inner.client_mut().locals.get_or_insert_default().of()
    }

    /// Closes the connection when its client has been sent what it is owed, the reply to this command at the end. What it
    /// has sent behind this command does not run. A call of a handle has no connection.
    pub fn close(&mut self) {
        if !self.inner.client().is_own() {
            let (slot, why) = (self.inner.slot, Departure::Program);
            self.inner.world.clients.doom(slot, Doom::AfterReply, why);
        }
    }

    /// The client whose command this is.
    pub fn client(&self) -> ClientView<'_> {
        ClientView::new(self.inner.world, self.inner.slot)
    }

    /// Calls another command as this client, and returns its reply as RESP3 has it, whatever the client speaks.
    ///
    /// It passes the gates that a request of the client passes: the client's user must be granted it. It does not wait: a
    /// blocking command behaves as if its time were up. SELECT lasts, as if the client had sent it. What this command has
    /// called is one transaction with it in the log; COMMANDSTATS counts each, and MONITOR shows each with `call` for an
    /// address.
    ///
    /// Returns an error value when the command fails; when it is about a connection (SUBSCRIBE, MULTI, HELLO, CLIENT REPLY)
    /// or ends the process (SHUTDOWN); and when it is this command itself, or one that has called it.
    ///
    /// ```
    /// use respd::{Command, args};
    ///
    /// let swap = Command::new("swap", |ctx, args| {
    ///     let old = ctx.call(args!["GET", &args[1]]).into_result()?;
    ///     ctx.call(args!["SET", &args[1], &args[2]]).into_result()?;
    ///     match old.as_bytes() {
    ///         Some(old) => ctx.reply().bulk(old),
    ///         None => ctx.reply().null(),
    ///     }
    ///     Ok(())
    /// });
    /// ```
    pub fn call(&mut self, args: impl IntoArgs) -> Value {
        read_reply(&self.inner.call(args.into_args().args()))
    }

    /// Pushes to this client what `write` writes, out of band: it follows the reply to this command, or to the transaction
    /// around it, and is sent when this command fails, too. `write` writes one [`Reply::push`] and its elements; anything
    /// else is logged and not sent.
    ///
    /// RESP2 has no pushes: an array is sent, which a client that is not subscribed takes for a reply. Ask
    /// [`ClientView::protocol`]. A call of a handle has no client to push to.
    pub fn push(&mut self, write: impl FnOnce(&mut Reply)) {
        self.inner.world.push(self.inner.slot, write);
    }

    /// Blocks the client until the event is signalled, by [`Ctx::signal`] or by
    /// [`Handle::signal`](super::Handle::signal): the command runs again then, and may wait again. The reply that has been
    /// written is the one for when the time is up; `None`: for ever. An event has no memory, so look first whether what is
    /// waited for is there already. Inside a transaction or another command nothing waits: the time is up at once.
    pub fn wait_for(&mut self, event: impl Into<Event>, timeout: Option<Duration>) {
        self.inner.wait_for(event, timeout);
    }

    /// Leaves the reply for later: any thread gives it, by [`Deferred::reply`] or [`Deferred::error`]. Until then the client
    /// waits, and what it has sent behind this command, so that its replies keep their order; other clients go on.
    ///
    /// ```
    /// use respd::{Command, Commands, Server};
    ///
    /// let slow = Command::new("slow", |ctx, _| {
    ///     let deferred = ctx.defer();
    ///     std::thread::spawn(move || {
    ///         let found = 42; // what takes long
    ///         deferred.reply(move |reply| reply.int(found));
    ///     });
    ///     Ok(())
    /// });
    /// let server = Server::builder().any_port().commands(Commands::new("own").add(slow)).bind()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// The command is done when it returns. It writes no reply itself: to write one and to defer is an error that is
    /// logged, and the client is told of an internal error. So is a reply that is deferred twice, of which the first
    /// counts. When the command returns an error, that is the reply.
    ///
    /// Inside MULTI, in a script and in a call by another command no client can wait. The client is told an error then,
    /// and what is returned is good for nothing: it may be used as ever, and what it is told is dropped.
    ///
    /// A client that waits is blocked, as CLIENT LIST and INFO show it. `timeout` does not close it. CLIENT KILL and its own
    /// leaving end the wait; CLIENT UNBLOCK does with a null, or with an error if it is asked for one. A pause does
    /// not keep a reply back. When the server leaves, clients that still wait are closed without a reply.
    pub fn defer(&mut self) -> Deferred {
        self.inner.defer()
    }

    /// As [`Ctx::defer`], but the client does not wait: what it has sent behind this command runs meanwhile, so that a
    /// pipeline keeps many threads, or a remote engine, at work. Its replies keep their order, and pushes keep their place among
    /// them.
    ///
    /// So the next command may begin before what this one has begun is over: their order is for what answers them to see to.
    /// The client does wait, as with [`Ctx::defer`], when 1024 of its replies are missing; when the command is one that has
    /// waited for an event; with `appendfsync always`; and on a stage. While it does not it is not blocked, so that CLIENT UNBLOCK does not
    /// reach it. `timeout` does not close it.
    pub fn defer_ahead(&mut self) -> Deferred {
        self.inner.defer_ahead()
    }

    /// Runs the commands again that wait for the event, when this one is over.
    pub fn signal(&mut self, event: impl Into<Event>) {
        self.inner.signal(event);
    }
}
