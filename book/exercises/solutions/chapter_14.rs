//! Hostile clients.

use std::collections::HashMap;

/// The first answer to an address is put off for so long, in ms, and no answer comes later than [`LONGEST`] behind the one
/// before it.
pub const FIRST: u64 = 25;
pub const LONGEST: u64 = 1000;

/// So many addresses are remembered.
pub const MOST: usize = 1000;

/// Addresses from which logins have failed: the last delay, and when its answer is given.
#[derive(Debug, Default)]
pub struct Guesses {
    known: HashMap<u32, (u64, u64)>,
}

impl Guesses {
    /// A login from there has failed. Returns for how many ms the answer is put off.
    pub fn failed(&mut self, address: u32, now: u64) -> u64 {
        let (delay, until) = match self.known.get(&address) {
            Some(&(delay, until)) => ((delay * 2).min(LONGEST), until.max(now)),
            None => (FIRST, now),
        };
        if !self.known.contains_key(&address) && self.known.len() == MOST {
            // The server has them in order: here all are looked at.
            let first = self.known.iter().min_by_key(|(_, (_, until))| *until);
            if let Some(first) = first.map(|(&address, _)| address) {
                self.known.remove(&first);
            }
        }
        self.known.insert(address, (delay, until + delay));
        until + delay - now
    }

    /// How many addresses are remembered.
    pub fn known(&self) -> usize {
        self.known.len()
    }
}

/// Counts steps, and panics when they are too many.
#[derive(Debug)]
pub struct Steps {
    pub left: usize,
}

impl Steps {
    /// To be called for each byte of the pattern that is compared with one of the text.
    pub fn count(&mut self) {
        self.left = self.left.checked_sub(1).expect("fewer steps");
    }
}

/// Whether the whole text matches the pattern. Only the last star is gone back to: what the ones before it have taken may
/// stay as it is, since the last one can take all that they could.
pub fn matches(pattern: &[u8], text: &[u8], steps: &mut Steps) -> bool {
    let (mut at, mut star) = ((0, 0), None);
    loop {
        steps.count();
        let (in_pattern, in_text) = at;
        match (pattern.get(in_pattern), text.get(in_text)) {
            (Some(b'*'), _) => {
                star = Some((in_pattern + 1, in_text));
                at.0 += 1;
            }
            (Some(byte), Some(other)) if *byte == b'?' || byte == other => {
                at = (in_pattern + 1, in_text + 1);
            }
            (None, None) => return true,
            _ => match star {
                Some((behind, taken)) if taken < text.len() => {
                    star = Some((behind, taken + 1));
                    at = (behind, taken + 1);
                }
                _ => return false,
            },
        }
    }
}
