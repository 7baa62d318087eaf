//! Sparse registers: runs of equal values, for HyperLogLogs to which little was added.
//!
//! | bytes | is |
//! |---|---|
//! | `00nnnnnn` | n + 1 registers that are 0 |
//! | `01nnnnnn nnnnnnnn` | the same, for many |
//! | `1vvvvvnn` | n + 1 registers that are v + 1 |
//!
//! Strings that clients compare come of it, so not only the format but every choice in writing it is
//! that of Valkey 9.1: where runs are split, and which of them are joined again.

use super::REGISTERS;
use crate::keyspace::error::Error;

/// The greatest value that can be written.
const VALUE_MAX: u8 = 32;
/// The most registers in one run of the second kind, and in one of the last.
const SHORT_MAX: usize = 64;
const VALUES_MAX: usize = 4;

/// Past a change, so many runs are looked at that could be joined.
const LOOKED_AT: usize = 5;

/// So many registers of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) value: u8,
    pub(crate) length: usize,
}

impl Run {
    /// The run that is spelled at the start of `bytes`, and how many bytes spell it.
    fn read(bytes: &[u8]) -> Option<(Run, usize)> {
        let first = *bytes.first()?;
        let low = usize::from(first & 0x3f);
        Some(match first >> 6 {
            0 => (Run { value: 0, length: low + 1 }, 1),
            1 => {
                let second = bytes.get(1).copied().unwrap_or(0);
                (Run { value: 0, length: (low << 8 | usize::from(second)) + 1 }, 2)
            }
            _ => (Run { value: (first >> 2 & 0x1f) + 1, length: usize::from(first & 3) + 1 }, 1),
        })
    }

    /// Spells the run: its length must be one that can be written. Nothing for no registers.
    fn write(self, out: &mut Spelling) {
        let length = self.length.wrapping_sub(1);
        match self {
            Run { length: 0, .. } => {}
            Run { value: 0, length: ..=SHORT_MAX } => out.push(length as u8),
            Run { value: 0, .. } => {
                out.push(0x40 | (length >> 8) as u8);
                out.push(length as u8);
            }
            Run { value, .. } => out.push(0x80 | (value - 1) << 2 | length as u8),
        }
    }
}

/// The bytes of up to three runs.
#[derive(Debug, Default)]
struct Spelling {
    bytes: [u8; 5],
    used: usize,
}

impl Spelling {
    fn push(&mut self, byte: u8) {
        self.bytes[self.used] = byte;
        self.used += 1;
    }
}

/// Calls `visit` with every run and the index of its first register. An error, after some calls, if
/// there are too many registers or too few.
pub(crate) fn each_run(mut bytes: &[u8], mut visit: impl FnMut(usize, Run)) -> Result<(), Error> {
    let mut index = 0;
    while let Some((run, used)) = Run::read(bytes) {
        if index + run.length > REGISTERS {
            return Err(Error::CorruptHyperLogLog);
        }
        visit(index, run);
        index += run.length;
        bytes = bytes.get(used..).unwrap_or_default();
    }
    if index == REGISTERS { Ok(()) } else { Err(Error::CorruptHyperLogLog) }
}

/// Every run as PFDEBUG DECODE shows it, corrupt or not: `z:3` for three registers that are 0 and spelled in
/// one byte, `Z:3` in two, `v:5,3` for three that are 5.
pub(crate) fn decoded(mut bytes: &[u8]) -> Vec<u8> {
    let mut shown = Vec::new();
    while let Some((run, used)) = Run::read(bytes) {
        let Run { value, length } = run;
        let run = match (value, used) {
            (0, 1) => format!("z:{length} "),
            (0, _) => format!("Z:{length} "),
            _ => format!("v:{value},{length} "),
        };
        shown.extend_from_slice(run.as_bytes());
        bytes = bytes.get(used..).unwrap_or_default();
    }
    shown.pop();
    shown
}

/// Raises a register of those in `bytes`, from `start` on, to a value. Returns whether it was lower; `None` if
/// that cannot be written sparsely, or only if the bytes become more than `room` longer.
pub(crate) fn raise(
    bytes: &mut Vec<u8>,
    start: usize,
    index: usize,
    value: u8,
    room: usize,
) -> Result<Option<bool>, Error> {
    if value > VALUE_MAX {
        return Ok(None);
    }
    // The run that the register is in, and the one before it.
    let (mut at, mut before, mut first) = (start, start, 0);
    let (run, used) = loop {
        let Some((run, used)) = bytes.get(at..).and_then(Run::read) else {
            return Err(Error::CorruptHyperLogLog);
        };
        if index < first + run.length {
            break (run, used);
        }
        before = at;
        at += used;
        first += run.length;
    };
    if run.value >= value {
        return Ok(Some(false));
    }
    let mut spelling = Spelling::default();
    Run { length: index - first, ..run }.write(&mut spelling);
    Run { value, length: 1 }.write(&mut spelling);
    Run { length: first + run.length - index - 1, ..run }.write(&mut spelling);
    if spelling.used > used && spelling.used - used > room {
        return Ok(None);
    }
    let end = (at + used).min(bytes.len());
    bytes.reserve_exact(spelling.used.saturating_sub(used));
    bytes.splice(at..end, spelling.bytes[..spelling.used].iter().copied());
    join(bytes, before);
    Ok(Some(true))
}

/// Joins neighbours of one value, among the first few runs from `at` on.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..LOOKED_AT {
        let Some((run, used)) = bytes.get(at..).and_then(Run::read) else {
            return;
        };
        if run.value > 0
            && let Some((next, _)) = Run::read(&bytes[at + used..])
            && next.value == run.value
            && run.length + next.length <= VALUES_MAX
        {
            let mut joined = Spelling::default();
            Run { length: run.length + next.length, ..run }.write(&mut joined);
            bytes[at] = joined.bytes[0];
            bytes.remove(at + 1);
        } else {
            at += used;
        }
    }
}
