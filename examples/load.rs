//! The load: keeps a server busy over many connections, and counts its replies.
//!
//! `load [OPTIONS] COMMAND…` opens the connections, sends the command over each of them, and
//! sends again on a connection as soon as everything asked there has been answered, so that every
//! server meets the same demand: all connections always have something outstanding. One thread,
//! one poll. At the end it prints `requests=… seconds=…`. It does not measure the server; its
//! caller does (`scripts/bench` reads the server's CPU time before and after).
//!
//! `--listeners N` opens N connections more, which subscribe to the channel `news` and read whatever
//! they are sent: `load --listeners 1000 PUBLISH news text`.
//!
//! `{key}` in an argument becomes twelve digits drawn at random below `--keys`, and `{seq}` twelve
//! digits that count up from zero, afresh in every request. An error reply ends the run: a server that
//! refuses the work must not look fast.

use std::error::Error;
use std::io::ErrorKind::{Interrupted, WouldBlock};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::time::{Duration, Instant};

use argh::FromArgs;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Registry, Token};

/// Keep a server on this machine busy and count its replies.
#[derive(FromArgs)]
struct Options {
    /// the server's port on 127.0.0.1 (6379)
    #[argh(option, short = 'p', default = "6379")]
    port: u16,

    /// how many connections to keep open (50)
    #[argh(option, short = 'c', default = "50")]
    connections: usize,

    /// how many requests to send at once on each (1)
    #[argh(option, short = 'P', default = "1")]
    pipeline: u64,

    /// stop after this many requests
    #[argh(option, short = 'n', default = "u64::MAX")]
    requests: u64,

    /// stop after this time
    #[argh(option, short = 's', default = "f64::INFINITY")]
    seconds: f64,

    /// how many different keys {key} stands for (100000)
    #[argh(option, default = "100_000")]
    keys: u64,

    /// how many further connections listen to the channel `news` (0)
    #[argh(option, default = "0")]
    listeners: usize,

    /// close each connection after its first replies and open another
    #[argh(switch)]
    reconnect: bool,

    /// when done, keep the connections open until standard input ends
    #[argh(switch)]
    hold: bool,

    /// the command and its arguments
    #[argh(positional, greedy)]
    command: Vec<String>,
}

/// While connections are being opened, so many may wait for their first reply. It is fewer than the
/// 128 that a plain listener lets wait for `accept`: the system drops the others' attempts, to try
/// them again a second later.
const AT_ONCE: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let options: Options = argh::from_env();
    let mut supply = Supply::new(&options);
    let mut poll = Poll::new()?;
    let started = Instant::now();
    let ends = Duration::try_from_secs_f64(options.seconds).ok().map(|length| started + length);

    let mut connections = Vec::with_capacity(options.connections);
    let mut idle = Vec::new();
    let mut input = vec![0; 256 * 1024];
    let mut events = Events::with_capacity(1024);
    let mut listeners = Vec::with_capacity(options.listeners);
    for at in 0..options.listeners {
        listeners.push(listener(options.port, options.connections + at, poll.registry())?);
    }
    loop {
        while connections.len() < options.connections && connections.len() - idle.len() < AT_ONCE {
            let slot = connections.len();
            connections.push(Connection::open(options.port, slot, poll.registry())?);
            connections[slot].ask(&mut supply)?;
        }
        if supply.answered == supply.sent {
            break;
        }
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == Interrupted => continue,
            polled => polled?,
        }
        if ends.is_some_and(|end| Instant::now() >= end) {
            supply.left = 0;
        }
        for event in &events {
            let slot = event.token().0;
            if let Some(at) = slot.checked_sub(options.connections) {
                drain(&mut listeners[at], &mut input)?;
                continue;
            }
            let connection = &mut connections[slot];
            connection.send()?;
            let answered = connection.receive(&mut input)?;
            supply.answered += answered;
            if answered > 0 && connection.outstanding == 0 {
                idle.push(slot);
            }
            // No connection asks again before all have asked once.
            while connections.len() == options.connections && supply.left > 0 {
                let Some(slot) = idle.pop() else { break };
                if options.reconnect {
                    connections[slot] = Connection::open(options.port, slot, poll.registry())?;
                }
                connections[slot].ask(&mut supply)?;
            }
        }
    }

    println!("requests={} seconds={:.3}", supply.answered, started.elapsed().as_secs_f64());
    if options.hold {
        io::copy(&mut io::stdin(), &mut io::sink())?;
    }
    Ok(())
}

/// Connects a client that listens to `news`, and waits until the server has confirmed that.
fn listener(port: u16, token: usize, registry: &Registry) -> io::Result<TcpStream> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"SUBSCRIBE news\r\n")?;
    stream.read_exact(&mut [0; b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n".len()])?;
    stream.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(stream);
    registry.register(&mut stream, Token(token), Interest::READABLE)?;
    Ok(stream)
}

/// Reads what there is, and forgets it.
fn drain(stream: &mut TcpStream, input: &mut [u8]) -> Result<(), Box<dyn Error>> {
    loop {
        match stream.read(input) {
            Ok(0) => return Err("the server closed the connection of a listener".into()),
            Ok(arrived) if arrived < input.len() => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// One connection: what it still has to say, and what it waits to hear.
struct Connection {
    stream: TcpStream,
    output: Vec<u8>,
    sent: usize,
    outstanding: u64,
    replies: Replies,
}

impl Connection {
    /// Connects, and blocks while it does: over loopback the handshake is done when the call returns.
    fn open(port: u16, slot: usize, registry: &Registry) -> io::Result<Connection> {
        let stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, Token(slot), Interest::READABLE | Interest::WRITABLE)?;
        let (output, replies) = (Vec::new(), Replies::default());
        Ok(Connection { stream, output, sent: 0, outstanding: 0, replies })
    }

    /// Sends the next requests, as many as are asked for at once.
    fn ask(&mut self, supply: &mut Supply) -> io::Result<()> {
        self.outstanding = supply.next(&mut self.output);
        self.sent = 0;
        self.send()
    }

    /// Sends as much as the socket takes; the rest waits for the next event.
    fn send(&mut self) -> io::Result<()> {
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what there is and says how many replies it completed.
    fn receive(&mut self, input: &mut [u8]) -> Result<u64, Box<dyn Error>> {
        let mut answered = 0;
        loop {
            let arrived = match self.stream.read(input) {
                Ok(0) => return Err("the server closed the connection".into()),
                Ok(arrived) => arrived,
                Err(error) if error.kind() == WouldBlock => break,
                Err(error) => return Err(error.into()),
            };
            answered += self.replies.count(&input[..arrived])?;
            if arrived < input.len() {
                break;
            }
        }
        self.outstanding = self.outstanding.checked_sub(answered).ok_or("a reply to no request")?;
        Ok(answered)
    }
}

/// Where requests come from, and how many are still to be sent.
struct Supply {
    /// The request, encoded, with a mark where each number goes.
    request: Vec<u8>,
    marks: Vec<(Range<usize>, Number)>,
    numbers: Numbers,
    pipeline: u64,
    left: u64,
    sent: u64,
    answered: u64,
}

/// The same numbers in the same order for every server.
struct Numbers {
    keys: u64,
    random: u64,
    sequence: u64,
}

#[derive(Clone, Copy)]
enum Number {
    Key,
    Sequence,
}

/// What may stand in an argument, what stands for it in the encoded request, and what it means.
/// A mark is as wide as the digits that replace it, so that a request is encoded only once.
const NUMBERS: [(&str, &str, Number); 2] =
    [("{key}", "{random-key}", Number::Key), ("{seq}", "{sequential}", Number::Sequence)];

impl Supply {
    fn new(options: &Options) -> Supply {
        let mut request = format!("*{}\r\n", options.command.len());
        for argument in &options.command {
            let marked = NUMBERS
                .iter()
                .fold(argument.clone(), |text, (name, mark, _)| text.replace(name, mark));
            request += &format!("${}\r\n{marked}\r\n", marked.len());
        }
        let mut marks = Vec::new();
        for (_, mark, number) in NUMBERS {
            let found = request.match_indices(mark);
            marks.extend(found.map(|(at, _)| (at..at + mark.len(), number)));
        }
        Supply {
            request: request.into_bytes(),
            marks,
            numbers: Numbers { keys: options.keys, random: 0x9e37_79b9_7f4a_7c15, sequence: 0 },
            pipeline: options.pipeline,
            left: options.requests,
            sent: 0,
            answered: 0,
        }
    }

    /// Puts the next requests into `output` and says how many they are: a pipeline full, or fewer
    /// when not so many are left.
    fn next(&mut self, output: &mut Vec<u8>) -> u64 {
        let count = self.left.min(self.pipeline);
        output.clear();
        for _ in 0..count {
            let start = output.len();
            output.extend_from_slice(&self.request);
            for (at, number) in &self.marks {
                let value = self.numbers.next(*number);
                write_digits(&mut output[start..][at.clone()], value);
            }
        }
        self.left -= count;
        self.sent += count;
        count
    }
}

impl Numbers {
    fn next(&mut self, number: Number) -> u64 {
        match number {
            Number::Key => {
                // xorshift64
                self.random ^= self.random << 13;
                self.random ^= self.random >> 7;
                self.random ^= self.random << 17;
                self.random % self.keys
            }
            Number::Sequence => {
                self.sequence += 1;
                self.sequence - 1
            }
        }
    }
}

fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Counts replies in a stream of bytes, however it is cut. Knows just enough of RESP2 and RESP3 to
/// tell where a reply ends, and keeps nothing of what it says.
#[derive(Default)]
struct Replies {
    /// Elements still to come before the reply under way is complete.
    elements: u64,
    /// Bytes of a bulk body, its line end included, that are still to come.
    body: usize,
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
}

impl Replies {
    /// Takes in the next bytes and says how many replies they completed.
    fn count(&mut self, mut bytes: &[u8]) -> Result<u64, Box<dyn Error>> {
        let mut complete = 0;
        while !bytes.is_empty() {
            if self.elements > 1
                && self.body == 0
                && self.line.is_empty()
                && let [b'$', digit @ b'0'..=b'9', b'\r', b'\n', rest @ ..] = bytes
                && let Some(behind) = rest.get(usize::from(digit - b'0') + 2..)
            {
                // One of many short elements, which long replies are made of: the load must not be what
                // is slow.
                self.elements -= 1;
                bytes = behind;
                continue;
            }
            if self.body > 0 {
                let count = self.body.min(bytes.len());
                self.body -= count;
                bytes = &bytes[count..];
            } else if let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
                let (line, rest) = bytes.split_at(end + 1);
                bytes = rest;
                if self.line.is_empty() {
                    self.header(line)?;
                } else {
                    let mut whole = std::mem::take(&mut self.line);
                    whole.extend_from_slice(line);
                    self.header(&whole)?;
                }
            } else {
                self.line.extend_from_slice(bytes);
                break;
            }
            if self.elements == 0 && self.body == 0 {
                complete += 1;
            }
        }
        Ok(complete)
    }

    /// Takes in one line that begins an element.
    fn header(&mut self, line: &[u8]) -> Result<(), Box<dyn Error>> {
        let text = line[1..].trim_ascii_end();
        self.elements = self.elements.saturating_sub(1);
        match line[0] {
            b'-' => return Err(String::from_utf8_lossy(text).into()),
            // A null has the length -1, and nothing follows it.
            _ if text == b"-1" => {}
            b'$' | b'=' | b'!' => self.body = length(text)? + 2,
            b'*' | b'~' | b'>' => self.elements += length(text)? as u64,
            b'%' => self.elements += 2 * length(text)? as u64,
            b'|' => self.elements += 2 * length(text)? as u64 + 1,
            _ => {}
        }
        Ok(())
    }
}

/// A length in digits.
fn length(digits: &[u8]) -> Result<usize, Box<dyn Error>> {
    let add = |sum: usize, &digit: &u8| match digit {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(usize::from(digit - b'0')),
        _ => None,
    };
    digits.iter().try_fold(0, add).ok_or_else(|| "a length that is no number".into())
}
