//! TLS: its settings, and the names that its directives use for protocols and cipher suites.
//!
//! All of it is read and checked in every build, so that a file says what is wrong with it wherever it is read; whether
//! a port may speak TLS is a matter of the build ([`Port`]). Nothing here reads a file: `net` does.

use std::path::PathBuf;

use super::choice::Choice;
use super::directive::{Class, Directive, Effect, directive, recall, remember, unused};
use super::kind::{FilePath, Integer, Kind, OneOf, Password, YesNo, single, utf8};
use super::place::Reason;
use super::settings::Config;
use super::value::Secret;

const INT: Integer = Integer(0..=i32::MAX as i64);
const FILES: &[Effect] = &[Effect::TlsFiles, Effect::Tls];

const NO_REPLICAS: &str = "respd has no replicas and no cluster to talk to";
const NO_SERVERS: &str = "respd connects to no other server with TLS";
const NO_DH: &str = "key exchange is over elliptic curves alone";

/// In the order of their names.
pub(super) const ROWS: &[Directive] = &[
    Directive::new("admin-tls", |config| YesNo.show(&config.tls.admin), read_admin_tls)
        .effects(FILES)
        .about("The administration port speaks TLS, with the certificates of 'tls-port'."),
    directive!("tls-auth-clients", tls.auth_clients, OneOf)
        .effects(FILES)
        .about("Whether clients that speak TLS have to show a certificate."),
    directive!("tls-auth-clients-user", tls.auth_clients_user, OneOf)
        .effects(FILES)
        .about("What in a client's certificate names the user as whom it is logged in."),
    directive!("tls-auto-reload-interval", tls.auto_reload_interval, INT).about(
        "The seconds after which the files of TLS are read anew; 0: when that is asked for.",
    ),
    directive!("tls-ca-cert-dir", tls.ca_cert_dir, FilePath)
        .effects(FILES)
        .about("The folder of certificates that may have signed those of clients."),
    directive!("tls-ca-cert-file", tls.ca_cert_file, FilePath)
        .effects(FILES)
        .about("The file of certificates that may have signed those of clients."),
    directive!("tls-cert-file", tls.cert_file, FilePath)
        .effects(FILES)
        .about("The server's certificate, and those up to its authority."),
    directive!("tls-ciphers", tls.ciphers, CIPHERS)
        .effects(FILES)
        .about("The cipher suites of TLS 1.2, as OpenSSL selects them; empty: all."),
    directive!("tls-ciphersuites", tls.ciphersuites, CIPHERSUITES)
        .effects(FILES)
        .about("The cipher suites of TLS 1.3, with colons between; empty: all."),
    unused!("tls-client-cert-file", FilePath, None, NO_SERVERS)
        .about("The certificate of the server where it is a client."),
    unused!("tls-client-key-file", FilePath, None, NO_SERVERS).about("The key of that."),
    unused!("tls-client-key-file-pass", Password, Secret::default(), NO_SERVERS)
        .secret()
        .about("The password of that key."),
    unused!("tls-cluster", YesNo, false, NO_REPLICAS).about("TLS between the nodes of a cluster."),
    unused!("tls-dh-params-file", FilePath, None, NO_DH)
        .about("The parameters of Diffie-Hellman key exchange for TLS 1.2."),
    directive!("tls-key-file", tls.key_file, FilePath)
        .effects(FILES)
        .about("The key of the server's certificate."),
    directive!("tls-key-file-pass", NoPassword)
        .secret()
        .about("The password of that key; keys are read without one alone."),
    directive!("tls-port", tls.port, Port)
        .effects(&[Effect::TlsFiles, Effect::ListenPorts, Effect::Tls])
        .about("The port for clients that speak TLS; 0: there is none."),
    directive!("tls-prefer-server-ciphers", tls.prefer_server_ciphers, YesNo)
        .effects(FILES)
        .about("The server's order of cipher suites decides, and not the client's."),
    directive!("tls-protocols", tls.protocols, PROTOCOLS)
        .effects(FILES)
        .about("The versions of TLS: TLSv1.2, TLSv1.3 or both; empty: both."),
    unused!("tls-replication", YesNo, false, NO_REPLICAS).about("TLS between master and replicas."),
    directive!("tls-session-cache-size", tls.session_cache_size, INT)
        .effects(FILES)
        .about("How many sessions of TLS may be gone on with; 0: as many as there is room for."),
    directive!("tls-session-cache-timeout", tls.session_cache_timeout, INT)
        .effects(FILES)
        .about("For how many seconds a session of TLS may be gone on with."),
    directive!("tls-session-caching", tls.session_caching, YesNo)
        .effects(FILES)
        .about("Whether a client that comes again may go on with its session of TLS."),
];

fn read_admin_tls(config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
    YesNo.read(&mut config.tls.admin, words)?;
    unless_missing(config.tls.admin)
}

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
    /// Who may have signed the certificates of clients.
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

/// Why no port speaks TLS in this build, and what to do about it.
const WITHOUT_TLS: &str = "this respd was built without TLS: take a package, which has it, build with \
    `--features tls`, or put stunnel in front";

/// A port that speaks TLS; 0 for none.
struct Port;

impl Kind<u16> for Port {
    fn read(&self, field: &mut u16, words: &[&[u8]]) -> Result<(), Reason> {
        PORTS.read(field, words)?;
        unless_missing(*field != 0)
    }

    fn show(&self, field: &u16) -> Vec<u8> {
        PORTS.show(field)
    }
}

const PORTS: Integer = Integer(0..=u16::MAX as i64);

/// Refuses what is `wanted` where this build cannot do it.
fn unless_missing(wanted: bool) -> Result<(), Reason> {
    if wanted && !cfg!(feature = "tls") { Err(WITHOUT_TLS.into()) } else { Ok(()) }
}

/// The name of a password that respd has no use for; empty for none.
struct NoPassword;

impl Kind<()> for NoPassword {
    fn read(&self, (): &mut (), words: &[&[u8]]) -> Result<(), Reason> {
        match single(words)? {
            [] => Ok(()),
            _ => Err("respd reads no encrypted keys: write the key without its password \
                (`openssl pkey -in KEY -out PLAIN`), to a file that only the user of respd can read"
                .into()),
        }
    }

    fn show(&self, (): &()) -> Vec<u8> {
        Vec::new()
    }
}

/// A text of which `check` knows whether it means anything.
struct Checked(fn(&str) -> Result<(), Reason>);

impl Kind<String> for Checked {
    fn read(&self, field: &mut String, words: &[&[u8]]) -> Result<(), Reason> {
        let text = utf8(single(words)?)?;
        (self.0)(text)?;
        text.clone_into(field);
        Ok(())
    }

    fn show(&self, field: &String) -> Vec<u8> {
        field.as_bytes().to_vec()
    }
}

const PROTOCOLS: Checked = Checked(|text| protocols(text).map(drop));
const CIPHERS: Checked = Checked(|text| suites_of_1_2(text).map(drop));
const CIPHERSUITES: Checked = Checked(|text| suites_of_1_3(text).map(drop));

/// The value of `tls-protocols`.
fn protocols(text: &str) -> Result<Vec<Protocol>, Reason> {
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
fn suites_of_1_3(text: &str) -> Result<Vec<u16>, Reason> {
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
fn suites_of_1_2(text: &str) -> Result<Vec<u16>, Reason> {
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
