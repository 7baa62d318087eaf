//! On disk without fork.

/// Keys and values, which can be recorded as they were at one moment. Each key is there once.
#[derive(Debug, Default)]
pub struct Table {
    entries: Vec<(String, u64)>,
    /// What has been recorded of the moment.
    pub recorded: Vec<(String, u64)>,
    // What it needs to know besides is yours to choose.
}

impl Table {
    /// Gives a key this value.
    pub fn set(&mut self, key: &str, value: u64) {
        match self.at(key) {
            Some(at) => self.entries[at].1 = value,
            None => self.entries.push((key.to_owned(), value)),
        }
    }

    /// Removes a key, if it is there.
    pub fn remove(&mut self, key: &str) {
        if let Some(at) = self.at(key) {
            self.entries.swap_remove(at);
        }
    }

    fn at(&self, key: &str) -> Option<usize> {
        self.entries.iter().position(|(found, _)| found == key)
    }

    /// What is there now.
    pub fn entries(&self) -> &[(String, u64)] {
        &self.entries
    }

    /// The moment is now. Records nothing.
    pub fn begin(&mut self) {
        self.recorded.clear();
        todo!("draw a line")
    }

    /// Records at most so many entries. Returns whether all are.
    pub fn record_some(&mut self, entries: usize) -> bool {
        let _ = entries;
        todo!("walk down")
    }
}

/// The least and the most units of a slice.
pub const LEAST: usize = 256;
pub const MOST: usize = 1 << 18;

/// How many units of work are done at once.
#[derive(Debug)]
pub struct Pace {
    /// Of the next slice.
    pub units: usize,
    /// How long one is to take, in nanoseconds.
    pub target: u64,
}

impl Pace {
    /// A slice of [`Pace::units`] has taken so long. The next one is to take the target, has at most twice as many units
    /// and at least half as many, and neither more than [`MOST`] nor less than [`LEAST`]. 0 ns says nothing.
    pub fn learn(&mut self, nanos: u64) {
        let _ = nanos;
        todo!("the same time for each unit as in the last slice")
    }
}
