//! What becomes of a reply on its way to a client: its bytes, and where they stop.
//!
//! A [`Shape`] is what the actions of a fault say of a reply. It is kept with the client until the reply is complete, be
//! it at once or after the command has waited, and gathers what the commands of a transaction or a script have met.
//! [`Shape::lay_out`] makes of the reply's bytes those that are sent, and says where they stop and how that ends.

use std::sync::Arc;

use super::conversion::{self, Type};
use crate::wire::Protocol;

/// The most bytes that PUSH adds on each side of one reply, and the most pieces and splits, whatever a transaction has met.
const MOST_PUSHED: usize = 1 << 20;
const MOST_SPLITS: usize = 64;

/// How a connection ends, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It is closed: FIN.
    Close,
    /// It is reset: RST.
    Reset,
    /// It lives, and is silent for ever.
    Hang,
}

/// Where a reply is split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind so many bytes.
    At(usize),
    /// In front of the first occurrence of these bytes that the reply does not begin with.
    Before(Box<[u8]>),
    /// Behind so many bytes, and again.
    Each(usize),
}

/// What is waited for when all before a stop has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// A later turn, and at least so long that the peer reads what was sent as a piece of its own.
    Turn,
    /// So many µs.
    Micros(u64),
}

/// What has a reply held back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Holder {
    #[default]
    Nothing,
    /// The fault of this number.
    Fault(u64),
    /// Several, which the commands of a transaction or a script have met.
    Several,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) place: Place,
    pub(crate) pause: Pause,
}

/// What becomes of a reply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// What is pushed in front of the reply, and behind it. Many clients that wait may have met the same fault.
    pub(crate) before: Vec<Arc<[u8]>>,
    pub(crate) behind: Vec<Arc<[u8]>>,
    pub(crate) converted: Option<Type>,
    /// So many µs it is held back.
    pub(crate) delay: u64,
    pub(crate) splits: Vec<Split>,
    /// Whose the delay and the splits are.
    pub(crate) holder: Holder,
    /// No more of its bytes are sent.
    pub(crate) cut: Option<usize>,
    /// None of its bytes are sent.
    pub(crate) is_dropped: bool,
    pub(crate) end: Option<End>,
}

/// A place in bytes that are to be sent, where sending stops for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// How many bytes are before it.
    pub(crate) at: usize,
    pub(crate) pause: Pause,
    /// It comes again behind so many bytes, up to that place.
    pub(crate) again: Option<(usize, usize)>,
}

/// A reply as it is sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) bytes: Vec<u8>,
    /// Behind so many bytes the rest is held back for so many µs.
    pub(crate) delay: Option<(usize, u64)>,
    /// In the order of their places.
    pub(crate) segments: Vec<Segment>,
    pub(crate) holder: Holder,
    pub(crate) end: Option<End>,
}

impl Holder {
    fn and(self, more: Holder) -> Holder {
        match (self, more) {
            (Holder::Nothing, one) | (one, Holder::Nothing) => one,
            (one, other) if one == other => one,
            _ => Holder::Several,
        }
    }

    /// Returns whether it ends with the fault of this number, or with all of them.
    pub(crate) fn ends_with(self, fault: Option<u64>) -> bool {
        fault.is_none_or(|number| self == Holder::Fault(number))
    }
}

impl Shape {
    /// It is the fault of this number that says so.
    pub(crate) fn said_by(&mut self, fault: u64) {
        if self.delay > 0 || !self.splits.is_empty() {
            self.holder = Holder::Fault(fault);
        }
    }

    /// The fault of this number is over, or all are: the reply is not held back any more.
    pub(crate) fn release(&mut self, fault: Option<u64>) {
        if self.holder.ends_with(fault) {
            (self.delay, self.splits, self.holder) = (0, Vec::new(), Holder::Nothing);
        }
    }

    /// The reply meets this, too. What there can only be one of is what was there first; delays add up.
    pub(crate) fn add(&mut self, more: Shape) {
        for (pushed, more) in [(&mut self.before, more.before), (&mut self.behind, more.behind)] {
            let is_bounded = length(pushed) + length(&more) <= MOST_PUSHED;
            if is_bounded && pushed.len() + more.len() <= MOST_SPLITS {
                pushed.extend(more);
            }
        }
        self.converted = self.converted.or(more.converted);
        self.delay = self.delay.saturating_add(more.delay);
        self.splits.extend(more.splits);
        self.splits.truncate(MOST_SPLITS);
        self.holder = self.holder.and(more.holder);
        self.cut = self.cut.or(more.cut);
        self.is_dropped |= more.is_dropped;
        self.end = self.end.or(more.end);
    }

    /// What is sent of a reply of which these are the bytes: one frame, or several, or none.
    pub(crate) fn lay_out(self, reply: &[u8], protocol: Protocol) -> Layout {
        let mut bytes = self.before.concat();
        let start = bytes.len();
        if !self.is_dropped {
            match self.converted {
                Some(wanted) => conversion::convert(reply, wanted, protocol, &mut bytes),
                None => bytes.extend_from_slice(reply),
            }
        }
        if let Some(cut) = self.cut {
            bytes.truncate(start.saturating_add(cut));
        }
        let end = bytes.len();
        let mut segments: Vec<Segment> =
            self.splits.iter().filter_map(|split| split.segment(&bytes, start)).collect();
        segments.sort_by_key(|segment| segment.at);
        if self.cut.is_none() {
            bytes.extend(self.behind.concat());
        }
        let delay = (self.delay > 0).then_some((start, self.delay));
        debug_assert!(segments.iter().all(|segment| start < segment.at && segment.at < end));
        Layout { bytes, delay, segments, holder: self.holder, end: self.end }
    }

    /// Bytes of memory beside the shape itself.
    pub(crate) fn memory(&self) -> usize {
        (self.before.capacity() + self.behind.capacity()) * size_of::<Arc<[u8]>>()
            + self.splits.capacity() * size_of::<Split>()
            + self.splits.iter().map(Split::memory).sum::<usize>()
    }
}

/// The bytes of all of them.
pub(crate) fn length(pushed: &[Arc<[u8]>]) -> usize {
    pushed.iter().map(|bytes| bytes.len()).sum()
}

impl Split {
    /// Where the reply is split that begins at `start` and ends with the bytes, if it is.
    fn segment(&self, bytes: &[u8], start: usize) -> Option<Segment> {
        let end = bytes.len();
        let behind = |n: usize| start.checked_add(n).filter(|&at| at < end);
        let (at, again) = match &self.place {
            Place::At(n) => (behind(*n)?, None),
            Place::Each(n) => (behind(*n)?, Some((*n, end))),
            Place::Before(sought) => {
                let from = start + 1;
                let rest = bytes.get(from..)?;
                let found = rest.windows(sought.len()).position(|window| *window == **sought)?;
                (from + found, None)
            }
        };
        Some(Segment { at, pause: self.pause, again })
    }

    fn memory(&self) -> usize {
        match &self.place {
            Place::Before(sought) => sought.len(),
            Place::At(_) | Place::Each(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(length: usize) -> Vec<Arc<[u8]>> {
        vec![vec![b'p'; length].into()]
    }

    fn split(place: Place) -> Vec<Split> {
        vec![Split { place, pause: Pause::Turn }]
    }

    #[test]
    fn what_there_is_one_of_is_what_came_first() {
        let mut shape = Shape {
            converted: Some(Type::Map),
            delay: 5,
            cut: Some(1),
            end: Some(End::Hang),
            ..Shape::default()
        };
        shape.add(Shape {
            before: pushed(1),
            behind: pushed(2),
            converted: Some(Type::Set),
            delay: 7,
            splits: split(Place::At(3)),
            holder: Holder::Fault(7),
            cut: Some(9),
            is_dropped: true,
            end: Some(End::Close),
        });
        let expected = Shape {
            before: pushed(1),
            behind: pushed(2),
            converted: Some(Type::Map),
            delay: 12,
            splits: split(Place::At(3)),
            holder: Holder::Fault(7),
            cut: Some(1),
            is_dropped: true,
            end: Some(End::Hang),
        };
        assert_eq!(shape, expected);
        shape.add(Shape { delay: u64::MAX, ..Shape::default() });
        assert_eq!(shape, Shape { delay: u64::MAX, ..expected });
    }

    #[test]
    fn what_is_met_again_and_again_is_bounded() {
        let (mut shape, mut long) = (Shape::default(), Shape::default());
        for _ in 0..MOST_SPLITS + 9 {
            let (before, behind) = (pushed(1), pushed(1));
            shape.add(Shape { before, behind, splits: split(Place::At(1)), ..Shape::default() });
            long.add(Shape { behind: pushed(MOST_PUSHED / 2), ..Shape::default() });
        }
        let counts = [shape.before.len(), shape.behind.len(), shape.splits.len()];
        assert_eq!(counts, [MOST_SPLITS; 3]);
        assert_eq!((long.behind.len(), length(&long.behind)), (2, MOST_PUSHED));
    }

    #[test]
    fn a_reply_is_laid_out_between_what_is_pushed() {
        let shape = Shape {
            before: pushed(2),
            behind: pushed(1),
            delay: 9,
            splits: [
                split(Place::At(3)),
                split(Place::Each(1)),
                split(Place::Before((*b"+b").into())),
            ]
            .concat(),
            ..Shape::default()
        };
        let layout = shape.clone().lay_out(b"+a+b", Protocol::Resp2);
        assert_eq!(layout.bytes, b"pp+a+bp");
        assert_eq!(layout.delay, Some((2, 9)), "what is pushed in front is not held back");
        let places: Vec<_> = layout.segments.iter().map(|stop| (stop.at, stop.again)).collect();
        assert_eq!(places, [(3, Some((1, 6))), (4, None), (5, None)], "in their order");
        // A cut counts from the reply, and nothing comes behind it.
        let cut = Shape { cut: Some(3), ..shape }.lay_out(b"+a+b", Protocol::Resp2);
        assert_eq!((&cut.bytes[..], cut.delay), (&b"pp+a+"[..], Some((2, 9))));
        assert_eq!(cut.segments.len(), 1, "no stop is at the end, or behind it");
        let before = Shape { splits: split(Place::Before((*b"+").into())), ..Shape::default() };
        let stops = before.clone().lay_out(b"+a+b", Protocol::Resp2).segments;
        assert_eq!(stops[0].at, 2, "the beginning is no place to stop");
        assert_eq!(before.lay_out(b"+ab", Protocol::Resp2).segments, []);
    }
}
