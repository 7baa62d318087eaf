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

/// The words of the compact form, each with the offset at which it begins.
fn words(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 2;
    std::iter::from_fn(move || {
        let (start, length) = (at, usize::from(*bytes.get(at)?));
        at += length + 2;
        Some((start, &bytes[start + 1..start + 1 + length]))
    })
}

/// Where a field and its value begin, and where the next field does.
fn find(bytes: &[u8], name: &[u8]) -> Option<(usize, usize, usize)> {
    let mut words = words(bytes);
    while let (Some((start, known)), Some((value_at, value))) = (words.next(), words.next()) {
        if known == name {
            return Some((start, value_at, value_at + value.len() + 2));
        }
    }
    None
}

fn count(bytes: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([bytes[0], bytes[1]]))
}

fn set_count(bytes: &mut [u8], count: usize) {
    bytes[..2].copy_from_slice(&(count as u16).to_le_bytes());
}

/// A word as it is spelled.
fn spelled(word: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let length = word.len() as u8;
    std::iter::once(length).chain(word.iter().copied()).chain([length])
}

impl SmallHash {
    /// Sets a field. Returns whether it is new.
    pub fn set(&mut self, name: &[u8], value: &[u8]) -> bool {
        let is_long = name.len().max(value.len()) > LONGEST;
        let bytes = match self {
            SmallHash::Large(fields) => {
                return fields.insert(name.to_vec(), value.to_vec()).is_none();
            }
            SmallHash::Compact(bytes) => bytes,
        };
        let found = find(bytes, name);
        if is_long || found.is_none() && count(bytes) / 2 == MOST_FIELDS {
            self.enlarge();
            return self.set(name, value);
        }
        if let Some((_, from, to)) = found {
            bytes.splice(from..to, spelled(value));
            return false;
        }
        bytes.extend(spelled(name).chain(spelled(value)));
        let more = count(bytes) + 2;
        set_count(bytes, more);
        true
    }

    /// The value of a field.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        match self {
            SmallHash::Large(fields) => fields.get(name).map(Vec::as_slice),
            SmallHash::Compact(bytes) => {
                find(bytes, name).map(|(_, from, to)| &bytes[from + 1..to - 1])
            }
        }
    }

    /// Removes a field. Returns whether there was one.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        match self {
            SmallHash::Large(fields) => fields.remove(name).is_some(),
            SmallHash::Compact(bytes) => {
                let Some((from, _, to)) = find(bytes, name) else {
                    return false;
                };
                bytes.drain(from..to);
                let left = count(bytes) - 2;
                set_count(bytes, left);
                true
            }
        }
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        match self {
            SmallHash::Large(fields) => fields.len(),
            SmallHash::Compact(bytes) => count(bytes) / 2,
        }
    }

    fn enlarge(&mut self) {
        if let SmallHash::Compact(bytes) = self {
            let all: Vec<&[u8]> = words(bytes).map(|(_, word)| word).collect();
            let fields = all.chunks_exact(2).map(|pair| (pair[0].to_vec(), pair[1].to_vec()));
            *self = SmallHash::Large(fields.collect());
        }
    }
}

/// Numbers by number. At each insertion that makes it too full one bucket is split, whether it is that which is full or not:
/// linear hashing, as Litwin described it in 1980.
#[derive(Debug)]
pub struct Table {
    buckets: Vec<Vec<(u64, u64)>>,
    len: usize,
    /// How many entries have been looked at to be moved.
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
            // The new bucket takes its part of the one that has had its hashes until now.
            let old = self.buckets.len() - (1 << self.buckets.len().ilog2());
            self.buckets.push(Vec::new());
            for (key, value) in std::mem::take(&mut self.buckets[old]) {
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

    /// The bucket that a hash would have if there were as many as the next power of two; if that is not there yet, the one that
    /// it is going to be split from.
    fn bucket(&self, key: u64) -> usize {
        let all = self.buckets.len().next_power_of_two();
        let bucket = hash(key) % all;
        if bucket < self.buckets.len() { bucket } else { bucket - all / 2 }
    }
}
