//! What FUNCTION DUMP returns and FUNCTION RESTORE takes: the code of all libraries, in the reference's own format.
//!
//! Each library is the byte `F5` and its code as a [string](crate::rdb::strings); behind the last one stands the
//! [footer](crate::rdb::footer) that all payloads have.

use std::borrow::Cow;

use crate::error::{self, Error};
use crate::rdb::footer::{checked, seal};
use crate::rdb::strings::{Reader, push_string};

const LIBRARY: u8 = 0xF5;
/// Libraries as they were before functions were released.
const OLD_LIBRARY: u8 = 0xF6;

/// The payload of libraries with this code.
pub(super) fn write<'c>(libraries: impl Iterator<Item = &'c [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for code in libraries {
        out.push(LIBRARY);
        push_string(&mut out, code);
    }
    seal(&mut out);
    out
}

/// The code of each library in a payload.
pub(super) fn read(payload: &[u8]) -> Result<impl Iterator<Item = Result<Vec<u8>, Error>>, Error> {
    let mut reader = Reader::new(checked(payload).ok_or(error::BAD_PAYLOAD)?);
    Ok(std::iter::from_fn(move || {
        let library = match reader.byte()? {
            LIBRARY => {
                let code = reader.string().ok_or(error::BAD_LIBRARY_PAYLOAD);
                code.map(Cow::into_owned)
            }
            OLD_LIBRARY => Err(error::OLD_LIBRARY_PAYLOAD),
            _ => Err(error::NO_LIBRARY_PAYLOAD),
        };
        Some(library)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rdb::crc64::crc64;
    use crate::rdb::footer::VERSION;
    use proptest::prelude::*;

    fn payload(body: &[u8], version: u16) -> Vec<u8> {
        let mut payload = [body, &version.to_le_bytes()].concat();
        payload.extend(crc64(&payload).to_le_bytes());
        payload
    }

    fn libraries(payload: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        read(payload)?.collect()
    }

    #[test]
    fn a_payload_has_all_libraries() {
        let codes = ["x".repeat(100).into_bytes(), b"y".to_vec(), Vec::new()];
        let payload = write(codes.iter().map(Vec::as_slice));
        assert_eq!(libraries(&payload).unwrap(), codes);
        assert_eq!(write(std::iter::empty()), b"P\x00\x92\xb1\x95\xd1\x91-\xc5.");
    }

    #[test]
    fn versions_of_others_are_refused() {
        for version in [0, 12, 79, 81, 255, 0x150] {
            assert_eq!(libraries(&payload(b"", version)), Err(error::BAD_PAYLOAD), "{version}");
        }
        for version in [1, 11, 80] {
            assert!(libraries(&payload(b"", version)).is_ok(), "{version}");
        }
    }

    #[test]
    fn a_payload_that_is_none_is_refused() {
        for (body, error) in [
            (&b"\xf5"[..], error::BAD_LIBRARY_PAYLOAD),
            (b"\xf5\x05ab", error::BAD_LIBRARY_PAYLOAD),
            (b"\xf5\x81\x7f\xff\xff\xff\xff\xff\xff\xffab", error::BAD_LIBRARY_PAYLOAD),
            (b"\xf5\x01a\xf6", error::OLD_LIBRARY_PAYLOAD),
            (b"\xf5\x01a\x00\x01a", error::NO_LIBRARY_PAYLOAD),
        ] {
            assert_eq!(libraries(&payload(body, VERSION)), Err(error), "{body:?}");
        }
        let good = write([&b"code"[..]].into_iter());
        for end in 0..good.len() {
            assert_eq!(libraries(&good[..end]), Err(error::BAD_PAYLOAD));
        }
    }

    proptest! {
        #[test]
        fn no_payload_is_too_strange(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let marked = [&[LIBRARY], &body[..]].concat();
            libraries(&payload(&marked, VERSION)).ok();
            libraries(&payload(&body, VERSION)).ok();
            libraries(&body).ok();
        }

        #[test]
        fn a_changed_payload_is_refused(at in 0_usize..200, bit in 0_u32..8) {
            let mut changed = write([&b"#!lua name=x"[..], b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"].into_iter());
            let at = at % changed.len();
            changed[at] ^= 1 << bit;
            prop_assert_eq!(libraries(&changed), Err(error::BAD_PAYLOAD));
        }
    }
}
