//! The addresses that are proxies': `proxy-protocol-from`.

use std::fmt;
use std::net::IpAddr;

use super::kind::{Kind, utf8};
use super::place::Reason;
use crate::peer::Address;

/// How many may be named. Each newcomer is compared with all of them.
const MOST: usize = 256;

/// Addresses, networks, and the unix socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    /// Whatever connects to the unix socket.
    Unix,
    /// The addresses whose first `bits` are those of `ip`, which has no others set.
    Ip { ip: IpAddr, bits: u32 },
}

impl Networks {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the address is in one of the networks. One of IPv4 in the form of IPv6 is one of IPv4.
    pub(crate) fn has(&self, addr: &Address) -> bool {
        self.0.iter().any(|network| match (network, addr) {
            (Network::Unix, Address::Unix(_)) => true,
            (&Network::Ip { ip, bits }, Address::Tcp(addr)) => {
                masked(addr.ip().to_canonical(), bits) == ip
            }
            _ => false,
        })
    }
}

/// How many bits an address of this family has.
fn width(ip: IpAddr) -> u32 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// The address without what is behind its first `bits`.
fn masked(ip: IpAddr, bits: u32) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let behind = u32::MAX.checked_shr(bits).unwrap_or(0);
            IpAddr::V4((ip.to_bits() & !behind).into())
        }
        IpAddr::V6(ip) => {
            let behind = u128::MAX.checked_shr(bits).unwrap_or(0);
            IpAddr::V6((ip.to_bits() & !behind).into())
        }
    }
}

impl Network {
    fn read(text: &str) -> Result<Network, Reason> {
        if text.eq_ignore_ascii_case("unix") {
            return Ok(Network::Unix);
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let given: IpAddr = address.parse().map_err(|_| {
            format!("'{text}' is no IP address or network, and names are not looked up")
        })?;
        let most = width(given);
        let bits = match bits {
            None => most,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|bits| *bits <= most && !digits.starts_with('+'))
                .ok_or_else(|| format!("'{text}': a network has 0 to {most} bits"))?,
        };
        // 10.0.0.0/8 in the form of IPv6 is ::ffff:10.0.0.0/104.
        let (ip, bits) = match given.to_canonical() {
            ip if ip.is_ipv4() && given.is_ipv6() && bits >= 96 => (ip, bits - 96),
            _ => (given, bits),
        };
        let network = Network::Ip { ip: masked(ip, bits), bits };
        if masked(ip, bits) != ip {
            return Err(format!("'{text}' has bits behind its network, which is {network}").into());
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Network::Unix => f.write_str("unix"),
            Network::Ip { ip, bits } if bits == width(ip) => write!(f, "{ip}"),
            Network::Ip { ip, bits } => write!(f, "{ip}/{bits}"),
        }
    }
}

/// Any number of addresses and networks; empty for none.
pub(crate) struct NetworkList;

impl Kind<Networks> for NetworkList {
    fn read(&self, field: &mut Networks, words: &[&[u8]]) -> Result<(), Reason> {
        let words = words.iter().flat_map(|word| word.split(|&byte| byte == b' '));
        let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
        if words.len() > MOST {
            return Err(format!("{MOST} addresses and networks are the most").into());
        }
        let read = |word| Network::read(utf8(word)?);
        field.0 = words.into_iter().map(read).collect::<Result<_, Reason>>()?;
        Ok(())
    }

    fn show(&self, field: &Networks) -> Vec<u8> {
        let shown: Vec<String> = field.0.iter().map(Network::to_string).collect();
        shown.join(" ").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Networks, String> {
        let mut networks = Networks::default();
        NetworkList.read(&mut networks, &[text.as_bytes()]).map_err(|reason| reason.to_string())?;
        Ok(networks)
    }

    fn shown(text: &str) -> String {
        String::from_utf8(NetworkList.show(&read(text).unwrap())).unwrap()
    }

    #[test]
    fn networks_are_shown_in_their_shortest_form() {
        for (given, expected) in [
            ("", ""),
            ("  10.0.0.1/32   UNIX ", "10.0.0.1 unix"),
            ("10.0.0.0/8 0.0.0.0/0 ::/0", "10.0.0.0/8 0.0.0.0/0 ::/0"),
            ("::ffff:10.0.0.1 ::ffff:10.0.0.0/104", "10.0.0.1 10.0.0.0/8"),
            ("2001:DB8:0::/48 ::1", "2001:db8::/48 ::1"),
        ] {
            assert_eq!(shown(given), expected);
            assert_eq!(read(expected), read(given));
        }
    }

    #[test]
    fn an_address_is_in_a_network_whose_bits_it_has() {
        let tcp = |ip: &str| Address::Tcp((ip.parse::<IpAddr>().unwrap(), 1).into());
        for (networks, ip, is_in) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("10.16.0.0/12", "10.31.255.255", true),
            ("10.16.0.0/12", "10.32.0.0", false),
            ("0.0.0.0/0", "192.0.2.7", true),
            ("0.0.0.0/0", "2001:db8::7", false),
            ("::/0", "192.0.2.7", false),
            ("2001:db8::/33", "2001:db8:7fff::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("unix", "127.0.0.1", false),
            ("10.0.0.1 ::1", "::1", true),
        ] {
            assert_eq!(read(networks).unwrap().has(&tcp(ip)), is_in, "{networks} {ip}");
        }
        let unix = Address::Unix("/tmp/x".into());
        assert!(read("unix").unwrap().has(&unix) && !read("0.0.0.0/0").unwrap().has(&unix));
        assert!(!read("unix").unwrap().has(&Address::Local));
    }

    #[test]
    fn what_is_no_network_is_refused_with_the_reason() {
        for (text, reason) in [
            (
                "proxy.example",
                "'proxy.example' is no IP address or network, and names are not looked up",
            ),
            (
                "10.0.0.1:6379",
                "'10.0.0.1:6379' is no IP address or network, and names are not looked up",
            ),
            ("10.0.0.0/33", "'10.0.0.0/33': a network has 0 to 32 bits"),
            ("::/129", "'::/129': a network has 0 to 128 bits"),
            ("10.0.0.0/", "'10.0.0.0/': a network has 0 to 32 bits"),
            ("10.0.0.0/+8", "'10.0.0.0/+8': a network has 0 to 32 bits"),
            ("10.0.0.1/8", "'10.0.0.1/8' has bits behind its network, which is 10.0.0.0/8"),
        ] {
            assert_eq!(read(text), Err(reason.to_owned()));
        }
        assert!(read(&"::1 ".repeat(257)).unwrap_err().starts_with("256 addresses"));
    }
}
