//! One command that is to run: in which frame, as whom, with which arguments, and where its reply goes.
//!
//! [`super::gates`] admits an invocation, [`super::call`] runs its handler, and [`super::invoke`] does both
//! in order.

use super::ctx::Ctx;
use super::driver::Driver;
use super::frame::Frame;
use super::table::{Row, Table};
use crate::session::{Client, Slot};
use crate::telemetry::Timer;
use crate::wire::{Args, Reply};
use crate::world::World;

/// One command that is to run.
pub struct Invocation<'a> {
    pub world: &'a mut World,
    pub table: &'a Table,
    pub timer: &'a mut Timer,
    /// Who serves the other clients if the command runs long.
    pub driver: &'a mut dyn Driver,
    /// Where the reply goes. A limit on it holds while the reply grows: see [`Reply::set_limit`].
    pub reply: &'a mut Reply,
    /// As whom it runs: this client's user is asked for permission, this client's database is selected,
    /// and the logs show this client. A feature that acts for no connection connects a client of its own.
    pub slot: Slot,
    pub frame: Frame,
    /// The command's name and its arguments.
    pub args: Args<'a>,
}

impl<'a> Invocation<'a> {
    /// A command from inside the one that is running: as its client, with the reply behind what that one has
    /// written. To send the reply elsewhere, replace the field: `Invocation { reply: &mut own, ..within }`.
    pub fn within(ctx: &'a mut Ctx<'_>, frame: Frame, args: Args<'a>) -> Invocation<'a> {
        let Ctx { world, table, timer, driver, reply, slot, .. } = ctx;
        Invocation { world, table, timer, driver: &mut **driver, reply, slot: *slot, frame, args }
    }

    /// The context in which the handler of `row` runs.
    #[inline]
    pub(super) fn ctx<'c>(&'c mut self, row: &'c Row) -> Ctx<'c> {
        let Invocation { world, table, timer, driver, reply, slot, frame, .. } = self;
        let (slot, frame) = (*slot, *frame);
        Ctx {
            world,
            reply,
            table,
            timer,
            driver: &mut **driver,
            row,
            slot,
            frame,
            replies: 1,
            until: None,
        }
    }

    #[inline]
    pub(super) fn client(&self) -> &Client {
        &self.world.clients[self.slot]
    }
}
