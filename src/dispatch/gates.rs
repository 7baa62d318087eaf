//! The gates: one list, in order, of what stands between a request and its handler.
//!
//! A check that concerns every command is a gate, and asks the row for a flag, never for a name. A gate lets
//! the command on or refuses it with an error; a pause and a transaction put it off.
//! The list says beside each gate in which frames it stands: what a client may not do by itself, a script
//! or a command that it calls may not do for it, while a command of a transaction passed most gates when it was queued, and one of a
//! log that is replayed passed them before it was logged.
//!
//! There is no second list for speed. A gate looks first at what is nearly always in the command's favour, in
//! one comparison, and is inlined; what it says when it is shut stands apart. All of them together take a tenth
//! of the instructions of a pipelined PING.

use super::frame::{CALL, Frame, Frames, REPLAY, SCRIPT, TOP, TRANSACTION};
use super::invocation::Invocation;
use super::permission::{self, Denied};
use super::spec::{Flags, flag};
use super::table::{Found, Row};
use super::telemetry;
use crate::error::{self, Error};
use crate::telemetry::latency::event;

/// What becomes of a command that no gate refuses.
pub(super) enum Admitted<'t> {
    /// It runs now.
    Run(&'t Row),
    /// A pause holds it back: it comes again when that ends.
    HoldBack,
    /// It belongs to a transaction, and runs at EXEC.
    Queue(&'t Row),
}

impl<'a> Invocation<'a> {
    /// Asks the gates, that of the stage among them if `STAGED`, and counts a refusal for the command.
    #[inline]
    pub(super) fn admit<const STAGED: bool>(
        &mut self,
        found: Found<'a>,
    ) -> Result<Admitted<'a>, Error> {
        self.pass_gates::<STAGED>(found).map_err(|refused| self.rejected(found, refused))
    }

    // ANCHOR: gates
    /// The list.
    #[inline]
    fn pass_gates<const STAGED: bool>(&mut self, found: Found<'a>) -> Result<Admitted<'a>, Error> {
        self.is_authenticated(TOP | CALL, found)?;
        let row = self.is_well_formed(found)?;
        // Most clients have no session, so that gates about transactions and subscriptions are open to them.
        let has_session = self.client().session.is_some();
        self.may_be_queued(TOP, row)?;
        self.may_be_scripted(SCRIPT, row)?;
        self.may_be_called(CALL, row)?;
        self.is_permitted(TOP | TRANSACTION | SCRIPT | CALL, row)?;
        self.is_at_its_port(TOP | SCRIPT | CALL, row)?;
        self.is_at_its_node::<STAGED>(TOP | CALL, row)?;
        self.may_reply_between_messages(TOP, row, has_session)?;
        self.may_write(SCRIPT, row)?;
        self.has_memory(TOP | SCRIPT | CALL, row)?;
        self.may_stay_unsaved(TOP | SCRIPT | CALL, row)?;
        self.is_at_its_node::<STAGED>(SCRIPT, row)?;
        self.has_what_it_needs(TOP | CALL, row)?;
        self.is_served_meanwhile(TOP | CALL, row)?;
        self.may_touch_keys(TOP, row)?;
        if self.is_held_back(TOP, row) {
            return Ok(Admitted::HoldBack);
        }
        if STAGED && self.table.asks_hook && self.frame.is_in(TOP) {
            self.ask_hook(row)?;
        }
        if self.is_queued(TOP | REPLAY, row, has_session) {
            return Ok(Admitted::Queue(row));
        }
        Ok(Admitted::Run(row))
    }
    // ANCHOR_END: gates

    /// Refuses a client that has yet to log in, unless the command runs without.
    #[inline(always)]
    fn is_authenticated(&mut self, frames: Frames, found: Found<'a>) -> Result<(), Error> {
        if !self.client().is_authenticated()
            && self.world.is_unauthenticated(self.slot)
            && !matches!(found, Found::Row(row) if row.has(flag::NO_AUTH))
            && self.frame.is_in(frames)
        {
            return Err(self.turned_away(found));
        }
        Ok(())
    }

    /// Refuses, in every frame, what names no command or has not the number of arguments that it takes.
    #[inline(always)]
    fn is_well_formed(&mut self, found: Found<'a>) -> Result<&'a Row, Error> {
        match found {
            Found::Row(row) if row.accepts(self.args.len()) => Ok(row),
            _ => Err(self.misspelt(found)),
        }
    }

    /// Refuses a command in MULTI that may not be queued.
    #[inline(always)]
    fn may_be_queued(&self, frames: Frames, row: &Row) -> Result<(), Error> {
        if row.has(flag::NO_MULTI)
            && self.client().transaction().is_some()
            && self.frame.is_in(frames)
        {
            return Err(self.world.config.persona.not_in_transaction(&row.full_name));
        }
        Ok(())
    }

    /// Refuses a script the commands that may not run in one.
    #[inline(always)]
    fn may_be_scripted(&self, frames: Frames, row: &Row) -> Result<(), Error> {
        if row.has(flag::NOSCRIPT) && self.frame.is_in(frames) {
            return Err(self.world.config.persona.not_from_script());
        }
        Ok(())
    }

    /// Refuses to have called what is about a connection.
    #[inline(always)]
    fn may_be_called(&self, frames: Frames, row: &Row) -> Result<(), Error> {
        if row.has(flag::NO_CALL) && self.frame.is_in(frames) {
            return Err(error::not_to_be_called(&row.full_name));
        }
        Ok(())
    }

    /// Refuses what the rules of the client's user do not grant. EXEC and scripts ask again for each of their
    /// commands: the rules may have changed, and a script is granted no more than its caller.
    #[inline(always)]
    fn is_permitted(&mut self, frames: Frames, row: &Row) -> Result<(), Error> {
        let user = self.world.access.user(self.client().user);
        match user.is_unrestricted() || !self.frame.is_in(frames) {
            true => Ok(()),
            false => self.is_granted(row),
        }
    }

    /// Refuses an operator's command on the port for clients: `admin-commands-on-admin-port`.
    #[inline(always)]
    fn is_at_its_port(&self, frames: Frames, row: &Row) -> Result<(), Error> {
        if row.has(flag::FOR_OPERATORS)
            && !self.world.serves_operators(self.slot)
            && self.frame.is_in(frames)
        {
            let port = self.world.config.admin_port;
            return Err(error::on_admin_port_only(&row.full_name, port));
        }
        Ok(())
    }

    /// Refuses what is not for the client's node, where a test may have made nodes: see [`super::nodes`].
    #[inline(always)]
    fn is_at_its_node<const STAGED: bool>(
        &mut self,
        frames: Frames,
        row: &Row,
    ) -> Result<(), Error> {
        match STAGED && self.frame.is_in(frames) {
            true => self.find_node(row),
            false => Ok(()),
        }
    }

    /// Refuses a client that is subscribed in RESP2 the commands whose replies it could take for messages.
    #[inline(always)]
    fn may_reply_between_messages(
        &self,
        frames: Frames,
        row: &Row,
        has_session: bool,
    ) -> Result<(), Error> {
        if has_session
            && !row.has(flag::SUBSCRIBER)
            && self.client().is_resp2_subscriber()
            && self.frame.is_in(frames)
        {
            return Err(error::not_while_subscribed(&row.full_name));
        }
        Ok(())
    }

    /// Refuses a read-only script the commands that may write. As in Valkey 9.1 those count that only may
    /// replicate, PUBLISH among them.
    #[inline(always)]
    fn may_write(&self, frames: Frames, row: &Row) -> Result<(), Error> {
        if let Frame::Script(flags) = self.frame
            && flags.no_writes
            && row.has(flag::WRITE | flag::MAY_REPLICATE)
            && self.frame.is_in(frames)
        {
            return Err(error::WRITE_IN_READ_ONLY_SCRIPT);
        }
        Ok(())
    }

    // ANCHOR: has_memory
    /// Refuses a command that takes memory when `maxmemory` is used up and nothing may be evicted.
    #[inline(always)]
    fn has_memory(&mut self, frames: Frames, row: &Row) -> Result<(), Error> {
        if self.world.config.maxmemory > 0
            && self.frame.is_in(frames)
            && !self.make_room()
            && self.needs(row, flag::DENYOOM)
        {
            return Err(error::OOM);
        }
        Ok(())
    }
    // ANCHOR_END: has_memory

    /// Refuses a command that changes data while data cannot be written, and PING, so that a monitor of the
    /// server sees it.
    #[inline(always)]
    fn may_stay_unsaved(&self, frames: Frames, row: &Row) -> Result<(), Error> {
        if self.world.is_restrained()
            && self.frame.is_in(frames)
            && self.needs(row, flag::WRITE | flag::SHOWS_HEALTH)
            && let Some(refused) = self.world.write_refusal()
        {
            return Err(refused);
        }
        if self.world.is_restrained()
            && self.frame.is_in(frames)
            && self.needs(row, flag::READ)
            && let Some(refused) = self.world.read_refusal()
        {
            return Err(refused);
        }
        Ok(())
    }

    /// Refuses a command that needs what is not there before the server is ready.
    #[inline(always)]
    fn has_what_it_needs(&self, frames: Frames, row: &Row) -> Result<(), Error> {
        if self.world.is_restrained()
            && !self.world.is_ready()
            && self.needs(row, flag::NEEDS_READY)
            && self.frame.is_in(frames)
            && !self.makes_ready()
        {
            return Err(self.world.config.persona.not_ready());
        }
        Ok(())
    }

    /// Returns whether the program that has the server in it calls the command, and the server is not ready only because
    /// it was told so.
    #[cold]
    fn makes_ready(&self) -> bool {
        self.client().is_own() && self.world.loading().is_none()
    }

    /// Refuses, while a script runs, what may not run beside it.
    #[inline(always)]
    fn is_served_meanwhile(&self, frames: Frames, row: &Row) -> Result<(), Error> {
        if self.world.running.is_some() && !row.has(flag::ALLOW_BUSY) && self.frame.is_in(frames) {
            return self.world.is_idle();
        }
        Ok(())
    }

    /// Refuses a MONITOR client the commands on keys.
    #[inline(always)]
    fn may_touch_keys(&self, frames: Frames, row: &Row) -> Result<(), Error> {
        if !self.world.monitors.is_empty()
            && row.has(flag::READ | flag::WRITE | flag::MAY_REPLICATE)
            && self.client().is_monitor()
            && self.frame.is_in(frames)
        {
            return Err(error::MONITOR_WITHOUT_KEYS);
        }
        Ok(())
    }

    /// Returns whether CLIENT PAUSE holds the command back.
    #[inline(always)]
    fn is_held_back(&self, frames: Frames, row: &Row) -> bool {
        const WRITES: Flags = flag::WRITE | flag::MAY_REPLICATE;
        self.world.holds_back(self.slot, || self.needs(row, WRITES))
            && !row.has(flag::UNPAUSED)
            && self.frame.is_in(frames)
    }

    /// Returns whether CLIENT PAUSE would hold back the command that a handle calls.
    pub(crate) fn waits_for_pause(&self) -> bool {
        let Found::Row(row) = self.table.find(self.args) else {
            return false;
        };
        self.is_held_back(CALL, row)
    }

    /// Returns whether the command belongs to a transaction that MULTI has begun.
    #[inline(always)]
    fn is_queued(&self, frames: Frames, row: &Row, has_session: bool) -> bool {
        has_session
            && !row.has(flag::UNQUEUED)
            && self.client().transaction().is_some()
            && self.frame.is_in(frames)
    }

    /// Returns whether the command has one of the flags, or is EXEC and a command that it will run has it.
    pub(super) fn needs(&self, row: &Row, flags: Flags) -> bool {
        let queued = self.client().transaction().map_or(0, |transaction| transaction.flags);
        self.flags(row) & flags != 0 || row.has(flag::RUNS_QUEUE) && queued & flags != 0
    }

    /// The flags of the command, as far as gates that may refuse for a time ask for them.
    pub(super) fn flags(&self, row: &Row) -> Flags {
        match row.spec.flags_of {
            Some(ask) => ask(self.world, self.args, row.flags),
            None => row.flags,
        }
    }

    /// Asks the rules of the client's user.
    #[inline(never)]
    fn is_granted(&mut self, row: &Row) -> Result<(), Error> {
        let (user, db) = (self.client().user, self.client().next_db());
        permission::check(self.world, user, db, row, self.args)
            .map_err(|denied| self.denied(row, denied))
    }

    /// Evicts keys if too much memory is used, and returns whether there is room. A script finds what there
    /// was when it began: no key goes while it runs.
    #[inline(never)]
    fn make_room(&mut self) -> bool {
        if let Frame::Script(flags) = self.frame {
            let world = &self.world;
            let may_evict = world.pause.is_some() || world.is_evicting();
            return flags.allow_oom || may_evict || !world.is_full();
        }
        if self.world.running.is_some() {
            return true;
        }
        let world = &mut *self.world;
        let has_room = if world.config.latency_monitor_threshold == 0 || !world.is_full() {
            world.make_room()
        } else {
            // Eviction is an event of its own in LATENCY, and no part of the command's time.
            let (has_room, nanos) = self.timer.measure(|| world.make_room());
            telemetry::record_latency_event(world, event::EVICTION_CYCLE, nanos);
            has_room
        };
        if self.frame == Frame::Top {
            // What is pushed about evicted keys precedes the reply: they went before the command ran.
            self.reply.append(&mut world.clients[self.slot].outbox.late);
        }
        has_room
    }
}

/// What is said of a refusal.
impl<'a> Invocation<'a> {
    /// The error for a request that names no command, or has not the arguments for it.
    #[cold]
    fn misspelt(&mut self, found: Found<'a>) -> Error {
        let (persona, args) = (self.world.config.persona, self.args);
        let in_script = self.frame.is_in(SCRIPT);
        match found {
            Found::NoCommand => {
                self.world.stats.unknown_commands += 1;
                match in_script {
                    true => persona.unknown_in_script(),
                    false => {
                        let name = args.get(0).unwrap_or_default();
                        persona.unknown_command(name, args.from(1))
                    }
                }
            }
            Found::NoSubcommand(row) => persona.unknown_subcommand(row.spec.name, &args[1]),
            Found::Row(_) if in_script => persona.arity_in_script(),
            Found::Row(row) => persona.wrong_arity(&row.full_name, args.get(1)),
        }
    }

    /// The error for a client that has yet to log in: to do so, or that the request could not run anyway.
    /// respd by itself does not say before the login which commands exist; some personas do.
    #[cold]
    fn turned_away(&mut self, found: Found<'a>) -> Error {
        let persona = self.world.config.persona;
        let is_misspelt = match found {
            _ if persona.hides_commands() => false,
            Found::NoCommand => true,
            Found::NoSubcommand(_) => persona.names_subcommands(),
            Found::Row(row) => {
                let is_checked = row.container.is_none() || persona.names_subcommands();
                is_checked && !row.accepts(self.args.len())
            }
        };
        if is_misspelt { self.misspelt(found) } else { error::NOAUTH }
    }

    /// The error for what the user's rules do not grant, which ACL LOG keeps.
    #[cold]
    fn denied(&mut self, row: &Row, denied: Denied) -> Error {
        let args = self.args;
        let mut ctx = self.ctx(row);
        permission::log(&mut ctx, args, denied);
        match ctx.frame {
            Frame::Transaction => error::no_longer_permitted(denied.reason.is_lacking()),
            _ => permission::refusal(&ctx, denied),
        }
    }

    /// Counts a refusal for the command that was refused, and hands the error on. A refused EXEC ends its
    /// transaction. A refusal during EXEC counts as an error only, as in Valkey 9.1.
    #[cold]
    fn rejected(&mut self, found: Found<'a>, refused: Error) -> Error {
        let Found::Row(row) = found else {
            return refused;
        };
        if self.frame.is_in(TOP | SCRIPT | REPLAY | CALL) {
            self.world.stats.command(row.id).rejected += 1;
        }
        if !row.has(flag::RUNS_QUEUE) || !self.frame.is_in(TOP | REPLAY) {
            return refused;
        }
        self.world.end_transaction(self.slot);
        self.world.unwatch(self.slot);
        // A client follows the error of a cluster, whichever command it was.
        if refused.is_of_cluster() {
            return refused;
        }
        error::exec_refused(&refused)
    }

    /// Writes why the command was refused. A transaction that it was to be queued in will not run.
    #[cold]
    pub(super) fn refuse(&mut self, refused: &Error) {
        self.world.stats.count_error(refused);
        match self.frame {
            Frame::Top => self.reply.error(refused),
            // The replies around it are in step only if it is there, whatever the limit.
            Frame::Script(_) if refused.code() == b"NOPERM" => {
                let here = self.reply.mark();
                self.reply.replace(here, &error::denied_in_script(refused));
            }
            _ => {
                let here = self.reply.mark();
                self.reply.replace(here, refused);
            }
        }
        if self.frame.is_in(TOP | REPLAY)
            && let Some(transaction) = self.world.clients[self.slot].transaction_mut()
        {
            transaction.give_up();
        }
    }
}
