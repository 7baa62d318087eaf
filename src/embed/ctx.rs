//! What a command of your own sees.

use std::any::Any;
use std::time::Duration;

use crate::dispatch;
use crate::listeners::{Deferred, Event};
use crate::wire::Reply;

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
    /// not keep a reply back. When the server leaves, those who still wait are closed without a reply.
    pub fn defer(&mut self) -> Deferred {
        self.inner.defer()
    }

    /// Runs the commands again that wait for the event, when this one is over.
    pub fn signal(&mut self, event: impl Into<Event>) {
        self.inner.signal(event);
    }
}
