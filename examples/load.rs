//! The load: keeps a server busy over many connections, and counts its replies.
//!
//! `load [OPTIONS] COMMAND…` opens the connections, with a PING on each, sends the command over all of
//! them, and sends again on a connection as soon as everything asked there has been answered, so that
//! every server meets the same demand: all connections always have something outstanding. One thread,
//! one poll. At the end it prints `requests=… seconds=…`. It does not measure the server; its caller
//! does: `scripts/bench` reads the server's CPU time when the load is `--held`, before its first request
//! and after its last.
//!
//! A comma between two commands makes a mix of them, drawn at random, and a number in front of one is its
//! weight: `load 4 GET key:{key} , SET key:{key} text` are four GETs for each SET.
//!
//! A lone semicolon between two makes a sequence of them: each connection sends them in turn, from the
//! first, each counting as a request, and a number in front of one says how often it comes in turn:
//! `load LPUSH list text ; LPOP list`. A load is a mix or a sequence, not both.
//!
//! `--listeners N` opens N connections more, which subscribe to the channel `news` and read whatever
//! they are sent: `load --listeners 1000 PUBLISH news text`. It has no TLS: what is measured over TLS is
//! read by the bench itself, or by redis-benchmark.
//!
//! `--latency` adds `p50=… p99=… p99.9=…` to what is printed: within how many µs so many of a hundred
//! requests were answered, from when they were written to when their replies had been read, and within
//! half a percent. The work of the load itself is part of it.
//!
//! In an argument `{key}` becomes twelve digits drawn at random below `--keys`, `{zipf}` the same with
//! some numbers drawn far more often than others, `{seq}` twelve digits that count up from zero, each
//! afresh in every request, and `{value}` as many letters as `--size` says. An error reply, or one within a
//! reply, ends the run: a server that refuses the work must not look fast. Replies of all types of RESP2 and
//! RESP3 are read, after a HELLO 3 too, and a push counts as one: it is what answers SUBSCRIBE. So a command
//! must get one reply, as SUBSCRIBE to one channel does.

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

    /// how many different keys {key} and {zipf} stand for (100000)
    #[argh(option, default = "100_000")]
    keys: u64,

    /// how many bytes {value} stands for (3)
    #[argh(option, default = "3")]
    size: usize,

    /// how many further connections listen to the channel `news` (0)
    #[argh(option, default = "0")]
    listeners: usize,

    /// close each connection after its first replies and open another
    #[argh(switch)]
    reconnect: bool,

    /// print how long requests take to be answered, in µs
    #[argh(switch)]
    latency: bool,

    /// print `ready` when the connections are open and wait for a line of input; when done, keep them
    /// open until the input ends
    #[argh(switch)]
    held: bool,

    /// the command and its arguments, and others behind a comma or a semicolon
    #[argh(positional, greedy)]
    commands: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options: Options = argh::from_env();
    let mut supply = Supply::new(&options)?;
    let mut poll = Poll::new()?;
    let mut input = vec![0; 256 * 1024];
    let mut events = Events::with_capacity(1024);

    let mut connections = Vec::with_capacity(options.connections);
    for slot in 0..options.connections {
        let (stream, _) = greet(options.port, b"PING\r\n")?;
        connections.push(Connection::new(stream, slot, poll.registry())?);
    }
    let mut listeners = Vec::with_capacity(options.listeners);
    for at in 0..options.listeners {
        listeners.push(listener(options.port, options.connections + at, poll.registry())?);
    }
    if options.held {
        println!("ready");
        if io::stdin().read_line(&mut String::new())? == 0 {
            return Ok(()); // Connections that idle are all that was wanted.
        }
    }

    let started = Instant::now();
    let ends = Duration::try_from_secs_f64(options.seconds).ok().map(|length| started + length);
    let mut latencies = options.latency.then(Latencies::default);
    for connection in &mut connections {
        connection.ask(&mut supply)?;
    }
    while supply.answered < supply.sent {
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
            if let Some(latencies) = &mut latencies {
                latencies.add(connection.asked.elapsed(), answered);
            }
            if answered > 0 && connection.outstanding == 0 && supply.left > 0 {
                if options.reconnect {
                    let stream = std::net::TcpStream::connect(("127.0.0.1", options.port))?;
                    *connection = Connection::new(stream, slot, poll.registry())?;
                }
                connection.ask(&mut supply)?;
            }
        }
    }

    print!("requests={} seconds={:.3}", supply.answered, started.elapsed().as_secs_f64());
    if let Some(latencies) = latencies {
        for percent in [50.0, 99.0, 99.9] {
            print!(" p{percent}={:.1}", latencies.within(percent).as_secs_f64() * 1e6);
        }
    }
    println!();
    if options.held {
        io::copy(&mut io::stdin(), &mut io::sink())?;
    }
    Ok(())
}

/// Connects, and waits until the server has replied to a first request, so that no more attempts wait
/// for `accept` than a listener lets wait. Returns the beginning of the reply, too.
fn greet(port: u16, request: &[u8]) -> io::Result<(std::net::TcpStream, Vec<u8>)> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(request)?;
    let mut reply = vec![0; 64];
    let arrived = stream.read(&mut reply)?;
    reply.truncate(arrived);
    Ok((stream, reply))
}

/// Connects a client that listens to `news`.
fn listener(port: u16, token: usize, registry: &Registry) -> Result<TcpStream, Box<dyn Error>> {
    let (stream, reply) = greet(port, b"SUBSCRIBE news\r\n")?;
    if !reply.starts_with(b"*3\r\n$9\r\nsubscribe\r\n") {
        return Err("the server has no channels".into());
    }
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
    asked: Instant,
    outstanding: u64,
    /// Which of a sequence comes next.
    turn: usize,
    replies: Replies,
}

impl Connection {
    /// Takes a stream that is connected: over loopback the handshake is done when `connect` returns.
    fn new(
        stream: std::net::TcpStream,
        slot: usize,
        registry: &Registry,
    ) -> io::Result<Connection> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, Token(slot), Interest::READABLE | Interest::WRITABLE)?;
        let (output, asked, replies) = (Vec::new(), Instant::now(), Replies::default());
        Ok(Connection { stream, output, sent: 0, asked, outstanding: 0, turn: 0, replies })
    }

    /// Sends the next requests, as many as are asked for at once.
    fn ask(&mut self, supply: &mut Supply) -> io::Result<()> {
        self.outstanding = supply.next(&mut self.output, &mut self.turn);
        self.sent = 0;
        self.asked = Instant::now();
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
    requests: Vec<Request>,
    /// Each request's index as often as it weighs.
    lots: Vec<usize>,
    /// Whether lots are drawn at random; they come in turn otherwise.
    mixed: bool,
    numbers: Numbers,
    pipeline: u64,
    left: u64,
    sent: u64,
    answered: u64,
}

/// A request, encoded, with a mark where each number goes.
struct Request {
    encoded: Vec<u8>,
    marks: Vec<(Range<usize>, Number)>,
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
    Zipf,
    Sequence,
}

/// What may stand in an argument, what stands for it in the encoded request, and what it means.
/// A mark is as wide as the digits that replace it, so that a request is encoded only once.
const NUMBERS: [(&str, &str, Number); 3] = [
    ("{key}", "{random-key}", Number::Key),
    ("{zipf}", "{zipfs-draw}", Number::Zipf),
    ("{seq}", "{sequential}", Number::Sequence),
];

/// A prime that is no divisor of a number of keys: neighbours are spread by it, and all of them differ.
const SPREAD: u64 = 0x9e37_79b1;

impl Supply {
    fn new(options: &Options) -> Result<Supply, Box<dyn Error>> {
        let (mut requests, mut lots) = (Vec::new(), Vec::new());
        let has = |separator: &str| options.commands.iter().any(|word| word == separator);
        let mixed = has(",");
        if mixed && has(";") {
            return Err("a load is a mix or a sequence, not both; --help says more".into());
        }
        let separator = if mixed { "," } else { ";" };
        for words in options.commands.split(|word| word == separator) {
            let weight = words.first().and_then(|word| word.parse().ok());
            let command = &words[usize::from(weight.is_some())..];
            if command.is_empty() || weight == Some(0) {
                return Err("a command is missing, or its weight is 0; --help says more".into());
            }
            lots.extend(vec![requests.len(); weight.unwrap_or(1)]);
            requests.push(Request::new(command, options.size));
        }
        Ok(Supply {
            requests,
            lots,
            mixed,
            numbers: Numbers { keys: options.keys, random: 0x9e37_79b9_7f4a_7c15, sequence: 0 },
            pipeline: options.pipeline,
            left: options.requests,
            sent: 0,
            answered: 0,
        })
    }

    /// Puts the next requests into `output` and says how many they are: a pipeline full, or fewer
    /// when not so many are left. `turn` is the connection's, and moves on.
    fn next(&mut self, output: &mut Vec<u8>, turn: &mut usize) -> u64 {
        let count = self.left.min(self.pipeline);
        output.clear();
        for _ in 0..count {
            let lot = if self.mixed {
                (self.numbers.draw() % self.lots.len() as u64) as usize
            } else {
                let next = (*turn + 1) % self.lots.len();
                std::mem::replace(turn, next)
            };
            let request = &self.requests[self.lots[lot]];
            let start = output.len();
            output.extend_from_slice(&request.encoded);
            for (at, number) in &request.marks {
                let value = self.numbers.next(*number);
                write_digits(&mut output[start..][at.clone()], value);
            }
        }
        self.left -= count;
        self.sent += count;
        count
    }
}

impl Request {
    fn new(command: &[String], size: usize) -> Request {
        let value = "x".repeat(size);
        let mut encoded = format!("*{}\r\n", command.len());
        for argument in command {
            let marked = NUMBERS
                .iter()
                .fold(argument.replace("{value}", &value), |text, (name, mark, _)| {
                    text.replace(name, mark)
                });
            encoded += &format!("${}\r\n{marked}\r\n", marked.len());
        }
        let mut marks = Vec::new();
        for (_, mark, number) in NUMBERS {
            let found = encoded.match_indices(mark);
            marks.extend(found.map(|(at, _)| (at..at + mark.len(), number)));
        }
        Request { encoded: encoded.into_bytes(), marks }
    }
}

impl Numbers {
    fn next(&mut self, number: Number) -> u64 {
        match number {
            Number::Key => self.draw() % self.keys,
            // Rank k, from 1, has a probability in proportion to ln(1 + 1/k): Zipf's 1/k, but for the first few.
            Number::Zipf => {
                let uniform = (self.draw() >> 11) as f64 / (1_u64 << 53) as f64;
                let rank = (self.keys as f64 + 1.0).powf(uniform) as u64;
                rank.min(self.keys) * SPREAD % self.keys
            }
            Number::Sequence => {
                self.sequence += 1;
                self.sequence - 1
            }
        }
    }

    /// xorshift64.
    fn draw(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

/// How many requests took how long: a count for each range of nanoseconds. A range is at most a 128th
/// as long as where it begins, so that its middle is right within half a percent; no range takes more
/// than one count, however many requests fall into it.
struct Latencies(Vec<u64>);

impl Latencies {
    /// The bits of a duration that say which range it is in, without the highest, which is always set.
    const BITS: u32 = 7;

    fn add(&mut self, latency: Duration, requests: u64) {
        let nanoseconds = latency.as_nanos() as u64;
        let dropped = (u64::BITS - nanoseconds.leading_zeros()).saturating_sub(Self::BITS + 1);
        let range = (u64::from(dropped) << Self::BITS) + (nanoseconds >> dropped);
        self.0[range as usize] += requests;
    }

    /// The time within which so many percent were answered.
    fn within(&self, percent: f64) -> Duration {
        let enough = (self.0.iter().sum::<u64>() as f64 * percent / 100.0).ceil() as u64;
        let mut counted = 0;
        let range = self.0.iter().position(|&count| {
            counted += count;
            counted >= enough
        });
        let range = range.unwrap_or_default() as u64;
        let dropped = (range >> Self::BITS).saturating_sub(1);
        let begin = (range - (dropped << Self::BITS)) << dropped;
        Duration::from_nanos(begin + (1 << dropped) / 2)
    }
}

impl Default for Latencies {
    fn default() -> Latencies {
        let bits = u64::BITS - Self::BITS;
        Latencies(vec![0; (bits as usize + 1) << Self::BITS])
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
            // RESP3 has these too: the length, and then the text.
            b'!' => return Err("an error reply of RESP3".into()),
            // A null has the length -1, and nothing follows it.
            _ if text == b"-1" => {}
            b'$' | b'=' => self.body = length(text)? + 2,
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
