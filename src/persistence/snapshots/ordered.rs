//! What other features have recorded: the base of a log, a copy for clients. It is recorded as a snapshot is, and what
//! came of it waits here until the feature takes it.

use std::path::PathBuf;

use super::{Snapshots, with};
use crate::error::Error;
use crate::keyspace::Recorder;
use crate::persistence::files::{Format, Written};
use crate::persistence::recording::{Finish, Purpose};
use crate::rdb::recorder::Output;
use crate::world::World;

/// What came of a file: the file, or why it could not be written.
pub(crate) type Outcome = Result<Written, String>;

/// What came of what was asked for, and has not been taken yet.
#[derive(Default)]
pub(super) struct Outcomes {
    base: Option<Outcome>,
    copy: Option<Outcome>,
}

impl Outcomes {
    pub(super) fn of(&mut self, purpose: Purpose) -> &mut Option<Outcome> {
        match purpose {
            Purpose::Copy => &mut self.copy,
            // What came of a snapshot is in its status.
            Purpose::Base | Purpose::Snapshot => &mut self.base,
        }
    }
}

/// Returns whether something can be recorded now.
pub(crate) fn may_begin(world: &World) -> bool {
    world.store.moment().is_none()
        && world
            .feature::<Snapshots>()
            .is_some_and(|snapshots| snapshots.recording.is_none() && snapshots.loading.is_none())
}

/// Begins to record a file. `make` makes what records it, and `finish` ends that.
pub(crate) fn begin(
    world: &mut World,
    what: (Purpose, PathBuf, Format),
    make: impl FnOnce(Box<dyn Output>) -> Box<dyn Recorder>,
    finish: Finish,
) -> Result<(), Error> {
    with(world, |snapshots, world| {
        *snapshots.outcomes.of(what.0) = None;
        snapshots.begin(world, what, make, finish)
    })
}

/// Takes what came of it.
pub(crate) fn take(world: &mut World, purpose: Purpose) -> Option<Outcome> {
    with(world, |snapshots, _| Ok(snapshots.outcomes.of(purpose).take())).ok().flatten()
}

/// Gives it up.
pub(crate) fn cancel(world: &mut World, purpose: Purpose) {
    // Without the feature there is nothing to give up.
    let _ = with(world, |snapshots, world| {
        if snapshots.recording.as_ref().is_some_and(|recording| recording.purpose == purpose) {
            snapshots.abandon(world);
            *snapshots.outcomes.of(purpose) = None;
        }
        Ok(())
    });
}
