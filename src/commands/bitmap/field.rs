//! BITFIELD and BITFIELD_RO: integers of any width, at any bit of a string.

use crate::commands::arguments;
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::BITMAP;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at};
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::text::number;
use crate::wire::{Args, Reply};

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("bitfield", -2, WRITE | DENYOOM, bitfield)
        .acl(BITMAP)
        .key(RW | ACCESS | UPDATE | VARIABLE_FLAGS, at(1))
        .note("Some operations read and some write.")
        .key_flags(|args| {
            let writes = args.from(2).any(|word| {
                word.eq_ignore_ascii_case(b"SET") || word.eq_ignore_ascii_case(b"INCRBY")
            });
            if writes { RW | ACCESS | UPDATE } else { RO | ACCESS }
        })
        .doc(
            "3.2.0",
            "O(1) for each operation",
            "key [(operation: (get-block: GET encoding offset) \
            | (write: [overflow-block: OVERFLOW (WRAP | SAT | FAIL)] \
            (write-operation: (set-block: SET encoding offset value:integer) \
            | (incrby-block: INCRBY encoding offset increment))))...]",
            "Reads and writes integers of any width inside a string.",
        ),
    Spec::new("bitfield_ro", -2, READ | FAST, bitfield_ro).acl(BITMAP).key(RO | ACCESS, at(1)).doc(
        "6.0.0",
        "O(1) for each operation",
        "key [(get-block: GET encoding offset)...]",
        "Reads integers of any width inside a string.",
    ),
];

/// BITFIELD key [GET encoding offset | [OVERFLOW WRAP | SAT | FAIL] SET encoding offset value
///     | INCRBY encoding offset increment ...]
fn bitfield(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let operations = operations(ctx, args)?;
    let writes = operations.iter().filter(|operation| operation.verb.writes());
    let Some(end) = writes.map(|operation| operation.field.end()).max() else {
        return read_only(ctx, &args[1], &operations);
    };
    let (mut db, reply) = ctx.db_and_reply();
    // Room for everything that is written is made before anything is, even if it fails then.
    let size = end.div_ceil(8);
    let (changes, has_grown) = db.edit_string_of(&args[1], size, |bytes, is_longer| {
        let mut changes = 0;
        reply.array(operations.len());
        for operation in operations {
            let before = operation.field.get(bytes);
            match operation.run(bytes) {
                Some(value) => {
                    let is_other = is_longer || operation.field.get(bytes) != before;
                    changes += usize::from(operation.verb.writes() && is_other);
                    reply.int(value);
                }
                None => reply.null(),
            }
        }
        (changes, is_longer)
    })?;
    db.note_changes(changes, class::STRING, "setbit", &args[1]);
    if changes == 0 && has_grown {
        // Zeros have come, if nothing else, or the key itself.
        db.changed(&args[1]);
    }
    Ok(())
}

/// BITFIELD_RO key [GET encoding offset ...]
fn bitfield_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let operations = operations(ctx, args)?;
    if operations.iter().any(|operation| operation.verb.writes()) {
        return Err(error::BITFIELD_RO_WRITES);
    }
    read_only(ctx, &args[1], &operations)
}

fn read_only(ctx: &mut Ctx<'_>, key: &[u8], operations: &[FieldOperation]) -> Result<(), Error> {
    let (mut db, reply): (_, &mut Reply) = ctx.db_and_reply();
    let bytes = db.string(key)?.unwrap_or_default();
    reply.array(operations.len());
    operations.iter().for_each(|operation| reply.int(operation.field.get(bytes)));
    Ok(())
}

#[derive(Debug, Clone, Copy)]
struct FieldOperation {
    verb: Verb,
    field: Field,
    overflow: Overflow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Get,
    Set(i64),
    Add(i64),
}

/// What becomes of a number that its field cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overflow {
    /// The lowest bits of it are stored.
    Wrap,
    /// The nearest number that the field can hold is stored.
    Saturate,
    /// Nothing is stored, and null is the reply.
    Fail,
}

/// An integer in a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    is_signed: bool,
    /// 1 to 64; at most 63 if there is no sign.
    bits: usize,
    /// The first bit.
    offset: usize,
}

/// Reads the arguments from the third on.
fn operations(ctx: &Ctx<'_>, args: Args<'_>) -> Result<Vec<FieldOperation>, Error> {
    let longest = ctx.world.config.proto_max_bulk_len;
    let mut operations = Vec::new();
    let mut overflow = Overflow::Wrap;
    let mut words = args.options(2);
    while !words.is_over() {
        let field = |kind, offset| Field::read(kind, offset, longest);
        let (field, verb) = if let Some(name) = words.value("OVERFLOW") {
            overflow = Overflow::named(name)?;
            continue;
        } else if let Some([kind, offset]) = words.values("GET") {
            (field(kind, offset)?, Verb::Get)
        } else if let Some([kind, offset, value]) = words.values("SET") {
            (field(kind, offset)?, Verb::Set(arguments::integer(value)?))
        } else if let Some([kind, offset, increment]) = words.values("INCRBY") {
            (field(kind, offset)?, Verb::Add(arguments::integer(increment)?))
        } else {
            return Err(error::SYNTAX);
        };
        operations.push(FieldOperation { verb, field, overflow });
    }
    Ok(operations)
}

impl Verb {
    fn writes(self) -> bool {
        self != Verb::Get
    }
}

impl Overflow {
    fn named(name: &[u8]) -> Result<Overflow, Error> {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match () {
            () if is("WRAP") => Ok(Overflow::Wrap),
            () if is("SAT") => Ok(Overflow::Saturate),
            () if is("FAIL") => Ok(Overflow::Fail),
            () => Err(error::BITFIELD_OVERFLOW),
        }
    }
}

impl FieldOperation {
    /// Does it. The reply is the value before SET, and after INCRBY.
    fn run(self, bytes: &mut [u8]) -> Option<i64> {
        let before = self.field.get(bytes);
        let wanted = match self.verb {
            Verb::Get => return Some(before),
            // A field without sign takes a negative number for the large one with the same bits.
            Verb::Set(value) if self.field.is_signed => i128::from(value),
            Verb::Set(value) => i128::from(value as u64),
            Verb::Add(increment) => i128::from(before) + i128::from(increment),
        };
        let stored = self.field.fit(wanted, self.overflow)?;
        self.field.set(bytes, stored);
        Some(if matches!(self.verb, Verb::Set(_)) { before } else { stored })
    }
}

impl Field {
    /// `i8` or `u8` and the like, and the offset of its first bit: a number of bits or, behind `#`, of
    /// fields of this width. It must begin in the longest string that there may be.
    fn read(encoding: &[u8], offset: &[u8], longest: usize) -> Result<Field, Error> {
        let (is_signed, bits) = match encoding {
            [b'i', bits @ ..] => (true, bits),
            [b'u', bits @ ..] => (false, bits),
            _ => return Err(error::BITFIELD_TYPE),
        };
        let most = if is_signed { 64 } else { 63 };
        let bits = number::parse_i64(bits).filter(|bits| (1..=most).contains(bits));
        let bits = bits.ok_or(error::BITFIELD_TYPE)? as usize;
        let (offset, unit) = match offset {
            [b'#', index @ ..] => (index, bits),
            offset => (offset, 1),
        };
        let offset = number::parse_i64(offset)
            .and_then(|offset| usize::try_from(offset).ok()?.checked_mul(unit))
            .filter(|offset| offset / 8 < longest)
            .ok_or(error::BIT_OFFSET)?;
        Ok(Field { is_signed, bits, offset })
    }

    /// The bit behind the last.
    fn end(self) -> usize {
        self.offset + self.bits
    }

    /// The value. Bits behind the end of the string are zeros.
    fn get(self, bytes: &[u8]) -> i64 {
        let (window, shift) = self.window(bytes);
        let value = (window >> shift) as u64;
        let unused = 64 - self.bits;
        if self.is_signed {
            (value << unused) as i64 >> unused
        } else {
            (value << unused >> unused) as i64
        }
    }

    /// Stores the lowest bits of `value`. All bits of the field are there.
    fn set(self, bytes: &mut [u8], value: i64) {
        let (window, shift) = self.window(bytes);
        let mask = u128::from(u64::MAX >> (64 - self.bits)) << shift;
        let window = window & !mask | (value as u128) << shift & mask;
        let first = self.offset / 8;
        let touched = self.end().div_ceil(8) - first;
        bytes[first..first + touched].copy_from_slice(&window.to_be_bytes()[..touched]);
    }

    /// The sixteen bytes from where the field begins, the first one highest, and how far the field is
    /// from their lowest bit.
    fn window(self, bytes: &[u8]) -> (u128, usize) {
        let mut window = [0; 16];
        let from = bytes.get(self.offset / 8..).unwrap_or_default();
        let there = from.len().min(16);
        window[..there].copy_from_slice(&from[..there]);
        (u128::from_be_bytes(window), 128 - self.offset % 8 - self.bits)
    }

    /// What is stored for the number that is wanted; `None` if nothing is.
    fn fit(self, wanted: i128, overflow: Overflow) -> Option<i64> {
        let (least, most) = if self.is_signed {
            (-1 << (self.bits - 1), (1 << (self.bits - 1)) - 1)
        } else {
            (0, (1 << self.bits) - 1)
        };
        if (least..=most).contains(&wanted) {
            return Some(wanted as i64);
        }
        match overflow {
            Overflow::Wrap => {
                let unused = 128 - self.bits;
                let lowest = wanted << unused;
                Some(if self.is_signed {
                    (lowest >> unused) as i64
                } else {
                    (lowest as u128 >> unused) as i64
                })
            }
            Overflow::Saturate => Some(wanted.clamp(least, most) as i64),
            Overflow::Fail => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Random;

    fn field(encoding: &str, offset: usize) -> Field {
        Field::read(encoding.as_bytes(), offset.to_string().as_bytes(), 1 << 20).unwrap()
    }

    #[test]
    fn a_field_is_where_its_bits_are() {
        let mut random = Random::seeded(5);
        for _ in 0..3000 {
            let is_signed = random.below(2) == 0;
            let bits = 1 + random.below(if is_signed { 64 } else { 63 });
            let offset = random.below(80);
            let field = Field { is_signed, bits, offset };
            let mut bytes: Vec<u8> = (0..20).map(|_| random.next_u64() as u8).collect();
            let bit = |bytes: &[u8], at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
            let mut expected = bytes.clone();
            let value = random.next_u64() as i64;
            for index in 0..bits {
                let (at, mask) = (offset + index, 0x80 >> ((offset + index) % 8));
                expected[at / 8] &= !mask;
                if value >> (bits - 1 - index) & 1 == 1 {
                    expected[at / 8] |= mask;
                }
            }
            field.set(&mut bytes, value);
            assert_eq!(bytes, expected, "{field:?}");
            let read =
                (offset..offset + bits).fold(0_u64, |n, at| n << 1 | u64::from(bit(&bytes, at)));
            let sign = is_signed && bits < 64 && bit(&bytes, offset) == 1;
            let read = if sign { (read | u64::MAX << bits) as i64 } else { read as i64 };
            assert_eq!(field.get(&bytes), read, "{field:?}");
            assert_eq!(field.get(&bytes[..2.min(offset / 8)]), 0);
        }
    }

    #[test]
    fn what_does_not_fit_is_wrapped_saturated_or_refused() {
        use Overflow::{Fail, Saturate, Wrap};
        for (encoding, wanted, wrapped, saturated) in [
            ("u8", 256, 0, 255),
            ("u8", -1, 255, 0),
            ("i8", 128, -128, 127),
            ("i8", -129, 127, -128),
            ("u63", i128::from(u64::MAX), i64::MAX, i64::MAX),
            ("i64", i128::from(i64::MAX) + 1, i64::MIN, i64::MAX),
            ("i64", i128::from(i64::MIN) * 2, 0, i64::MIN),
        ] {
            let field = field(encoding, 0);
            assert_eq!(field.fit(wanted, Wrap), Some(wrapped), "{encoding} {wanted}");
            assert_eq!(field.fit(wanted, Saturate), Some(saturated), "{encoding} {wanted}");
            assert_eq!(field.fit(wanted, Fail), None, "{encoding} {wanted}");
        }
        assert_eq!(field("u8", 0).fit(255, Fail), Some(255));
        assert_eq!(field("i1", 0).fit(-1, Fail), Some(-1));
    }
}
