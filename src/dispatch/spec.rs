//! What a command is: the row that declares it.
//!
//! A row is a constant in the table of its group's file. Everything that is to be known about the
//! command stands in it, and from it derive: arity errors, COMMAND and its subcommands, HELP, implied
//! ACL categories, key extraction, and the list in `docs/commands.md`.
//!
//! Flags, categories and key flags are bits of plain integers, so that a constant row can join them
//! with `|`. Their names, and the order in which the names print, are those of Valkey 9.1's COMMAND INFO.

use super::ctx::Ctx;
pub use super::secrets::REDACTED;
use super::secrets::Secrets;
use crate::error::Error;
use crate::wire::Args;
use crate::world::World;

/// What runs a command. It writes exactly one reply, or returns an error and has changed nothing.
pub type Handler = fn(&mut Ctx<'_>, Args<'_>) -> Result<(), Error>;

/// Bits of [`flag`].
pub type Flags = u64;

/// What a request's flags are, given those of its row.
pub type FlagsOf = fn(&World, Args<'_>, Flags) -> Flags;

/// Bits of [`category`].
pub type Categories = u32;

/// Bits of [`key`].
pub type KeyFlags = u16;

/// How a command behaves. Gates ask for these bits, never for a command's name.
pub mod flag {
    use super::Flags;

    pub const NONE: Flags = 0;
    /// May change the keyspace.
    pub const WRITE: Flags = 1 << 0;
    /// Reads keys and changes none.
    pub const READ: Flags = 1 << 1;
    /// May use more memory: refused when there is none left.
    pub const DENYOOM: Flags = 1 << 2;
    /// Is a command for operators.
    pub const ADMIN: Flags = 1 << 3;
    /// Belongs to publish and subscribe.
    pub const PUBSUB: Flags = 1 << 4;
    /// May not run in scripts: a gate refuses it in [`Frame::Script`](crate::dispatch::Frame::Script).
    pub const NOSCRIPT: Flags = 1 << 5;
    /// May wait for data.
    pub const BLOCKING: Flags = 1 << 6;
    /// Runs before the server is ready: see [`NEEDS_READY`].
    pub const LOADING: Flags = 1 << 7;
    /// Runs on a replica whose data may be old.
    pub const STALE: Flags = 1 << 8;
    /// Is not shown to MONITOR.
    pub const SKIP_MONITOR: Flags = 1 << 9;
    /// Is not kept in the logs of slow and large commands.
    pub const SKIP_COMMANDLOG: Flags = 1 << 10;
    pub const ASKING: Flags = 1 << 11;
    /// Takes O(1) or O(log N): too short to be timed alone.
    pub const FAST: Flags = 1 << 12;
    /// Runs before the client has logged in.
    pub const NO_AUTH: Flags = 1 << 13;
    /// May propagate changes although it is no write.
    pub const MAY_REPLICATE: Flags = 1 << 14;
    /// Has key arguments and may come without any.
    pub const NO_MANDATORY_KEYS: Flags = 1 << 15;
    /// May not be queued by MULTI.
    pub const NO_MULTI: Flags = 1 << 16;
    pub const NO_ASYNC_LOADING: Flags = 1 << 17;
    /// Runs while a script keeps the server busy.
    pub const ALLOW_BUSY: Flags = 1 << 18;
    /// Its keys cannot be told from three numbers. Derived from the key specs, never written in a row.
    pub const MOVABLEKEYS: Flags = 1 << 19;
    /// Replies with a frame per argument, or with none: SUBSCRIBE and kin.
    pub const MANY_REPLIES: Flags = 1 << 20;
    /// Runs at once in a transaction, where other commands are queued.
    pub const UNQUEUED: Flags = 1 << 21;
    /// Runs the commands that are queued, so it counts as all of them together.
    pub const RUNS_QUEUE: Flags = 1 << 22;
    /// Runs for a client that is subscribed in RESP2, where other commands do not.
    pub const SUBSCRIBER: Flags = 1 << 23;
    /// No pause holds it back: what ends a pause may be asked for while one is on.
    pub const UNPAUSED: Flags = 1 << 24;
    /// Is refused on the port for clients if `admin-commands-on-admin-port` says so. Derived, never written in
    /// a row: so is every command of `@admin` or `@dangerous`.
    pub const FOR_OPERATORS: Flags = 1 << 30;
    /// What it replies may be a secret, whatever its arguments.
    pub const SECRET_REPLY: Flags = 1 << 29;
    /// Is refused until the server is ready. Derived, never written in a row: so is every command that
    /// neither has [`LOADING`] nor belongs to connections. The reference lacks the second half, and
    /// refuses PING.
    pub const NEEDS_READY: Flags = 1 << 31;

    /// Takes no longer than a `FAST` one, which the reference does not call it: not timed alone either.
    pub const SHORT: Flags = 1 << 28;
    /// CLIENT CACHING applies to the next command without this flag. The subcommands of a container that has
    /// it have it too.
    pub const KEEPS_CACHING: Flags = 1 << 26;

    /// Tells whether the server is well: refused, like a write, while data cannot be written.
    pub const SHOWS_HEALTH: Flags = 1 << 25;

    /// A Sentinel has it, too. Its subcommands follow it.
    pub const SENTINEL: Flags = 1 << 32;

    /// Belongs to a connection, or ends the process, so that no command and no handle may call it: a gate refuses it in
    /// [`Frame::Call`](crate::dispatch::Frame::Call).
    pub const NO_CALL: Flags = 1 << 33;

    /// Comes from an embedder: its replies are counted before they are sent. Derived, never written in a row.
    pub const COUNTED: Flags = 1 << 27;

    /// The flags that COMMAND INFO shows.
    pub const NAMES: &[(Flags, &str)] = &[
        (WRITE, "write"),
        (READ, "readonly"),
        (DENYOOM, "denyoom"),
        (ADMIN, "admin"),
        (PUBSUB, "pubsub"),
        (NOSCRIPT, "noscript"),
        (BLOCKING, "blocking"),
        (LOADING, "loading"),
        (STALE, "stale"),
        (SKIP_MONITOR, "skip_monitor"),
        (SKIP_COMMANDLOG, "skip_commandlog"),
        (ASKING, "asking"),
        (FAST, "fast"),
        (NO_AUTH, "no_auth"),
        (NO_MANDATORY_KEYS, "no_mandatory_keys"),
        (NO_ASYNC_LOADING, "no_async_loading"),
        (NO_MULTI, "no_multi"),
        (MOVABLEKEYS, "movablekeys"),
        (ALLOW_BUSY, "allow_busy"),
    ];
}

/// The ACL categories, and the names under which `+@name` and COMMAND LIST know them.
pub mod category {
    use super::Categories;

    pub const KEYSPACE: Categories = 1 << 0;
    pub const READ: Categories = 1 << 1;
    pub const WRITE: Categories = 1 << 2;
    pub const SET: Categories = 1 << 3;
    pub const SORTEDSET: Categories = 1 << 4;
    pub const LIST: Categories = 1 << 5;
    pub const HASH: Categories = 1 << 6;
    pub const STRING: Categories = 1 << 7;
    pub const BITMAP: Categories = 1 << 8;
    pub const HYPERLOGLOG: Categories = 1 << 9;
    pub const GEO: Categories = 1 << 10;
    pub const STREAM: Categories = 1 << 11;
    pub const PUBSUB: Categories = 1 << 12;
    pub const ADMIN: Categories = 1 << 13;
    pub const FAST: Categories = 1 << 14;
    pub const SLOW: Categories = 1 << 15;
    pub const BLOCKING: Categories = 1 << 16;
    pub const DANGEROUS: Categories = 1 << 17;
    pub const CONNECTION: Categories = 1 << 18;
    pub const TRANSACTION: Categories = 1 << 19;
    pub const SCRIPTING: Categories = 1 << 20;

    pub const NAMES: &[(Categories, &str)] = &[
        (KEYSPACE, "keyspace"),
        (READ, "read"),
        (WRITE, "write"),
        (SET, "set"),
        (SORTEDSET, "sortedset"),
        (LIST, "list"),
        (HASH, "hash"),
        (STRING, "string"),
        (BITMAP, "bitmap"),
        (HYPERLOGLOG, "hyperloglog"),
        (GEO, "geo"),
        (STREAM, "stream"),
        (PUBSUB, "pubsub"),
        (ADMIN, "admin"),
        (FAST, "fast"),
        (SLOW, "slow"),
        (BLOCKING, "blocking"),
        (DANGEROUS, "dangerous"),
        (CONNECTION, "connection"),
        (TRANSACTION, "transaction"),
        (SCRIPTING, "scripting"),
    ];

    /// How many categories an embedder may add.
    pub const ROOM: usize = Categories::BITS as usize - NAMES.len();
}

/// What a command does with a key.
pub mod key {
    use super::KeyFlags;

    /// Reads the value, whatever it replies.
    pub const RO: KeyFlags = 1 << 0;
    /// Reads and changes the value.
    pub const RW: KeyFlags = 1 << 1;
    /// Replaces the value unseen.
    pub const OW: KeyFlags = 1 << 2;
    /// Removes the key.
    pub const RM: KeyFlags = 1 << 3;
    /// Returns, copies or compares what users stored.
    pub const ACCESS: KeyFlags = 1 << 4;
    /// Changes what users stored.
    pub const UPDATE: KeyFlags = 1 << 5;
    /// Adds to it and changes nothing that is there.
    pub const INSERT: KeyFlags = 1 << 6;
    /// Removes from it.
    pub const DELETE: KeyFlags = 1 << 7;
    /// Routes the command like a key, and is none.
    pub const NOT_KEY: KeyFlags = 1 << 8;
    /// There may be keys that the spec does not find.
    pub const INCOMPLETE: KeyFlags = 1 << 9;
    /// The flags depend on the other arguments.
    pub const VARIABLE_FLAGS: KeyFlags = 1 << 10;
    /// An empty argument is no key. COMMAND INFO has no name for that.
    pub const UNLESS_EMPTY: KeyFlags = 1 << 11;

    pub const NAMES: &[(KeyFlags, &str)] = &[
        (RO, "RO"),
        (RW, "RW"),
        (OW, "OW"),
        (RM, "RM"),
        (ACCESS, "access"),
        (UPDATE, "update"),
        (INSERT, "insert"),
        (DELETE, "delete"),
        (NOT_KEY, "not_key"),
        (INCOMPLETE, "incomplete"),
        (VARIABLE_FLAGS, "variable_flags"),
    ];
}

/// The names of `bits`, in the order in which `names` lists them.
pub fn names_of<T>(bits: T, names: &'static [(T, &'static str)]) -> Vec<&'static str>
where
    T: Copy + PartialEq + std::ops::BitAnd<Output = T>,
{
    names.iter().filter(|&&(bit, _)| bits & bit == bit).map(|&(_, name)| name).collect()
}

/// Where some of a command's keys stand, and what is done with them.
#[derive(Debug, Clone, Copy)]
pub struct KeySpec {
    pub flags: KeyFlags,
    pub begin: Begin,
    pub find: Find,
    pub note: &'static str,
}

/// Where the keys of a spec begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At this argument; the command's name is argument 0.
    Index(usize),
    /// Behind this word, which is looked for from `from` on: from the end backwards if it is negative.
    Keyword { word: &'static str, from: i32 },
    /// Known to the command alone.
    Unknown,
}

/// How the keys of a spec lie from where they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Find {
    /// Every `step`-th argument up to `last`, which counts from the beginning, or from the end of the
    /// arguments if negative (-1: to the last one). `limit` n > 1: stop after an n-th of what remains.
    Range {
        last: i32,
        step: usize,
        limit: usize,
    },
    /// Argument `number` (from the beginning) says how many, argument `first` is the first.
    Number {
        number: usize,
        first: usize,
        step: usize,
    },
    Unknown,
}

/// Where keys stand: the second argument of [`Spec::key`].
#[derive(Debug, Clone, Copy)]
pub struct Place(Begin, Find);

/// One key, argument `index`.
pub const fn at(index: usize) -> Place {
    range(index, 0, 1)
}

/// Every `step`-th argument from `first` on up to `last`, counted from `first`, or from the end if negative.
pub const fn range(first: usize, last: i32, step: usize) -> Place {
    Place(Begin::Index(first), Find::Range { last, step, limit: 0 })
}

/// Argument `index` says how many keys follow it.
pub const fn numkeys(index: usize) -> Place {
    Place(Begin::Index(index), Find::Number { number: 0, first: 1, step: 1 })
}

/// As [`numkeys`], where every key has company: they are `step` arguments apart.
pub const fn numkeys_by(index: usize, step: usize) -> Place {
    Place(Begin::Index(index), Find::Number { number: 0, first: 1, step })
}

/// A range behind a word.
pub const fn keyword(word: &'static str, from: i32, last: i32, step: usize, limit: usize) -> Place {
    Place(Begin::Keyword { word, from }, Find::Range { last, step, limit })
}

/// Keys that only the command itself finds.
pub const fn unknown() -> Place {
    Place(Begin::Unknown, Find::Unknown)
}

/// A key of a request: the index of the argument, and what the command does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub index: usize,
    pub flags: KeyFlags,
}

/// Which arguments are channels that the user must have been granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    None,
    /// The first argument: PUBLISH and kin.
    First,
    /// All arguments: SUBSCRIBE and kin. Leaving a channel needs no permission.
    All,
    /// All arguments, and they are patterns.
    Patterns,
}

/// Which databases a request is about beside the selected one.
#[derive(Debug, Clone, Copy)]
pub enum Databases {
    None,
    /// Those whose numbers stand at these arguments. There are none in a request that will fail.
    At(fn(Args<'_>) -> Vec<usize>),
    /// That at this argument, which is selected from then on.
    Selects(usize),
    /// All there are.
    All,
}

/// A row: everything that is to be known about one command or subcommand.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// In small letters. A subcommand's own name, without its container's.
    pub name: &'static str,
    /// The number of arguments with the name; negative: at least so many.
    pub arity: i16,
    pub flags: Flags,
    /// ACL categories beside those that [`Spec::categories`] derives.
    acl: Categories,
    keys: [KeySpec; 3],
    key_specs: u8,
    /// Finds the key that [`Begin::Unknown`] stands for, if the command can tell, or a [`Begin::Keyword`] with
    /// [`key::VARIABLE_FLAGS`].
    pub more_keys: fn(Args<'_>) -> Option<Key>,
    /// What a request really does with the keys of a spec with [`key::VARIABLE_FLAGS`].
    pub key_flags: fn(Args<'_>) -> KeyFlags,
    /// The flags that a request has in place of the row's, if they depend on more than the row: a script says
    /// in its first line whether it writes.
    pub flags_of: Option<FlagsOf>,
    pub channels: Channels,
    pub databases: Databases,
    pub handler: Handler,
    /// The rows of a container, whose own handler runs when it stands alone, if its arity lets it.
    pub subcommands: &'static [Spec],
    /// The version of Redis or Valkey that brought the command, by which personas know it.
    pub since: &'static str,
    /// How its time grows, for COMMAND DOCS.
    pub complexity: &'static str,
    /// Its arguments in the grammar of [`super::synopsis`].
    pub synopsis: &'static str,
    /// One sentence in words of our own.
    pub summary: &'static str,
    /// What later versions added: version and sentence.
    pub history: &'static [(&'static str, &'static str)],
    /// Hints for clients that route or cache.
    pub tips: &'static [&'static str],
    /// Which arguments hold a secret, which logs and MONITOR must not show.
    secrets: Secrets,
    /// Whether it is for the server's own developers only.
    pub system: bool,
    /// If it should not be used any more: since which version, and what to use instead.
    pub deprecated: Option<(&'static str, &'static str)>,
}

impl Spec {
    pub const fn new(name: &'static str, arity: i16, flags: Flags, handler: Handler) -> Spec {
        const NO_KEY: KeySpec =
            KeySpec { flags: 0, begin: Begin::Unknown, find: Find::Unknown, note: "" };
        Spec {
            name,
            arity,
            flags,
            acl: 0,
            keys: [NO_KEY; 3],
            key_specs: 0,
            more_keys: |_| None,
            key_flags: |_| key::RW | key::ACCESS | key::UPDATE,
            flags_of: None,
            channels: Channels::None,
            databases: Databases::None,
            handler,
            subcommands: &[],
            since: "",
            complexity: "",
            synopsis: "",
            summary: "",
            history: &[],
            tips: &[],
            secrets: Secrets::NONE,
            system: false,
            deprecated: None,
        }
    }

    /// A command that is nothing but its subcommands.
    pub const fn container(name: &'static str, subcommands: &'static [Spec]) -> Spec {
        let mut spec = Spec::new(name, -2, 0, not_a_command);
        spec.subcommands = subcommands;
        spec
    }

    pub const fn flags(mut self, flags: Flags) -> Spec {
        self.flags |= flags;
        self
    }

    pub const fn acl(mut self, categories: Categories) -> Spec {
        self.acl = categories;
        self
    }

    /// Adds a key spec; three are the most any command has.
    pub const fn key(mut self, flags: KeyFlags, place: Place) -> Spec {
        self.keys[self.key_specs as usize] =
            KeySpec { flags, begin: place.0, find: place.1, note: "" };
        self.key_specs += 1;
        self
    }

    /// Explains the key spec before it.
    pub const fn note(mut self, note: &'static str) -> Spec {
        self.keys[self.key_specs as usize - 1].note = note;
        self
    }

    /// Has a request's flags depend on more than the row: see [`Spec::flags_of`].
    #[cfg_attr(
        not(feature = "lua"),
        expect(dead_code, reason = "scripts are the first such commands")
    )]
    pub(crate) const fn flags_of(mut self, ask: FlagsOf) -> Spec {
        self.flags_of = Some(ask);
        self
    }

    /// Finds a key that no key spec can place.
    pub const fn more_keys(mut self, find: fn(Args<'_>) -> Option<Key>) -> Spec {
        self.more_keys = find;
        self
    }

    /// Tells from the arguments what is done with the keys.
    pub const fn key_flags(mut self, resolve: fn(Args<'_>) -> KeyFlags) -> Spec {
        self.key_flags = resolve;
        self
    }

    pub const fn channels(mut self, channels: Channels) -> Spec {
        self.channels = channels;
        self
    }

    pub const fn databases(mut self, databases: Databases) -> Spec {
        self.databases = databases;
        self
    }

    pub const fn subcommands(mut self, rows: &'static [Spec]) -> Spec {
        self.subcommands = rows;
        self
    }

    pub const fn doc(
        mut self,
        since: &'static str,
        complexity: &'static str,
        synopsis: &'static str,
        summary: &'static str,
    ) -> Spec {
        self.since = since;
        self.complexity = complexity;
        self.synopsis = synopsis;
        self.summary = summary;
        self
    }

    pub const fn history(mut self, history: &'static [(&'static str, &'static str)]) -> Spec {
        self.history = history;
        self
    }

    pub const fn tips(mut self, tips: &'static [&'static str]) -> Spec {
        self.tips = tips;
        self
    }

    pub const fn system(mut self) -> Spec {
        self.system = true;
        self
    }

    pub const fn secret(mut self, is_secret: fn(Args<'_>, usize) -> bool) -> Spec {
        self.secrets.ask = is_secret;
        self
    }

    /// The arguments of these indexes are secret, whatever the others are: a bit each, the lowest is the name's.
    pub(crate) const fn secret_places(mut self, places: u64) -> Spec {
        self.secrets.places = places;
        self
    }

    /// The arguments as logs and MONITOR may show them.
    pub fn shown<'a>(
        &self,
        args: Args<'a>,
    ) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let secrets = self.secrets;
        let shown = move |(index, arg)| if secrets.hide(args, index) { REDACTED } else { arg };
        args.from(0).enumerate().map(shown)
    }

    /// Returns whether logs and MONITOR must not show the argument.
    pub fn is_secret(&self, args: Args<'_>, index: usize) -> bool {
        self.secrets.hide(args, index)
    }

    pub const fn deprecated(mut self, since: &'static str, instead: &'static str) -> Spec {
        self.deprecated = Some((since, instead));
        self
    }

    pub fn has(&self, flag: Flags) -> bool {
        self.flags & flag != 0
    }

    pub fn key_specs(&self) -> &[KeySpec] {
        &self.keys[..self.key_specs as usize]
    }

    /// The ACL categories: those of the row, and those that follow from its flags.
    pub fn categories(&self) -> Categories {
        let mut categories = self.acl;
        if self.has(flag::WRITE) {
            categories |= category::WRITE;
        }
        if self.has(flag::READ) && self.acl & category::SCRIPTING == 0 {
            categories |= category::READ;
        }
        if self.has(flag::ADMIN) {
            categories |= category::ADMIN | category::DANGEROUS;
        }
        if self.has(flag::PUBSUB) {
            categories |= category::PUBSUB;
        }
        if self.has(flag::BLOCKING) {
            categories |= category::BLOCKING;
        }
        categories | if self.has(flag::FAST) { category::FAST } else { category::SLOW }
    }
}

/// The handler of rows that are never run: containers.
pub fn not_a_command(_: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    Err(crate::error::INTERNAL)
}
