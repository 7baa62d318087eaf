//! Commands of your own: closures with what is to be known about them.

use std::any::Any;
use std::ops::{Bound, RangeBounds};

use super::kept::kept;
use super::{Ctx, Keys};
use crate::dispatch::own::{self, Closure};
use crate::dispatch::spec::{self, Channels, Flags, Spec, flag};
use crate::error::Error;
use crate::wire::Args;

/// A group of commands of your own, and the state that they share.
///
/// What is wrong with a command is an error of [`Builder::bind`](super::Builder::bind), which names the command and the mistake.
pub struct Commands {
    pub(super) group: &'static str,
    pub(super) commands: Vec<Command>,
    pub(super) state: Box<dyn Any + Send>,
}

/// A command of your own: a closure, and what is to be known about it.
///
/// What is said here is all that respd needs for the rest: the error for a wrong number of arguments, COMMAND and its
/// subcommands, HELP of a container, ACL rules, what a transaction and a script may run, statistics and logs.
///
/// ```
/// use std::collections::HashMap;
/// use respd::{Builder, Command, Commands, Keys};
///
/// type Sums = HashMap<Vec<u8>, usize>;
/// let charge = Command::new("charge", |ctx, args| {
///     let (sums, reply) = ctx.state_and_reply::<Sums>();
///     let sum = sums.entry(args[2].to_vec()).or_default();
///     *sum += args.len() - 3;
///     reply.int(*sum as i64);
///     Ok(())
/// })
/// .writes()
/// .key(Keys::at(2).reads().changes())
/// .category("billing")
/// .synopsis("account:key item...")
/// .summary("Charges items to an account and returns how many there are.");
/// let billing = Command::container("billing").summary("Accounts.").subcommand(charge);
///
/// let server = Builder::connection_layer()
///     .any_port()
///     .commands(Commands::new("billing").state(Sums::new()).add(billing))
///     .bind()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Command {
    /// The name, flags, channels, and what COMMAND DOCS shows. Of a constant row it is all.
    pub(super) spec: Spec,
    /// Its row is a constant, which has its arity and its keys in it.
    pub(super) is_constant: bool,
    pub(super) closure: Option<Closure>,
    pub(super) arity: Option<(Bound<usize>, Bound<usize>)>,
    pub(super) keys: Vec<Keys>,
    pub(super) categories: Vec<&'static str>,
    /// What was given to [`Command::flags`].
    pub(super) flags: Vec<&'static str>,
    pub(super) secrets: Vec<usize>,
    pub(super) synopsis: Option<&'static str>,
    pub(super) subcommands: Vec<Command>,
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
        commands.commands.extend(table.iter().map(Command::of_spec));
        commands
    }

    /// Adds a command. One that has the name of a command of respd's replaces it.
    #[expect(clippy::should_implement_trait, reason = "a group of commands is no number")]
    pub fn add(mut self, command: Command) -> Commands {
        self.commands.push(command);
        self
    }

    /// What the commands of the group share, in place of what was given before: [`Ctx::state`].
    pub fn state<T: Any + Send>(mut self, state: T) -> Commands {
        self.state = Box::new(state);
        self
    }
}

impl Command {
    /// A command without flags and keys. `run` writes exactly one reply, or returns an error, which takes back what it has
    /// written. Argument 0 is the name; argument 1 that of a subcommand. Names are the same in capitals and small letters.
    ///
    /// One that leaves no reply, a part of one or several is logged, and its client is told of an internal error instead. So
    /// is the client of one that panics, which is then closed.
    pub fn new(
        name: &str,
        mut run: impl FnMut(&mut Ctx<'_>, Args<'_>) -> Result<(), Error> + Send + 'static,
    ) -> Command {
        let spec = Spec::new(kept(&name.to_ascii_lowercase()), -1, flag::NONE, own::run);
        let closure: Closure = Box::new(move |ctx, args| Ctx::around(ctx, |ctx| run(ctx, args)));
        Command { closure: Some(closure), ..Command::of_row(spec) }
    }

    /// A command that is nothing but its subcommands: see [`Command::subcommand`].
    pub fn container(name: &str) -> Command {
        let spec = Spec::new(kept(&name.to_ascii_lowercase()), -2, flag::NONE, spec::not_a_command);
        Command::of_row(spec)
    }

    /// How many arguments it takes; the name counts, and that of a subcommand too: `3..=3`, `2..`. A request with fewer or
    /// more is refused. What is not said here follows from the [synopsis](Command::synopsis); without one the
    /// command takes any number.
    pub fn arity(mut self, arguments: impl RangeBounds<usize>) -> Command {
        self.arity = Some((arguments.start_bound().cloned(), arguments.end_bound().cloned()));
        self
    }

    /// It reads data and changes none: `@read`. What it has read by its [keys](Command::key) is remembered for
    /// clients that cache, and they are told when it changes.
    pub fn reads(self) -> Command {
        self.flag(flag::READ)
    }

    /// It may change data: `@write`. It is refused in a read-only script, and waits for the end of
    /// `CLIENT PAUSE … WRITE`.
    pub fn writes(self) -> Command {
        self.flag(flag::WRITE)
    }

    /// What else COMMAND INFO says of it, a word each: `"fast no_auth loading"`.
    ///
    /// | word | the command |
    /// |---|---|
    /// | `fast` | takes as long whatever there is: `@fast`, where others are `@slow`. It is too short to be timed alone, unless its request or its reply is long |
    /// | `blocking` | may wait: `@blocking`. See [`Ctx::wait_for`] |
    /// | `admin` | is for operators: `@admin` and `@dangerous`. MONITOR does not show it |
    /// | `denyoom` | may take memory: it is refused when `maxmemory` is used up |
    /// | `no_auth` | runs before the client has logged in, and no rule takes it from a user |
    /// | `loading` | runs before the server is ready: see [`Handle::ready`](super::Handle::ready) |
    /// | `stale` | runs on a replica whose data may be old |
    /// | `no_multi` | is refused between MULTI and EXEC |
    /// | `noscript` | may not be called by scripts |
    pub fn flags(mut self, words: &str) -> Command {
        self.flags.push(kept(words));
        self
    }

    /// Where keys stand. Up to three may be added. A command that changes keys also has to [write](Command::writes).
    pub fn key(mut self, keys: Keys) -> Command {
        self.keys.push(keys);
        self
    }

    /// The first argument behind the name is a channel, which rules (`&pattern`) have to allow: `@pubsub`.
    pub fn channel(self) -> Command {
        self.channels_are(Channels::First)
    }

    /// An ACL category, beside those that follow from the rest. A name that respd does not know is a new category: ACL CAT
    /// lists it, and rules grant it (`+@billing`). A server has room for eleven of those.
    pub fn category(mut self, name: &str) -> Command {
        self.categories.push(kept(&name.to_ascii_lowercase()));
        self
    }

    /// Adds a subcommand, which has none itself. HELP comes with the first. The command's own closure, if it has one,
    /// runs when the command stands alone.
    pub fn subcommand(mut self, command: Command) -> Command {
        self.subcommands.push(command);
        self
    }

    /// The arguments behind the name, as manuals write them: `key [condition: NX | XX] [EX seconds] (field value)...`. Their
    /// types follow from their names, or are written behind them, as in `amount:integer`: string, integer, double, key,
    /// pattern or unix-time. Words in capitals are meant literally, and a choice has a name.
    pub fn synopsis(mut self, arguments: &str) -> Command {
        self.synopsis = Some(kept(arguments));
        self
    }

    /// What it does, in one sentence.
    pub fn summary(mut self, sentence: &str) -> Command {
        self.spec.summary = kept(sentence);
        self
    }

    /// Argument `index`, below 64, is a secret: SLOWLOG, MONITOR and the server's log do not show it.
    pub fn secret(mut self, index: usize) -> Command {
        self.secrets.push(index);
        self
    }

    fn of_row(spec: Spec) -> Command {
        Command {
            spec,
            is_constant: false,
            closure: None,
            arity: None,
            keys: Vec::new(),
            categories: Vec::new(),
            flags: Vec::new(),
            secrets: Vec::new(),
            synopsis: None,
            subcommands: Vec::new(),
        }
    }

    fn of_spec(spec: &Spec) -> Command {
        Command {
            is_constant: true,
            synopsis: Some(spec.synopsis).filter(|synopsis| !synopsis.is_empty()),
            subcommands: spec.subcommands.iter().map(Command::of_spec).collect(),
            ..Command::of_row(*spec)
        }
    }

    fn flag(mut self, flags: Flags) -> Command {
        self.spec.flags |= flags;
        self
    }

    fn channels_are(mut self, channels: Channels) -> Command {
        self.spec.channels = channels;
        self.flag(flag::PUBSUB)
    }
}
