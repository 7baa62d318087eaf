//! Commands of an embedder: closures, and what they keep.
//!
//! A row of respd's own is a constant whose handler is a function. An embedder's command has a row like any other, made
//! when the server is bound; its handler is [`run`], which finds the closure beside the row.

use std::cell::RefCell;
use std::fmt;

use super::arity::Arity;
use super::ctx::Ctx;
use super::spec::Spec;
use crate::error::{self, Error};
use crate::wire::Args;

/// What runs a command of an embedder.
pub(crate) type Closure = Box<dyn FnMut(&mut Ctx<'_>, Args<'_>) -> Result<(), Error> + Send>;

/// A command of an embedder that has no row yet.
pub(crate) struct OwnCommand {
    pub spec: Spec,
    pub arity: Arity,
    /// `None`: nothing but its subcommands, or a command of a table of constants.
    pub closure: Option<Closure>,
    /// ACL categories in place of those of the spec, if there are any. A name that is not known is a new one's.
    pub categories: Vec<&'static str>,
    pub subcommands: Vec<OwnCommand>,
}

impl OwnCommand {
    /// A command of a table of constants.
    pub(crate) fn of_spec(spec: &Spec) -> OwnCommand {
        OwnCommand {
            spec: *spec,
            arity: Arity::of_number(spec.arity),
            closure: None,
            categories: Vec::new(),
            subcommands: spec.subcommands.iter().map(OwnCommand::of_spec).collect(),
        }
    }
}

/// What the row of an embedder's command has beside what other rows have.
pub(crate) struct Own {
    closure: Option<RefCell<Closure>>,
    /// Which state its group has: see [`crate::world::World::states`].
    pub state: usize,
}

impl Own {
    pub(crate) fn new(closure: Option<Closure>, state: usize) -> Box<Own> {
        Box::new(Own { closure: closure.map(RefCell::new), state })
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("state", &self.state).finish_non_exhaustive()
    }
}

/// The handler of every closure. A closure that is called again while it runs, by a command that it calls itself, is
/// refused.
pub(crate) fn run(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    match ctx.row.own.as_deref() {
        Some(Own { closure: Some(closure), .. }) => match closure.try_borrow_mut() {
            Ok(mut closure) => closure(ctx, args),
            Err(_) => runs_already(ctx),
        },
        _ => Err(error::INTERNAL),
    }
}

#[cold]
fn runs_already(ctx: &Ctx<'_>) -> Result<(), Error> {
    Err(error::calls_itself(&ctx.row.full_name))
}
