//! What a value is written from.

use std::ops::ControlFlow;

use crate::keyspace::Part;
use crate::keyspace::keys::KeyInfo;

/// Calls `visit` with all parts of a value.
pub(super) fn each(value: KeyInfo<'_>, mut visit: impl FnMut(Part<'_>)) {
    let _ = value.visit(|part| {
        visit(part);
        ControlFlow::<()>::Continue(())
    });
}
