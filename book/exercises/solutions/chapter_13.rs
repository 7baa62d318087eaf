//! On disk without fork.

/// Keys and values, which can be recorded as they were at one moment.
#[derive(Debug, Default)]
pub struct Table {
    entries: Vec<(String, u64)>,
    /// What has been recorded of the moment.
    pub recorded: Vec<(String, u64)>,
    /// The entries in front of it are to be recorded yet.
    line: usize,
}

impl Table {
    /// Gives a key this value.
    pub fn set(&mut self, key: &str, value: u64) {
        match self.at(key) {
            Some(at) => {
                let at = self.record_first(at);
                self.entries[at].1 = value;
            }
            None => self.entries.push((key.to_owned(), value)),
        }
    }

    /// Removes a key, if it is there. What takes its place comes from above the line, and so does it by then.
    pub fn remove(&mut self, key: &str) {
        if let Some(at) = self.at(key) {
            let at = self.record_first(at);
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

    /// The moment is now.
    pub fn begin(&mut self) {
        self.recorded.clear();
        self.line = self.entries.len();
    }

    /// Records at most so many entries. Returns whether all are.
    pub fn record_some(&mut self, entries: usize) -> bool {
        for _ in 0..entries.min(self.line) {
            self.record_first(self.line - 1);
        }
        self.line == 0
    }

    /// An entry is about to change or to go. Returns where it is then.
    fn record_first(&mut self, at: usize) -> usize {
        if at >= self.line {
            return at;
        }
        self.recorded.push(self.entries[at].clone());
        self.line -= 1;
        self.entries.swap(at, self.line);
        self.line
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
    /// A slice of [`Pace::units`] has taken so long.
    pub fn learn(&mut self, nanos: u64) {
        let units = self.units as u64;
        if let Some(fitting) = (units * self.target).checked_div(nanos) {
            self.units = (fitting as usize).clamp(self.units / 2, self.units * 2);
            self.units = self.units.clamp(LEAST, MOST);
        }
    }
}
