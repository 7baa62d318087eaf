//! What a script that runs long meets: see [`super::host::Host::goes_on`].

use mlua::{Lua, VmState};

use super::{host, raise};

/// Called once in a hundred thousand instructions.
pub(super) fn hook(_: &Lua) -> mlua::Result<VmState> {
    match host::with(|host| host.goes_on()) {
        Some(Err(error)) => Err(raise::reply(error.as_bytes())),
        Some(Ok(())) | None => Ok(VmState::Continue),
    }
}
