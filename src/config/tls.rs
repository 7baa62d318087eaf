//! TLS: its settings, and the names that its directives use for protocols and cipher suites.
//!
//! Nothing here reads a file: `net` does.

use std::path::PathBuf;

use super::choice::Choice;
use super::place::Reason;

/// TLS for clients: the directives `tls-…`, and `admin-tls`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The port of clients that speak TLS, at the addresses of [`Config::bind`](super::Config::bind). 0: there is none.
    pub port: u16,
    /// Whether the administration port speaks TLS, and nothing else.
    pub admin: bool,
    /// The server's certificate, and those between it and its authority. PEM.
    pub cert_file: Option<PathBuf>,
    /// The key of that certificate. PEM, not encrypted.
    pub key_file: Option<PathBuf>,
    /// The authorities that sign the certificates of clients.
    pub ca_cert_file: Option<PathBuf>,
    /// Likewise: every file in this folder.
    pub ca_cert_dir: Option<PathBuf>,
    pub auth_clients: ClientCertificates,
    pub auth_clients_user: CertificateUser,
    /// Names of protocols with a space between. Empty: all that respd speaks.
    pub protocols: String,
    /// Cipher suites of TLS 1.2, as OpenSSL selects them. Empty: all that respd has.
    pub ciphers: String,
    /// Cipher suites of TLS 1.3, with colons between. Empty: all that respd has.
    pub ciphersuites: String,
    /// Whether the server's order of cipher suites decides, and not the client's.
    pub prefer_server_ciphers: bool,
    /// Whether a client that comes again may go on with the session that it had.
    pub session_caching: bool,
    /// How many sessions are remembered for that.
    pub session_cache_size: u32,
    /// For how many seconds.
    pub session_cache_timeout: u32,
    /// The seconds after which files that have changed are read anew. 0: they are read when that is asked for.
    pub auto_reload_interval: u32,
}

impl Default for Tls {
    fn default() -> Tls {
        Tls {
            port: 0,
            admin: false,
            cert_file: None,
            key_file: None,
            ca_cert_file: None,
            ca_cert_dir: None,
            auth_clients: ClientCertificates::Yes,
            auth_clients_user: CertificateUser::Off,
            protocols: String::new(),
            ciphers: String::new(),
            ciphersuites: String::new(),
            prefer_server_ciphers: false,
            session_caching: true,
            session_cache_size: 20 * 1024,
            session_cache_timeout: 300,
            auto_reload_interval: 0,
        }
    }
}

impl Tls {
    /// Returns whether any port speaks TLS.
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    pub(crate) fn is_on(&self) -> bool {
        self.port != 0 || self.admin
    }

    /// The numbers of the cipher suites to offer, the preferred first.
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    pub(crate) fn suites(&self) -> Vec<u16> {
        let of_1_3 = suites_of_1_3(&self.ciphersuites).unwrap_or_default();
        let of_1_2 = suites_of_1_2(&self.ciphers).unwrap_or_default();
        of_1_3.into_iter().chain(of_1_2).collect()
    }

    /// The protocols to offer.
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    pub(crate) fn protocols(&self) -> Vec<Protocol> {
        protocols(&self.protocols).unwrap_or_default()
    }
}

/// Whether clients have to show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    No,
    Yes,
    /// They may; one that is not trusted is refused.
    Optional,
}

impl Choice for ClientCertificates {
    const NAMES: &'static [(&'static str, ClientCertificates)] = &[
        ("no", ClientCertificates::No),
        ("yes", ClientCertificates::Yes),
        ("optional", ClientCertificates::Optional),
    ];
}

/// What in a client's certificate is the name of its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateUser {
    /// The common name of its subject.
    CommonName,
    /// A URI of its subject's alternative names: the first that is the name of a user who may log in.
    Uri,
    Off,
}

impl Choice for CertificateUser {
    const NAMES: &'static [(&'static str, CertificateUser)] = &[
        ("CN", CertificateUser::CommonName),
        ("URI", CertificateUser::Uri),
        ("off", CertificateUser::Off),
    ];
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Tls12,
    Tls13,
}

/// The value of `tls-protocols`.
pub(super) fn protocols(text: &str) -> Result<Vec<Protocol>, Reason> {
    let mut found = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        found.push(match word.to_ascii_lowercase().as_str() {
            "tlsv1.2" => Protocol::Tls12,
            "tlsv1.3" => Protocol::Tls13,
            "tlsv1" | "tlsv1.1" => {
                return Err("respd speaks TLSv1.2 and TLSv1.3: those before are broken".into());
            }
            _ => return Err("Use a combination of 'TLSv1.2' and 'TLSv1.3'".into()),
        });
    }
    if found.is_empty() {
        found = vec![Protocol::Tls13, Protocol::Tls12];
    }
    Ok(found)
}

/// The cipher suites of TLS 1.3 that there are, the preferred first: their numbers and names.
const SUITES_OF_1_3: [(u16, &str); 3] = [
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
];

/// Those of TLS 1.2, and the words that select them.
const SUITES_OF_1_2: [(u16, &str, &str); 6] = [
    (0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDSA aECDSA AES AESGCM AES256 SHA384"),
    (0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDSA aECDSA AES AESGCM AES128 SHA256"),
    (0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDSA aECDSA CHACHA20"),
    (0xc030, "ECDHE-RSA-AES256-GCM-SHA384", "RSA aRSA AES AESGCM AES256 SHA384"),
    (0xc02f, "ECDHE-RSA-AES128-GCM-SHA256", "RSA aRSA AES AESGCM AES128 SHA256"),
    (0xcca8, "ECDHE-RSA-CHACHA20-POLY1305", "RSA aRSA CHACHA20"),
];

/// Words that select every one of them.
const EVERY_SUITE: &str =
    "ALL DEFAULT COMPLEMENTOFDEFAULT HIGH ECDHE EECDH kECDHE kEECDH TLSv1.2 FIPS SUITEB128";

/// The value of `tls-ciphersuites`.
pub(super) fn suites_of_1_3(text: &str) -> Result<Vec<u16>, Reason> {
    let mut found = Vec::new();
    for word in text.split(':').filter(|word| !word.is_empty()) {
        let suite = SUITES_OF_1_3.iter().find(|(_, name)| name.eq_ignore_ascii_case(word));
        let (number, _) = suite.ok_or_else(|| {
            let names = SUITES_OF_1_3.map(|(_, name)| name).join(", ");
            Reason::from(format!("'{word}' is none of the cipher suites of TLS 1.3: {names}"))
        })?;
        found.push(*number);
    }
    if found.is_empty() {
        found.extend(SUITES_OF_1_3.map(|(number, _)| number));
    }
    Ok(found)
}

/// The value of `tls-ciphers`: a list in OpenSSL's language. Of its words those are known that select, or leave out,
/// one of the suites that there are; others have no meaning, as in OpenSSL. A list that selects nothing is refused.
pub(super) fn suites_of_1_2(text: &str) -> Result<Vec<u16>, Reason> {
    let mut found: Vec<u16> = Vec::new();
    let mut barred: Vec<u16> = Vec::new();
    let is_selected = |words: &str, selected: &str| {
        selected
            .split('+')
            .all(|part| words.split(' ').chain(EVERY_SUITE.split(' ')).any(|word| word == part))
    };
    for word in text.split([':', ',', ' ']).filter(|word| !word.is_empty()) {
        let (sign, selected) = match word.as_bytes()[0] {
            sign @ (b'!' | b'-' | b'+') => (sign, &word[1..]),
            // `@STRENGTH` and its kind sort, which has nothing to sort here.
            b'@' => continue,
            _ => (0, word),
        };
        let matching = SUITES_OF_1_2
            .iter()
            .filter(|(_, name, words)| *name == selected || is_selected(words, selected))
            .map(|&(number, ..)| number);
        for number in matching {
            match sign {
                b'!' => barred.push(number),
                b'-' => found.retain(|&known| known != number),
                b'+' => {}
                _ if found.contains(&number) => {}
                _ => found.push(number),
            }
        }
    }
    found.retain(|number| !barred.contains(number));
    if text.is_empty() {
        found.extend(SUITES_OF_1_2.map(|(number, ..)| number));
    }
    if found.is_empty() {
        let names = SUITES_OF_1_2.map(|(_, name, _)| name).join(", ");
        return Err(format!("it selects none of the cipher suites of TLS 1.2: {names}").into());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_openssl_selects_suites() {
        let selected = |text: &str| suites_of_1_2(text).unwrap();
        let every = [0xc02c, 0xc02b, 0xcca9, 0xc030, 0xc02f, 0xcca8];
        for text in ["", "DEFAULT", "HIGH:!aNULL:!MD5", "DEFAULT:!MEDIUM", "ALL:@STRENGTH"] {
            assert_eq!(selected(text), every, "{text}");
        }
        assert_eq!(selected("ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA"), [0xc02f]);
        assert_eq!(selected("ECDHE+AESGCM:!ECDSA"), [0xc030, 0xc02f]);
        assert_eq!(selected("CHACHA20:-aRSA"), [0xcca9]);
        assert_eq!(selected("AES256,CHACHA20"), [0xc02c, 0xc030, 0xcca9, 0xcca8]);
        for text in ["AES128-SHA", "!ALL", "ALL:-ALL", "RC4", ":", "\u{fc}"] {
            assert!(suites_of_1_2(text).is_err(), "{text}");
        }
    }

    #[test]
    fn protocols_and_suites_of_1_3_are_names() {
        assert_eq!(protocols("").unwrap(), [Protocol::Tls13, Protocol::Tls12]);
        assert_eq!(protocols("tlsv1.3").unwrap(), [Protocol::Tls13]);
        for text in ["TLSv1", "TLSv1.1 TLSv1.2", "SSLv3", "1.2"] {
            assert!(protocols(text).is_err(), "{text}");
        }
        assert_eq!(suites_of_1_3("TLS_AES_128_GCM_SHA256").unwrap(), [0x1301]);
        assert!(suites_of_1_3("TLS_AES_128_CCM_SHA256").is_err());
    }
}
