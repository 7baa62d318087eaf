//! The stage: what a test drives the server by, where `enable-stage-command` lets it.
//!
//! A proxy that injects faults sees bytes; the server sees commands, whose they are, and whether they have run. So a
//! test says "the second GET of the client named web runs, and its reply is cut after five bytes", in commands of its
//! own: STAGE. What they say is kept here, a file for each part; the commands themselves are in
//! [`crate::commands`], and what becomes of a client's command is decided in [`crate::dispatch`].
//!
//! * [`matching`]: which commands of which clients are meant;
//! * [`fault`]: the faults, and which of them a command meets;
//! * [`actions`]: what a fault does, read from its words;
//! * [`journal`]: which commands clients have sent, and what they were replied;
//! * [`recording`]: a conversation that is written while it takes place;
//! * [`shape`]: what becomes of a reply by that: its bytes, and where they stop;
//! * [`conversion`]: a value spelled as another type;
//! * [`accept`]: what becomes of newcomers;
//! * [`beginning`]: what the server began with, which RESET comes back to.
//!
//! The book: chapter 15, Knowing that it is right (`book/src/15-knowing-that-it-is-right.md`).

pub(crate) mod accept;
pub(crate) mod actions;
pub(crate) mod beginning;
mod conversion;
pub(crate) mod fault;
pub(crate) mod journal;
pub(crate) mod matching;
pub(crate) mod recording;
pub(crate) mod shape;

use std::collections::BTreeSet;
use std::sync::Arc;

use accept::Newcomers;
use beginning::Beginning;
use fault::Faults;

pub(crate) mod nodes;
pub(crate) mod sentinel;
pub(crate) mod slots;

use nodes::Nodes;
use sentinel::Sentinels;

/// What the commands of STAGE have said.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    pub(crate) faults: Faults,
    pub(crate) journal: journal::Journal,
    pub(crate) recording: Option<Box<recording::Recording>>,
    /// Whether STAGE CLOCK has been called.
    pub(crate) is_clock_changed: bool,
    pub(crate) newcomers: Newcomers,
    /// Further ports that clients take for other servers.
    pub(crate) nodes: Nodes,
    pub(crate) sentinels: Sentinels,
    pub(crate) beginning: Arc<Beginning>,
    /// Ports of nodes and Sentinels that are about to come back: these are listened on.
    pub(crate) standing: BTreeSet<u16>,
}
