//! The script that runs, as the commands of other clients see it that are served meanwhile.
//!
//! There is one at most, and none between two turns of the loop. Who runs it, and when others are served, is
//! [`crate::dispatch::running`].

use std::time::Duration;

use super::World;
use crate::error::{self, Error};
use crate::session::Slot;
use crate::wire::{Args, OwnedArgs};

/// What a script was begun with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptKind {
    /// EVAL and its kin.
    Eval,
    /// FCALL and its kin: a function of a library.
    Function,
}

impl ScriptKind {
    /// The command that ends such a script.
    pub(crate) fn killer(self) -> &'static str {
        match self {
            ScriptKind::Eval => "SCRIPT KILL",
            ScriptKind::Function => "FUNCTION KILL",
        }
    }
}

/// The script that runs.
#[derive(Debug)]
pub(crate) struct RunningScript {
    /// Its client, which is not served meanwhile.
    slot: Slot,
    kind: ScriptKind,
    /// The function's own name, once it has run for some time; empty for a script.
    name: Box<[u8]>,
    /// When it began, in nanoseconds of the clock by which commands are timed.
    started: u64,
    /// It has changed data, and cannot be killed any more.
    has_written: bool,
    is_killed: bool,
    /// The command that runs it, from when the server is busy with it.
    command: Option<OwnedArgs>,
}

impl RunningScript {
    pub(crate) fn new(slot: Slot, kind: ScriptKind, started: u64) -> RunningScript {
        let (has_written, is_killed, command) = (false, false, None);
        let name = Box::default();
        RunningScript { slot, kind, name, started, has_written, is_killed, command }
    }

    pub(crate) fn slot(&self) -> Slot {
        self.slot
    }

    pub(crate) fn kind(&self) -> ScriptKind {
        self.kind
    }

    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// For how many milliseconds it has run when the clock shows `now`.
    pub(crate) fn millis(&self, now: u64) -> u64 {
        now.saturating_sub(self.started) / 1_000_000
    }

    /// Returns whether it has run for so long that others are served meanwhile.
    pub(crate) fn is_busy(&self) -> bool {
        self.command.is_some()
    }

    /// From now on others are served meanwhile, and shown the command.
    pub(crate) fn is_busy_with(&mut self, command: Args<'_>) {
        self.command = Some(command.to_owned());
    }

    /// The command that runs it, if others are served meanwhile.
    pub(crate) fn command(&self) -> Option<Args<'_>> {
        self.command.as_ref().map(OwnedArgs::args)
    }
}

impl World {
    /// A script is about to run.
    pub(crate) fn begin_script(&mut self, script: RunningScript) {
        self.running = Some(script);
    }

    /// The script is over. After one that ran long, the next command is to know how late it is.
    pub(crate) fn end_script(&mut self) {
        if self.running.take().is_some_and(|script| script.is_busy()) {
            self.reactor_requests.stall.get_or_insert(Duration::ZERO);
        }
    }

    /// The handler of a command of the client in `slot` has panicked, and with it the script that it ran.
    #[cold]
    pub(crate) fn abandon_script(&mut self, slot: Slot) {
        if self.running.as_ref().is_some_and(|script| script.slot == slot) {
            self.end_script();
        }
    }

    /// The function that runs has this name, which FCALL may have spelled in another way.
    #[cfg_attr(not(feature = "lua"), expect(dead_code, reason = "functions are Lua"))]
    pub(crate) fn name_script(&mut self, name: &[u8]) {
        if let Some(script) = &mut self.running
            && script.name.is_empty()
        {
            script.name = name.into();
        }
    }

    /// The script that runs has called a command that may write. From now on it is not killed: what it has done
    /// would be half of what it was to do.
    pub fn script_writes(&mut self) {
        if let Some(script) = &mut self.running {
            script.has_written = true;
        }
    }

    /// Ends the script that runs, at its next step. `kind`: by SCRIPT KILL or by FUNCTION KILL.
    pub fn kill_script(&mut self, kind: ScriptKind) -> Result<(), Error> {
        let title = self.config.persona.title;
        let script = self.running.as_mut().ok_or(error::NOT_BUSY)?;
        if script.has_written {
            return Err(error::UNKILLABLE);
        }
        if script.kind != kind {
            return Err(error::busy(title, script.kind.killer()));
        }
        script.is_killed = true;
        Ok(())
    }

    /// What a command is told that does not run while a script does; an error only then.
    pub(crate) fn is_idle(&self) -> Result<(), Error> {
        match &self.running {
            None => Ok(()),
            Some(script) => Err(error::busy(self.config.persona.title, script.kind.killer())),
        }
    }

    /// Whether the script that runs goes on: an error if it was killed, or if the process is to end.
    pub(crate) fn may_script_go_on(&self) -> Result<(), Error> {
        match &self.running {
            Some(_) if self.reactor_requests.shutdown => Err(error::script_killed("SHUTDOWN")),
            Some(script) if script.is_killed => Err(error::script_killed(script.kind.killer())),
            _ => Ok(()),
        }
    }
}
