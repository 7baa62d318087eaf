//! The header of the PROXY protocol, versions 1 and 2: for whom a proxy connects.
//!
//! A proxy opens a connection of its own for each client. The header is what it sends on it before anything of the
//! client's: a line of text (`PROXY TCP4 192.0.2.7 10.0.0.1 51234 6379\r\n`) or sixteen bytes, addresses and extensions,
//! as HAProxy's specification has them (proxy-protocol.txt). [`read`] says what the bytes so far are; it is a function
//! of these bytes, in whatever pieces they came. [`needed`] says how many more surely belong to the header: who reads
//! no more than that leaves what follows to the next layer, be that TLS or RESP.
//!
//! What is valid and means nothing here (`UNKNOWN`, `LOCAL`, a family that is not TCP over IP) leaves the connection
//! as it is: the proxy itself is the client. Anything else that is not a header is an error, as early as it is one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest line of version 1, its end included.
pub(super) const LONGEST_LINE: usize = 107;

/// The longest header of version 2. Its length could say 64 KiB; HAProxy's own buffers hold no more than this.
pub(super) const LONGEST_BINARY: usize = 16 * 1024;

/// Version 2 begins with this, which no version 1 and no request does.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

const LINE_START: &[u8; 6] = b"PROXY ";

/// The shortest line: `PROXY UNKNOWN\r\n`.
const SHORTEST_LINE: usize = 15;

/// Signature, version and command, family, length.
const FIXED: usize = 16;

/// The extension that has a checksum of the whole header.
const CRC32C: u8 = 0x03;

/// The two ends of a client's connection to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) client: SocketAddr,
    /// Where the client connected to.
    pub(super) server: SocketAddr,
}

/// What bytes are that should begin with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// The beginning of one.
    Partial,
    /// All of one, of so many bytes. Without ends the proxy connects for itself.
    Whole(usize, Option<Ends>),
    Broken(Broken),
}

/// Why bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// They do not begin as one.
    Missing,
    /// The line has another form, or no end where one has to be.
    Line,
    LineTooLong,
    /// An address of the line is none of its family, or a port is no port.
    Address,
    Version(u8),
    Command(u8),
    Family(u8),
    TooLong(usize),
    /// The length leaves no room for the addresses of the family.
    TooShort(usize),
    /// An extension is longer than what is left of the header.
    Extension,
    Checksum,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Missing => f.write_str("there is none"),
            Broken::Line => f.write_str("a line that is not of version 1"),
            Broken::LineTooLong => write!(f, "a line of more than {LONGEST_LINE} bytes"),
            Broken::Address => f.write_str("an address or a port that is none of its family"),
            Broken::Version(version) => write!(f, "version {version}"),
            Broken::Command(command) => write!(f, "the command {command}"),
            Broken::Family(family) => write!(f, "the family {family:#04x}"),
            Broken::TooLong(length) => write!(f, "{length} bytes, {LONGEST_BINARY} are the most"),
            Broken::TooShort(length) => write!(f, "{length} bytes hold no such addresses"),
            Broken::Extension => f.write_str("an extension that ends behind the header"),
            Broken::Checksum => f.write_str("a checksum that is not the header's"),
        }
    }
}

/// Says what `bytes` begin with.
pub(super) fn read(bytes: &[u8]) -> Header {
    let header = match bytes.first() {
        None => Ok(Header::Partial),
        Some(&first) if first == SIGNATURE[0] => read_binary(bytes),
        Some(_) => read_line(bytes),
    };
    header.unwrap_or_else(Header::Broken)
}

/// How many more bytes belong to the header that `bytes` begin, at least: one or more while it is
/// [`Header::Partial`]. Behind the shortest line there is no telling but by looking ahead for its end: see
/// [`is_in_line`].
pub(super) fn needed(bytes: &[u8]) -> usize {
    match (bytes.first(), bytes.get(14..FIXED)) {
        (Some(&first), Some(&[high, low])) if first == SIGNATURE[0] => {
            let end = FIXED + usize::from(u16::from_be_bytes([high, low]));
            end.saturating_sub(bytes.len()).max(1)
        }
        (Some(&first), _) if first == SIGNATURE[0] => FIXED.saturating_sub(bytes.len()).max(1),
        _ => SHORTEST_LINE.saturating_sub(bytes.len()).max(1),
    }
}

/// Returns whether `bytes` are so much of a line that the rest of it is found by looking ahead.
pub(super) fn is_in_line(bytes: &[u8]) -> bool {
    bytes.len() >= SHORTEST_LINE && bytes[0] == LINE_START[0]
}

/// A line of version 1.
fn read_line(bytes: &[u8]) -> Result<Header, Broken> {
    let begun = bytes.len().min(LINE_START.len());
    if bytes[..begun] != LINE_START[..begun] {
        return Err(Broken::Missing);
    }
    let Some(end) = bytes.iter().take(LONGEST_LINE).position(|&byte| byte == b'\n') else {
        return if bytes.len() >= LONGEST_LINE {
            Err(Broken::LineTooLong)
        } else {
            Ok(Header::Partial)
        };
    };
    let line = bytes[..end].strip_suffix(b"\r").ok_or(Broken::Line)?;
    let rest = line.strip_prefix(LINE_START).ok_or(Broken::Line)?;
    let whole = |ends| Ok(Header::Whole(end + 1, ends));
    if rest == b"UNKNOWN" || rest.starts_with(b"UNKNOWN ") {
        // What follows the word is to be ignored.
        return whole(None);
    }
    let text = std::str::from_utf8(rest).map_err(|_| Broken::Line)?;
    let words: Vec<&str> = text.split(' ').collect();
    let &[family, client, server, client_port, server_port] = &words[..] else {
        return Err(Broken::Line);
    };
    let address: fn(&str) -> Option<IpAddr> = match family {
        "TCP4" => |text| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => |text| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => return Err(Broken::Line),
    };
    let end_of = |text, port| Some(end_at(address(text)?, read_port(port)?));
    let client = end_of(client, client_port).ok_or(Broken::Address)?;
    let server = end_of(server, server_port).ok_or(Broken::Address)?;
    whole(Some(Ends { client, server }))
}

/// Decimal digits without one too many in front.
fn read_port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let has_zeros = text.len() > 1 && text.starts_with('0');
    text.parse().ok().filter(|_| is_plain && !has_zeros)
}

/// A header of version 2.
fn read_binary(bytes: &[u8]) -> Result<Header, Broken> {
    let begun = bytes.len().min(SIGNATURE.len());
    if bytes[..begun] != SIGNATURE[..begun] {
        return Err(Broken::Missing);
    }
    let at = |index: usize| bytes.get(index).copied();
    if let Some(byte) = at(12) {
        match (byte >> 4, byte & 15) {
            (2, 0 | 1) => {}
            (2, command) => return Err(Broken::Command(command)),
            (version, _) => return Err(Broken::Version(version)),
        }
    }
    if let Some(family) = at(13).filter(|family| family >> 4 > 3 || family & 15 > 2) {
        return Err(Broken::Family(family));
    }
    let (Some(command), Some(family), Some(high), Some(low)) = (at(12), at(13), at(14), at(15))
    else {
        return Ok(Header::Partial);
    };
    let is_local = command & 15 == 0;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let end = FIXED + length;
    // How long the addresses of this family are.
    let addresses = match family >> 4 {
        1 => 12,
        2 => 36,
        3 => 216,
        _ => 0,
    };
    if end > LONGEST_BINARY {
        return Err(Broken::TooLong(end));
    }
    if length < addresses && !is_local {
        return Err(Broken::TooShort(length));
    }
    let Some(header) = bytes.get(..end) else {
        return Ok(Header::Partial);
    };
    if is_local {
        // All that follows is to be discarded, the family with it.
        return Ok(Header::Whole(end, None));
    }
    let (addresses, extensions) = header[FIXED..].split_at(addresses);
    check_extensions(header, end - extensions.len())?;
    let ends = match family {
        0x11 => ends_in::<4>(addresses),
        0x21 => ends_in::<16>(addresses),
        // A receiver may take what it does not support for unspecified.
        _ => None,
    };
    Ok(Header::Whole(end, ends))
}

/// The addresses of a family whose own are of `N` bytes: client, server, and the two ports.
fn ends_in<const N: usize>(bytes: &[u8]) -> Option<Ends>
where
    IpAddr: From<[u8; N]>,
{
    let (client, rest) = bytes.split_first_chunk::<N>()?;
    let (server, ports) = rest.split_first_chunk::<N>()?;
    let &[a, b, c, d] = ports else {
        return None;
    };
    Some(Ends {
        client: end_at(IpAddr::from(*client), u16::from_be_bytes([a, b])),
        server: end_at(IpAddr::from(*server), u16::from_be_bytes([c, d])),
    })
}

/// An IPv4 address in the form of IPv6 is the same client's: its logins are counted together.
fn end_at(ip: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(ip.to_canonical(), port)
}

/// Walks over the extensions, which begin at `at`. Only one means something here: the checksum.
fn check_extensions(header: &[u8], mut at: usize) -> Result<(), Broken> {
    while at < header.len() {
        let &[kind, high, low] = header.get(at..at + 3).ok_or(Broken::Extension)? else {
            return Err(Broken::Extension);
        };
        let value = at + 3..at + 3 + usize::from(u16::from_be_bytes([high, low]));
        let given = header.get(value.clone()).ok_or(Broken::Extension)?;
        if kind == CRC32C {
            let given = <[u8; 4]>::try_from(given).map_err(|_| Broken::Extension)?;
            // It is made while its own four bytes are zero.
            let parts = [&header[..value.start], &[0; 4], &header[value.end..]];
            if crc32c(parts.into_iter().flatten().copied()) != u32::from_be_bytes(given) {
                return Err(Broken::Checksum);
            }
        }
        at = value.end;
    }
    Ok(())
}

/// The checksum of RFC 4960, appendix B, without a table: it is of a few bytes, once a connection.
fn crc32c(bytes: impl Iterator<Item = u8>) -> u32 {
    let sum = bytes.fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    });
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.1 51234 6379\r\n";

    fn ends(client: &str, server: &str) -> Option<Ends> {
        Some(Ends { client: client.parse().unwrap(), server: server.parse().unwrap() })
    }

    /// A header of version 2 with what it says of itself.
    fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u16).to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, body].concat()
    }

    fn tcp4(extensions: &[u8]) -> Vec<u8> {
        let addresses = [192, 0, 2, 7, 10, 0, 0, 1, 0xc8, 0x22, 0x18, 0xeb];
        binary(0x21, 0x11, &[&addresses, extensions].concat())
    }

    fn tcp6() -> Vec<u8> {
        let ip = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
        let ports = [0xc8, 0x22, 0x18, 0xeb];
        binary(0x21, 0x21, &[&ip("2001:db8::7")[..], &ip("::ffff:10.0.0.1"), &ports].concat())
    }

    /// The header with a checksum behind everything else.
    fn summed() -> Vec<u8> {
        let mut header = tcp4(&[0x04, 0, 2, 1, 2, CRC32C, 0, 4, 0, 0, 0, 0]);
        let sum = crc32c(header.iter().copied()).to_be_bytes();
        let end = header.len();
        header[end - 4..].copy_from_slice(&sum);
        header
    }

    fn samples() -> Vec<(Vec<u8>, Option<Ends>)> {
        let plain = ends("192.0.2.7:51234", "10.0.0.1:6379");
        let line = |text: &str| text.as_bytes().to_vec();
        vec![
            (V4.to_vec(), plain),
            (
                line("PROXY TCP6 2001:db8::7 ::ffff:10.0.0.1 51234 6379\r\n"),
                ends("[2001:db8::7]:51234", "10.0.0.1:6379"),
            ),
            (line("PROXY TCP4 1.2.3.4 5.6.7.8 0 65535\r\n"), ends("1.2.3.4:0", "5.6.7.8:65535")),
            (line("PROXY UNKNOWN\r\n"), None),
            (line("PROXY UNKNOWN ffff::1 what ever\r\n"), None),
            ([b"PROXY UNKNOWN ", &[b'f'; 91][..], b"\r\n"].concat(), None),
            (tcp4(&[]), plain),
            (tcp4(&[0x01, 0, 2, b'h', b'2', 0xe0, 0, 0]), plain),
            (summed(), plain),
            (tcp6(), ends("[2001:db8::7]:51234", "10.0.0.1:6379")),
            // LOCAL, with nothing and with what it has to discard.
            (binary(0x20, 0, &[]), None),
            (binary(0x20, 0x11, &[1, 2, 3]), None),
            (binary(0x21, 0, &[]), None),
            // UDP, and a unix socket: valid, and not what can be shown.
            (binary(0x21, 0x12, &[7; 12]), None),
            (binary(0x21, 0x31, &[7; 216]), None),
        ]
    }

    #[test]
    fn a_header_is_read_to_its_end_and_no_further() {
        assert_eq!(samples()[5].0.len(), LONGEST_LINE);
        for (header, ends) in samples() {
            let expected = Header::Whole(header.len(), ends);
            assert_eq!(read(&header), expected, "{}", header.escape_ascii());
            for behind in [&b"PING\r\n"[..], b"\r\n", V4, SIGNATURE] {
                assert_eq!(read(&[&header, behind].concat()), expected);
            }
        }
    }

    #[test]
    fn a_header_that_is_cut_anywhere_is_partial_and_needs_no_more_than_its_rest() {
        for (header, _) in samples() {
            for cut in 0..header.len() {
                let (begun, rest) = header.split_at(cut);
                assert_eq!(read(begun), Header::Partial, "{}", begun.escape_ascii());
                assert!((1..=rest.len()).contains(&needed(begun)), "{}", begun.escape_ascii());
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused_with_the_reason() {
        let long = [b"PROXY UNKNOWN ", &[b'f'; 92][..], b"\r\n"].concat();
        let mut wrong_sum = summed();
        wrong_sum[17] ^= 1;
        for (bytes, broken) in [
            (&b"PING\r\n"[..], Broken::Missing),
            (b"*1\r\n$4\r\nPING\r\n", Broken::Missing),
            (b"PROXy TCP4", Broken::Missing),
            (b"\r\n\r\nPING", Broken::Missing),
            (b"\x16\x03\x01", Broken::Missing),
            (&long, Broken::LineTooLong),
            (b"PROXY \r\n", Broken::Line),
            (b"PROXY TCP4\r\n", Broken::Line),
            (b"PROXY UNKNOWNS\r\n", Broken::Line),
            (b"PROXY UNKNOWN\n", Broken::Line),
            (b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", Broken::Line),
            (b"PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n", Broken::Line),
            (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", Broken::Line),
            (b"PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n", Broken::Line),
            (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", Broken::Line),
            (b"PROXY TCP4 1.2.3.4 \xff 1 2\r\n", Broken::Line),
            (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", Broken::Line),
            (b"PROXY TCP4 ::1 ::1 1 2\r\n", Broken::Address),
            (b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", Broken::Address),
            (b"PROXY TCP4 1.2.3.4 1.2.3.04 1 2\r\n", Broken::Address),
            (b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", Broken::Address),
            (b"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", Broken::Address),
            (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", Broken::Address),
            (b"PROXY TCP4 localhost 1.2.3.4 1 2\r\n", Broken::Address),
            (&binary(0x11, 0x11, &[0; 12]), Broken::Version(1)),
            (&binary(0x22, 0x11, &[0; 12]), Broken::Command(2)),
            (&binary(0x21, 0x41, &[0; 12]), Broken::Family(0x41)),
            (&binary(0x20, 0x13, &[0; 12]), Broken::Family(0x13)),
            (&binary(0x21, 0x11, &[0; 11]), Broken::TooShort(11)),
            (&binary(0x21, 0x21, &[0; 12]), Broken::TooShort(12)),
            (&binary(0x21, 0x31, &[0; 36]), Broken::TooShort(36)),
            (
                &binary(0x21, 0x11, &vec![0; LONGEST_BINARY - 15]),
                Broken::TooLong(LONGEST_BINARY + 1),
            ),
            (&tcp4(&[1]), Broken::Extension),
            (&tcp4(&[1, 0, 1]), Broken::Extension),
            (&tcp4(&[1, 0, 0, 1, 0xff, 0xff]), Broken::Extension),
            (&tcp4(&[CRC32C, 0, 3, 1, 2, 3]), Broken::Extension),
            (&tcp4(&[CRC32C, 0, 4, 1, 2, 3, 4]), Broken::Checksum),
            (&wrong_sum, Broken::Checksum),
        ] {
            assert_eq!(read(bytes), Header::Broken(broken), "{}", bytes.escape_ascii());
            assert!(!broken.to_string().is_empty());
        }
        // A length that cannot be is refused before what it announces has come.
        assert_eq!(read(&binary(0x21, 0x11, &[0; 11])[..16]), Header::Broken(Broken::TooShort(11)));
    }

    /// RFC 3720, appendix B.4.
    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32c([0; 32].into_iter()), 0x8a91_36aa);
        assert_eq!(crc32c(0..32), 0x46dd_794e);
    }

    /// Random bytes, and headers with a few of them changed, in every length: no panic, and what has been called whole
    /// or broken stays so when more comes.
    #[test]
    fn any_bytes_are_a_header_or_the_beginning_of_one_or_neither() {
        let mut random = 0x2545_f491_u32;
        let mut next = move || {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            random
        };
        let samples = samples();
        let (mut whole, mut broken) = (0, 0);
        for round in 0..4000 {
            let mut bytes = samples[next() as usize % samples.len()].0.clone();
            if round % 4 == 0 {
                bytes = (0..next() % 64).map(|_| next() as u8).collect();
            }
            for _ in 0..next() % 3 {
                let at = next() as usize % bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = next() as u8;
                }
            }
            let mut last = Header::Partial;
            for cut in 0..=bytes.len() {
                let read = read(&bytes[..cut]);
                assert!(last == Header::Partial || last == read, "{}", bytes.escape_ascii());
                if read == Header::Partial {
                    assert!(needed(&bytes[..cut]) > 0);
                }
                last = read;
            }
            match last {
                Header::Whole(..) => whole += 1,
                Header::Broken(_) => broken += 1,
                Header::Partial => {}
            }
        }
        assert!(whole > 500 && broken > 1000, "{whole} {broken}");
    }
}
