//! Output whose long strings lie elsewhere: written bytes, and [`Segments`] between them.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::shared_bytes::SharedBytes;

/// Bytes of the output that lie elsewhere.
#[derive(Debug)]
struct Segment {
    /// In front of which of the written bytes they belong.
    at: usize,
    bytes: SharedBytes,
}

/// The parts of an output that lie elsewhere, in their order. The end of a line is always written behind each, so that a
/// position in the written bytes, other than that of the segment itself, is in front of it or behind it. Most outputs have
/// none: then it is one word.
#[derive(Debug, Default)]
pub(crate) struct Segments(Option<Box<List>>);

#[derive(Debug, Default)]
struct List {
    segments: VecDeque<Segment>,
    /// How many bytes they have in all.
    bytes: usize,
}

impl Segments {
    pub(crate) const NONE: Segments = Segments(None);

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many bytes lie elsewhere.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |list| list.bytes)
    }

    /// Bytes of memory, be it that others hold them, too.
    pub(crate) fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |list| {
            size_of::<List>() + list.segments.capacity() * size_of::<Segment>() + list.bytes
        })
    }

    #[cold]
    pub(super) fn push(&mut self, at: usize, bytes: SharedBytes) {
        let list = self.0.get_or_insert_default();
        list.bytes += bytes.len();
        list.segments.push_back(Segment { at, bytes });
    }

    /// How many bytes belong behind this position.
    pub(super) fn len_since(&self, position: usize) -> usize {
        let since = self.iter().rev().take_while(|segment| segment.at > position);
        since.map(|segment| segment.bytes.len()).sum()
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &Segment> + Clone {
        self.0.iter().flat_map(|list| &list.segments)
    }

    /// The written bytes end at this position.
    #[inline]
    pub(super) fn truncate(&mut self, position: usize) {
        if let Some(list) = &mut self.0 {
            while let Some(last) = list.segments.back().filter(|last| last.at > position) {
                list.bytes -= last.bytes.len();
                list.segments.pop_back();
            }
            self.drop_empty();
        }
    }

    fn drop_empty(&mut self) {
        self.0.take_if(|list| list.segments.is_empty());
    }

    /// The first `bytes` written ones are gone. All that belonged in front of the rest is gone, too.
    pub(crate) fn shift(&mut self, bytes: usize) {
        if let Some(list) = &mut self.0 {
            list.segments.iter_mut().for_each(|segment| segment.at -= bytes);
        }
    }

    /// So many bytes of the output have been sent, from this position of the written ones on. Returns up to which that is.
    pub(crate) fn sent(&mut self, mut position: usize, mut bytes: usize) -> usize {
        let Some(list) = &mut self.0 else { return position + bytes };
        while let Some(first) = list.segments.front_mut() {
            let before = first.at - position;
            if bytes <= before {
                break;
            }
            position = first.at;
            bytes -= before;
            let part = bytes.min(first.bytes.len());
            first.bytes.advance(part);
            list.bytes -= part;
            bytes -= part;
            if !first.bytes.is_empty() {
                break;
            }
            list.segments.pop_front();
        }
        self.drop_empty();
        position + bytes
    }

    /// The output from one position of the written bytes to another, in one piece. It is copied if there are segments.
    pub(crate) fn whole<'a>(&self, written: &'a [u8], from: usize, to: usize) -> Cow<'a, [u8]> {
        match self.is_empty() {
            true => Cow::Borrowed(written.get(from..to).unwrap_or_default()),
            false => Cow::Owned(self.pieces(written, from, to).collect::<Vec<_>>().concat()),
        }
    }

    /// The same, piece by piece. None of them is empty.
    pub(crate) fn pieces<'a>(
        &'a self,
        written: &'a [u8],
        from: usize,
        to: usize,
    ) -> impl Iterator<Item = &'a [u8]> {
        let between = self.iter().filter(move |segment| (from..to).contains(&segment.at));
        let ends = between.clone().map(|segment| segment.at).chain([to]);
        let starts = [from].into_iter().chain(between.clone().map(|segment| segment.at));
        let written = starts.zip(ends).map(|(start, end)| written.get(start..end));
        let elsewhere = between.map(|segment| &segment.bytes[..]).chain([&[][..]]);
        let both = written.zip(elsewhere);
        let pieces = both.flat_map(|(written, elsewhere)| [written.unwrap_or_default(), elsewhere]);
        pieces.filter(|piece| !piece.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ab`, two bulk strings whose text lies elsewhere, `cd`.
    fn output() -> (Vec<u8>, Segments) {
        let mut segments = Segments::default();
        let mut written = b"ab".to_vec();
        for text in [&b"first"[..], b"second"] {
            written.push(b'$');
            segments.push(written.len(), text.to_vec().into());
            written.extend_from_slice(b"\r\n");
        }
        written.extend_from_slice(b"cd");
        (written, segments)
    }

    const ALL: &[u8] = b"ab$first\r\n$second\r\ncd";

    #[test]
    fn pieces_are_the_output_in_its_order() {
        let (written, segments) = output();
        let pieces: Vec<&[u8]> = segments.pieces(&written, 0, written.len()).collect();
        assert_eq!(pieces, [&b"ab$"[..], b"first", b"\r\n$", b"second", b"\r\ncd"]);
        assert_eq!(&segments.whole(&written, 0, written.len())[..], ALL);
        assert_eq!(&segments.whole(&written, 1, 4)[..], b"b$first\r");
        assert_eq!(&segments.whole(&written, 4, 7)[..], b"\n$second\r");
        assert_eq!(&segments.whole(&written, 9, 10)[..], b"d");
        let since = [0, 2, 5, 8].map(|position| segments.len_since(position));
        assert_eq!((segments.len(), since), (11, [11, 11, 6, 0]));
    }

    #[test]
    fn what_has_been_sent_is_gone_whatever_the_pieces() {
        for first in 0..=ALL.len() {
            for second in first..=ALL.len() {
                let (written, mut segments) = output();
                let mut position = 0;
                for bytes in [first, second - first] {
                    position = segments.sent(position, bytes);
                }
                let rest = segments.whole(&written, position, written.len()).into_owned();
                assert_eq!(rest, ALL[second..], "{first} and {second}");
                segments.shift(position);
                let (rest_of_written, end) = (&written[position..], written.len() - position);
                assert_eq!(segments.whole(rest_of_written, 0, end), rest);
            }
        }
    }

    #[test]
    fn what_is_taken_back_takes_its_segments_along() {
        let (written, mut segments) = output();
        segments.truncate(5);
        assert_eq!(&segments.whole(&written[..5], 0, 5)[..], b"ab$first\r\n");
        assert_eq!(segments.len(), 5);
    }
}
