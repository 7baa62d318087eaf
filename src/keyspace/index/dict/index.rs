//! The index of a dictionary: at which position the entry with a hash lies.
//!
//! It is a row of small hash tables, each of which has the hashes of a range. A table that is full is
//! split in two, so growing is always the work of a moment, however much there is: extendible hashing,
//! as Fagin, Nievergelt, Pippenger and Strong described it in 1979.
//!
//! If all ranges were as wide, all tables would be full at the same time: half of the memory would be
//! unused after it, and all clients would wait meanwhile. So the ranges are cut out of a bent scale, on
//! which some are up to twice as wide as others, and at any time some tables have just been split and
//! others are nearly full: the idea of Martin's spiral storage, of the same year.

use hashbrown::HashTable;

/// Positions by hash.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    tables: Vec<HashTable<u32>>,
    /// The table that has a hash, by the top bits of [`bend`] of the hash. Its length is a power of two.
    directory: Vec<u32>,
    /// How far a bent hash is to be shifted right to be an index of the directory.
    shift: u32,
    /// Bytes of memory that the tables hold.
    tables_memory: usize,
    /// So many positions are expected; 0 if that is unknown.
    expected: u32,
}

/// How many places a full table has. A step of a scan looks at all entries of one: with 4096 places and a
/// million keys it takes 30 µs and more, with 512 about 4, for a quarter of a byte per entry.
const PLACES: usize = 512;

/// A table of so many hashes is full. It is the most that its places may take.
const FULL: usize = PLACES / 8 * 7;

/// A table of so many that has no room left is split. With fewer, places of what was removed are cleared.
const CROWDED: usize = FULL / 4 * 3;

/// A table is split into so many at most, if as many are expected: what is declared of a file may be a lie, and then takes
/// 90 bytes for each key that is there.
const MOST_PARTS: usize = 16;

/// A table with room for no more than this is not made smaller, unless it is empty and one of many.
const SMALL: usize = 28;

/// No more bits are looked at to choose a table. If they do not part its hashes, it grows.
const MAX_DIRECTORY: usize = 1 << 24;

/// No position: a dictionary does not have so many.
const NOWHERE: usize = u32::MAX as usize;

impl Default for Index {
    fn default() -> Index {
        Index {
            tables: vec![HashTable::new()],
            directory: vec![0],
            shift: 32,
            tables_memory: 0,
            expected: 0,
        }
    }
}

impl Index {
    /// The positions with this hash, some others perhaps among them.
    pub(crate) fn with_hash(&self, hash: u32) -> impl Iterator<Item = usize> + '_ {
        self.table(hash).iter_hash(spread(hash)).map(|&at| at as usize)
    }

    /// The position that has this hash and is the one.
    #[inline]
    pub(crate) fn find(&self, hash: u32, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        self.table(hash).find(spread(hash), |&at| is_it(at as usize)).map(|&at| at as usize)
    }

    // ANCHOR: insert
    /// Adds a position. `hash_at` tells the hashes of positions.
    pub(crate) fn insert(&mut self, hash: u32, at: usize, hash_at: impl Fn(usize) -> u32) {
        let hash_at = |&at: &u32| hash_at(at as usize);
        let mut id = self.table_of(hash);
        if self.tables[id].len() == self.tables[id].capacity() {
            if self.tables[id].len() >= CROWDED && self.tables[id].num_buckets() >= PLACES {
                self.split(hash, hash_at);
                id = self.table_of(hash);
            }
            self.make_room(id, hash_at);
        }
        self.tables[id].insert_unique(spread(hash), at as u32, |at| spread(hash_at(at)));
    }
    // ANCHOR_END: insert

    /// Makes room for one more in a table. Places of what was removed are unusable until a table is built
    /// anew: one that has many of them does not grow.
    fn make_room(&mut self, id: usize, hash_at: impl Fn(&u32) -> u32) {
        let table = &mut self.tables[id];
        let before = memory(table);
        let room = match table.num_buckets() < PLACES || table.len() >= CROWDED {
            true => table.len() + 1,
            false => FULL,
        };
        let links = links(table, &hash_at);
        *table = table_of(links.into_iter(), room, &hash_at);
        self.tables_memory = self.tables_memory + memory(table) - before;
    }

    /// Removes a position.
    pub(crate) fn remove(&mut self, hash: u32, at: usize, hash_at: impl Fn(usize) -> u32) {
        let id = self.table_of(hash);
        let is_one_of_many = self.tables.len() > 1;
        let table = &mut self.tables[id];
        if let Ok(link) = table.find_entry(spread(hash), |&link| link as usize == at) {
            link.remove();
        }
        let is_roomy = table.capacity() > SMALL && table.len() < table.capacity() / 8;
        if is_roomy || is_one_of_many && table.is_empty() {
            let before = memory(table);
            table.shrink_to(table.len() * 2, |&at| spread(hash_at(at as usize)));
            self.tables_memory = self.tables_memory + memory(table) - before;
        }
    }

    /// What was at one position is at another now.
    pub(crate) fn relocate(&mut self, hash: u32, from: usize, to: usize) {
        let id = self.table_of(hash);
        if let Some(link) = self.tables[id].find_mut(spread(hash), |&link| link as usize == from) {
            *link = to as u32;
        }
    }

    /// What is at two positions, with these hashes, changes places.
    pub(crate) fn exchange(
        &mut self,
        (hash, at): (u32, usize),
        (other_hash, other_at): (u32, usize),
    ) {
        // Two with the same hash are not told apart. Others pass through a position that there is not, or the
        // second might be taken for the first.
        if hash != other_hash {
            self.relocate(hash, at, NOWHERE);
            self.relocate(other_hash, other_at, at);
            self.relocate(hash, NOWHERE, other_at);
        }
    }

    /// Whether there is much more of it than `len` positions need.
    pub(crate) fn is_sparse(&self, len: usize) -> bool {
        self.tables.len() > 1 && len < FULL / 4
    }

    /// The place of a hash in the order in which [`Index::table_from`] goes through the tables: below 2^32.
    pub(crate) fn place(hash: u32) -> u64 {
        bend(hash)
    }

    /// The positions in the table that has the hashes at this place, and the place at which the next table
    /// begins. `None` behind the last place.
    pub(crate) fn table_from(&self, place: u64) -> Option<(impl Iterator<Item = usize> + '_, u64)> {
        let cell = usize::try_from(place >> self.shift).ok()?;
        let cells = self.directory.get(cell..)?;
        let &id = cells.first()?;
        let length = cells.iter().take_while(|&&other| other == id).count();
        let next = ((cell + length) as u64) << self.shift;
        Some((self.tables[id as usize].iter().map(|&at| at as usize), next))
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.tables.capacity() * size_of::<HashTable<u32>>()
            + self.directory.capacity() * size_of::<u32>()
            + self.tables_memory
    }

    /// The tables, to be freed one by one.
    pub(crate) fn into_tables(self) -> Vec<HashTable<u32>> {
        self.tables
    }

    fn table(&self, hash: u32) -> &HashTable<u32> {
        &self.tables[self.table_of(hash)]
    }

    #[inline]
    fn table_of(&self, hash: u32) -> usize {
        self.directory[(bend(hash) >> self.shift) as usize] as usize
    }

    /// So many positions are going to be added, all in all; 0 takes that back. Tables are then split into as many as there
    /// will be, so that each hash is read once, where it is read three times otherwise.
    pub(crate) fn expect(&mut self, positions: usize) {
        self.expected = u32::try_from(positions).unwrap_or(u32::MAX);
    }

    /// Gives the table with this hash a part of its range, and the other parts to new tables: half, if no more are expected.
    fn split(&mut self, hash: u32, hash_at: impl Fn(&u32) -> u32) {
        let id = self.table_of(hash);
        let mut cells = self.cells_of(hash, id);
        let expected = self.expected as usize / CROWDED * cells.len() / self.directory.len();
        let room = if expected > 1 { FULL } else { 0 };
        let parts = expected.clamp(2, MOST_PARTS).next_power_of_two();
        while cells.len() < parts && self.directory.len() < MAX_DIRECTORY {
            self.directory = self.directory.iter().flat_map(|&id| [id, id]).collect();
            self.shift -= 1;
            cells = self.cells_of(hash, id);
        }
        let parts = parts.min(cells.len());
        if parts == 1 {
            return;
        }
        let width = cells.len() / parts;
        let part_of = |hash| ((bend(hash) >> self.shift) as usize - cells.start) / width;

        let table = &mut self.tables[id];
        self.tables_memory -= memory(table);
        let mut parted: [Vec<Link>; MOST_PARTS] = Default::default();
        for link in links(table, &hash_at) {
            parted[part_of(link.hash)].push(link);
        }
        let tables =
            parted.into_iter().take(parts).map(|links| table_of(links.into_iter(), room, &hash_at));
        for (part, table) in tables.enumerate() {
            self.tables_memory += memory(&table);
            if part == 0 {
                self.tables[id] = table;
            } else {
                let start = cells.start + part * width;
                self.directory[start..start + width].fill(self.tables.len() as u32);
                self.tables.push(table);
            }
        }
    }

    /// The cells of the directory that lead to the table with this hash. They are neighbours.
    fn cells_of(&self, hash: u32, id: usize) -> std::ops::Range<usize> {
        let is_other = |&cell: &u32| cell as usize != id;
        let (before, after) = self.directory.split_at((bend(hash) >> self.shift) as usize);
        let start = before.iter().rposition(is_other).map_or(0, |at| at + 1);
        let end = after.iter().position(is_other).unwrap_or(after.len());
        start..before.len() + end
    }
}

/// A position with its hash.
struct Link {
    hash: u32,
    at: u32,
}

/// Takes everything out of a table. The hashes stand with the entries, where each is a miss of the cache: read in one
/// go, the processor waits for many of them at once. Loading 3 million keys takes 0.8 of the CPU by that.
fn links(table: &mut HashTable<u32>, hash_at: impl Fn(&u32) -> u32) -> Vec<Link> {
    table.drain().map(|at| Link { hash: hash_at(&at), at }).collect()
}

/// A table of these positions, with room for as many as `room` at least.
fn table_of(
    links: impl ExactSizeIterator<Item = Link>,
    room: usize,
    hash_at: impl Fn(&u32) -> u32,
) -> HashTable<u32> {
    let mut table = HashTable::with_capacity(links.len().max(room));
    for Link { hash, at } in links {
        table.insert_unique(spread(hash), at, |at| spread(hash_at(at)));
    }
    table
}

/// With eight bytes that are the allocator's.
fn memory(table: &HashTable<u32>) -> usize {
    match table.allocation_size() {
        0 => 0,
        bytes => bytes + 8,
    }
}

/// A hash on the scale that ranges are cut from: u + u(1 - u)/3, which keeps the order.
#[inline]
fn bend(hash: u32) -> u64 {
    const ONE: u64 = 1 << 32;
    let hash = u64::from(hash);
    hash + ((hash * (ONE - hash)) >> 32) / 3
}

/// Sixty-four bits from thirty-two: a table looks at the lowest and the highest.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn tables_never_grow_all_at_once() {
        let hashes: Vec<u32> = (0..400_000_u32).map(|n| n.wrapping_mul(0x9e37_79b9)).collect();
        let mut index = Index::default();
        for (at, &hash) in hashes.iter().enumerate() {
            let before = index.memory();
            index.insert(hash, at, |at| hashes[at]);
            // Two tables of five bytes a place, or a directory or list of tables.
            assert!(index.memory() - before <= 40_000, "{}", index.memory() - before);
            if at > 50_000 && at % 1000 == 0 {
                let each = index.memory() as f64 / at as f64;
                assert!((6.0..10.0).contains(&each), "{each} bytes with {at}");
            }
        }
        for (at, &hash) in hashes.iter().enumerate() {
            assert_eq!(index.find(hash, |found| found == at), Some(at));
        }
        assert!(index.tables.iter().all(|table| table.len() <= FULL));
    }

    #[test]
    fn hashes_that_are_expected_find_tables_for_all() {
        let hashes: Vec<u32> = (0..400_000_u32).map(|n| n.wrapping_mul(0x9e37_79b9)).collect();
        let filled = |expected, count| {
            let (mut index, read) = (Index::default(), Cell::new(0));
            index.expect(expected);
            for at in 0..count {
                index.insert(hashes[at], at, |at| {
                    read.set(read.get() + 1);
                    hashes[at]
                });
            }
            for (at, &hash) in hashes[..count].iter().enumerate() {
                assert_eq!(index.find(hash, |found| found == at), Some(at));
            }
            (index.memory() as f64 / count as f64, f64::from(read.get()) / count as f64)
        };
        let (each, read) = filled(0, hashes.len());
        assert!((6.0..10.0).contains(&each) && read > 2.0, "{each} bytes, read {read} times");
        let (each, read) = filled(hashes.len(), hashes.len());
        assert!((6.0..10.0).contains(&each) && read < 1.0, "{each} bytes, read {read} times");
        // More are expected than come.
        for count in [1000, 10_000, 100_000] {
            let (each, _) = filled(usize::MAX, count);
            assert!(each < 150.0, "{each} bytes");
        }
    }

    #[test]
    fn hashes_that_come_and_go_take_no_more_room() {
        let hash = |n: usize| (n as u32).wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995;
        let mut index = Index::default();
        const SIZE: usize = 30_000;
        (0..SIZE).for_each(|at| index.insert(hash(at), at, hash));
        let before = index.memory();
        for at in SIZE..20 * SIZE {
            index.remove(hash(at - SIZE), at - SIZE, hash);
            index.insert(hash(at), at, hash);
        }
        assert!(index.memory() < before + before / 2, "{before} {}", index.memory());
    }

    #[test]
    fn hashes_that_nothing_parts_share_a_table() {
        let mut index = Index::default();
        for at in 0..2 * FULL {
            index.insert(7, at, |_| 7);
        }
        assert_eq!(index.with_hash(7).count(), 2 * FULL);
        for at in 0..2 * FULL {
            index.remove(7, at, |_| 7);
        }
        assert_eq!(index.with_hash(7).count(), 0);
    }

    #[test]
    fn the_bent_scale_keeps_the_order_and_the_ends() {
        assert_eq!((bend(0), bend(u32::MAX)), (0, u64::from(u32::MAX)));
        let bent: Vec<u64> = (0..=1000).map(|n| bend(n * 4_294_967)).collect();
        assert!(bent.is_sorted());
        // A range at the end is twice as wide as one at the beginning.
        let (first, last) = (bent[1] - bent[0], bent[1000] - bent[999]);
        assert!((1.9..2.1).contains(&(first as f64 / last as f64)));
    }
}
