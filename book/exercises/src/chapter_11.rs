//! Collections.

use std::collections::HashMap;

/// Most fields of the compact form.
pub const MOST_FIELDS: usize = 8;

/// The longest word of the compact form, in bytes.
pub const LONGEST: usize = 64;

/// A hash: fields with values, in one of two forms.
#[derive(Debug)]
pub enum SmallHash {
    /// Two bytes that count the words, the lower first; then names and values in turn, in the order in which the fields came. Each
    /// word has a byte with its length on both sides.
    Compact(Vec<u8>),
    /// What has passed a limit. It stays so.
    Large(HashMap<Vec<u8>, Vec<u8>>),
}

impl Default for SmallHash {
    fn default() -> SmallHash {
        SmallHash::Compact(vec![0, 0])
    }
}

impl SmallHash {
    /// Sets a field. Returns whether it is new.
    pub fn set(&mut self, name: &[u8], value: &[u8]) -> bool {
        let _ = (name, value);
        todo!("which form? which will it be?")
    }

    /// The value of a field.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let _ = name;
        todo!("walk, or ask the map")
    }

    /// Removes a field. Returns whether there was one.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let _ = name;
        todo!("close the gap")
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        todo!("without a walk")
    }
}

/// Numbers by number. It is given with a bad moment.
#[derive(Debug)]
pub struct Table {
    buckets: Vec<Vec<(u64, u64)>>,
    len: usize,
    /// How many entries have been moved from one bucket to another. To be counted up for each that is looked at for that.
    pub moved: usize,
}

impl Default for Table {
    fn default() -> Table {
        Table { buckets: vec![Vec::new()], len: 0, moved: 0 }
    }
}

/// A hash that spreads numbers well.
pub fn hash(key: u64) -> usize {
    let mixed = (key ^ key >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed ^ mixed >> 33) as usize
}

impl Table {
    /// Adds a key, which is not there yet.
    pub fn insert(&mut self, key: u64, value: u64) {
        if self.len == 4 * self.buckets.len() {
            let larger = vec![Vec::new(); 2 * self.buckets.len()];
            for (key, value) in std::mem::replace(&mut self.buckets, larger).into_iter().flatten() {
                self.moved += 1;
                let bucket = self.bucket(key);
                self.buckets[bucket].push((key, value));
            }
        }
        let bucket = self.bucket(key);
        self.buckets[bucket].push((key, value));
        self.len += 1;
    }

    pub fn get(&self, key: u64) -> Option<u64> {
        let bucket = &self.buckets[self.bucket(key)];
        bucket.iter().find(|(known, _)| *known == key).map(|&(_, value)| value)
    }

    /// The most that is looked at for one key.
    pub fn longest(&self) -> usize {
        self.buckets.iter().map(Vec::len).max().unwrap_or(0)
    }

    fn bucket(&self, key: u64) -> usize {
        hash(key) % self.buckets.len()
    }
}
