//! The command table: every row that the server was built with, found by name.
//!
//! The table flattens containers, so that a subcommand is a row like any other and statistics, ACL
//! rules and the last command of a client can name it by its [`CommandId`], the index of its row.
//!
//! A table is built for one [`Persona`]: what the persona does not have is not in it.

use super::arity::Arity;
use super::descriptions::{Descriptions, Written};
use super::hooks::Hooks;
use super::keys;
use super::own::{Own, OwnCommand};
use super::spec::{Categories, Flags, Spec, category, flag};
use super::synopsis::{self, Argument, Words};
use crate::access::Vocabulary;
use crate::config::{Config, Persona};
use crate::telemetry::CommandId;
use crate::text::word::{WHOLE, small, words};
use crate::wire::{Args, Protocol};

/// A row in its place: what the spec says, and what follows from where it stands.
#[derive(Debug)]
pub struct Row {
    pub spec: Spec,
    pub id: CommandId,
    /// `container|subcommand` for a subcommand, or just the name.
    pub full_name: String,
    /// The group of COMMAND DOCS that the row's table was registered under.
    pub group: &'static str,
    pub container: Option<CommandId>,
    pub subcommands: Vec<CommandId>,
    /// The spec's flags with the derived ones.
    pub(crate) flags: Flags,
    arity: Arity,
    /// Options of the synopsis that the persona does not have.
    pub(crate) unknown_options: Vec<&'static str>,
    /// What an embedder's command has beside.
    pub(crate) own: Option<Box<Own>>,
}

impl Row {
    /// A row that is in no table, for what runs as a command does and is none.
    pub(super) fn apart(spec: Spec) -> Row {
        Row {
            spec,
            id: CommandId(0),
            full_name: spec.name.to_owned(),
            group: "",
            container: None,
            subcommands: Vec::new(),
            flags: spec.flags,
            arity: Arity::of_number(spec.arity),
            unknown_options: Vec::new(),
            own: None,
        }
    }

    pub fn has(&self, flag: Flags) -> bool {
        self.flags & flag != 0
    }

    /// Returns whether `count` arguments are as many as the command takes.
    #[inline]
    pub fn accepts(&self, count: usize) -> bool {
        self.arity.accepts(count)
    }

    /// Returns whether `word` is an option that came later than the persona.
    pub(crate) fn is_unknown_option(&self, word: &[u8]) -> bool {
        self.unknown_options.iter().any(|option| word.eq_ignore_ascii_case(option.as_bytes()))
    }
}

/// A group of rows: the name that COMMAND DOCS gives it, and its table.
pub(crate) type Group = (&'static str, &'static [Spec]);

/// All rows. Built once; later rows of a name replace earlier ones, so an embedder may override.
#[derive(Debug)]
pub struct Table {
    persona: &'static Persona,
    rows: Vec<Row>,
    /// Open addressing on [`Name::hash`]; commands only, no subcommands.
    buckets: Vec<Option<(Name, CommandId)>>,
    /// Commands that `rename-command` took away: they have no bucket.
    disabled: Vec<CommandId>,
    /// What an embedder has called beside commands.
    pub(crate) hooks: Option<Box<Hooks>>,
    /// Whether a hook is asked before commands.
    pub(crate) asks_hook: bool,
    /// The ACL categories of an embedder, whose bits follow those of [`category::NAMES`].
    own_categories: Vec<&'static str>,
    /// How many commands there are, subcommands not counted.
    command_count: usize,
    /// What COMMAND has said.
    descriptions: Written,
}

/// What a request's first words name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'t> {
    Row(&'t Row),
    /// The first word names nothing.
    NoCommand,
    /// The second word names nothing in this container.
    NoSubcommand(&'t Row),
}

impl Table {
    /// The table of a server that has everything.
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Table {
        Table::of_persona(Config::default().persona, groups)
    }

    /// The table of a server that answers as `persona`.
    pub fn of_persona(persona: &'static Persona, groups: impl IntoIterator<Item = Group>) -> Table {
        let mut table = Table {
            persona,
            rows: Vec::new(),
            buckets: Vec::new(),
            disabled: Vec::new(),
            hooks: None,
            asks_hook: false,
            own_categories: Vec::new(),
            command_count: 0,
            descriptions: Written::default(),
        };
        table.add_groups(groups, false);
        table
    }

    /// Adds an embedder's commands, which share the state of this number. What their handlers write is counted before it
    /// is sent: a reply too few or too many becomes an error, and the client stays in step.
    pub(crate) fn add_own_group(
        &mut self,
        group: &'static str,
        commands: impl IntoIterator<Item = OwnCommand>,
        state: usize,
    ) {
        for command in commands {
            self.add_own(command, group, None, state);
        }
        self.fill_buckets();
    }

    /// As [`Table::add_own_group`], for commands whose rows are constants, and which have no state.
    pub fn extend(&mut self, groups: impl IntoIterator<Item = Group>) {
        for (group, specs) in groups {
            self.add_own_group(group, specs.iter().map(OwnCommand::of_spec), 0);
        }
    }

    fn add_own(
        &mut self,
        command: OwnCommand,
        group: &'static str,
        container: Option<CommandId>,
        state: usize,
    ) {
        let OwnCommand { mut spec, arity, closure, categories, subcommands } = command;
        if !categories.is_empty() {
            spec = spec.acl(categories.iter().fold(0, |bits, name| bits | self.category_bit(name)));
        }
        let full_name = self.full_name_in(container, spec.name);
        let id = self.push(spec, full_name, group, container);
        let row = &mut self.rows[id.index()];
        row.flags |= flag::COUNTED;
        row.arity = arity;
        row.own = Some(Own::new(closure, state));
        if let Some(container) = container {
            self.rows[container.index()].subcommands.push(id);
        }
        for sub in subcommands {
            self.add_own(sub, group, Some(id), state);
        }
    }

    /// Has these called beside commands.
    pub(crate) fn set_hooks(&mut self, hooks: Hooks) {
        self.asks_hook = hooks.command.is_some();
        self.hooks = Some(Box::new(hooks));
    }

    /// Adds commands that a server has as whatever persona it answers.
    pub(crate) fn add_of_every_persona(&mut self, groups: impl IntoIterator<Item = Group>) {
        self.add_groups(groups, true);
    }

    /// Takes a command away, with its subcommands: no request finds it, while ACL rules still know it. Returns
    /// whether there was one.
    pub(crate) fn disable(&mut self, name: &[u8]) -> bool {
        let Some(id) = self.command(name).map(|row| row.id) else {
            return false;
        };
        self.disabled.push(id);
        self.fill_buckets();
        true
    }

    /// The row of a request that a log holds, which may have been written before the command was taken away.
    #[cold]
    pub(crate) fn find_disabled(&self, args: Args<'_>) -> Found<'_> {
        match args.get(0).and_then(|name| self.disabled_command(name)) {
            None => Found::NoCommand,
            Some(row) if row.subcommands.is_empty() => Found::Row(row),
            Some(row) => self.find_in(row, args),
        }
    }

    fn disabled_command(&self, name: &[u8]) -> Option<&Row> {
        let mut rows = self.disabled.iter().map(|&id| self.row(id));
        rows.find(|row| row.spec.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Adds the rows that the persona has, or all.
    fn add_groups(&mut self, groups: impl IntoIterator<Item = Group>, all: bool) {
        for (group, specs) in groups {
            for spec in specs {
                let Some(id) = self.add(spec, group, None, all) else {
                    continue;
                };
                for sub in spec.subcommands {
                    if let Some(sub) = self.add(sub, group, Some(id), all) {
                        self.rows[id.index()].subcommands.push(sub);
                    }
                }
            }
        }
        self.fill_buckets();
    }

    /// Adds a row, unless the persona has no such command and that matters.
    fn add(
        &mut self,
        spec: &Spec,
        group: &'static str,
        container: Option<CommandId>,
        in_any_case: bool,
    ) -> Option<CommandId> {
        let full_name = self.full_name_in(container, spec.name);
        if !in_any_case && !self.persona.has_command(&full_name, spec.since) {
            return None;
        }
        let (spec, unknown_options) = as_it_was(self.persona, spec, &full_name);
        let id = self.push(spec, full_name, group, container);
        self.rows[id.index()].unknown_options = unknown_options;
        Some(id)
    }

    fn full_name_in(&self, container: Option<CommandId>, name: &str) -> String {
        match container {
            Some(container) => format!("{}|{name}", self.row(container).spec.name),
            None => name.to_owned(),
        }
    }

    fn push(
        &mut self,
        spec: Spec,
        full_name: String,
        group: &'static str,
        container: Option<CommandId>,
    ) -> CommandId {
        let id = CommandId(u16::try_from(self.rows.len()).expect("fewer than 65,536 commands"));
        let inherited = container.map_or(0, |id| self.row(id).flags & flag::KEEPS_CACHING);
        self.rows.push(Row {
            spec,
            id,
            full_name,
            group,
            container,
            subcommands: Vec::new(),
            flags: spec.flags | inherited | derived_flags(&spec),
            arity: Arity::of_number(spec.arity),
            unknown_options: Vec::new(),
            own: None,
        });
        id
    }

    /// The ACL categories, and their names.
    pub(crate) fn categories(&self) -> impl Iterator<Item = (Categories, &'static str)> {
        let own = self.own_categories.iter().enumerate();
        let own = own.map(|(place, &name)| (1 << (category::NAMES.len() + place), name));
        category::NAMES.iter().copied().chain(own)
    }

    /// The category that is called so, in capitals or not.
    pub(crate) fn category_named(&self, name: &[u8]) -> Option<Categories> {
        let mut all = self.categories();
        all.find(|(_, known)| name.eq_ignore_ascii_case(known.as_bytes())).map(|(bit, _)| bit)
    }

    /// The bit of a category, which is an embedder's if there was none of this name. None, where there is no room for it.
    fn category_bit(&mut self, name: &'static str) -> Categories {
        if let Some(bit) = self.category_named(name.as_bytes()) {
            return bit;
        }
        if self.own_categories.len() == category::ROOM {
            return 0;
        }
        self.own_categories.push(name);
        1 << (category::NAMES.len() + self.own_categories.len() - 1)
    }

    /// The arguments that the row's command has, according to the persona. An embedder's versions are not the persona's.
    pub(crate) fn arguments(&self, row: &Row) -> Vec<Argument> {
        // A test parses the synopsis of every row, and binding that of every embedder's command.
        let arguments = synopsis::parse(row.spec.synopsis).unwrap_or_default();
        if row.own.is_some() {
            return arguments;
        }
        arguments_then(self.persona, arguments, &row.full_name)
    }

    /// What happened to the row's command until the persona's version.
    pub(crate) fn history(&self, row: &Row) -> Vec<(&'static str, &'static str)> {
        let history = row.spec.history.iter().copied();
        let is_there = |version: &str| row.own.is_some() || self.persona.is_at_least(version);
        history.filter(|(version, _)| is_there(version)).collect()
    }

    /// Four buckets for each command, so that most lookups end at the first.
    fn fill_buckets(&mut self) {
        let size = (self.rows.len() * 4).next_power_of_two();
        self.buckets = vec![None; size];
        for index in 0..self.rows.len() {
            let row = &self.rows[index];
            if row.container.is_none() && !self.disabled.contains(&row.id) {
                let bucket = self.bucket(row.spec.name.as_bytes());
                self.buckets[bucket] = Some((Name::of(row.spec.name.as_bytes()), row.id));
            }
        }
        self.command_count = self.buckets.iter().flatten().count();
        self.descriptions = Written::default();
    }

    // ANCHOR: bucket
    /// The bucket that holds `name`, or the empty one where it would be put.
    #[inline]
    fn bucket(&self, name: &[u8]) -> usize {
        let sought = Name::of(name);
        let mask = self.buckets.len() - 1;
        let mut at = sought.hash() & mask;
        while let Some((found, id)) = self.buckets[at] {
            if found == sought
                && (name.len() <= WHOLE
                    || name.eq_ignore_ascii_case(self.row(id).spec.name.as_bytes()))
            {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }
    // ANCHOR_END: bucket

    /// The command of this name, in capitals or not.
    #[inline]
    pub fn command(&self, name: &[u8]) -> Option<&Row> {
        self.buckets[self.bucket(name)].map(|(_, id)| self.row(id))
    }

    /// The subcommand of this name.
    pub fn subcommand(&self, container: &Row, name: &[u8]) -> Option<&Row> {
        container
            .subcommands
            .iter()
            .map(|&id| self.row(id))
            .find(|row| row.spec.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// The row that a request means. A container alone is found as itself, and fails on its arity.
    #[inline]
    pub(crate) fn find(&self, args: Args<'_>) -> Found<'_> {
        let Some(row) = args.get(0).and_then(|name| self.command(name)) else {
            return Found::NoCommand;
        };
        if row.subcommands.is_empty() { Found::Row(row) } else { self.find_in(row, args) }
    }

    #[inline(never)]
    fn find_in<'t>(&'t self, container: &'t Row, args: Args<'_>) -> Found<'t> {
        let Some(name) = args.get(1) else {
            // A container that is a command as well, as COMMAND is, runs when it stands alone.
            return Found::Row(container);
        };
        self.subcommand(container, name).map_or(Found::NoSubcommand(container), Found::Row)
    }

    /// The row of a full name: `get`, `client|list`.
    pub fn named(&self, full_name: &[u8]) -> Option<&Row> {
        let (name, sub) = parts(full_name);
        self.with_subcommand(self.command(name)?, sub)
    }

    fn with_subcommand<'t>(&'t self, row: &'t Row, sub: Option<&[u8]>) -> Option<&'t Row> {
        match sub {
            None => Some(row),
            Some(sub) => self.subcommand(row, sub),
        }
    }

    #[inline]
    pub fn row(&self, id: CommandId) -> &Row {
        &self.rows[id.index()]
    }

    /// Every row, subcommands behind their containers.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        // A row that another of its name replaced is not found by name any more.
        self.rows.iter().filter(|row| {
            let top = row.container.map_or(row.id, |container| container);
            self.command(self.row(top).spec.name.as_bytes()).is_some_and(|found| found.id == top)
        })
    }

    /// The commands, without their subcommands.
    pub fn commands(&self) -> impl Iterator<Item = &Row> {
        self.rows().filter(|row| row.container.is_none())
    }

    /// How many commands there are, without their subcommands.
    pub(crate) fn command_count(&self) -> usize {
        self.command_count
    }

    /// What COMMAND says in this protocol; `write` writes it, once.
    pub(crate) fn descriptions(
        &self,
        protocol: Protocol,
        write: impl FnOnce() -> Descriptions,
    ) -> &Descriptions {
        self.descriptions.get(protocol, write)
    }

    /// How many rows there are: statistics keep one record for each.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// The name of a command, and that of its subcommand behind a `|`.
fn parts(full_name: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut words = full_name.splitn(2, |&byte| byte == b'|');
    (words.next().unwrap_or_default(), words.next())
}

/// ACL rules name commands as the table does, also those that were taken away.
impl Vocabulary for Table {
    fn size(&self) -> usize {
        self.len()
    }

    fn named(&self, full_name: &[u8]) -> Option<CommandId> {
        let (name, sub) = parts(full_name);
        let row = self.command(name).or_else(|| self.disabled_command(name))?;
        self.with_subcommand(row, sub).map(|row| row.id)
    }

    fn full_name(&self, id: CommandId) -> &str {
        &self.row(id).full_name
    }

    fn container(&self, id: CommandId) -> Option<CommandId> {
        self.row(id).container
    }

    fn subcommands(&self, id: CommandId) -> &[CommandId] {
        &self.row(id).subcommands
    }

    fn category(&self, name: &[u8]) -> Option<Vec<CommandId>> {
        let category = self.category_named(name)?;
        let is_in = |row: &&Row| row.spec.categories() & category != 0;
        Some(self.rows().filter(is_in).map(|row| row.id).collect())
    }
}

// ANCHOR: derived_flags
/// The flags that follow from the rest of a row.
fn derived_flags(spec: &Spec) -> Flags {
    let movable = if keys::are_movable(spec) { flag::MOVABLEKEYS } else { 0 };
    // A new connection must get through the handshake, or it cannot wait for the server.
    let is_for_anytime = spec.has(flag::LOADING) || spec.categories() & category::CONNECTION != 0;
    let ready = if is_for_anytime { 0 } else { flag::NEEDS_READY };
    let is_for_operators = spec.categories() & (category::ADMIN | category::DANGEROUS) != 0;
    let operators = if is_for_operators { flag::FOR_OPERATORS } else { 0 };
    movable | ready | operators
}
// ANCHOR_END: derived_flags

/// A row as a persona has it, and the options of today that it lacks. If nothing is left but arguments
/// that must be given, the arity says so.
fn as_it_was(persona: &Persona, spec: &Spec, full_name: &str) -> (Spec, Vec<&'static str>) {
    let mut spec = *spec;
    let today = synopsis::parse(spec.synopsis).unwrap_or_default();
    let then = arguments_then(persona, today.clone(), full_name);
    let known = synopsis::tokens(&then);
    let mut unknown_options = synopsis::tokens(&today);
    unknown_options.retain(|option| !known.contains(option));
    if then != today
        && let Words { least, most: Some(most) } = Words::of_all(&then)
        && least == most
    {
        spec.arity = (full_name.split('|').count() + least) as i16;
    }
    if let Some(&(_, arity)) = persona.arities.iter().find(|(name, _)| *name == full_name) {
        spec.arity = arity;
    }
    if persona.needing_login.contains(&full_name) {
        spec.flags &= !flag::NO_AUTH;
    }
    // Redis refuses MULTI and WATCH in a transaction when they run, and goes on with it.
    if persona.is_redis() && spec.has(flag::UNQUEUED) {
        spec.flags &= !flag::NO_MULTI;
    }
    spec.since = persona.version_of(full_name, spec.since).unwrap_or(spec.since);
    (spec, unknown_options)
}

/// Those arguments of a command that a persona has.
fn arguments_then(persona: &Persona, today: Vec<Argument>, full_name: &str) -> Vec<Argument> {
    synopsis::pruned(today, &|name, since| {
        persona.version_of_part(full_name, name, since).map(str::to_owned)
    })
}

/// A name as it is looked for: capitals are small letters. Of a long one it has only the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Name {
    words: [u64; 2],
    len: usize,
}

impl Name {
    #[inline]
    fn of(name: &[u8]) -> Name {
        Name { words: words(name).map(small), len: name.len() }
    }

    /// Only the server's own names are stored, so that no client can make them collide.
    #[inline]
    fn hash(self) -> usize {
        let [one, other] = self.words;
        let mixed =
            (one ^ other.rotate_left(29) ^ self.len as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) as usize
    }
}
