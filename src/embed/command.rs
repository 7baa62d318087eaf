//! Commands of your own: closures with what is to be known about them.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::Ctx;
use crate::dispatch::own::{self, OwnCommand};
use crate::dispatch::spec::{Spec, flag};
use crate::error::Error;
use crate::wire::Args;

/// A group of commands of your own, and the state that they share.
pub struct Commands {
    pub(super) group: &'static str,
    pub(super) commands: Vec<OwnCommand>,
    pub(super) state: Box<dyn Any + Send>,
}

/// A command of your own.
pub struct Command {
    own: OwnCommand,
}

impl Commands {
    /// A group without commands. COMMAND DOCS shows its name.
    pub fn new(group: &str) -> Commands {
        Commands { group: kept(group), commands: Vec::new(), state: Box::new(()) }
    }

    /// Commands whose rows are constants, as respd's own are.
    #[doc(hidden)]
    pub fn of_table(group: &str, table: &'static [Spec]) -> Commands {
        let mut commands = Commands::new(group);
        commands.commands.extend(table.iter().map(OwnCommand::of_spec));
        commands
    }

    /// Adds a command. One that has the name of a command of respd's replaces it.
    #[expect(clippy::should_implement_trait, reason = "a group of commands is no number")]
    pub fn add(mut self, command: Command) -> Commands {
        self.commands.push(command.own);
        self
    }

    /// What the commands of the group share, in place of what was given before: [`Ctx::state`].
    pub fn state<T: Any + Send>(mut self, state: T) -> Commands {
        self.state = Box::new(state);
        self
    }
}

impl Command {
    /// A command without flags and keys, which takes any number of arguments. `run` writes exactly one reply, or returns
    /// an error, which takes back what it has written. The name is argument 0.
    pub fn new(
        name: &str,
        mut run: impl FnMut(&mut Ctx<'_>, Args<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Command {
        let spec = Spec::new(kept(&name.to_ascii_lowercase()), -1, flag::NONE, own::run);
        let closure: own::Closure =
            Box::new(move |ctx, args| Ctx::around(ctx, |ctx| run(ctx, args)));
        Command { own: OwnCommand { spec, closure: Some(closure), subcommands: Vec::new() } }
    }
}

/// The text, for as long as the process lives. Texts that are equal are kept once, so that many servers with the same
/// commands cost no more than one.
fn kept(text: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(&text) = all.get(text) {
        return text;
    }
    let text: &'static str = Box::leak(text.into());
    all.insert(text);
    text
}
