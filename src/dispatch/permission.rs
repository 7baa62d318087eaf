//! Whether the rules of a user grant a request, and what happens if not.
//!
//! A request needs its command, its keys for what is done with them, its channels and its databases,
//! all from one selector. What these are is said by the row. If every selector lacks something, the
//! client is told of the worst: see [`Reason`].

use super::client_line;
use super::ctx::Ctx;
use super::frame::Frame;
use super::keys;
use super::spec::{Channels, Databases, KeyFlags, Spec, category, flag, key};
use super::table::Row;
use crate::access::UserId;
use crate::access::{Context, Reason, Selector, Use, What};
use crate::error::{self, Error};
use crate::text::number;
use crate::wire::Args;
use crate::world::World;

/// What a request lacks, and the argument that it is about; 0 is the command itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Denied {
    pub(crate) reason: Reason,
    pub(crate) at: usize,
}

/// Returns whether `user` may run the request while database `db` is selected.
#[inline]
pub(crate) fn check(
    world: &World,
    user: UserId,
    db: usize,
    row: &Row,
    args: Args<'_>,
) -> Result<(), Denied> {
    if world.access.user(user).is_unrestricted() {
        return Ok(());
    }
    check_rules(world, user, db, row, args)
}

#[inline(never)]
fn check_rules(
    world: &World,
    user: UserId,
    db: usize,
    row: &Row,
    args: Args<'_>,
) -> Result<(), Denied> {
    let request = Request { row, args, db, databases: world.store.databases() };
    let mut worst = None;
    for selector in world.access.user(user).selectors() {
        match request.denied_by(selector) {
            None => return Ok(()),
            denied => worst = worst.max(denied),
        }
    }
    worst.map_or(Ok(()), Err)
}

/// What the client is told about a request that it may not run.
#[cold]
pub(crate) fn refusal(ctx: &Ctx<'_>, denied: Denied) -> Error {
    let user = ctx.world.access.user(ctx.client().user);
    match denied.reason {
        Reason::Command => error::no_permission_to_run(&user.name, &ctx.row.full_name),
        Reason::Key => error::NOPERM_KEY,
        Reason::Channel => error::NOPERM_CHANNEL,
        Reason::Database | Reason::Auth | Reason::Certificate => error::NOPERM_DATABASE,
    }
}

/// Logs what the user lacks for the running request.
#[cold]
pub(crate) fn log(ctx: &mut Ctx<'_>, args: Args<'_>, denied: Denied) {
    let object = match denied.at {
        0 => ctx.row.full_name.as_bytes(),
        at => &args[at],
    };
    let user = &ctx.world.access.user(ctx.client().user).name;
    let (object, user) = (object.to_vec(), user.to_vec());
    write_log(ctx, args, denied.reason, object, user);
}

/// Logs that the running request has failed to log in as `user`.
#[cold]
pub(crate) fn log_login(ctx: &mut Ctx<'_>, args: Args<'_>, user: &[u8]) {
    write_log(ctx, args, Reason::Auth, args[0].to_vec(), user.to_vec());
}

fn write_log(ctx: &mut Ctx<'_>, args: Args<'_>, reason: Reason, object: Vec<u8>, user: Vec<u8>) {
    let mut line = Vec::new();
    client_line::push(&mut line, ctx, args, ctx.client());
    line.pop_if(|last| *last == b'\n');
    let context = match ctx.frame {
        Frame::Script(_) => Context::Script,
        Frame::Transaction => Context::Multi,
        Frame::Call => Context::Call,
        _ if ctx.client().transaction().is_some() => Context::Multi,
        _ => Context::TopLevel,
    };
    let what = What { reason, context, object, user };
    let (now, most) = (ctx.now(), ctx.world.config.acllog_max_len);
    ctx.world.access.log.add(what, line, now, most);
}

/// The database that a request will select when it runs, if it is there.
pub(crate) fn selected(world: &World, row: &Row, args: Args<'_>) -> Option<usize> {
    match row.spec.databases {
        Databases::Selects(at) => database(args, at, world.store.databases()),
        _ => None,
    }
}

/// The number of a database at argument `at`, if it is one of so many.
fn database(args: Args<'_>, at: usize, databases: usize) -> Option<usize> {
    let number = usize::try_from(number::parse_i64(args.get(at)?)?).ok()?;
    (number < databases).then_some(number)
}

/// Returns whether the running request may read keys that its arguments do not name, whatever their names.
pub(crate) fn may_read_any_key(ctx: &Ctx<'_>, args: Args<'_>) -> bool {
    let client = ctx.client();
    let user = ctx.world.access.user(client.user);
    let databases = ctx.world.store.databases();
    let request = Request { row: ctx.row, args, db: client.db, databases };
    let grants = |selector: &Selector| {
        selector.keys.allow_any(Use::READ) && request.denied_by(selector).is_none()
    };
    user.is_unrestricted() || user.selectors().any(grants)
}

/// A request, and what it runs in.
#[derive(Clone, Copy)]
struct Request<'a> {
    row: &'a Row,
    args: Args<'a>,
    /// The database that is selected, and how many there are.
    db: usize,
    databases: usize,
}

impl Request<'_> {
    /// The first thing that the selector does not grant.
    fn denied_by(&self, selector: &Selector) -> Option<Denied> {
        self.database_denied_by(selector)
            .or_else(|| self.command_denied_by(selector))
            .or_else(|| self.key_denied_by(selector))
            .or_else(|| self.channel_denied_by(selector))
    }

    fn database_denied_by(&self, selector: &Selector) -> Option<Denied> {
        let databases = &selector.databases;
        if databases.are_all() {
            return None;
        }
        let spec = &self.row.spec;
        let named = match spec.databases {
            Databases::None => Vec::new(),
            Databases::At(find) => find(self.args),
            Databases::Selects(at) => vec![at],
            Databases::All if (0..self.databases).all(|number| databases.allow(number)) => {
                return None;
            }
            Databases::All => return Some(Denied { reason: Reason::Database, at: 0 }),
        };
        // What names no database will fail, and is denied nothing.
        let number = |&at: &usize| database(self.args, at, self.databases);
        let numbers: Option<Vec<usize>> = named.iter().map(number).collect();
        let mut places = named.iter().zip(numbers.unwrap_or_default());
        let denied = match places.find(|&(_, number)| !databases.allow(number)) {
            Some((&at, _)) => at,
            None if needs_selected(spec) && !databases.allow(self.db) => 0,
            None => return None,
        };
        Some(Denied { reason: Reason::Database, at: denied })
    }

    fn command_denied_by(&self, selector: &Selector) -> Option<Denied> {
        let is_granted =
            self.row.has(flag::NO_AUTH) || selector.commands.allow(self.row.id, self.args.get(1));
        (!is_granted).then_some(Denied { reason: Reason::Command, at: 0 })
    }

    /// Where keys cannot be told, none is denied: the request will fail. What an embedder's command does with such a request
    /// is not known, so that it is denied.
    fn key_denied_by(&self, selector: &Selector) -> Option<Denied> {
        if selector.keys.are_all() {
            return None;
        }
        let mut denied = None;
        let found = keys::each(&self.row.spec, self.args, |key| {
            if denied.is_none() && !selector.keys.allow(&self.args[key.index], use_of(key.flags)) {
                denied = Some(Denied { reason: Reason::Key, at: key.index });
            }
        });
        match found {
            Ok(()) => denied,
            Err(_) if self.row.has(flag::COUNTED) => Some(Denied { reason: Reason::Key, at: 0 }),
            Err(_) => None,
        }
    }

    fn channel_denied_by(&self, selector: &Selector) -> Option<Denied> {
        let granted = &selector.channels;
        if granted.are_all() {
            return None;
        }
        let first = 1 + usize::from(self.row.container.is_some());
        let end = match self.row.spec.channels {
            Channels::None => return None,
            Channels::First => first + 1,
            Channels::All | Channels::Patterns => self.args.len(),
        };
        let is_denied = |&at: &usize| match self.row.spec.channels {
            Channels::Patterns => !granted.allow_pattern(&self.args[at]),
            _ => !granted.allow(&self.args[at]),
        };
        (first..end).find(is_denied).map(|at| Denied { reason: Reason::Channel, at })
    }
}

/// Returns whether a command does anything with the selected database: it has keys there, or is about data
/// and names no database.
fn needs_selected(spec: &Spec) -> bool {
    const DATA: u32 = category::KEYSPACE | category::READ | category::WRITE;
    let is_about_data = spec.categories() & DATA != 0;
    keys::are_possible(spec) || (is_about_data && matches!(spec.databases, Databases::None))
}

/// What a user must be allowed to do with a key.
fn use_of(flags: KeyFlags) -> Use {
    Use {
        read: flags & key::ACCESS != 0,
        write: flags & (key::INSERT | key::DELETE | key::UPDATE) != 0,
    }
}
