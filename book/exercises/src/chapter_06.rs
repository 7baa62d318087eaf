//! The gates, in order.

use respd::{Builder, Server};

/// What is known of a command and its client when it comes to the gates.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request {
    pub is_authenticated: bool,
    /// There is such a command.
    pub exists: bool,
    /// It has as many arguments as its row says.
    pub has_arity: bool,
    pub is_permitted: bool,
    /// Its row says that it may take memory.
    pub may_grow: bool,
    /// A transaction has begun. `EXEC` and the few others that are not queued have a flag of their own.
    pub in_transaction: bool,
    pub is_unqueued: bool,
}

/// What the gates may change.
#[derive(Debug, Default)]
pub struct World {
    /// The memory is used up.
    pub is_full: bool,
    /// Whether a key may be evicted to make room.
    pub has_victim: bool,
    /// How many were.
    pub evicted: usize,
    /// `EXEC` is to fail.
    pub is_aborted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    Run,
    Queue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    NoAuth,
    Unknown,
    Arity,
    NoPermission,
    OutOfMemory,
}

/// The gates. They are all here, and in no good order.
pub fn admit(request: Request, world: &mut World) -> Result<Admitted, Refused> {
    if request.in_transaction && !request.is_unqueued {
        return Ok(Admitted::Queue);
    }
    if request.may_grow && world.is_full {
        if !world.has_victim {
            return Err(Refused::OutOfMemory);
        }
        world.evicted += 1;
    }
    if !request.is_permitted {
        return Err(Refused::NoPermission);
    }
    if !request.has_arity {
        return Err(Refused::Arity);
    }
    if !request.exists {
        return Err(Refused::Unknown);
    }
    if !request.is_authenticated {
        return Err(Refused::NoAuth);
    }
    Ok(Admitted::Run)
}

/// A server in which a key belongs to the user whose name it begins with: `ann:1` is ann's. A command on keys of others is
/// refused with the error `DENIED`. The user `default` may use all.
pub fn with_owners() -> Builder {
    Server::builder().any_port()
}
