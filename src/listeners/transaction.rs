//! A transaction: the commands that MULTI queues until EXEC.

use crate::telemetry::stats::CommandId;
use crate::wire::{Args, OwnedArgs};

/// A command in the queue.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) command: CommandId,
    pub(crate) args: OwnedArgs,
}

/// The commands since MULTI.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) queue: Vec<Queued>,
    /// A command was refused: EXEC will run none.
    pub(crate) is_broken: bool,
    /// The flags of all commands in the queue together.
    pub(crate) flags: u64,
    /// The database that the last SELECT in the queue will select, if there is one.
    pub(crate) db: Option<usize>,
    memory: usize,
}

impl Transaction {
    /// A command was refused: the queue is dropped, and stays empty. EXEC will run none.
    pub(crate) fn give_up(&mut self) {
        *self = Transaction { is_broken: true, ..Transaction::default() };
    }

    /// Queues a command, which will select the database `selected`, if any.
    pub(crate) fn push(
        &mut self,
        command: CommandId,
        flags: u64,
        args: Args<'_>,
        selected: Option<usize>,
    ) {
        if self.is_broken {
            return;
        }
        self.db = selected.or(self.db);
        let args = args.to_owned();
        self.memory += args.memory();
        self.flags |= flags;
        self.queue.push(Queued { command, args });
    }

    /// Bytes of memory that the queue holds.
    pub(crate) fn memory(&self) -> usize {
        self.queue.capacity() * size_of::<Queued>() + self.memory
    }
}
