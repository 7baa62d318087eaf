//! What a command of your own sees.

use std::any::Any;
use std::time::Duration;

use super::ClientView;
use crate::dispatch;
use crate::listeners::Event;
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

    /// The client whose command this is.
    pub fn client(&self) -> ClientView<'_> {
        ClientView::new(self.inner.world, self.inner.slot)
    }

    /// Blocks the client until the event is signalled, by [`Ctx::signal`] or by
    /// [`Handle::signal`](super::Handle::signal): the command runs again then, and may wait again. The reply that has been
    /// written is the one for when the time is up; `None`: for ever. An event has no memory, so look first whether what is
    /// waited for is there already. Inside a transaction or another command nothing waits: the time is up at once.
    pub fn wait_for(&mut self, event: impl Into<Event>, timeout: Option<Duration>) {
        self.inner.wait_for(event, timeout);
    }

    /// Runs the commands again that wait for the event, when this one is over.
    pub fn signal(&mut self, event: impl Into<Event>) {
        self.inner.signal(event);
    }
}
