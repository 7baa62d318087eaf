//! Geohashes: a place as one number, so that places near to each other mostly have numbers near to each
//! other.
//!
//! The map is halved again and again, across and along in turns; which half a place is in makes the next
//! bit. The even bits, counted from the lowest, are the latitude's, the odd ones the longitude's. The 52
//! bits of 26 halvings each way are exact as a double, so they serve as the score in a sorted set. Fewer
//! halvings make a [`Cell`]: a rectangle of the map, whose places have scores that lie together.

use super::{Bounds, MAP, Point};

/// How often the map is halved each way to get a score.
pub(crate) const STEPS: u32 = 26;

/// The digits of a geohash as text.
const DIGITS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// The map that geohashes as text are about: it goes up to the poles.
const GLOBE: Bounds = Bounds { south: -90.0, north: 90.0, ..MAP };

impl Point {
    /// The score that a place on the map has in an index.
    pub(crate) fn score(self) -> f64 {
        self.bits(MAP, STEPS) as f64
    }

    /// The place that a score is about: the middle of its cell, for the rest is lost. Any double is one.
    pub(crate) fn of_score(score: f64) -> Point {
        let bounds = Cell { bits: bits_of(score), steps: STEPS }.bounds();
        let middle = |low: f64, high: f64| (low + high) / 2.0;
        Point {
            longitude: middle(bounds.west, bounds.east).clamp(MAP.west, MAP.east),
            latitude: middle(bounds.south, bounds.north).clamp(MAP.south, MAP.north),
        }
    }

    /// The geohash as text, as the world knows it. The eleventh digit would need 55 bits, and is 0.
    pub(crate) fn geohash(self) -> [u8; 11] {
        let bits = self.bits(GLOBE, STEPS);
        std::array::from_fn(|index| match index {
            10 => b'0',
            _ => DIGITS[(bits >> (2 * STEPS as usize - 5 * (index + 1))) as usize % 32],
        })
    }

    /// The halves of `map` that the place is in. On the eastern or northern edge they are one too many,
    /// which makes a bit more than there should be; so it is in the reference.
    fn bits(self, map: Bounds, steps: u32) -> u64 {
        let halves = |value: f64, low: f64, high: f64| {
            ((value - low) / (high - low) * f64::from(1 << steps)) as u32
        };
        interleave(
            halves(self.latitude, map.south, map.north),
            halves(self.longitude, map.west, map.east),
        )
    }
}

/// A rectangle of the map: the places that have the same halves for so many steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    bits: u64,
    steps: u32,
}

impl Cell {
    /// The cell around a place.
    pub(crate) fn around(point: Point, steps: u32) -> Cell {
        Cell { bits: point.bits(MAP, steps), steps }
    }

    /// The cell that many cells to the east and to the north; negative: to the west and to the south.
    /// Behind an edge of the map is its other edge, in both directions.
    pub(crate) fn beside(self, east: i32, north: i32) -> Cell {
        let (latitude, longitude) = deinterleave(self.bits);
        let mask = (1_u32 << self.steps) - 1;
        let moved = |halves: u32, by: i32| match by {
            0 => halves,
            _ => halves.wrapping_add_signed(by) & mask,
        };
        Cell { bits: interleave(moved(latitude, north), moved(longitude, east)), ..self }
    }

    pub(crate) fn bounds(self) -> Bounds {
        let (latitude, longitude) = deinterleave(self.bits);
        let edge = |halves: u32, more: f64, low: f64, high: f64| {
            low + (f64::from(halves) + more) / f64::from(1 << self.steps) * (high - low)
        };
        Bounds {
            west: edge(longitude, 0.0, MAP.west, MAP.east),
            east: edge(longitude, 1.0, MAP.west, MAP.east),
            south: edge(latitude, 0.0, MAP.south, MAP.north),
            north: edge(latitude, 1.0, MAP.south, MAP.north),
        }
    }

    /// The scores in the cell: the first, and the first that is not in it any more.
    pub(crate) fn scores(self) -> (f64, f64) {
        let first = |bits: u64| (bits << (2 * (STEPS - self.steps))) as f64;
        (first(self.bits), first(self.bits + 1))
    }
}

/// The bits of `even` and those of `odd` in turns, the lowest of `even` first.
fn interleave(even: u32, odd: u32) -> u64 {
    spread(even) | spread(odd) << 1
}

/// The inverse of [`interleave`].
fn deinterleave(bits: u64) -> (u32, u32) {
    (gather(bits), gather(bits >> 1))
}

/// Moves each bit to the position twice as high.
fn spread(bits: u32) -> u64 {
    let mut bits = u64::from(bits);
    bits = (bits | bits << 16) & 0x0000_FFFF_0000_FFFF;
    bits = (bits | bits << 8) & 0x00FF_00FF_00FF_00FF;
    bits = (bits | bits << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & 0x5555_5555_5555_5555
}

/// The inverse of [`spread`]; the odd bits are left out.
fn gather(bits: u64) -> u32 {
    let mut bits = bits & 0x5555_5555_5555_5555;
    bits = (bits | bits >> 1) & 0x3333_3333_3333_3333;
    bits = (bits | bits >> 2) & 0x0F0F_0F0F_0F0F_0F0F;
    bits = (bits | bits >> 4) & 0x00FF_00FF_00FF_00FF;
    bits = (bits | bits >> 8) & 0x0000_FFFF_0000_FFFF;
    (bits | bits >> 16) as u32
}

/// A score as an unsigned integer. ZADD can have set any score, and the reference lets the processor
/// convert it: below 2^63 as a signed integer, above what remains of it; what does not fit is -2^63.
fn bits_of(score: f64) -> u64 {
    const HALF: f64 = (1_u64 << 63) as f64;
    let signed = |score: f64| match score {
        _ if (-HALF..HALF).contains(&score) => score as i64,
        _ => i64::MIN,
    };
    match score {
        _ if score >= HALF => signed(score - HALF) as u64 ^ 1 << 63,
        _ => signed(score) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Random;

    const PALERMO: Point = Point { longitude: 13.361389, latitude: 38.115556 };

    fn text(point: Point) -> String {
        String::from_utf8_lossy(&point.geohash()).into_owned()
    }

    #[test]
    fn a_place_has_the_score_and_the_text_that_the_world_knows() {
        assert_eq!(PALERMO.score(), 3_479_099_956_230_698.0);
        let read = Point::of_score(PALERMO.score());
        assert_eq!(read.longitude, 13.361_389_338_970_184);
        assert_eq!(read.latitude, 38.115_556_395_496_3);
        assert_eq!(text(read), "sqc8b49rny0");
        assert_eq!(Point { longitude: 0.0, latitude: 0.0 }.score(), 3_377_699_720_527_872.0);
    }

    #[test]
    fn edges_of_the_map_have_scores() {
        let score = |longitude, latitude| Point { longitude, latitude }.score();
        assert_eq!(score(-180.0, MAP.south), 0.0);
        assert_eq!(score(180.0, 0.0), 10_133_099_161_583_616.0);
        assert_eq!(score(180.0, MAP.north), 13_510_798_882_111_488.0);
    }

    #[test]
    fn any_score_is_a_place() {
        let west_south = (-179.99999731779099, -85.05112751263943);
        for (score, place, expected) in [
            (0.0, west_south, "00bh0hbj200"),
            (0.5, west_south, "00bh0hbj200"),
            (-1.0, (180.0, MAP.north), "bp05b5048p0"),
            (1e300, west_south, "00bh0hbj200"),
            (f64::INFINITY, west_south, "00bh0hbj200"),
            (f64::NEG_INFINITY, (180.0, west_south.1), "00bh0hbj200"),
            (4503599627370495.0, (179.99999731779099, 85.05112751263943), "zzpgzgpfxz0"),
            (4503599627370496.0, (west_south.0, MAP.north), "bp05b5048p0"),
            (9223372036854775808.0, (180.0, west_south.1), "00bh0hbj200"),
            (18446744073709551615.0, west_south, "00bh0hbj200"),
        ] {
            let point = Point::of_score(score);
            assert_eq!((point.longitude, point.latitude), place, "{score}");
            assert_eq!(text(point), expected, "{score}");
        }
    }

    #[test]
    fn a_place_is_in_its_cell_and_its_score_among_the_cell_s() {
        let random = &mut Random::seeded(1);
        for _ in 0..10_000 {
            let fraction =
                |random: &mut Random| (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            let point = Point {
                longitude: MAP.west + 360.0 * fraction(random),
                latitude: MAP.south + (MAP.north - MAP.south) * fraction(random),
            };
            let steps = 1 + random.below(26) as u32;
            let cell = Cell::around(point, steps);
            let (first, end) = cell.scores();
            assert!((first..end).contains(&point.score()));
            let bounds = cell.bounds();
            assert!((bounds.west..=bounds.east).contains(&point.longitude));
            assert!((bounds.south..=bounds.north).contains(&point.latitude));
            // Beside it is a cell with a common edge, unless the map ends there.
            let east = cell.beside(1, 0).bounds();
            assert!(east.west == bounds.east || east.west == MAP.west);
            assert_eq!((east.south, east.north), (bounds.south, bounds.north));
            let south = cell.beside(0, -1).bounds();
            assert!(south.north == bounds.south || south.north == MAP.north);
            assert_eq!(cell.beside(-1, 1).beside(1, -1), cell);
        }
    }

    #[test]
    fn bits_in_turns_can_be_told_apart() {
        assert_eq!(interleave(0b11, 0b00), 0b0101);
        assert_eq!(interleave(0b01, 0b10), 0b1001);
        let random = &mut Random::seeded(2);
        for _ in 0..1000 {
            let (even, odd) = (random.next_u64() as u32, random.next_u64() as u32);
            assert_eq!(deinterleave(interleave(even, odd)), (even, odd));
        }
    }
}
