//! The directives of TLS.
//!
//! All of them are read and checked in every build, so that a file says what is wrong with it wherever it is read;
//! whether a port may speak TLS is a matter of the build ([`Port`]).

use super::directive::{Class, Directive, Effect, directive, recall, remember, unused};
use super::kind::{FilePath, Integer, Kind, OneOf, Password, YesNo, single, utf8};
use super::place::Reason;
use super::settings::Config;
use super::tls::{protocols, suites_of_1_2, suites_of_1_3};
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
