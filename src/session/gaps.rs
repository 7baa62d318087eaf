//! Gaps in what is to be sent to a client: places for replies that come later, while the commands behind them run.
//!
//! A gap is a place in the outbox. What is before it is sent as ever; what is behind it waits until the gap is filled. Replies
//! may come in any order, and are put into their places together, once in a turn. What waits for its place counts against the
//! client's limits like all that it has not read.

use std::collections::VecDeque;

use crate::telemetry::stats::CommandId;
use crate::wire::{OwnedArgs, Protocol};

/// So many replies of a client may be missing at once.
pub(crate) const MOST_GAPS: usize = 1024;

/// The gaps of an outbox, in their order.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    gaps: VecDeque<Gap>,
    /// Bytes of replies that have come before those of other gaps in front of them.
    early: usize,
}

/// A place for a reply.
#[derive(Debug)]
pub(crate) struct Gap {
    /// Where it is in the bytes of the outbox.
    pub(crate) at: usize,
    /// The number of the reply; they rise.
    pub(crate) number: u64,
    /// The reply, when it has come.
    pub(crate) reply: Option<Vec<u8>>,
    /// What it is a reply to.
    pub(crate) command: CommandId,
    pub(crate) args: OwnedArgs,
    /// The protocol that the client spoke then.
    pub(crate) protocol: Protocol,
    /// Whether CLIENT REPLY was off, so that there is no reply.
    pub(crate) is_silent: bool,
}

impl Gaps {
    pub(crate) fn len(&self) -> usize {
        self.gaps.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Bytes of replies that wait for those in front of them.
    pub(super) fn early(&self) -> usize {
        self.early
    }

    /// Where the first gap is.
    pub(super) fn first(&self) -> Option<usize> {
        self.gaps.front().map(|gap| gap.at)
    }

    /// Leaves a gap behind all others.
    pub(crate) fn leave(&mut self, gap: Gap) {
        self.gaps.push_back(gap);
    }

    /// The gap for the reply of this number, if that has not come yet.
    pub(crate) fn find(&mut self, number: u64) -> Option<&mut Gap> {
        let index = self.gaps.binary_search_by_key(&number, |gap| gap.number).ok()?;
        self.gaps.get_mut(index).filter(|gap| gap.reply.is_none())
    }

    /// The reply of this number has come. Returns whether there is none missing in front of it.
    pub(crate) fn fill(&mut self, number: u64, reply: Vec<u8>) -> bool {
        self.early += reply.len();
        if let Some(gap) = self.find(number) {
            gap.reply = Some(reply);
        }
        self.gaps.front().is_some_and(|gap| gap.reply.is_some())
    }

    /// Puts the replies into their places that have come, up to the first that is missing. Returns where the first of them
    /// was put, and by how much the bytes have grown.
    pub(super) fn close(&mut self, bytes: &mut Vec<u8>) -> Option<(usize, usize)> {
        let filled = self.gaps.iter().take_while(|gap| gap.reply.is_some()).count();
        let first = self.gaps.front().filter(|_| filled > 0)?.at;
        let before = bytes.len();
        let behind = bytes.split_off(first.min(before));
        let mut passed = 0;
        for Gap { at, reply, .. } in self.gaps.drain(..filled) {
            let (at, reply) = (at - first, reply.unwrap_or_default());
            bytes.extend_from_slice(&behind[passed..at]);
            bytes.extend_from_slice(&reply);
            passed = at;
            self.early -= reply.len();
        }
        bytes.extend_from_slice(&behind[passed..]);
        let grown = bytes.len() - before;
        self.gaps.iter_mut().for_each(|gap| gap.at += grown);
        Some((first, grown))
    }

    /// The first `bytes` of the outbox have been sent and are gone.
    pub(super) fn shift(&mut self, bytes: usize) {
        self.gaps.iter_mut().for_each(|gap| gap.at -= bytes);
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        let args = self.gaps.iter().map(|gap| gap.args.memory()).sum::<usize>();
        self.gaps.capacity() * size_of::<Gap>() + args + self.early
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(number: u64, at: usize) -> Gap {
        let (command, args) = (CommandId(0), OwnedArgs::default());
        let (reply, protocol, is_silent) = (None, Protocol::Resp2, false);
        Gap { at, number, reply, command, args, protocol, is_silent }
    }

    #[test]
    fn replies_are_put_into_their_places_in_order() {
        let mut gaps = Gaps::default();
        let mut bytes = b"abcd".to_vec();
        for (number, at) in [(3, 1), (5, 1), (8, 3), (9, 4)] {
            gaps.leave(gap(number, at));
        }
        assert!(!gaps.fill(5, b"two".to_vec()));
        assert_eq!((gaps.close(&mut bytes), gaps.early()), (None, 3));
        assert!(gaps.find(5).is_none() && gaps.find(4).is_none());
        assert!(gaps.fill(3, b"one".to_vec()));
        assert_eq!(gaps.close(&mut bytes), Some((1, 6)));
        assert_eq!((&bytes[..], gaps.first(), gaps.early()), (&b"aonetwobcd"[..], Some(9), 0));
        bytes.drain(..9);
        gaps.shift(9);
        assert!(!gaps.fill(9, b"four".to_vec()));
        assert!(gaps.fill(8, Vec::new()));
        assert_eq!(gaps.close(&mut bytes), Some((0, 4)));
        assert_eq!((&bytes[..], gaps.len(), gaps.early()), (&b"dfour"[..], 0, 0));
    }
}
