//! Hostile clients.

/// The first answer to an address is put off for so long, in ms, and no answer comes later than [`LONGEST`] behind the one
/// before it.
pub const FIRST: u64 = 25;
pub const LONGEST: u64 = 1000;

/// So many addresses are remembered.
pub const MOST: usize = 1000;

/// Addresses from which logins have failed.
#[derive(Debug, Default)]
pub struct Guesses {
    // What it needs to know of an address is yours to choose.
}

impl Guesses {
    /// A login from there has failed. Returns for how many ms the answer is put off. Delays double from one failure to the
    /// next, and each begins where the one before it ends. Of too many addresses, the one whose last answer is given first
    /// is forgotten.
    pub fn failed(&mut self, address: u32, now: u64) -> u64 {
        let _ = (address, now);
        todo!("one behind the other")
    }

    /// How many addresses are remembered.
    pub fn known(&self) -> usize {
        todo!("never more than MOST")
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

/// Whether the whole text matches the pattern: `*` is any bytes, also none, `?` is any one byte, and all others are
/// themselves.
pub fn matches(pattern: &[u8], text: &[u8], steps: &mut Steps) -> bool {
    steps.count();
    match (pattern.split_first(), text.split_first()) {
        (None, _) => text.is_empty(),
        // Nothing, or a byte and the star again.
        (Some((b'*', rest)), more) => {
            matches(rest, text, steps)
                || more.is_some_and(|(_, fewer)| matches(pattern, fewer, steps))
        }
        (Some((byte, rest)), Some((other, fewer))) => {
            (*byte == b'?' || byte == other) && matches(rest, fewer, steps)
        }
        (Some(_), None) => false,
    }
}
