//! What keeps commands from running: data that is not there yet, and data that could not be written.
//!
//! Every command asks whether there is anything of that kind, which is one load of a bool; only then is it looked at
//! what there is, and whether it concerns the command.

use super::World;
use crate::clock::Now;
use crate::error::{self, Error};

/// What keeps commands from running.
#[derive(Debug, Default)]
pub(crate) struct Restraints {
    /// Whether there is one.
    any: bool,
    /// Since when the server has not been ready, because it was told so.
    unready: Option<Now>,
    /// Data is being loaded.
    loading: Option<LoadingProgress>,
    /// The last snapshot could not be written.
    is_unsaved: bool,
    /// Why the log cannot be written.
    unlogged: Option<Unlogged>,
}

/// The log cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unlogged {
    reason: String,
    /// Nothing may be read either: it could show what is not on disk.
    hides_data: bool,
}

/// How far a file has been loaded, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoadingProgress {
    pub(crate) since: Now,
    pub(crate) total: u64,
    pub(crate) loaded: u64,
    /// What the file says of the memory that the server used which wrote it.
    pub(crate) used_memory: u64,
}

impl World {
    /// The server can do its work from now on, or can not. It can from the start unless `start-ready` says
    /// otherwise. While it cannot, clients connect and shake hands, and commands with
    /// [`crate::dispatch::spec::flag::NEEDS_READY`] are refused.
    pub fn set_ready(&mut self, ready: bool) {
        let unready = &mut self.restraints.unready;
        *unready = if ready { None } else { unready.or(Some(self.now)) };
        self.review_restraints();
    }

    /// Data is being loaded, so far, or is there. The server is not ready before it is, whatever it is told.
    pub(crate) fn set_loading(&mut self, loading: Option<LoadingProgress>) {
        self.restraints.loading = loading;
        self.review_restraints();
    }

    /// The last snapshot has been written, or could not be.
    pub(crate) fn set_unsaved(&mut self, is_unsaved: bool) {
        self.restraints.is_unsaved = is_unsaved;
        self.review_restraints();
    }

    /// The log cannot be written, for this reason, or can. If data is hidden until then, it cannot be read either.
    pub(crate) fn set_unlogged(&mut self, reason: Option<&str>, hides_data: bool) {
        let unlogged = reason.map(|reason| Unlogged { reason: reason.to_owned(), hides_data });
        if unlogged != self.restraints.unlogged {
            self.restraints.unlogged = unlogged;
            self.review_restraints();
        }
    }

    /// Looks again what keeps commands from running, after the configuration has changed too.
    pub(super) fn review_restraints(&mut self) {
        let is_ready = self.is_ready();
        self.restraints.any = !is_ready || self.write_refusal().is_some();
        if is_ready && let Some(tell) = self.when_ready.take() {
            tell();
        }
    }

    /// Returns whether anything keeps any command from running.
    #[inline]
    pub(crate) fn is_restrained(&self) -> bool {
        self.restraints.any
    }

    pub fn is_ready(&self) -> bool {
        self.restraints.unready.is_none() && self.restraints.loading.is_none()
    }

    /// Since when the server has not been ready, if it is not.
    pub(crate) fn unready_since(&self) -> Option<Now> {
        let loading = self.restraints.loading.map(|loading| loading.since);
        loading.or(self.restraints.unready)
    }

    /// How far data has been loaded, if it is being loaded.
    pub(crate) fn loading(&self) -> Option<LoadingProgress> {
        self.restraints.loading
    }

    /// Returns whether the last snapshot could not be written.
    pub(crate) fn is_unsaved(&self) -> bool {
        self.restraints.is_unsaved
    }

    /// What a command is told that would read data of which it is not known that it will stay.
    #[cold]
    pub(crate) fn read_refusal(&self) -> Option<Error> {
        let unlogged = self.restraints.unlogged.as_ref().filter(|unlogged| unlogged.hides_data);
        unlogged.map(|unlogged| error::unlogged(&unlogged.reason))
    }

    /// What a command is told that would change data which could not be written.
    #[cold]
    pub(crate) fn write_refusal(&self) -> Option<Error> {
        if let Some(unlogged) = &self.restraints.unlogged {
            return Some(error::unlogged(&unlogged.reason));
        }
        let counts = self.config.stop_writes_on_bgsave_error && !self.config.save.is_empty();
        (self.restraints.is_unsaved && counts).then(|| error::unsaved(self.config.persona.title()))
    }

    /// Calls `tell` as soon as the server is ready: now, if it is.
    pub fn when_ready(&mut self, tell: impl FnOnce() + Send + 'static) {
        match self.is_ready() {
            true => tell(),
            false => self.when_ready = Some(Box::new(tell)),
        }
    }
}
