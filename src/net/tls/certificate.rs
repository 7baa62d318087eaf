//! What is read from a certificate: its number, its time, and the names in it that may be those of users.
//!
//! rustls verifies certificates; these are parts that it does not tell. They are read in the order in which X.509 has
//! them (RFC 5280), and nothing else is looked at. Of bytes that are no certificate nothing is read.

/// The parts of a certificate. They borrow its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Certificate<'a> {
    serial: &'a [u8],
    /// From when on it is valid and until when, in seconds since 1970.
    pub(super) begins: u64,
    pub(super) expires: u64,
    subject: &'a [u8],
    extensions: &'a [u8],
}

/// The kinds of elements that are met.
mod tag {
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const OCTETS: u8 = 0x04;
    pub(super) const IDENTIFIER: u8 = 0x06;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    pub(super) const SHORT_TIME: u8 = 0x17;
    pub(super) const LONG_TIME: u8 = 0x18;
    /// Texts of a byte a character, or of UTF-8.
    pub(super) const TEXTS: [u8; 4] = [0x0c, 0x13, 0x14, 0x16];
    pub(super) const VERSION: u8 = 0xa0;
    pub(super) const EXTENSIONS: u8 = 0xa3;
    /// A URI among alternative names.
    pub(super) const URI: u8 = 0x86;
}

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

impl<'a> Certificate<'a> {
    /// The certificate that `der` holds, if it does.
    pub(super) fn parse(der: &'a [u8]) -> Option<Certificate<'a>> {
        let mut signed = Elements(Elements(der).of(tag::SEQUENCE)?);
        let mut parts = Elements(signed.of(tag::SEQUENCE)?);
        parts.of(tag::VERSION);
        let serial = parts.of(tag::INTEGER)?;
        let _algorithm = parts.of(tag::SEQUENCE)?;
        let _issuer = parts.of(tag::SEQUENCE)?;
        let mut validity = Elements(parts.of(tag::SEQUENCE)?);
        let (begins, expires) = (time(validity.next()?)?, time(validity.next()?)?);
        let subject = parts.of(tag::SEQUENCE)?;
        let extensions = parts.find(|&(kind, _)| kind == tag::EXTENSIONS);
        let extensions = extensions.and_then(|(_, inner)| Elements(inner).of(tag::SEQUENCE));
        let extensions = extensions.unwrap_or_default();
        Some(Certificate { serial, begins, expires, subject, extensions })
    }

    /// Its number in hexadecimal digits, two for each byte.
    pub(super) fn serial(&self) -> String {
        let zeros = self.serial.iter().take_while(|&&byte| byte == 0).count();
        match &self.serial[zeros..] {
            [] => "0".to_owned(),
            bytes => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
        }
    }

    /// The first common name of its subject.
    pub(super) fn common_name(&self) -> Option<&'a [u8]> {
        let sets = Elements(self.subject).filter(|&(kind, _)| kind == tag::SET);
        sets.flat_map(|(_, set)| Elements(set)).find_map(|(_, attribute)| {
            let mut parts = Elements(attribute);
            let is_name = parts.of(tag::IDENTIFIER)? == COMMON_NAME;
            let (kind, text) = parts.next()?;
            (is_name && tag::TEXTS.contains(&kind)).then_some(text)
        })
    }

    /// The URIs among its alternative names, in their order.
    pub(super) fn uris(&self) -> impl Iterator<Item = &'a [u8]> {
        let names = Elements(self.extensions).find_map(|(_, extension)| {
            let mut parts = Elements(extension);
            let is_wanted = parts.of(tag::IDENTIFIER)? == ALTERNATIVE_NAMES;
            parts.of(tag::BOOLEAN);
            let value = parts.of(tag::OCTETS).filter(|_| is_wanted)?;
            Elements(value).of(tag::SEQUENCE)
        });
        let uris = Elements(names.unwrap_or_default()).filter(|&(kind, _)| kind == tag::URI);
        uris.map(|(_, uri)| uri)
    }
}

/// The elements that stand in bytes one after the other: their kinds and contents. What is none ends them.
#[derive(Clone, Copy)]
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The content of the next one, if it is of this kind; if not, it stays the next.
    fn of(&mut self, kind: u8) -> Option<&'a [u8]> {
        let mut rest = *self;
        let (found, content) = rest.next()?;
        if found != kind {
            return None;
        }
        *self = rest;
        Some(content)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[kind, first], mut rest) = self.0.split_first_chunk()?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            // So many bytes of the length follow.
            let (digits, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if !(1..=4).contains(&digits.len()) {
                return None;
            }
            length = digits.iter().fold(0, |sum, &digit| sum << 8 | usize::from(digit));
            rest = behind;
        }
        let (content, behind) = rest.split_at_checked(length)?;
        self.0 = behind;
        Some((kind, content))
    }
}

/// The seconds since 1970 of `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time((kind, text): (u8, &[u8])) -> Option<u64> {
    let digits = text.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number =
        |digits: &[u8]| digits.iter().fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    let (year, rest) = match kind {
        tag::SHORT_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year = number(year);
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        tag::LONG_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (number(year), rest)
        }
        _ => return None,
    };
    let rest: &[u8; 10] = rest.try_into().ok()?;
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|at| number(&rest[at..at + 2]));
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970 in the Gregorian calendar, of years that begin in March. Times before 1970 are all the same.
    let (year, month) =
        if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    const TO_1970: u64 = 719_468 * 24 * 60 * 60;
    Some(seconds.saturating_sub(TO_1970))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        for (kind, text, seconds) in [
            (tag::SHORT_TIME, "700101000000Z", 0),
            (tag::SHORT_TIME, "000301000000Z", 951_868_800),
            (tag::SHORT_TIME, "491231235959Z", 2_524_607_999),
            (tag::SHORT_TIME, "500101000000Z", 0),
            (tag::LONG_TIME, "20240229120000Z", 1_709_208_000),
            (tag::LONG_TIME, "99991231235959Z", 253_402_300_799),
        ] {
            assert_eq!(time((kind, text.as_bytes())), Some(seconds), "{text}");
        }
        for text in ["", "Z", "7001010000Z", "701301000000Z", "700100000000Z", "70010100000aZ"] {
            assert_eq!(time((tag::SHORT_TIME, text.as_bytes())), None, "{text}");
        }
        assert_eq!(time((tag::LONG_TIME, b"00000101000000Z")), None);
    }

    /// The certificate of the tests, and all that one can make of it by leaving out or changing bytes.
    #[test]
    fn bytes_that_are_no_certificate_are_read_without_harm() {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject;
        let text = include_bytes!("../../../tests/tls/ann.crt");
        let der = CertificateDer::from_pem_slice(text).unwrap().to_vec();
        let read = |der: &[u8]| {
            Certificate::parse(der).map(|read| {
                let uris: Vec<Vec<u8>> = read.uris().map(<[u8]>::to_vec).collect();
                (read.serial(), read.common_name().map(<[u8]>::to_vec), uris)
            })
        };
        let (serial, name, uris) = read(&der).unwrap();
        assert_eq!((serial.as_str(), name.as_deref()), ("A1", Some(&b"ann"[..])));
        assert_eq!(uris, [b"urn:respd:user:first".to_vec(), b"urn:respd:user:second".to_vec()]);
        for at in 0..der.len() {
            read(&der[..at]);
            let mut other = der.clone();
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                other[at] = byte;
                read(&other);
            }
        }
    }
}
