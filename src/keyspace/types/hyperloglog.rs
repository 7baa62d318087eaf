//! HyperLogLog: how many different elements were added, to within one percent, in 12 KiB at most.
//!
//! The hash of an element chooses one of 16384 registers with its low bits; how many zeros follow in
//! the others, the register remembers if it is the most so far. Long rows of zeros are rare, so they
//! tell that many were tried: "HyperLogLog: the analysis of a near-optimal cardinality estimation
//! algorithm", Flajolet, Fusy, Gandouet and Meunier, 2007. `estimate` draws the conclusion.
//!
//! One is kept in a string, in the format of Redis and Valkey, so that GET and SET can copy it:
//!
//! ```text
//! ┌────────┬──────────┬──────────────┬─────────────────────────┬───────────┐
//! │ "HYLL" │ form: u8 │ 3 bytes, any │ the last count, u64, LE │ registers │
//! └────────┴──────────┴──────────────┴─────────────────────────┴───────────┘
//! ```
//!
//! The top bit of the last count says that registers have changed since. The form is 0 for *dense*
//! registers of six bits each, or 1 for `sparse` ones.

mod dense;
mod estimate;
mod self_test;
mod sparse;

use crate::keyspace::error::Error;
use estimate::Histogram;

pub(crate) use self_test::self_test;

/// The form that new ones begin in: sparse, all registers 0, never counted.
pub(crate) const EMPTY: &[u8] = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x7f\xff";

const MAGIC: &[u8] = b"HYLL";
const HEADER: usize = 16;
/// Where the form stands.
const PAYLOAD: usize = 4;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
/// Where the last count stands, and the byte of it whose top bit says that it is out of date.
const COUNT: std::ops::Range<usize> = 8..16;
const STALE: usize = 15;

/// How many bits of a hash choose a register.
const INDEX_BITS: u32 = 14;
const REGISTERS: usize = 1 << INDEX_BITS;

/// A HyperLogLog, to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hll<'a>(&'a [u8]);

impl<'a> Hll<'a> {
    /// The one in a string; an error if there is none.
    pub(crate) fn new(string: &'a [u8]) -> Result<Hll<'a>, Error> {
        let is_one = string.len() >= HEADER
            && string.starts_with(MAGIC)
            && match string[PAYLOAD] {
                DENSE => string.len() == HEADER + dense::SIZE,
                form => form == SPARSE,
            };
        if is_one { Ok(Hll(string)) } else { Err(Error::NotAHyperLogLog) }
    }

    /// The last count, if no register has changed since.
    pub(crate) fn last_count(self) -> Option<u64> {
        let count = u64::from_le_bytes(self.0[COUNT].try_into().ok()?);
        (count >> 63 == 0).then_some(count)
    }

    /// About how many different elements were added; an error if a sparse one is corrupt.
    pub(crate) fn count(self) -> Result<u64, Error> {
        if self.form() == DENSE {
            return Ok(dense::histogram(self.registers()).estimate());
        }
        let mut histogram = Histogram::default();
        sparse::each_run(self.registers(), |_, run| histogram.add(run.value, run.length))?;
        Ok(histogram.estimate())
    }

    pub(crate) fn is_sparse(self) -> bool {
        self.form() == SPARSE
    }

    /// The runs of a sparse one, as PFDEBUG DECODE shows them.
    pub(crate) fn decoded(self) -> Option<Vec<u8>> {
        self.is_sparse().then(|| sparse::decoded(self.registers()))
    }

    fn form(self) -> u8 {
        self.0[PAYLOAD]
    }

    fn registers(self) -> &'a [u8] {
        &self.0[HEADER..]
    }
}

/// The union of several HyperLogLogs: the greatest value of each register.
#[derive(Debug)]
pub(crate) struct Union {
    /// Dense ones.
    registers: Vec<u8>,
    any_dense: bool,
}

impl Default for Union {
    fn default() -> Union {
        Union { registers: vec![0; dense::SIZE], any_dense: false }
    }
}

impl Union {
    /// The union of one; an error if a sparse one is corrupt. A dense one is copied, and joined to nothing: PFMERGE takes a
    /// quarter less.
    pub(crate) fn of(first: Hll<'_>) -> Result<Union, Error> {
        if first.form() == DENSE {
            return Ok(Union { registers: first.registers().to_vec(), any_dense: true });
        }
        let mut union = Union::default();
        union.join(first).map(|()| union)
    }

    /// Joins another one; an error, and nothing is changed, if a sparse one is corrupt.
    pub(crate) fn join(&mut self, other: Hll<'_>) -> Result<(), Error> {
        if other.form() == DENSE {
            self.any_dense = true;
            dense::join(&mut self.registers, other.registers());
            return Ok(());
        }
        sparse::each_run(other.registers(), |_, _| ())?;
        sparse::each_run(other.registers(), |first, run| {
            // Long runs are of zeros.
            let raised = if run.value > 0 { first..first + run.length } else { 0..0 };
            raised.for_each(|index| {
                dense::raise(&mut self.registers, index, run.value);
            });
        })
    }

    /// The value of each register.
    pub(crate) fn registers(&self) -> impl ExactSizeIterator<Item = u8> {
        (0..REGISTERS).map(|index| dense::get(&self.registers, index))
    }

    /// About how many different elements were added to any of them.
    pub(crate) fn count(&self) -> u64 {
        dense::histogram(&self.registers).estimate()
    }
}

/// A HyperLogLog, to change: the tail of a vector, from `start` on. That there is one, and that it is
/// not corrupt, the caller has made sure of with [`Hll`].
#[derive(Debug)]
pub(crate) struct HllMut<'v> {
    bytes: &'v mut Vec<u8>,
    start: usize,
    /// The most bytes that it may have in sparse form.
    sparse_max: usize,
}

impl<'v> HllMut<'v> {
    pub(crate) fn new(bytes: &'v mut Vec<u8>, start: usize, sparse_max: usize) -> HllMut<'v> {
        HllMut { bytes, start, sparse_max }
    }

    fn view(&self) -> Hll<'_> {
        Hll(&self.bytes[self.start..])
    }

    /// Adds an element. Returns whether a register has changed; an error if there is no such register, which
    /// happens to corrupt ones.
    pub(crate) fn add(&mut self, element: &[u8]) -> Result<bool, Error> {
        let (index, value) = index_and_value(element);
        let changed = self.raise(index, value)?;
        if changed {
            self.forget_count();
        }
        Ok(changed)
    }

    /// Makes it the union that it has been joined to.
    pub(crate) fn become_union(&mut self, union: &Union) -> Result<(), Error> {
        if union.any_dense {
            self.write_dense(union);
        } else {
            for (index, value) in union.registers().enumerate().filter(|&(_, value)| value > 0) {
                self.raise(index, value)?;
            }
        }
        self.forget_count();
        Ok(())
    }

    /// Keeps a count until a register changes.
    pub(crate) fn keep_count(&mut self, count: u64) {
        self.bytes[self.start..][COUNT].copy_from_slice(&count.to_le_bytes());
    }

    fn forget_count(&mut self) {
        self.bytes[self.start + STALE] |= 0x80;
    }

    /// Raises a register to a value. Returns whether it was lower.
    fn raise(&mut self, index: usize, value: u8) -> Result<bool, Error> {
        if self.view().form() == SPARSE {
            let registers = self.start + HEADER;
            let room = (self.start + self.sparse_max).saturating_sub(self.bytes.len());
            if let Some(changed) = sparse::raise(self.bytes, registers, index, value, room)? {
                return Ok(changed);
            }
            self.make_dense()?;
        }
        Ok(dense::raise(&mut self.bytes[self.start + HEADER..], index, value))
    }

    /// Makes it dense, and returns whether it was not yet; an error if it is corrupt.
    pub(crate) fn make_dense(&mut self) -> Result<bool, Error> {
        if self.view().form() == DENSE {
            return Ok(false);
        }
        let union = Union::of(self.view())?;
        self.write_dense(&union);
        Ok(true)
    }

    /// Makes it dense, with other registers.
    fn write_dense(&mut self, union: &Union) {
        self.bytes.truncate(self.start + HEADER);
        self.bytes.reserve_exact(dense::SIZE);
        self.bytes.extend_from_slice(&union.registers);
        self.bytes[self.start + PAYLOAD] = DENSE;
    }
}

/// The register that an element belongs to, and the value that it raises it to: how many zeros its hash
/// has behind the bits that choose the register, and one more.
fn index_and_value(element: &[u8]) -> (usize, u8) {
    let hash = murmur64(element);
    let rest = hash >> INDEX_BITS | 1 << (64 - INDEX_BITS);
    (hash as usize % REGISTERS, rest.trailing_zeros() as u8 + 1)
}

/// MurmurHash64A by Austin Appleby, who gave it to the public; the seed is that of Redis.
fn murmur64(bytes: &[u8]) -> u64 {
    const SEED: u64 = 0xadc8_3b19;
    const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;
    let mix = |word: u64| {
        let word = word.wrapping_mul(FACTOR);
        (word ^ word >> 47).wrapping_mul(FACTOR)
    };
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(FACTOR);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        hash = (hash ^ if chunk.len() == 8 { mix(word) } else { word }).wrapping_mul(FACTOR);
    }
    hash = (hash ^ hash >> 47).wrapping_mul(FACTOR);
    hash ^ hash >> 47
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Random;

    const SPARSE_MAX: usize = 3000;

    fn add(string: &mut Vec<u8>, element: &str) -> bool {
        HllMut::new(string, 0, SPARSE_MAX).add(element.as_bytes()).unwrap()
    }

    /// The registers of either form.
    fn registers(string: &[u8]) -> Vec<u8> {
        let mut union = Union::default();
        union.join(Hll::new(string).unwrap()).unwrap();
        union.registers().collect()
    }

    #[test]
    fn bytes_are_those_of_the_reference() {
        let mut string = EMPTY.to_vec();
        assert!(add(&mut string, "a") && !add(&mut string, "a"));
        assert_eq!(string, b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80q\xa6\x84NW");
        HllMut::new(&mut string, 0, SPARSE_MAX).keep_count(1);
        assert!(add(&mut string, "b"));
        assert_eq!(string, b"HYLL\x01\0\0\0\x01\0\0\0\0\0\0\x80q\xa6\x84K\xfb\x80BZ");
    }

    #[test]
    fn a_count_is_kept_until_a_register_changes() {
        let mut string = EMPTY.to_vec();
        assert_eq!(Hll::new(&string).unwrap().last_count(), None);
        add(&mut string, "a");
        HllMut::new(&mut string, 0, SPARSE_MAX).keep_count(1);
        add(&mut string, "a");
        assert_eq!(Hll::new(&string).unwrap().last_count(), Some(1));
        add(&mut string, "b");
        assert_eq!(Hll::new(&string).unwrap().last_count(), None);
    }

    #[test]
    fn counts_are_right_within_three_percent() {
        let (mut sparse, mut dense) = (EMPTY.to_vec(), EMPTY.to_vec());
        HllMut::new(&mut dense, 0, 0).make_dense().unwrap();
        for n in 1..=100_000_u32 {
            let element = format!("element {n}");
            assert_eq!(add(&mut sparse, &element), add(&mut dense, &element));
            if n.is_power_of_two() || n % 10_000 == 0 {
                let count = Hll::new(&sparse).unwrap().count().unwrap();
                assert_eq!(Hll::new(&dense).unwrap().count(), Ok(count));
                assert!(count.abs_diff(n.into()) <= u64::from(n) * 3 / 100, "{count} for {n}");
            }
        }
        // It has become dense when it was too long.
        assert_eq!(sparse, dense);
        // These are what Valkey 9.1 counts.
        let counted = |elements: u32| {
            let mut string = EMPTY.to_vec();
            for n in 0..elements {
                add(&mut string, &format!("x:{n}"));
            }
            Hll::new(&string).unwrap().count().unwrap()
        };
        assert_eq!([0, 1, 10, 100, 1000, 10_000].map(counted), [0, 1, 10, 100, 997, 9944]);
    }

    #[test]
    fn registers_rise_like_those_of_an_array() {
        let mut random = Random::seeded(9);
        for round in 0..40 {
            let mut string = b"head".to_vec();
            string.extend_from_slice(EMPTY);
            let mut model = vec![0; REGISTERS];
            for step in 0..400 {
                // Neighbours, so that runs are split and joined.
                let near = random.below([8, 100, REGISTERS][step % 3]);
                let index = (round * 409 + near) % REGISTERS;
                let value = 1 + random.below([3, 20, 40][round % 3]) as u8;
                let changed = HllMut::new(&mut string, 4, 400).raise(index, value).unwrap();
                assert_eq!(changed, model[index] < value);
                model[index] = value.max(model[index]);
            }
            assert_eq!(registers(&string[4..]), model);
            assert_eq!(&string[..4], b"head");
        }
    }

    #[test]
    fn a_union_counts_what_was_added_to_any() {
        let mut strings = vec![EMPTY.to_vec(); 3];
        let mut all = EMPTY.to_vec();
        for n in 0..9000 {
            let which = [0, 0, 0, 0, 0, 0, 0, 1, 2][n % 9];
            add(&mut strings[which], &format!("{}", n / 2));
            add(&mut all, &format!("{}", n / 2));
        }
        for one in [&[0, 1, 2][..], &[2, 1, 0], &[1, 2]] {
            let mut result = EMPTY.to_vec();
            let hlls: Vec<Hll<'_>> = one.iter().map(|&n| Hll::new(&strings[n]).unwrap()).collect();
            let mut union = Union::of(hlls[0]).unwrap();
            hlls[1..].iter().for_each(|&hll| union.join(hll).unwrap());
            HllMut::new(&mut result, 0, SPARSE_MAX).become_union(&union).unwrap();
            assert_eq!(Hll::new(&result).unwrap().count(), Ok(union.count()));
            assert!(union.registers().eq(registers(&result)));
            // One that is dense makes all dense.
            assert_eq!(result[PAYLOAD] == DENSE, one.iter().any(|&n| strings[n][PAYLOAD] == DENSE));
            if one.len() == 3 {
                assert!(union.registers().eq(registers(&all)));
            }
        }
    }

    #[test]
    fn other_strings_and_corrupt_ones_are_told_apart() {
        let header = &EMPTY[..HEADER];
        for string in [&b""[..], b"HYLL", &[b"HYLX", &EMPTY[4..]].concat()] {
            assert_eq!(Hll::new(string).unwrap_err(), Error::NotAHyperLogLog);
        }
        let mut dense = EMPTY.to_vec();
        HllMut::new(&mut dense, 0, 0).make_dense().unwrap();
        assert!(Hll::new(&dense).is_ok());
        dense.push(0);
        assert_eq!(Hll::new(&dense).unwrap_err(), Error::NotAHyperLogLog);
        for registers in [&b""[..], b"\x7f", b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f\xff\x7f\xff"] {
            let string = [header, registers].concat();
            let hll = Hll::new(&string).unwrap();
            assert_eq!(hll.count(), Err(Error::CorruptHyperLogLog), "{registers:?}");
            let mut union = Union::default();
            assert_eq!(union.join(hll), Err(Error::CorruptHyperLogLog));
            assert!(union.registers().all(|value| value == 0));
        }
        let mut short = [header, b"\x00"].concat();
        assert!(HllMut::new(&mut short, 0, SPARSE_MAX).raise(1, 1).is_err());
    }
}
