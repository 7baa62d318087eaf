//! How every payload ends: two bytes with the version of the format and eight with the [checksum](super::crc64) of
//! all before them, both little-endian.

use super::crc64::crc64;

/// The version of the format: that of Valkey 9.
pub(crate) const VERSION: u16 = 80;
/// The last version that Redis and Valkey have in common. Between the two are versions of others.
#[cfg(any(feature = "lua", test))]
const LAST_SHARED_VERSION: u16 = 11;
/// Redis has gone on to this one, in which hashes whose fields expire are written in a way of their own.
pub(super) const LAST_VERSION_OF_REDIS: u16 = 13;

const CHECKSUM: usize = size_of::<u64>();
const FOOTER: usize = size_of::<u16>() + CHECKSUM;

/// Appends the footer.
pub(crate) fn seal(payload: &mut Vec<u8>) {
    payload.extend(VERSION.to_le_bytes());
    payload.extend(crc64(payload).to_le_bytes());
}

/// A payload without its footer, if that is right and the version one that Valkey knows.
#[cfg(any(feature = "lua", test))]
pub(crate) fn checked(payload: &[u8]) -> Option<&[u8]> {
    let (body, version) = parts(payload)?;
    (version == VERSION || (1..=LAST_SHARED_VERSION).contains(&version)).then_some(body)
}

/// As [`checked`], where the version may be one of Redis, too.
pub(crate) fn checked_of_any(payload: &[u8]) -> Option<&[u8]> {
    let (body, version) = parts(payload)?;
    (version == VERSION || (1..=LAST_VERSION_OF_REDIS).contains(&version)).then_some(body)
}

/// What stands before the footer, and the version, if the checksum is right.
fn parts(payload: &[u8]) -> Option<(&[u8], u16)> {
    let (body, footer) = payload.split_at_checked(payload.len().checked_sub(FOOTER)?)?;
    let (summed, checksum) = payload.split_at_checked(payload.len() - CHECKSUM)?;
    let version = u16::from_le_bytes(footer.first_chunk().copied()?);
    (crc64(summed).to_le_bytes() == checksum).then_some((body, version))
}
