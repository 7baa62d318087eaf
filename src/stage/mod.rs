//! The stage: what a test drives the server by, where `enable-stage-command` lets it.
//!
//! A proxy that injects faults sees bytes; the server sees commands, whose they are, and whether they have run. So a
//! test says "the second GET of the client named web runs, and its reply is cut after five bytes", in commands of its
//! own: STAGE. What they say is kept here, a file for each part; the commands themselves are in
//! [`crate::commands`], and what becomes of a client's command is decided in [`crate::dispatch`].

pub(crate) mod journal;
#[allow(dead_code)]
pub(crate) mod matching;

/// What the commands of STAGE have said.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    pub(crate) journal: journal::Journal,
    /// Whether STAGE CLOCK has been called.
    pub(crate) is_clock_changed: bool,
}
