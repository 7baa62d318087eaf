//! How every payload ends: two bytes with the version of the format and eight with the [checksum](super::crc64) of
//! all before them, both little-endian.

use super::crc64::crc64;

/// The version of the format: that of Valkey 9.
pub(crate) const VERSION: u16 = 80;
/// The last version that Redis and Valkey have in common. Between the two are versions of others.
const LAST_SHARED_VERSION: u16 = 11;

const CHECKSUM: usize = size_of::<u64>();
const FOOTER: usize = size_of::<u16>() + CHECKSUM;

/// Appends the footer.
pub(crate) fn seal(payload: &mut Vec<u8>) {
    payload.extend(VERSION.to_le_bytes());
    payload.extend(crc64(payload).to_le_bytes());
}

/// A payload without its footer, if that is right.
pub(crate) fn checked(payload: &[u8]) -> Option<&[u8]> {
    let (body, footer) = payload.split_at_checked(payload.len().checked_sub(FOOTER)?)?;
    let (summed, checksum) = payload.split_at_checked(payload.len() - CHECKSUM)?;
    let version = u16::from_le_bytes(footer.first_chunk().copied()?);
    let is_known = version == VERSION || (1..=LAST_SHARED_VERSION).contains(&version);
    (is_known && crc64(summed).to_le_bytes() == checksum).then_some(body)
}
