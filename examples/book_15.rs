//! Chapter 15 of the book: faults that are made on purpose, and which kinds of test find them.

use std::panic::{self, AssertUnwindSafe};

/// What may be wrong with [`Lines`].
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// It knows no more of a line's beginning when its end comes in another piece.
    ForgetsTheRest,
    /// Of a piece it completes one line at most.
    StopsAtOne,
    /// A line end that is cut in two is not seen.
    MissesCutEnds,
    /// An empty line is none.
    SkipsEmptyLines,
}

/// Finds lines that end with `\r\n`, in pieces.
struct Lines {
    rest: Vec<u8>,
    fault: Fault,
}

impl Lines {
    fn push(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        if self.fault == Fault::MissesCutEnds && self.rest.ends_with(b"\r") {
            self.rest.pop();
        }
        self.rest.extend_from_slice(piece);
        let mut lines = Vec::new();
        while let Some(end) = self.rest.windows(2).position(|pair| pair == b"\r\n") {
            let mut line: Vec<u8> = self.rest.drain(..end + 2).collect();
            line.truncate(end);
            if self.fault != Fault::SkipsEmptyLines || !line.is_empty() {
                lines.push(line);
            }
            if self.fault == Fault::StopsAtOne {
                break;
            }
        }
        if self.fault == Fault::ForgetsTheRest {
            self.rest.clear();
        }
        lines
    }
}

/// All lines of a text that comes in these pieces.
fn read<'t>(fault: Fault, pieces: impl Iterator<Item = &'t [u8]>) -> Vec<Vec<u8>> {
    let mut lines = Lines { rest: Vec::new(), fault };
    pieces.flat_map(|piece| lines.push(piece)).collect()
}

// ANCHOR: tests
/// What a text says, and what is expected, both written by hand.
fn example(fault: Fault) {
    let found = read(fault, [&b"PING\r\n"[..]].into_iter());
    assert_eq!(found, [b"PING"]);
}

/// A text of two lines, cut in two at every place.
fn every_split(fault: Fault) {
    let text = b"PING\r\nGET k\r\n";
    for at in 0..=text.len() {
        let (one, other) = text.split_at(at);
        assert_eq!(read(fault, [one, other].into_iter()), [&b"PING"[..], b"GET k"]);
    }
}

/// Random texts in random pieces, and a model: all that is between line ends.
fn model(fault: Fault) {
    let mut random = Random(15);
    for _ in 0..1000 {
        let text: Vec<u8> = (0..random.below(12)).map(|_| b"ab\r\n"[random.below(4)]).collect();
        let size = 1 + random.below(4);
        let text = [&text[..], b"\r\n"].concat();
        let spelled = String::from_utf8(text.clone()).expect("text");
        let expected = spelled.strip_suffix("\r\n").expect("an end").split("\r\n");
        let found = read(fault, text.chunks(size));
        assert!(found.iter().map(Vec::as_slice).eq(expected.map(str::as_bytes)));
    }
}
// ANCHOR_END: tests

/// Numbers that look like chance.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % most
    }
}

fn main() {
    panic::set_hook(Box::new(|_| {})); // A test that fails is what is wanted here.
    let tests: [fn(Fault); 3] = [example, every_split, model];
    println!("{:<16} {:<8} {:<12} model", "fault", "example", "every split");
    for fault in [
        Fault::None,
        Fault::ForgetsTheRest,
        Fault::StopsAtOne,
        Fault::MissesCutEnds,
        Fault::SkipsEmptyLines,
    ] {
        let found = tests.map(|test| match panic::catch_unwind(AssertUnwindSafe(|| test(fault))) {
            Ok(()) => "green",
            Err(_) => "RED",
        });
        let name = format!("{fault:?}");
        println!("{:<16} {:<8} {:<12} {}", name, found[0], found[1], found[2]);
        assert_eq!(found[2] == "RED", fault != Fault::None, "the model finds them all");
    }
}
