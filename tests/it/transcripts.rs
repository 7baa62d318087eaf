//! Conversations in `transcripts/*.txt`: what a client says, and what it must be answered.
//!
//! Each file is played in RESP2 and in RESP3, on the engine alone and over TCP. When the environment
//! variable `RESPD_REFERENCE` is `host:port`, it is also played against the server there, which shows
//! that the file itself is right. That server is emptied, so take one that holds nothing.
//!
//! ```text
//! # a comment
//! !config timeout 10        before anything else: how the server is configured
//! !plain                    connections are not greeted: the file says HELLO itself, and is played once
//! @other                    from here on it is this connection that speaks (the first is `main`)
//! > SET key "two words"     a command, quoted as in redis-cli
//! < OK                      its reply, as redis-cli shows it
//! > HGETALL key
//! 2< (empty array)          the reply in RESP2
//! 3< (empty hash)           and in RESP3
//! > ECHO "\x00"
//! = "$1\r\n\x00\r\n"        the reply byte for byte; also `2=` and `3=`
//! > COMMAND COUNT
//! < (integer) {int}         `{int}` is any integer, `{any}` any text of a line
//! > INFO server
//! < # Server
//!   redis_version:{any}     further lines of a reply are moved in
//!   {lines}                 any lines, or none
//! >> "PING\r\nPING\r\n"     bytes
//! < PONG                    every `<` is another reply; without one there is none
//! < PONG
//! !own                      the next thing is respd's own: the reference does not play it
//! !advance 5s               time passes; a file with this is played on the engine only
//! !finish                   the client sends nothing more
//! !closed                   by now the server has closed the connection
//! ```
//!
//! Spaces at the ends of lines do not count.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use respd::local::{Connection, Local, request};
use respd::resp::value;
use respd::server::Running;
use respd::text::quote;
use respd::{Config, Server};

use crate::socket::Socket;

// What is in a file.

struct Transcript {
    name: String,
    config: Vec<(String, String)>,
    plain: bool,
    steps: Vec<Step>,
}

struct Step {
    line: usize,
    connection: String,
    /// Not for the reference.
    own: bool,
    act: Act,
    replies: Vec<Expected>,
}

enum Act {
    Send(Vec<u8>),
    Advance(Duration),
    Finish,
    Closed,
}

struct Expected {
    /// `Some` if the reply is spelled like this in one protocol only.
    protocol: Option<u8>,
    form: Form,
}

enum Form {
    Shown(Vec<String>),
    Bytes(Vec<u8>),
}

impl Transcript {
    fn read(name: &str, text: &str) -> Transcript {
        let mut transcript = Transcript {
            name: name.to_owned(),
            config: Vec::new(),
            plain: false,
            steps: Vec::new(),
        };
        let mut connection = "main".to_owned();
        let mut own = false;
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim_end();
            let fail = |what: &str| -> ! { panic!("{name}:{number}: {what}: {line}") };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(other) = line.strip_prefix('@') {
                connection = other.to_owned();
                continue;
            }
            if let Some((protocol, form)) = reply_line(line) {
                let Some(step) = transcript.steps.last_mut() else { fail("a reply to nothing") };
                let form = form.unwrap_or_else(|what| fail(what));
                step.replies.push(Expected { protocol, form });
                continue;
            }
            if line.starts_with(' ') {
                let last = transcript.steps.last_mut().and_then(|step| step.replies.last_mut());
                match last {
                    Some(Expected { protocol, form: Form::Shown(lines) }) => {
                        // As far in as the text behind `< ` or `2< `.
                        let margin = if protocol.is_some() { "   " } else { "  " };
                        let Some(more) = line.strip_prefix(margin) else { fail("a crooked line") };
                        lines.push(more.to_owned());
                    }
                    _ => fail("no reply that could go on"),
                }
                continue;
            }
            let act = if let Some(bytes) = line.strip_prefix(">> ") {
                Act::Send(words(bytes).unwrap_or_else(|| fail("quotes")).concat())
            } else if let Some(command) = line.strip_prefix("> ") {
                Act::Send(request(words(command).unwrap_or_else(|| fail("quotes"))))
            } else {
                match line.split(' ').collect::<Vec<_>>()[..] {
                    ["!config", name, ref value @ ..] => {
                        transcript.config.push((name.to_owned(), value.join(" ")));
                        continue;
                    }
                    ["!plain"] => {
                        transcript.plain = true;
                        continue;
                    }
                    ["!own"] => {
                        own = true;
                        continue;
                    }
                    ["!finish"] => Act::Finish,
                    ["!closed"] => Act::Closed,
                    ["!advance", time] => match time.strip_suffix('s').map(str::parse) {
                        Some(Ok(seconds)) => Act::Advance(Duration::from_secs(seconds)),
                        _ => fail("not a time like 5s"),
                    },
                    _ => fail("not a line of a transcript"),
                }
            };
            let connection = connection.clone();
            transcript.steps.push(Step { line: number, connection, own, act, replies: Vec::new() });
            own = false;
        }
        transcript
    }

    /// Whether the file speaks to the reference, and not to a server that only respd can be.
    fn is_for_the_reference(&self) -> bool {
        let is_own = |name: &str| ["persona", "start-ready"].contains(&name);
        !self.config.iter().any(|(name, _)| is_own(name))
    }

    fn is_timed(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.act, Act::Advance(_)))
    }
}

/// The protocol and the form that a line asks for, if it is the first line of a reply.
fn reply_line(line: &str) -> Option<(Option<u8>, Result<Form, &'static str>)> {
    let (protocol, rest) = match line.strip_prefix('2') {
        Some(rest) => (Some(2), rest),
        None => line.strip_prefix('3').map_or((None, line), |rest| (Some(3), rest)),
    };
    if let Some(bytes) = rest.strip_prefix("= ") {
        let bytes = words(bytes).map(|words| words.concat()).ok_or("quotes");
        return Some((protocol, bytes.map(Form::Bytes)));
    }
    let first = if rest == "<" { "" } else { rest.strip_prefix("< ")? };
    Some((protocol, Ok(Form::Shown(vec![first.to_owned()]))))
}

fn words(text: &str) -> Option<Vec<Vec<u8>>> {
    quote::split(text.as_bytes())
}

// Whether a reply is as expected.

impl Form {
    fn fits(&self, frame: &[u8]) -> bool {
        match self {
            Form::Bytes(bytes) => bytes == frame,
            Form::Shown(expected) => {
                let shown = shown(frame);
                let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
                let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
                lines_fit(&expected, if lines.is_empty() { &[""] } else { &lines })
            }
        }
    }
}

fn shown(frame: &[u8]) -> String {
    match value::decode(frame) {
        Ok(Some((value, _))) => value.to_string(),
        other => format!("{other:?}"),
    }
}

fn lines_fit(expected: &[&str], lines: &[&str]) -> bool {
    match expected {
        [] => lines.is_empty(),
        ["{lines}", rest @ ..] => {
            (0..=lines.len()).any(|skipped| lines_fit(rest, &lines[skipped..]))
        }
        [first, rest @ ..] => match lines {
            [line, more @ ..] => line_fits(first, line) && lines_fit(rest, more),
            [] => false,
        },
    }
}

fn line_fits(expected: &str, line: &str) -> bool {
    let masks = ["{int}", "{any}"];
    let first = masks.iter().filter_map(|mask| Some((expected.find(mask)?, *mask))).min();
    let Some((at, mask)) = first else { return expected == line };
    let Some(line) = line.strip_prefix(&expected[..at]) else { return false };
    let rest = &expected[at + mask.len()..];
    match mask {
        "{int}" => {
            let digits = line.strip_prefix('-').unwrap_or(line);
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            end > 0 && line_fits(rest, &digits[end..])
        }
        _ => (0..=line.len()).any(|end| line.get(end..).is_some_and(|line| line_fits(rest, line))),
    }
}

// Who plays the server.

trait Side {
    /// Connects, unless there is a connection of this name already.
    fn connect(&mut self, name: &str) -> bool;
    fn send(&mut self, name: &str, bytes: &[u8]);
    /// The next reply, or `None` if there is none.
    fn frame(&mut self, name: &str) -> Option<Vec<u8>>;
    /// The client sends nothing more.
    fn finish(&mut self, name: &str);
    /// Whether the server closes without another word.
    fn is_closed(&mut self, name: &str) -> bool;
    fn advance(&mut self, time: Duration);
    /// Ends everything and returns what was said to connections that nobody asked.
    fn unasked(&mut self) -> Vec<String>;
}

/// The engine without sockets.
struct Engine {
    local: Local,
    clients: BTreeMap<String, (Connection, Vec<u8>)>,
}

impl Engine {
    fn new(config: Config) -> Engine {
        Engine { local: Local::new(config), clients: BTreeMap::new() }
    }

    fn receive(&mut self, name: &str) -> &mut Vec<u8> {
        let (client, arrived) = self.clients.get_mut(name).unwrap();
        arrived.extend(self.local.received(*client));
        arrived
    }
}

impl Side for Engine {
    fn connect(&mut self, name: &str) -> bool {
        let is_new = !self.clients.contains_key(name);
        if is_new {
            self.clients.insert(name.to_owned(), (self.local.connect(), Vec::new()));
        }
        is_new
    }

    fn send(&mut self, name: &str, bytes: &[u8]) {
        self.local.send(self.clients[name].0, bytes);
    }

    fn frame(&mut self, name: &str) -> Option<Vec<u8>> {
        let arrived = self.receive(name);
        match value::decode(arrived) {
            Ok(Some((_, len))) => Some(arrived.drain(..len).collect()),
            _ => None,
        }
    }

    fn finish(&mut self, name: &str) {
        self.local.finish(self.clients[name].0);
    }

    fn is_closed(&mut self, name: &str) -> bool {
        self.receive(name).is_empty() && !self.local.is_open(self.clients[name].0)
    }

    fn advance(&mut self, time: Duration) {
        self.local.advance(time);
    }

    fn unasked(&mut self) -> Vec<String> {
        let names: Vec<String> = self.clients.keys().cloned().collect();
        let mut found = Vec::new();
        for name in names {
            while let Some(frame) = self.frame(&name) {
                found.push(format!("@{name} {}", shown(&frame)));
            }
        }
        found
    }
}

/// A server behind TCP: one of our own, or the reference.
struct Remote {
    addr: SocketAddr,
    clients: BTreeMap<String, Socket>,
    _server: Option<Running>,
}

impl Remote {
    fn respd(config: Config) -> Remote {
        let server = Server::builder().config(config).any_port().bind().unwrap();
        let addr = server.addr().expect("a TCP listener");
        Remote { addr, clients: BTreeMap::new(), _server: Some(server.spawn()) }
    }

    fn client(&mut self, name: &str) -> &mut Socket {
        self.clients.get_mut(name).expect("a connection that is open")
    }
}

impl Side for Remote {
    fn connect(&mut self, name: &str) -> bool {
        let is_new = !self.clients.contains_key(name);
        if is_new {
            self.clients.insert(name.to_owned(), Socket::tcp(self.addr));
        }
        is_new
    }

    fn send(&mut self, name: &str, bytes: &[u8]) {
        self.client(name).send(bytes);
    }

    fn frame(&mut self, name: &str) -> Option<Vec<u8>> {
        self.client(name).frame()
    }

    fn finish(&mut self, name: &str) {
        self.client(name).finish();
    }

    fn is_closed(&mut self, name: &str) -> bool {
        let mut client = self.clients.remove(name).expect("a connection that is open");
        client.rest().is_empty()
    }

    fn advance(&mut self, _: Duration) {
        unreachable!("files with !advance are not played here");
    }

    fn unasked(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, mut client) in std::mem::take(&mut self.clients) {
            // QUIT marks the end, and is allowed to everybody.
            let heard = client.try_send(b"QUIT\r\n").is_ok();
            let rest = client.rest();
            let rest = if heard { rest.strip_suffix(b"+OK\r\n").unwrap_or(&rest) } else { &rest };
            if !rest.is_empty() {
                found.push(format!("@{name} {}", rest.escape_ascii()));
            }
        }
        found
    }
}

// Playing.

/// Plays a transcript and returns what was not as expected.
fn play(
    transcript: &Transcript,
    side: &mut dyn Side,
    protocol: u8,
    is_reference: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for step in &transcript.steps {
        if step.own && is_reference {
            continue;
        }
        let name = &step.connection;
        if side.connect(name) && protocol == 3 && !transcript.plain {
            side.send(name, &request(["HELLO", "3"]));
            side.frame(name).expect("a reply to HELLO");
        }
        let at = format!("{}:{} (RESP{protocol})", transcript.name, step.line);
        match &step.act {
            Act::Send(bytes) => side.send(name, bytes),
            Act::Advance(time) => side.advance(*time),
            Act::Finish => side.finish(name),
            Act::Closed => {
                if !side.is_closed(name) {
                    wrong.push(format!("{at}: the connection is not closed"));
                }
            }
        }
        let spoken = |expected: &&Expected| expected.protocol.is_none_or(|only| only == protocol);
        for expected in step.replies.iter().filter(spoken) {
            match side.frame(name) {
                Some(frame) if expected.form.fits(&frame) => {}
                Some(frame) => wrong.push(format!(
                    "{at}: got\n< {}\n= \"{}\"",
                    shown(&frame).replace('\n', "\n  "),
                    frame.escape_ascii()
                )),
                None => {
                    wrong.push(format!("{at}: got nothing"));
                    return wrong;
                }
            }
        }
    }
    wrong.extend(
        side.unasked().iter().map(|said| format!("{}: not asked for: {said}", transcript.name)),
    );
    wrong
}

fn transcripts() -> Vec<Transcript> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/transcripts");
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            Transcript::read(&name, &fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// Plays every transcript in every protocol it is for, on what `side` makes.
fn play_all(
    mut side: impl FnMut(&Transcript, Config) -> Option<Box<dyn Side>>,
    is_reference: bool,
) {
    let mut wrong = Vec::new();
    for transcript in transcripts() {
        let protocols: &[u8] = if transcript.plain { &[2] } else { &[2, 3] };
        for &protocol in protocols {
            let mut config = Config::default();
            for (name, value) in &transcript.config {
                config.apply_option(name, value).unwrap();
            }
            if let Some(mut side) = side(&transcript, config) {
                wrong.extend(play(&transcript, &mut *side, protocol, is_reference));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn on_the_engine() {
    play_all(|_, config| Some(Box::new(Engine::new(config))), false);
}

#[test]
fn over_tcp() {
    play_all(
        |transcript, config| {
            (!transcript.is_timed()).then(|| Box::new(Remote::respd(config)) as Box<dyn Side>)
        },
        false,
    );
}

#[test]
fn on_a_reference_server() {
    let Ok(reference) = std::env::var("RESPD_REFERENCE") else { return };
    let addr = reference.to_socket_addrs().unwrap().next().unwrap();
    // Stays logged in while passwords come and go.
    let mut operator = Socket::tcp(addr);
    let mut changed: Vec<(String, String)> = Vec::new();
    let mut prepare = |transcript: Option<&Transcript>| {
        for (name, value) in changed.drain(..).rev() {
            assert_eq!(operator.call(["CONFIG", "SET", &name, &value]), "OK");
        }
        operator.call(["FLUSHALL"]);
        for (name, value) in transcript.iter().flat_map(|transcript| &transcript.config) {
            operator.send(&request(["CONFIG", "GET", name]));
            let frame = operator.frame().unwrap();
            let old = value::decode(&frame).unwrap().unwrap().0;
            let old = String::from_utf8(old.elements()[1].as_text().unwrap().to_vec()).unwrap();
            assert_eq!(operator.call(["CONFIG", "SET", name, value]), "OK");
            changed.push((name.clone(), old));
        }
    };
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        play_all(
            |transcript, _| {
                if transcript.is_timed() || !transcript.is_for_the_reference() {
                    return None;
                }
                prepare(Some(transcript));
                Some(Box::new(Remote { addr, clients: BTreeMap::new(), _server: None }))
            },
            true,
        );
    }));
    prepare(None);
    if let Err(panic) = played {
        std::panic::resume_unwind(panic);
    }
}

// The format itself.

#[test]
fn masks_fit_what_they_stand_for() {
    for (expected, line) in [
        ("id={int} name={any}", "id=17 name="),
        ("{any}", "anything"),
        ("(integer) {int}", "(integer) -3"),
        ("{any}x{any}x", "axbx"),
    ] {
        assert!(line_fits(expected, line), "{expected} / {line}");
    }
    for (expected, line) in
        [("id={int}", "id="), ("id={int}", "id=1x"), ("OK", "OKAY"), ("{any}x", "ab")]
    {
        assert!(!line_fits(expected, line), "{expected} / {line}");
    }
    assert!(lines_fit(&["a", "{lines}", "z"], &["a", "b", "c", "z"]));
    assert!(lines_fit(&["{lines}"], &[]));
    assert!(!lines_fit(&["a", "{lines}", "z"], &["a", "b"]));
}

#[test]
fn a_wrong_reply_is_found_wherever_it_is_played() {
    let text = "> SET k v\n< OK\n> GET k\n2< \"v\"\n3< \"w\"\n> PING\n>> \"PING\\r\\n\"\n< PONG\n";
    let transcript = Transcript::read("example.txt", text);
    let sides: [fn() -> Box<dyn Side>; 2] = [
        || Box::new(Engine::new(Config::default())),
        || Box::new(Remote::respd(Config::default())),
    ];
    for side in sides {
        let wrong = play(&transcript, &mut *side(), 2, false);
        // PING had no reply in the file, so its PONG was taken for the next one.
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].contains("not asked for"), "{wrong:?}");
        let wrong = play(&transcript, &mut *side(), 3, false);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("example.txt:3 (RESP3): got\n< \"v\""), "{wrong:?}");
    }
}
