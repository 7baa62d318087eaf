//! What stands for TLS in a build without it: nothing, in the same words.

use std::io;

use super::super::stream::{Flushed, Received, Stream};
use crate::config::Config;
use crate::engine::Traffic;
use crate::session::Slot;
use crate::telemetry::Certificates;

/// There is none.
#[derive(Debug, Clone)]
pub(crate) enum Acceptor {}

/// There is none.
pub(crate) enum Session {}

impl Acceptor {
    /// The configuration has refused to ask for TLS.
    pub(crate) fn read(_config: &Config) -> io::Result<Option<Acceptor>> {
        Ok(None)
    }

    pub(crate) fn certificates(&self) -> Certificates {
        match *self {}
    }

    pub(crate) fn serves_admin(&self) -> bool {
        match *self {}
    }

    pub(crate) fn accept(&self) -> io::Result<Box<Session>> {
        match *self {}
    }
}

impl Session {
    pub(crate) fn receive(&mut self, _: &mut Stream, _: &mut [u8], _: &mut Vec<u8>) -> Received {
        match *self {}
    }

    pub(crate) fn flush(
        &mut self,
        _: &mut Stream,
        _: &mut Traffic<'_>,
        _: Slot,
        _: &mut Vec<u8>,
    ) -> Flushed {
        match *self {}
    }

    pub(crate) fn close(&mut self, _: &mut Stream) {
        match *self {}
    }

    pub(crate) fn has_unsent(&self) -> bool {
        match *self {}
    }

    pub(crate) fn users(&self) -> Vec<Vec<u8>> {
        match *self {}
    }

    pub(crate) fn grown(&mut self) -> Option<usize> {
        match *self {}
    }
}
