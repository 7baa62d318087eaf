//! What a value is written from, and what it is made in.

use std::ops::ControlFlow;

use crate::keyspace::keys::KeyInfo;
use crate::keyspace::{Db, Part};

/// Where a value is made.
pub(super) struct Place<'d, 'a> {
    pub(super) db: &'d mut Db<'a>,
    pub(super) key: &'d [u8],
}

/// Calls `visit` with all parts of a value.
pub(super) fn each(value: KeyInfo<'_>, mut visit: impl FnMut(Part<'_>)) {
    let _ = value.visit(|part| {
        visit(part);
        ControlFlow::<()>::Continue(())
    });
}
