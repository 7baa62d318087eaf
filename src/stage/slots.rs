//! The slots of a cluster, and which of them a key is in.

/// How many slots there are.
pub(crate) const SLOTS: u16 = 16_384;

/// The slot of a key: CRC16/XMODEM, modulo the number of slots.
pub(crate) fn slot(key: &[u8]) -> u16 {
    let mut crc: u16 = 0;
    for &byte in hashed(key) {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            let carry = crc & 0x8000 != 0;
            crc = (crc << 1) ^ if carry { 0x1021 } else { 0 };
        }
    }
    crc % SLOTS
}

/// What of a key decides on its slot: the first text in braces, if there is one, so that keys which
/// have it in common share a slot.
fn hashed(key: &[u8]) -> &[u8] {
    let find = |brace, text: &[u8]| text.iter().position(|&byte| byte == brace);
    let tag = find(b'{', key).and_then(|open| {
        let rest = &key[open + 1..];
        find(b'}', rest).map(|close| &rest[..close])
    });
    tag.filter(|tag| !tag.is_empty()).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_every_cluster() {
        for (key, expected) in [("", 0), ("foo", 12_182), ("123456789", 0x31c3), ("k", 7629)] {
            assert_eq!(slot(key.as_bytes()), expected, "{key}");
        }
    }

    #[test]
    fn the_first_text_in_braces_decides() {
        for (key, expected) in [
            ("{user1000}.following", "user1000"),
            ("foo{}{bar}", "foo{}{bar}"),
            ("foo{{bar}}zap", "{bar"),
            ("foo{bar}{zap}", "bar"),
            ("}foo{bar", "}foo{bar"),
        ] {
            assert_eq!(hashed(key.as_bytes()), expected.as_bytes(), "{key}");
        }
    }
}
