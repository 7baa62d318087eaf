//! The command table: every row that the server was built with, found by name.
//!
//! The table flattens containers, so that a subcommand is a row like any other and statistics, ACL
//! rules and the last command of a client can name it by its [`CommandId`], the index of its row.

use super::keys;
use super::spec::{Flags, Spec, category, flag};
use crate::resp::Args;
use crate::world::{CommandId, Vocabulary};

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
    pub flags: Flags,
}

impl Row {
    pub fn has(&self, flag: Flags) -> bool {
        self.flags & flag != 0
    }
}

/// A group of rows: the name that COMMAND DOCS gives it, and its table.
pub type Group = (&'static str, &'static [Spec]);

/// All rows. Built once; later rows of a name replace earlier ones, so an embedder may override.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    /// Open addressing on [`hash`]; commands only, no subcommands.
    buckets: Vec<Option<CommandId>>,
}

/// What a request's first words name.
pub enum Found<'t> {
    Row(&'t Row),
    /// The first word names nothing.
    NoCommand,
    /// The second word names nothing in this container.
    NoSubcommand(&'t Row),
}

impl Table {
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Table {
        let mut table = Table { rows: Vec::new(), buckets: Vec::new() };
        for (group, specs) in groups {
            for spec in specs {
                let id = table.add(spec, group, None);
                for sub in spec.subcommands {
                    let sub = table.add(sub, group, Some(id));
                    table.rows[id.index()].subcommands.push(sub);
                }
            }
        }
        table.fill_buckets();
        table
    }

    fn add(&mut self, spec: &Spec, group: &'static str, container: Option<CommandId>) -> CommandId {
        let id = CommandId(u16::try_from(self.rows.len()).expect("fewer than 65,536 commands"));
        let full_name = match container {
            Some(container) => format!("{}|{}", self.row(container).spec.name, spec.name),
            None => spec.name.to_owned(),
        };
        let movable = if keys::are_movable(spec) { flag::MOVABLEKEYS } else { 0 };
        self.rows.push(Row {
            spec: *spec,
            id,
            full_name,
            group,
            container,
            subcommands: Vec::new(),
            flags: spec.flags | movable,
        });
        id
    }

    /// Four buckets for each command, so that most lookups end at the first.
    fn fill_buckets(&mut self) {
        let size = (self.rows.len() * 4).next_power_of_two();
        self.buckets = vec![None; size];
        for index in 0..self.rows.len() {
            let row = &self.rows[index];
            if row.container.is_none() {
                let bucket = self.bucket(row.spec.name.as_bytes());
                self.buckets[bucket] = Some(row.id);
            }
        }
    }

    /// The bucket that holds `name`, or the empty one where it would be put.
    #[inline]
    fn bucket(&self, name: &[u8]) -> usize {
        let mask = self.buckets.len() - 1;
        let mut at = hash(name) & mask;
        while let Some(id) = self.buckets[at] {
            if self.rows[id.index()].spec.name.as_bytes().eq_ignore_ascii_case(name) {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }

    /// The command of this name, in capitals or not.
    #[inline]
    pub fn command(&self, name: &[u8]) -> Option<&Row> {
        self.buckets[self.bucket(name)].map(|id| self.row(id))
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
    pub fn find(&self, args: Args<'_>) -> Found<'_> {
        let Some(row) = args.get(0).and_then(|name| self.command(name)) else {
            return Found::NoCommand;
        };
        if row.subcommands.is_empty() {
            return Found::Row(row);
        }
        match args.get(1) {
            // A container that is a command as well, as COMMAND is, runs when it stands alone.
            None => Found::Row(row),
            Some(name) => self.subcommand(row, name).map_or(Found::NoSubcommand(row), Found::Row),
        }
    }

    /// The row of a full name: `get`, `client|list`.
    pub fn named(&self, full_name: &[u8]) -> Option<&Row> {
        let mut words = full_name.splitn(2, |&byte| byte == b'|');
        let row = self.command(words.next()?)?;
        match words.next() {
            None => Some(row),
            Some(sub) => self.subcommand(row, sub),
        }
    }

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

    /// How many rows there are: statistics keep one record for each.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// ACL rules name commands as the table does.
impl Vocabulary for Table {
    fn size(&self) -> usize {
        self.len()
    }

    fn named(&self, full_name: &[u8]) -> Option<CommandId> {
        Table::named(self, full_name).map(|row| row.id)
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
        let category = category::named(name)?;
        let is_in = |row: &&Row| row.spec.categories() & category != 0;
        Some(self.rows().filter(is_in).map(|row| row.id).collect())
    }
}

/// A hash that does not tell capitals from small letters. Only the server's own names are stored, so
/// nobody can flood it.
#[inline]
fn hash(name: &[u8]) -> usize {
    let mut hash: u32 = 0x811c_9dc5;
    for &byte in name {
        hash = (hash ^ u32::from(byte | 0x20)).wrapping_mul(0x0100_0193);
    }
    (hash ^ (hash >> 15)) as usize
}
