//! What the configuration and the files that it names say about TLS, read once for all connections that come then.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerConfig, WebPkiClientVerifier};
use rustls::{CertificateError, RootCertStore, SupportedProtocolVersion, version};

use super::certificate::Certificate;
use super::session::Session;
use super::session_cache::SessionCache;
use crate::config::{CertificateUser, ClientCertificates, Config, Tls, tls::Protocol};
use crate::files;
use crate::telemetry::{self, Certificates};

/// What every new connection that speaks TLS begins with.
#[derive(Debug, Clone)]
pub(crate) struct Acceptor {
    config: Arc<ServerConfig>,
    serves_admin: bool,
    users: CertificateUser,
    certificates: Certificates,
}

impl Acceptor {
    /// Reads all that the configuration names. `None`: no port speaks TLS, and nothing is read. The error says which
    /// directive is wrong, and how.
    pub(crate) fn read(config: &Config) -> io::Result<Option<Acceptor>> {
        if !config.tls.is_on() {
            return Ok(None);
        }
        let tls = &located(config);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let provider = Arc::new(provider(tls));
        let (chain, server) = own_certificates(tls, now)?;
        let key_file = needed("tls-key-file", &tls.key_file)?;
        let key = key(key_file)?;
        let cert_file = needed("tls-cert-file", &tls.cert_file)?;
        let authorities = Authorities::read(tls, now)?;
        let verifier = verifier(tls, authorities.roots, &provider)?;
        let versions: Vec<&'static SupportedProtocolVersion> = tls
            .protocols()
            .into_iter()
            .map(|protocol| match protocol {
                Protocol::Tls12 => &version::TLS12,
                Protocol::Tls13 => &version::TLS13,
            })
            .collect();
        let fitting = |error| refused(format!("'tls-protocols', 'tls-ciphers': {error}"));
        let mut made = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(fitting)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    wrong("tls-key-file", key_file, "it is not the key of 'tls-cert-file'")
                }
                rustls::Error::InvalidCertificate(error) => {
                    wrong("tls-cert-file", cert_file, unfit(&error))
                }
                other => wrong("tls-key-file", key_file, other),
            })?;
        made.ignore_client_order = tls.prefer_server_ciphers;
        if tls.session_caching {
            let (most, seconds) = (tls.session_cache_size, tls.session_cache_timeout);
            made.session_storage = Arc::new(SessionCache::new(most, seconds));
        } else {
            made.session_storage = Arc::new(NoServerSessionStorage {});
            made.send_tls13_tickets = 0;
        }
        let certificates = Certificates { server, authority: authorities.first_to_expire };
        let (serves_admin, users) = (tls.admin, tls.auth_clients_user);
        Ok(Some(Acceptor { config: Arc::new(made), serves_admin, users, certificates }))
    }

    /// What INFO shows.
    pub(crate) fn certificates(&self) -> Certificates {
        self.certificates.clone()
    }

    /// Whether the administration port speaks TLS.
    pub(crate) fn serves_admin(&self) -> bool {
        self.serves_admin
    }

    /// A connection begins.
    pub(crate) fn accept(&self) -> io::Result<Box<Session>> {
        let session = Session::new(self.config.clone(), self.users);
        session.map(Box::new).map_err(io::Error::other)
    }
}

/// The settings of TLS, with its files where they are now.
fn located(config: &Config) -> Tls {
    let mut tls = config.tls.clone();
    let files =
        [&mut tls.cert_file, &mut tls.key_file, &mut tls.ca_cert_file, &mut tls.ca_cert_dir];
    for file in files.into_iter().flatten() {
        *file = config.locate(file);
    }
    tls
}

/// The cryptography of ring, with the cipher suites that are asked for.
fn provider(tls: &Tls) -> CryptoProvider {
    let wanted = tls.suites();
    let mut provider = ring::default_provider();
    let place = |suite: &rustls::SupportedCipherSuite| {
        let number = u16::from(suite.suite());
        wanted.iter().position(|&known| known == number)
    };
    provider.cipher_suites.retain(|suite| place(suite).is_some());
    provider.cipher_suites.sort_by_key(place);
    provider
}

/// The certificates that the server shows, its own first, and what INFO tells of that one.
fn own_certificates(
    tls: &Tls,
    now: Duration,
) -> io::Result<(Vec<CertificateDer<'static>>, Option<telemetry::Certificate>)> {
    let path = needed("tls-cert-file", &tls.cert_file)?;
    let chain = certificates("tls-cert-file", path)?;
    let mut server = None;
    for der in &chain {
        let read = valid("tls-cert-file", path, der, now)?;
        server.get_or_insert(read);
    }
    if server.is_none() {
        return Err(wrong("tls-cert-file", path, NO_CERTIFICATE));
    }
    Ok((chain, server))
}

/// Those that may have signed the certificates of clients.
struct Authorities {
    roots: RootCertStore,
    first_to_expire: Option<telemetry::Certificate>,
}

impl Authorities {
    fn read(tls: &Tls, now: Duration) -> io::Result<Authorities> {
        let mut authorities = Authorities { roots: RootCertStore::empty(), first_to_expire: None };
        if let Some(path) = &tls.ca_cert_file {
            let directive = "tls-ca-cert-file";
            let found = certificates(directive, path)?;
            if found.is_empty() {
                return Err(wrong(directive, path, NO_CERTIFICATE));
            }
            authorities.add(directive, path, found, now)?;
        }
        if let Some(folder) = &tls.ca_cert_dir {
            let directive = "tls-ca-cert-dir";
            let listed = files_in(folder).map_err(|error| wrong(directive, folder, error))?;
            for path in listed {
                authorities.add(directive, &path, certificates(directive, &path)?, now)?;
            }
        }
        if authorities.roots.is_empty() && tls.auth_clients != ClientCertificates::No {
            return Err(refused(
                "'tls-auth-clients' asks for certificates of clients: name who may have signed them with \
                 'tls-ca-cert-file' or 'tls-ca-cert-dir', or set 'tls-auth-clients no'",
            ));
        }
        Ok(authorities)
    }

    fn add(
        &mut self,
        directive: &str,
        path: &Path,
        found: Vec<CertificateDer<'static>>,
        now: Duration,
    ) -> io::Result<()> {
        for der in found {
            let read = valid(directive, path, &der, now)?;
            let earliest = self.first_to_expire.as_ref().map_or(u64::MAX, |known| known.expires);
            if read.expires < earliest {
                self.first_to_expire = Some(read);
            }
            self.roots.add(der).map_err(|error| wrong(directive, path, error))?;
        }
        Ok(())
    }
}

/// The files of a folder, in the order of their names.
fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if fs::metadata(&path).is_ok_and(|found| found.is_file()) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What looks at the certificates of clients, if any are asked for.
fn verifier(
    tls: &Tls,
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> io::Result<Arc<dyn ClientCertVerifier>> {
    let builder = || WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let built = match tls.auth_clients {
        ClientCertificates::No => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientCertificates::Yes => builder().build(),
        ClientCertificates::Optional => builder().allow_unauthenticated().build(),
    };
    built.map_err(|error| refused(format!("'tls-ca-cert-file', 'tls-ca-cert-dir': {error}")))
}

const NO_CERTIFICATE: &str = "it holds no certificate in PEM";

/// The certificates that a file holds.
fn certificates(directive: &str, path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let text = files::read(path).map_err(|error| wrong(directive, path, error))?;
    CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(directive, path, unreadable(&error)))
}

/// What INFO tells of a certificate. One whose time has not come, or is over, is an error.
fn valid(
    directive: &str,
    path: &Path,
    der: &[u8],
    now: Duration,
) -> io::Result<telemetry::Certificate> {
    let read = Certificate::parse(der)
        .ok_or_else(|| wrong(directive, path, "a certificate in it cannot be read"))?;
    let now = now.as_secs();
    if now > read.expires {
        let days = (now - read.expires) / (24 * 60 * 60);
        return Err(wrong(directive, path, format!("it has expired, {days} days ago")));
    }
    if now < read.begins {
        return Err(wrong(directive, path, "it is not valid yet"));
    }
    Ok(telemetry::Certificate { serial: read.serial(), expires: read.expires })
}

/// The key that a file holds.
fn key(path: &Path) -> io::Result<PrivateKeyDer<'static>> {
    let directive = "tls-key-file";
    let text = files::read(path).map_err(|error| wrong(directive, path, error))?;
    let is_encrypted = text.windows(9).any(|word| word == b"ENCRYPTED");
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match is_encrypted {
        true => wrong(
            directive,
            path,
            "it is encrypted, which respd does not read: write the key without its password \
             (`openssl pkey -in KEY -out PLAIN`), to a file that only the user of respd can read",
        ),
        false => wrong(
            directive,
            path,
            format!("it holds no private key in PEM: {}", unreadable(&error)),
        ),
    })
}

/// Why a text is no PEM. What is in it is not shown: it may be a key.
fn unreadable(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => {
            "it is cut off: a part of it has no END line".into()
        }
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line in it is wrong".into(),
        pem::Error::Base64Decode(_) => "a part of it is damaged: it is no base64".into(),
        pem::Error::NoItemsFound => "there is none".into(),
        other => other.to_string(),
    }
}

/// Why a certificate cannot be the server's.
fn unfit(error: &CertificateError) -> String {
    match format!("{error:?}") {
        shown if shown.contains("UnsupportedCertVersion") => {
            "it is of version 1 of X.509, and TLS needs version 3: make it with extensions \
             (`openssl req -x509 -addext subjectAltName=DNS:NAME`)"
                .into()
        }
        _ => format!("it cannot be used: {error}"),
    }
}

/// The file that a directive has to name.
fn needed<'a>(directive: &str, path: &'a Option<PathBuf>) -> io::Result<&'a Path> {
    let missing = || refused(format!("there is no '{directive}', which TLS needs"));
    path.as_deref().ok_or_else(missing)
}

fn wrong(directive: &str, path: &Path, what: impl std::fmt::Display) -> io::Error {
    refused(format!("'{directive} {}': {what}", path.display()))
}

fn refused(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text.into())
}
