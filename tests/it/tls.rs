//! TLS on real sockets, with rustls as the client's side: which clients are let in, what is refused, what changes while the
//! server runs. The certificates stand in `tests/tls/`.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::config::{Callers, CertificateUser, ClientCertificates, Tls};
use respd::internals::embed::local::request;
use respd::internals::net::{ListenAddress, Ports};
use respd::internals::wire::value;
use respd::{ManualClock, Running, Server};
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore};
use rustls::{StreamOwned, SupportedProtocolVersion, version};

use crate::process::Folder;
use crate::socket::{PATIENCE, Socket, until};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

fn certificates(name: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(file(name)).unwrap().map(Result::unwrap).collect()
}

/// TLS that asks clients for no certificate.
fn open() -> Tls {
    Tls {
        cert_file: Some(file("server.crt")),
        key_file: Some(file("server.key")),
        auth_clients: ClientCertificates::No,
        ..Tls::default()
    }
}

/// TLS that asks clients for a certificate of the authority.
fn mutual() -> Tls {
    Tls { auth_clients: ClientCertificates::Yes, ca_cert_file: Some(file("ca.crt")), ..open() }
}

/// A server with a port for each kind.
struct Served {
    running: Running,
    tcp: SocketAddr,
    tls: SocketAddr,
    admin: SocketAddr,
}

const PORTS: Ports = Ports { clients: Some(0), tls: Some(0), admin: Some(0) };

fn serve(config: Config) -> Served {
    serve_by(ManualClock::new(), config)
}

fn serve_by(clock: ManualClock, config: Config) -> Served {
    let server = Server::builder().config(config).ports(PORTS).clock(clock).bind().unwrap();
    let [mut tcp, mut tls, mut admin] = [None; 3];
    for bound in server.bound() {
        match bound {
            ListenAddress::Tcp(addr) => tcp.get_or_insert(addr),
            ListenAddress::Tls(addr) => tls.get_or_insert(addr),
            ListenAddress::Admin(addr) => admin.get_or_insert(addr),
            ListenAddress::Unix(path) => panic!("{path:?} was not asked for"),
        };
    }
    let (tcp, tls, admin) = (tcp.unwrap(), tls.unwrap(), admin.unwrap());
    Served { running: server.spawn(), tcp, tls, admin }
}

fn with(tls: Tls) -> Served {
    serve(Config { tls, ..Config::default() })
}

/// What a client brings.
struct Visitor {
    versions: &'static [&'static SupportedProtocolVersion],
    certificate: Option<&'static str>,
    trusts: &'static str,
}

static ONLY_12: &[&SupportedProtocolVersion] = &[&version::TLS12];
static ONLY_13: &[&SupportedProtocolVersion] = &[&version::TLS13];

const ANYONE: Visitor =
    Visitor { versions: &[&version::TLS12, &version::TLS13], certificate: None, trusts: "ca.crt" };

impl Visitor {
    fn config(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        certificates(self.trusts).into_iter().for_each(|der| roots.add(der).unwrap());
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots);
        Arc::new(match self.certificate {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let key = PrivateKeyDer::from_pem_file(file(&format!("{name}.key"))).unwrap();
                let chain = certificates(&format!("{name}.crt"));
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        })
    }

    fn connect(&self, addr: SocketAddr) -> Client {
        Client::connect(addr, self.config())
    }
}

fn named(name: &'static str) -> Visitor {
    Visitor { certificate: Some(name), ..ANYONE }
}

/// A client that speaks TLS.
struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
    arrived: Vec<u8>,
}

fn stream(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

impl Client {
    fn connect(addr: SocketAddr, config: Arc<ClientConfig>) -> Client {
        Client::behind(b"", addr, config)
    }

    /// A client whose proxy sends this in clear. The first bytes of TLS come with it.
    fn behind(header: &[u8], addr: SocketAddr, config: Arc<ClientConfig>) -> Client {
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = ClientConnection::new(config, name).unwrap();
        let mut begins = header.to_vec();
        tls.write_tls(&mut begins).unwrap();
        let mut socket = stream(addr);
        socket.write_all(&begins).unwrap();
        Client { stream: StreamOwned::new(tls, socket), arrived: Vec::new() }
    }

    fn try_call<T: AsRef<[u8]>>(
        &mut self,
        args: impl IntoIterator<Item = T>,
    ) -> std::io::Result<String> {
        self.stream.write_all(&request(args))?;
        self.reply()
    }

    fn reply(&mut self) -> std::io::Result<String> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if let Some((value, len)) = value::decode(&self.arrived).unwrap() {
                let shown = value.to_string();
                self.arrived.drain(..len);
                return Ok(shown);
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                n => self.arrived.extend_from_slice(&buffer[..n]),
            }
        }
    }

    fn call<T: AsRef<[u8]>>(&mut self, args: impl IntoIterator<Item = T>) -> String {
        self.try_call(args).unwrap()
    }

    /// What a client that is not let in hears.
    fn refusal(mut self) -> String {
        self.try_call(["PING"]).unwrap_err().to_string()
    }

    fn version(&self) -> Option<ProtocolVersion> {
        self.stream.conn.protocol_version()
    }

    fn number_of_certificate(&self) -> CertificateDer<'static> {
        self.stream.conn.peer_certificates().unwrap()[0].clone().into_owned()
    }
}

/// Returns whether the server has closed the connection, or does so in time.
fn is_closed(peer: &mut TcpStream) -> bool {
    match peer.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

/// A client of the port without TLS.
fn plain(server: &Served) -> Socket {
    Socket::tcp(server.tcp)
}

/// Returns when the server has this many clients, the one that asks included.
fn wait_for_clients(asking: &mut Socket, count: usize) {
    let line = format!("connected_clients:{count}\\r\\n");
    until(&line, || asking.call(["INFO", "clients"]).contains(&line));
}

fn set(client: &mut Socket, pairs: &[&str]) -> String {
    client.call(["CONFIG", "SET"].iter().chain(pairs))
}

const NOT_UPDATED: &str = "Unable to update TLS configuration. Check server logs.";

// Which clients are let in.

#[test]
fn both_versions_of_tls_serve_commands() {
    let server = with(open());
    for versions in [ONLY_12, ONLY_13] {
        let mut client = Visitor { versions, ..ANYONE }.connect(server.tls);
        assert_eq!(client.call(["SET", "key", "value"]), "OK");
        assert_eq!(client.call(["GET", "key"]), "\"value\"");
        assert_eq!(client.version(), Some(versions[0].version));
    }
    assert_eq!(plain(&server).call(["GET", "key"]), "\"value\"");
}

#[test]
fn a_certificate_is_asked_for_and_looked_at() {
    let server = with(mutual());
    assert_eq!(named("ann").connect(server.tls).call(["PING"]), "PONG");
    for (visitor, told) in [
        (ANYONE, "CertificateRequired"),
        (named("stranger"), "UnknownCA"),
        (named("late"), "CertificateExpired"),
    ] {
        let refusal = visitor.connect(server.tls).refusal();
        assert!(refusal.contains(told), "{refusal}");
    }
    let optional = Tls { auth_clients: ClientCertificates::Optional, ..mutual() };
    let server = with(optional);
    assert_eq!(ANYONE.connect(server.tls).call(["PING"]), "PONG");
    assert_eq!(named("bob").connect(server.tls).call(["PING"]), "PONG");
    assert!(named("stranger").connect(server.tls).refusal().contains("UnknownCA"));
}

#[test]
fn a_client_that_does_not_trust_the_server_leaves() {
    let server = with(open());
    let wary = Visitor { trusts: "other-ca.crt", ..ANYONE };
    assert!(wary.connect(server.tls).refusal().contains("UnknownIssuer"));
    wait_for_clients(&mut plain(&server), 1);
}

#[test]
fn authorities_may_stand_in_a_folder() {
    let folder = Folder::new();
    fs::copy(file("ca.crt"), folder.file("first.pem")).unwrap();
    fs::copy(file("other-ca.crt"), folder.file("second.pem")).unwrap();
    fs::write(folder.file("README"), "no certificate").unwrap();
    fs::create_dir(folder.file("more")).unwrap();
    let ca_cert_dir = Some(folder.file(""));
    let server = with(Tls { ca_cert_file: None, ca_cert_dir, ..mutual() });
    assert_eq!(named("ann").connect(server.tls).call(["PING"]), "PONG");
    assert_eq!(named("stranger").connect(server.tls).call(["PING"]), "PONG");
}

#[test]
fn what_is_not_offered_is_not_agreed_on() {
    let only_13 = Visitor { versions: ONLY_13, ..ANYONE };
    let only_12 = Visitor { versions: ONLY_12, ..ANYONE };
    let server = with(Tls { protocols: "TLSv1.2".into(), ..open() });
    assert!(only_13.connect(server.tls).refusal().contains("ProtocolVersion"));
    let mut client = ANYONE.connect(server.tls);
    assert_eq!(client.call(["PING"]), "PONG");
    assert_eq!(client.version(), Some(ProtocolVersion::TLSv1_2));

    let mut operator = plain(&server);
    assert_eq!(set(&mut operator, &["tls-protocols", "TLSv1.3"]), "OK");
    assert!(only_12.connect(server.tls).refusal().contains("ProtocolVersion"));
    assert_eq!(set(&mut operator, &["tls-ciphersuites", "TLS_AES_128_GCM_SHA256"]), "OK");
    let mut client = only_13.connect(server.tls);
    assert_eq!(client.call(["PING"]), "PONG");
    let suite = client.stream.conn.negotiated_cipher_suite().unwrap().suite();
    assert_eq!(format!("{suite:?}"), "TLS13_AES_128_GCM_SHA256");
    assert_eq!(set(&mut operator, &["tls-protocols", "TLSv1.2", "tls-ciphers", "CHACHA20"]), "OK");
    let mut client = only_12.connect(server.tls);
    assert_eq!(client.call(["PING"]), "PONG");
    let suite = client.stream.conn.negotiated_cipher_suite().unwrap().suite();
    assert!(format!("{suite:?}").contains("CHACHA20"), "{suite:?}");
}

// Users of certificates.

#[test]
fn a_client_is_the_user_that_its_certificate_names() {
    let requirepass = b"secret".as_slice().into();
    let tls = Tls { auth_clients_user: CertificateUser::CommonName, ..mutual() };
    let server = serve(Config { requirepass, tls, ..Config::default() });
    let mut operator = plain(&server);
    operator.call(["AUTH", "secret"]);
    for user in ["ann", "urn:respd:user:first", "urn:respd:user:second"] {
        operator.call(["ACL", "SETUSER", user, "on", "+@all", "~*"]);
    }
    assert_eq!(named("ann").connect(server.tls).call(["ACL", "WHOAMI"]), "\"ann\"");
    // There is no user bob: a client with that certificate logs in with a password.
    let mut bob = named("bob").connect(server.tls);
    assert!(bob.call(["ACL", "WHOAMI"]).contains("NOAUTH"));
    let log = operator.call(["ACL", "LOG"]);
    assert!(log.contains("\"tls-cert\"") && log.contains("\"bob\""), "{log}");
    assert!(operator.call(["INFO", "stats"]).contains("acl_access_denied_tls_cert:1\\r\\n"));
    assert_eq!(bob.call(["AUTH", "secret"]), "OK");

    assert_eq!(set(&mut operator, &["tls-auth-clients-user", "URI"]), "OK");
    let whoami = || named("ann").connect(server.tls).call(["ACL", "WHOAMI"]);
    assert_eq!(whoami(), "\"urn:respd:user:first\"");
    operator.call(["ACL", "SETUSER", "urn:respd:user:first", "off"]);
    assert_eq!(whoami(), "\"urn:respd:user:second\"");
    assert_eq!(set(&mut operator, &["tls-auth-clients-user", "off"]), "OK");
    assert!(whoami().contains("NOAUTH"));
}

#[test]
fn a_session_that_goes_on_is_still_its_users() {
    let tls = Tls { auth_clients_user: CertificateUser::CommonName, ..mutual() };
    let server = with(tls);
    plain(&server).call(["ACL", "SETUSER", "ann", "on", "+@all", "~*"]);
    for versions in [ONLY_12, ONLY_13] {
        let config = Visitor { versions, ..named("ann") }.config();
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let mut client = Client::connect(server.tls, config.clone());
            assert_eq!(client.call(["ACL", "WHOAMI"]), "\"ann\"");
            kinds.push(client.stream.conn.handshake_kind().unwrap());
        }
        assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed]);
    }
    set(&mut plain(&server), &["tls-session-caching", "no"]);
    let mut config = Arc::unwrap_or_clone(named("ann").config());
    config.resumption = Resumption::in_memory_sessions(8);
    let config = Arc::new(config);
    for _ in 0..2 {
        let mut client = Client::connect(server.tls, config.clone());
        assert_eq!(client.call(["PING"]), "PONG");
        assert_eq!(client.stream.conn.handshake_kind(), Some(HandshakeKind::Full));
    }
}

// Peers that do not behave.

#[test]
fn peers_that_do_not_speak_tls_are_closed_and_forgotten() {
    let server = with(open());
    let mut asking = plain(&server);
    let hello_of_no_end = [&[22, 3, 1, 64, 0, 1, 0, 0xff, 0xff][..], &[0; 16 * 1024 - 4]].concat();
    let endless: Vec<u8> =
        [&hello_of_no_end[..], &hello_of_no_end, &hello_of_no_end, &hello_of_no_end].concat();
    for bytes in [
        b"*1\r\n$4\r\nPING\r\n".to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0; 100],
        // A record that is longer than any, an alert, and a message with no end.
        vec![22, 3, 1, 0xff, 0xff, 1],
        vec![21, 3, 3, 0, 2, 2, 40],
        endless,
    ] {
        let mut peer = stream(server.tls);
        peer.write_all(&bytes).unwrap();
        let mut heard = Vec::new();
        // The server closes; what it had to say is an alert, or a reset has overtaken it.
        match peer.read_to_end(&mut heard) {
            Ok(_) => assert!(heard.is_empty() || heard[0] == 21, "{heard:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        wait_for_clients(&mut asking, 1);
    }
    // Half a handshake, and gone; and a look at the port.
    let mut peer = stream(server.tls);
    peer.write_all(&[22, 3, 1, 2, 0, 1, 0]).unwrap();
    drop(peer);
    drop(stream(server.tls));
    wait_for_clients(&mut asking, 1);
}

/// Every byte of a conversation broken in turn: the connection is closed, and the server lives.
#[test]
fn a_broken_byte_closes_the_connection() {
    let server = with(open());
    let mut asking = plain(&server);
    let config = ANYONE.config();
    for at in (0..600).step_by(7) {
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = ClientConnection::new(config.clone(), name).unwrap();
        let mut socket = stream(server.tls);
        tls.writer().write_all(&request(["PING"])).unwrap();
        let mut sent = 0;
        loop {
            let mut bytes = Vec::new();
            while tls.wants_write() {
                tls.write_tls(&mut bytes).unwrap();
            }
            let is_broken = (sent..sent + bytes.len()).contains(&at);
            if is_broken {
                bytes[at - sent] ^= 0x55;
            }
            sent += bytes.len();
            let _ = socket.write_all(&bytes);
            // A length that is broken would have both wait for each other.
            if is_broken || !tls.is_handshaking() {
                break;
            }
            if !matches!(tls.read_tls(&mut socket), Ok(1..)) || tls.process_new_packets().is_err() {
                break;
            }
        }
        let _ = socket.shutdown(Shutdown::Write);
        let waited = socket.read_to_end(&mut Vec::new());
        assert!(!waited.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "{at}");
    }
    wait_for_clients(&mut asking, 1);
    assert_eq!(ANYONE.connect(server.tls).call(["PING"]), "PONG");
}

/// Of a request whose record is not as it was sent nothing runs, and the server closes by itself.
#[test]
fn a_broken_record_is_not_answered() {
    let server = with(open());
    let mut asking = plain(&server);
    for versions in [ONLY_12, ONLY_13] {
        let visitor = Visitor { versions, ..ANYONE };
        // With another length it would wait for what is not sent; of the version only the first byte counts.
        for at in [0, 1, 5, 6, 20, usize::MAX] {
            let mut client = visitor.connect(server.tls);
            assert_eq!(client.call(["PING"]), "PONG");
            client.stream.conn.writer().write_all(&request(["SET", "broken", "v"])).unwrap();
            let mut bytes = Vec::new();
            client.stream.conn.write_tls(&mut bytes).unwrap();
            let at = at.min(bytes.len() - 1);
            bytes[at] ^= 0x55;
            client.stream.sock.write_all(&bytes).unwrap();
            let refused = client.reply().unwrap_err();
            assert!(!matches!(refused.kind(), ErrorKind::WouldBlock), "{at}: it is not closed");
            wait_for_clients(&mut asking, 1);
        }
    }
    assert_eq!(asking.call(["EXISTS", "broken"]), "(integer) 0");
}

#[test]
fn records_may_come_byte_by_byte() {
    let server = with(open());
    let mut client = ANYONE.connect(server.tls);
    assert_eq!(client.call(["PING"]), "PONG");
    client.stream.conn.writer().write_all(&request(["ECHO", "slowly"])).unwrap();
    let mut bytes = Vec::new();
    client.stream.conn.write_tls(&mut bytes).unwrap();
    for byte in bytes {
        client.stream.sock.write_all(&[byte]).unwrap();
        assert_eq!(plain(&server).call(["PING"]), "PONG");
    }
    assert_eq!(client.reply().unwrap(), "\"slowly\"");
}

/// Requests that came before the end are served, whether the end was said or not; and the server says its own.
#[test]
fn the_end_of_a_connection_is_said() {
    let server = with(open());
    for says_so in [true, false] {
        let mut client = ANYONE.connect(server.tls);
        client.stream.write_all(&request(["SET", "last", "words"])).unwrap();
        if says_so {
            client.stream.conn.send_close_notify();
            client.stream.flush().unwrap();
        }
        client.stream.sock.shutdown(Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        // rustls calls an end that is not said an error.
        client.stream.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, b"+OK\r\n");
    }
    let mut client = ANYONE.connect(server.tls);
    assert_eq!(client.call(["QUIT"]), "OK");
    assert_eq!(client.stream.read(&mut [0]).unwrap(), 0);
    let mut client = ANYONE.connect(server.tls);
    let id = client.call(["CLIENT", "ID"]).split(' ').next_back().unwrap().to_owned();
    plain(&server).call(["CLIENT", "KILL", "ID", &id]);
    assert_eq!(client.stream.read(&mut [0]).unwrap(), 0);
    wait_for_clients(&mut plain(&server), 1);
}

// Behind a proxy.

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 51234 6379\r\n";
const V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x08\xc6\x33\x64\x01\xc8\x22\x18\xeb";
const V2_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// Proxies at these addresses, in front of each port.
fn proxied(from: &str) -> Served {
    let mut config = Config { tls: open(), ..Config::default() };
    config.apply_option("proxy-protocol-from", from).unwrap();
    config.apply_option("protected-mode", "no").unwrap();
    serve(config)
}

/// The header comes in clear, and TLS begins behind it.
#[test]
fn a_client_that_a_proxy_passes_on_speaks_tls_behind_the_header() {
    let server = proxied("127.0.0.1");
    let mut operator = plain(&server);
    operator.send(V2_LOCAL);
    for (header, addr) in [(V1, "192.0.2.7:51234"), (V2, "192.0.2.8:51234")] {
        for versions in [ONLY_12, ONLY_13] {
            let config = Visitor { versions, ..ANYONE }.config();
            let mut client = Client::behind(header, server.tls, config);
            assert_eq!(client.call(["PING"]), "PONG");
            let ends = format!(" addr={addr} laddr=198.51.100.1:6379 ");
            assert!(client.call(["CLIENT", "INFO"]).contains(&ends));
            assert!(operator.call(["CLIENT", "LIST"]).contains(&ends));
            assert_eq!(operator.call(["CLIENT", "KILL", "ADDR", addr]), "(integer) 1");
            assert_eq!(client.stream.read(&mut [0]).unwrap(), 0);
        }
    }
    // A proxy that looks whether the server lives is the client itself.
    let mut check = Client::behind(V2_LOCAL, server.tls, ANYONE.config());
    assert!(check.call(["CLIENT", "INFO"]).contains(" addr=127.0.0.1:"));
}

/// By it a client that speaks TLS would be at any address that it likes.
#[test]
fn a_header_within_tls_is_a_protocol_error() {
    let refused = |client: &mut Client, header: &[u8]| {
        client.stream.write_all(&[header, &request(["SET", "k", "v"])].concat()).unwrap();
        let mut heard = Vec::new();
        client.stream.read_to_end(&mut heard).unwrap();
        assert!(heard.starts_with(b"-ERR Protocol error: a PROXY header"), "{heard:?}");
        assert_eq!(heard.iter().filter(|byte| **byte == b'\n').count(), 1, "{heard:?}");
    };
    for (from, outer) in [("", &b""[..]), ("192.0.2.1", b""), ("127.0.0.1", V1)] {
        let server = proxied(from);
        for inner in [V1, V2, V2_LOCAL] {
            refused(&mut Client::behind(outer, server.tls, ANYONE.config()), inner);
        }
        let mut client = Client::behind(outer, server.tls, ANYONE.config());
        assert_eq!(client.call(["EXISTS", "k"]), "(integer) 0");
    }
    // A proxy does not begin with TLS. What it would be told in clear, TLS could not read: it is closed.
    let server = proxied("127.0.0.1");
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = ClientConnection::new(ANYONE.config(), name).unwrap();
    let (mut hello, mut socket) = (Vec::new(), Socket::tcp(server.tls));
    tls.write_tls(&mut hello).unwrap();
    socket.send(&hello);
    assert_eq!(socket.rest(), b"");
}

// Places and time.

#[test]
fn handshakes_that_are_not_finished_have_few_places_and_little_time() {
    let clock = ManualClock::new();
    clock.freeze();
    let config = Config { maxclients_unauthenticated: 2, tls: open(), ..Config::default() };
    let server = serve_by(clock.clone(), config);
    let mut asking = plain(&server);
    let mut open: Client = ANYONE.connect(server.tls);
    assert_eq!(open.call(["PING"]), "PONG");
    let mut peers: Vec<TcpStream> = Vec::new();
    for _ in 0..3 {
        peers.push(stream(server.tls));
        // It is in its place before the next one comes.
        peers.last_mut().unwrap().write_all(&[22]).unwrap();
        wait_for_clients(&mut asking, 2 + peers.len().min(2));
    }
    // The oldest has made room; a client that shakes hands is served, and so is one without TLS.
    assert!(is_closed(&mut peers[0]));
    assert_eq!(ANYONE.connect(server.tls).call(["PING"]), "PONG");
    assert_eq!(plain(&server).call(["PING"]), "PONG");
    clock.advance(Duration::from_secs(61));
    assert!(is_closed(&mut peers[2]));
    assert_eq!(open.call(["PING"]), "PONG");
    wait_for_clients(&mut asking, 2);
}

// Much at once.

#[test]
fn large_values_and_long_pipelines_come_whole() {
    let server = with(open());
    let mut client = ANYONE.connect(server.tls);
    let value = vec![b'x'; 5 << 20];
    assert_eq!(client.call([&b"SET"[..], b"large", &value]), "OK");
    assert_eq!(client.call(["STRLEN", "large"]), format!("(integer) {}", value.len()));
    assert_eq!(client.call(["GET", "large"]).len(), value.len() + 2);
    let pipeline = request(["INCR", "counter"]).repeat(10_000);
    let mut sender = client.stream.sock.try_clone().unwrap();
    client.stream.conn.set_buffer_limit(None);
    client.stream.conn.writer().write_all(&pipeline).unwrap();
    let mut bytes = Vec::new();
    while client.stream.conn.wants_write() {
        client.stream.conn.write_tls(&mut bytes).unwrap();
    }
    let writer = std::thread::spawn(move || sender.write_all(&bytes).unwrap());
    for count in 1..=10_000 {
        assert_eq!(client.reply().unwrap(), format!("(integer) {count}"));
    }
    writer.join().unwrap();
}

/// What a client does not read waits in its outbox, where limits see it: not in TLS.
#[test]
fn what_is_not_read_counts_against_the_output_limit() {
    let server = with(open());
    let mut operator = plain(&server);
    operator.call([&b"SET"[..], b"large", &vec![b'x'; 1 << 20]]);
    set(&mut operator, &["client-output-buffer-limit", "normal 8mb 0 0"]);
    let mut client = ANYONE.connect(server.tls);
    let id = client.call(["CLIENT", "ID"]).split(' ').next_back().unwrap().to_owned();
    let line = |operator: &mut Socket| operator.call(["CLIENT", "LIST", "ID", &id]);
    let held = |line: &str| -> usize {
        let omem = line.split("omem=").nth(1).unwrap_or("0");
        omem.split(' ').next().unwrap().parse().unwrap_or(0)
    };
    client.stream.write_all(&request(["GET", "large"]).repeat(7)).unwrap();
    until("output waits", || held(&line(&mut operator)) >= 1 << 20);
    client.stream.write_all(&request(["GET", "large"]).repeat(60)).unwrap();
    until("the client is closed", || !line(&mut operator).contains("id="));
}

#[test]
fn pushes_reach_subscribers() {
    let server = with(open());
    let mut subscriber = ANYONE.connect(server.tls);
    assert!(subscriber.call(["SUBSCRIBE", "news"]).contains("subscribe"));
    assert_eq!(plain(&server).call(["PUBLISH", "news", "hello"]), "(integer) 1");
    assert!(subscriber.reply().unwrap().contains("hello"));
}

// What changes while the server runs.

/// Puts a certificate of the folder of tests, and its key, in these places.
fn put(name: &str, cert: &Path, key: &Path) {
    fs::copy(file(&format!("{name}.crt")), cert).unwrap();
    fs::copy(file(&format!("{name}.key")), key).unwrap();
}

#[test]
fn a_new_certificate_is_for_new_connections_and_a_bad_one_for_none() {
    let folder = Folder::new();
    let (cert, key) = (folder.file("server.crt"), folder.file("server.key"));
    let put = |name| put(name, &cert, &key);
    put("server");
    let server = with(Tls { cert_file: Some(cert.clone()), key_file: Some(key.clone()), ..open() });
    let mut operator = plain(&server);
    let shown = || {
        let mut client = ANYONE.connect(server.tls);
        assert_eq!(client.call(["PING"]), "PONG");
        client.number_of_certificate()
    };
    let [old, new] = ["server.crt", "renewed.crt"].map(|name| certificates(name)[0].clone());
    let mut before = ANYONE.connect(server.tls);
    assert_eq!(before.call(["PING"]), "PONG");
    assert_eq!(shown(), old);
    put("renewed");
    assert_eq!(shown(), old);
    let handle = server.running.handle();
    handle.with_world(|world| world.reread_tls().unwrap()).unwrap();
    assert_eq!(shown(), new);
    assert_eq!(before.call(["PING"]), "PONG", "nobody is dropped");
    assert!(operator.call(["INFO", "tls"]).contains("tls_server_cert_serial:52\\r\\n"));

    for name in ["expired", "early"] {
        put(name);
        handle.with_world(|world| world.reread_tls().unwrap_err()).unwrap();
        assert_eq!(shown(), new, "{name}");
    }
    fs::write(&key, "nothing").unwrap();
    handle.with_world(|world| world.reread_tls().unwrap_err()).unwrap();
    fs::copy(file("ann.key"), &key).unwrap();
    handle.with_world(|world| world.reread_tls().unwrap_err()).unwrap();
    let encrypted = file("encrypted.key");
    for (name, path) in [
        ("tls-cert-file", "/nowhere"),
        ("tls-cert-file", ""),
        ("tls-key-file", encrypted.to_str().unwrap()),
        ("tls-ca-cert-file", "/nowhere"),
        ("tls-auth-clients", "yes"),
    ] {
        assert!(set(&mut operator, &[name, path]).contains(NOT_UPDATED), "{name} {path}");
        assert_ne!(operator.call(["CONFIG", "GET", name]), format!("1) \"{name}\"\n2) \"{path}\""));
    }
    assert_eq!(shown(), new);
    // A change that fails for another reason takes nothing of it.
    let taken = server.tcp.port().to_string();
    let rsa = [file("rsa.crt"), file("rsa.key")].map(|path| path.to_str().unwrap().to_owned());
    let pairs = ["tls-cert-file", &rsa[0], "tls-key-file", &rsa[1], "tls-port", &taken];
    assert!(set(&mut operator, &pairs).contains("Unable to listen on this port"));
    assert_eq!(shown(), new);
    assert_eq!(set(&mut operator, &pairs[..4]), "OK");
    assert_eq!(shown(), certificates("rsa.crt")[0]);
}

#[test]
fn files_that_change_are_read_when_the_interval_is_over() {
    let folder = Folder::new();
    let (cert, key) = (folder.file("server.crt"), folder.file("server.key"));
    let put = |name| put(name, &cert, &key);
    put("server");
    let clock = ManualClock::new();
    clock.freeze();
    let (cert_file, key_file) = (Some(cert.clone()), Some(key.clone()));
    let tls = Tls { cert_file, key_file, auto_reload_interval: 60, ..open() };
    let server = serve_by(clock.clone(), Config { tls, ..Config::default() });
    let mut operator = plain(&server);
    let mut serial =
        || operator.call(["INFO", "tls"]).split("serial:").nth(1).unwrap()[..2].to_owned();
    assert_eq!(serial(), "51");
    put("renewed");
    clock.advance(Duration::from_secs(59));
    assert_eq!(serial(), "51");
    clock.advance(Duration::from_secs(1));
    assert_eq!(serial(), "52");
    put("expired");
    clock.advance(Duration::from_secs(60));
    assert_eq!(serial(), "52");
    assert_eq!(ANYONE.connect(server.tls).call(["PING"]), "PONG");
}

#[test]
fn the_port_moves_and_goes_while_the_server_runs() {
    let server = with(open());
    let mut operator = plain(&server);
    let mut before = ANYONE.connect(server.tls);
    assert_eq!(before.call(["PING"]), "PONG");
    let port = server.tls.port().to_string();
    assert_eq!(set(&mut operator, &["tls-port", "0"]), "OK");
    assert!(TcpStream::connect(server.tls).is_err());
    assert!(operator.call(["INFO", "tls"]).contains("tls_server_cert_serial:none\\r\\n"));
    // With no port that speaks TLS, what its files are is no matter.
    assert_eq!(set(&mut operator, &["tls-cert-file", "/nowhere"]), "OK");
    assert!(set(&mut operator, &["tls-port", &port]).contains(NOT_UPDATED));
    assert!(TcpStream::connect(server.tls).is_err());
    let right = file("server.crt");
    let pairs = ["tls-cert-file", right.to_str().unwrap(), "tls-port", &port];
    assert_eq!(set(&mut operator, &pairs), "OK");
    assert_eq!(ANYONE.connect(server.tls).call(["PING"]), "PONG");
    assert_eq!(before.call(["PING"]), "PONG");
    assert!(
        operator
            .call(["INFO", "server"])
            .contains(&format!("name=tls,bind=127.0.0.1,bind=::1,port={port}\\r\\n"))
            || operator
                .call(["INFO", "server"])
                .contains(&format!("name=tls,bind=127.0.0.1,port={port}\\r\\n"))
    );
}

#[test]
fn the_administration_port_speaks_tls_if_it_is_told_to() {
    let server = with(Tls { admin: true, ..mutual() });
    assert_eq!(named("ann").connect(server.admin).call(["PING"]), "PONG");
    assert!(ANYONE.connect(server.admin).refusal().contains("CertificateRequired"));
    let mut peer = Socket::tcp(server.admin);
    peer.send(b"PING\r\n");
    assert!(!peer.rest().starts_with(b"+PONG"));
    assert_eq!(set(&mut plain(&server), &["admin-tls", "no"]), "OK");
    assert_eq!(Socket::tcp(server.admin).call(["PING"]), "PONG");
}

#[test]
fn a_start_with_files_that_are_not_right_says_which() {
    let start = |tls: Tls| {
        let config = Config { tls, ..Config::default() };
        match Server::builder().config(config).ports(PORTS).bind() {
            Ok(_) => panic!("it starts"),
            Err(error) => error.to_string(),
        }
    };
    for (tls, told) in [
        (Tls { cert_file: None, ..open() }, "there is no 'tls-cert-file'"),
        (Tls { key_file: None, ..open() }, "there is no 'tls-key-file'"),
        (Tls { ca_cert_file: None, ..mutual() }, "'tls-auth-clients' asks for certificates"),
        (Tls { cert_file: Some(file("expired.crt")), ..open() }, "it has expired"),
        (Tls { cert_file: Some(file("early.crt")), ..open() }, "it is not valid yet"),
        (Tls { cert_file: Some(file("server.key")), ..open() }, "it holds no certificate in PEM"),
        (Tls { key_file: Some(file("server.crt")), ..open() }, "it holds no private key in PEM"),
        (Tls { key_file: Some(file("encrypted.key")), ..open() }, "openssl pkey -in KEY"),
        (Tls { key_file: Some(file("bob.key")), ..open() }, "not the key of 'tls-cert-file'"),
        (Tls { ca_cert_file: Some(file("late.crt")), ..mutual() }, "it has expired"),
        (Tls { ca_cert_dir: Some(file("none")), ..mutual() }, "'tls-ca-cert-dir "),
    ] {
        let error = start(tls);
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_test_has_connections_end_through_tls_too() {
    let config = Config { enable_stage_command: Callers::Local, tls: open(), ..Config::default() };
    let server = serve(config);
    let mut operator = Socket::tcp(server.admin);
    for (actions, value, ends_with) in [
        ("RESET", "", "reset"),
        ("CUT 3 THEN RESET", "$-1", "reset"),
        ("CLOSE", "", "end"),
        ("SPLIT AT 2 THEN CUT 4", "$-1\r", "end"),
    ] {
        assert_eq!(operator.call(["STAGE", "RESET"]), "OK");
        let add = format!("STAGE FAULT ADD f ON GET DO {actions}");
        assert_eq!(operator.call(add.split(' ')), "OK");
        let mut client = ANYONE.connect(server.tls);
        assert_eq!(client.call(["PING"]), "PONG");
        client.stream.write_all(&request(["GET", "k"])).unwrap();
        let mut read = Vec::new();
        let end = match client.stream.read_to_end(&mut read) {
            Ok(_) => "end",
            Err(error) if error.kind() == ErrorKind::ConnectionReset => "reset",
            Err(_) => "cut off",
        };
        assert_eq!((&*String::from_utf8_lossy(&read), end), (value, ends_with), "{actions}");
    }
    assert_eq!(operator.call(["STAGE", "ACCEPT", "HANG"]), "OK");
    let mut hanging = stream(server.tls);
    hanging.write_all(b"\x16\x03\x01").unwrap();
    wait_for_clients(&mut operator, 2);
    assert_eq!(operator.call(["STAGE", "RESET"]), "OK");
    match hanging.read(&mut [0]) {
        Ok(read) => assert_eq!(read, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    assert_eq!(ANYONE.connect(server.tls).call(["PING"]), "PONG");
}

// Nodes of a stage.

#[test]
fn nodes_speak_tls_where_the_server_has_no_other_port() {
    let config = Config { tls: open(), enable_stage_command: Callers::Local, ..Config::default() };
    let ports = Ports { clients: None, tls: Some(0), admin: None };
    let config = Config { port: 0, bind: vec!["127.0.0.1".to_owned()], ..config };
    let mut server = Server::builder().config(config).ports(ports).bind().unwrap();
    let nodes = server.stage_cluster(2, 2, true).unwrap();
    let addr = |name: &str| nodes.iter().find(|(node, _)| node == name).unwrap().1;
    assert_eq!(server.bound(), [ListenAddress::Tls(addr("a"))], "the first is the server's own");
    let running = server.spawn();
    let mut a = ANYONE.connect(addr("a"));
    let to_b = format!("(error) MOVED 15495 127.0.0.1:{}", addr("b").port());
    assert_eq!(a.call(["GET", "a"]), to_b);
    let mut b = ANYONE.connect(addr("b"));
    assert_eq!(b.call(["SET", "a", "1"]), "OK");
    let (mut plain, mut alert) = (stream(addr("b")), [0]);
    plain.write_all(b"PING\r\n").unwrap();
    plain.read_exact(&mut alert).unwrap();
    assert_eq!(alert, [0x15], "not in clear");
    // One that goes down and comes back, the server's own port, and a new one speak TLS, too.
    let mut replica = ANYONE.connect(addr("a2"));
    assert_eq!(replica.call(["STAGE", "NODE", "DOWN", "a"]), "OK");
    assert!(TcpStream::connect(addr("a")).is_err(), "its port is closed");
    assert!(a.try_call(["PING"]).is_err());
    assert_eq!(replica.call(["STAGE", "NODE", "UP", "a"]), "OK");
    assert_eq!(ANYONE.connect(addr("a")).call(["GET", "a"]), to_b);
    assert_eq!(replica.call(["STAGE", "NODE", "DOWN", "b"]), "OK");
    assert!(TcpStream::connect(addr("b")).is_err(), "its port is closed");
    let added = replica.call(["STAGE", "NODE", "ADD", "c"]);
    let port = added.strip_prefix("(integer) ").unwrap().parse().unwrap();
    let added = SocketAddr::new(addr("a").ip(), port);
    assert_eq!(ANYONE.connect(added).call(["PING"]), "PONG");
    // What the server began with comes back.
    assert_eq!(ANYONE.connect(addr("a")).call(["STAGE", "RESET"]), "OK");
    assert!(TcpStream::connect(added).is_err(), "it was a node's alone");
    assert_eq!(replica.call(["PING"]), "PONG");
    assert_eq!(ANYONE.connect(addr("a")).call(["GET", "a"]), to_b);
    assert_eq!(ANYONE.connect(addr("b")).call(["GET", "a"]), "\"1\"");
    running.stop().unwrap();
}

#[test]
fn nodes_speak_no_tls_where_the_server_has_another_port() {
    let server =
        serve(Config { tls: open(), enable_stage_command: Callers::Local, ..Config::default() });
    let mut client = ANYONE.connect(server.tls);
    let added = client.call(["STAGE", "NODE", "ADD", "a", "SLOTS", "0-16383"]);
    let port = added.strip_prefix("(integer) ").unwrap().parse().unwrap();
    assert_eq!(Socket::tcp(SocketAddr::new(server.tls.ip(), port)).call(["PING"]), "PONG");
    let told = client.call(["CLUSTER", "INFO"]);
    assert!(told.contains("cluster support disabled"), "the port for TLS is no node: {told}");
}
