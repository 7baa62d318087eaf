//! Requests in any pieces: whole, cut at every byte, cut short, broken, huge, and noise.
//!
//! What a server answers must not depend on how the network cut the bytes. All of this runs on the
//! engine, without sockets.

use proptest::collection::vec;
use proptest::prelude::*;
use respd::internals::config::Config;
use respd::internals::dispatch::spec::flag;
use respd::internals::embed::local::{Local, request};
use respd::internals::session::Client;
use respd::internals::wire::MAX_LINE;
use respd::internals::wire::{Args, Limits, Parsed, Parser, ProtocolError, value};

const UNLIMITED: Limits = Limits { bulk: 512 << 20, authenticated: true };

/// What a client sends, and all it is answered.
struct Sample {
    input: &'static [u8],
    replies: &'static [u8],
    /// Whether the server closes after its replies.
    closes: bool,
}

const fn fine(input: &'static [u8], replies: &'static [u8]) -> Sample {
    Sample { input, replies, closes: false }
}

const fn broken(input: &'static [u8], replies: &'static [u8]) -> Sample {
    Sample { input, replies, closes: true }
}

const SAMPLES: &[Sample] = &[
    // Arrays.
    fine(b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"),
    fine(b"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n", b"$2\r\nhi\r\n"),
    fine(b"*2\r\n$4\r\nPING\r\n$0\r\n\r\n", b"$0\r\n\r\n"),
    fine(b"*2\r\n$4\r\nECHO\r\n$6\r\n\0\r\n\xff$*\r\n", b"$6\r\n\0\r\n\xff$*\r\n"),
    fine(b"*2\r\n$4\r\necho\r\n$10\r\n*1\r\n$4\r\nPI\r\n", b"$10\r\n*1\r\n$4\r\nPI\r\n"),
    fine(
        b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\none\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n",
        b"+OK\r\n$3\r\none\r\n:1\r\n",
    ),
    fine(
        b"*1\r\n$0\r\n\r\n",
        b"-ERR unknown command '', with args beginning with: \r\n",
    ),
    fine(
        b"*3\r\n$6\r\nno\r\nsu\r\n$3\r\na\r\n\r\n$0\r\n\r\n",
        b"-ERR unknown command 'no  su', with args beginning with: 'a  ' '' \r\n",
    ),
    fine(b"*1\r\n$3\r\nGET\r\n", b"-ERR wrong number of arguments for 'get' command\r\n"),
    fine(
        b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n*2\r\n$3\r\nGET\r\n$2\r\nno\r\n",
        b"%7\r\n$6\r\nserver\r\n$5\r\nrespd\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n\
          $4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n_\r\n",
    ),
    // Inline.
    fine(b"PING\r\n", b"+PONG\r\n"),
    fine(b"PING\n", b"+PONG\r\n"),
    fine(b"  PING\t spaced \r\n", b"$6\r\nspaced\r\n"),
    fine(b"ECHO \"quoted arg\"\r\n", b"$10\r\nquoted arg\r\n"),
    fine(b"ECHO 'it\\'s \\n'\r\n", b"$7\r\nit's \\n\r\n"),
    fine(b"ECHO \"\\x41\\n\\r\\t\\a\\b\\\\\\\"\\q\"\r\n", b"$9\r\nA\n\r\t\x07\x08\\\"q\r\n"),
    fine(b"ECHO mid\"dle\"\r\n", b"$6\r\nmiddle\r\n"),
    fine(b"ECHO \"\"\r\n", b"$0\r\n\r\n"),
    fine(b"SET k \"\\x00\\xff\"\r\nGET k\r\n", b"+OK\r\n$2\r\n\0\xff\r\n"),
    fine(b"$3\r\n", b"-ERR unknown command '$3', with args beginning with: \r\n"),
    fine(b"%1\r\nPING\r\n", b"-ERR unknown command '%1', with args beginning with: \r\n+PONG\r\n"),
    // Nothing.
    fine(b"\r\n\r\n\n   \r\nPING\r\n", b"+PONG\r\n"),
    fine(b"*0\r\n*-1\r\n*-10\r\n*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"),
    fine(b"*-9223372036854775808\r\nPING\r\n", b"+PONG\r\n"),
    // Pipelines of both forms, and what ends one.
    fine(b"PING\r\n*1\r\n$4\r\nPING\r\n\r\nECHO x\r\n*0\r\nPING\n", b"+PONG\r\n+PONG\r\n$1\r\nx\r\n+PONG\r\n"),
    broken(b"PING\r\nQUIT\r\nPING\r\n", b"+PONG\r\n+OK\r\n"),
    broken(
        b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n*x\r\n*1\r\n$4\r\nPING\r\n",
        b"+PONG\r\n+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n",
    ),
    // Lengths of arrays.
    broken(b"*abc\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"*\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"*1.5\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"* 1\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"*1 \r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"*+1\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"*01\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"*-0\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"*2147483648\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"*9223372036854775807\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"*9223372036854775808\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"*-9223372036854775809\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"*99999999999999999999\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    broken(b"*1\rx", b"-ERR Protocol error: invalid CRLF in request\r\n"),
    // What stands where an argument belongs.
    broken(b"*1\r\nPING\r\n", b"-ERR Protocol error: expected '$', got 'P'\r\n"),
    broken(b"*1\r\n+PING\r\n", b"-ERR Protocol error: expected '$', got '+'\r\n"),
    broken(b"*1\r\n*1\r\n$4\r\nPING\r\n", b"-ERR Protocol error: expected '$', got '*'\r\n"),
    broken(b"*1\r\n=8\r\ntxt:PING\r\n", b"-ERR Protocol error: expected '$', got '='\r\n"),
    // The byte comes back as it was, and is asked for before the end of the line.
    broken(b"*1\r\n\xfcx\r\n", b"-ERR Protocol error: expected '$', got '\xfc'\r\n"),
    broken(b"*1\r\n\0\r\n", b"-ERR Protocol error: expected '$', got '\0'\r\n"),
    broken(b"*1\r\n+$2\rg\r\n", b"-ERR Protocol error: expected '$', got '+'\r\n"),
    broken(b"*2\r\n$4\r\nPING\r\n\rab", b"-ERR Protocol error: expected '$', got ' '\r\n"),
    broken(b"*1\r\n$x\rg", b"-ERR Protocol error: invalid CRLF in request\r\n"),
    // CR and LF never reach an error as they are.
    broken(b"*1\r\n\r\n", b"-ERR Protocol error: expected '$', got ' '\r\n"),
    broken(b"*1\r\n\n\r\n", b"-ERR Protocol error: expected '$', got ' '\r\n"),
    // Lengths of arguments.
    broken(b"*1\r\n$abc\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    broken(b"*1\r\n$\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    broken(b"*1\r\n$-1\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    broken(b"*1\r\n$+4\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    broken(b"*1\r\n$04\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    broken(b"*1\r\n$536870913\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    broken(b"*1\r\n$4294967296\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    broken(b"*1\r\n$9223372036854775807\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    broken(b"*1\r\n$9223372036854775808\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    broken(b"*1\r\n$-9223372036854775808\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    broken(b"*1\r\n$-9223372036854775809\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    broken(b"*1\r\n$99999999999999999999\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    // Arguments that do not end where they said.
    broken(b"*1\r\n$4\r\nPINGxx", b"-ERR Protocol error: invalid CRLF in request\r\n"),
    broken(b"*2\r\n$4\r\nECHO\r\n$3\r\nabcdef\r\n", b"-ERR Protocol error: invalid CRLF in request\r\n"),
    broken(b"*1\r\n$4\r\nPING\r\r\n", b"-ERR Protocol error: invalid CRLF in request\r\n"),
    // Quotes.
    broken(b"ECHO \"abc\r\n", b"-ERR Protocol error: unbalanced quotes in request\r\n"),
    broken(b"ECHO 'abc\r\n", b"-ERR Protocol error: unbalanced quotes in request\r\n"),
    fine(b"ECHO \"abc\"def\r\n", b"$6\r\nabcdef\r\n"),
    fine(b"ECHO 'a'b\r\n", b"$2\r\nab\r\n"),
    broken(b"PING\r\nECHO \"\r\nPING\r\n", b"+PONG\r\n-ERR Protocol error: unbalanced quotes in request\r\n"),
    // Somebody else's protocol: not a word.
    broken(b"POST / HTTP/1.1\r\nPING\r\n", b""),
    broken(b"PING\r\nhost: example.com\r\nPING\r\n", b"+PONG\r\n"),
];

/// Everything the server says when `pieces` arrive one after the other, and whether it then closes.
fn answers<'a>(config: &Config, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, bool) {
    let mut local = Local::new(config.clone());
    let client = local.connect();
    let mut replies = Vec::new();
    for piece in pieces {
        local.send(client, piece);
        replies.extend(local.received(client));
    }
    (replies, !local.is_open(client))
}

/// `input` answered in one piece must be `expected`, and so it must in every other cut.
fn assert_answers_however_cut(config: &Config, input: &[u8], expected: &[u8], closes: bool) {
    let shown = input.escape_ascii().to_string();
    let assert_same = |pieces: &[&[u8]], cut: &str| {
        let (replies, closed) = answers(config, pieces.iter().copied());
        assert_eq!(
            replies.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{shown} {cut}"
        );
        assert_eq!(closed, closes, "{shown} {cut}: closed?");
    };
    assert_same(&[input], "in one piece");
    for at in 1..input.len() {
        let (head, tail) = input.split_at(at);
        assert_same(&[head, tail], &format!("cut at {at}"));
    }
    assert_same(&input.chunks(1).collect::<Vec<_>>(), "byte by byte");
}

/// What the client makes the server hold.
fn held(local: &Local) -> &Client {
    local.engine.world.clients.iter().next().expect("a client")
}

#[test]
fn answers_are_the_same_however_requests_are_cut() {
    for sample in SAMPLES {
        assert_answers_however_cut(&Config::default(), sample.input, sample.replies, sample.closes);
    }
}

#[test]
fn lines_that_are_too_long_are_refused_however_they_are_cut() {
    // One byte at a time is quadratic here, so these are cut in fewer places.
    let ones = "1".repeat(MAX_LINE);
    for (input, reason) in [
        (format!("*{ones}\r\n"), "too big mbulk count string"),
        (format!("*{ones}"), "too big mbulk count string"),
        (format!("*1\r\n${ones}\r\n"), "too big bulk count string"),
        (format!("*1\r\n${ones}"), "too big bulk count string"),
        (format!("P{ones}\r\n"), "too big inline request"),
        (format!("P{ones}"), "too big inline request"),
        (format!("*{}\r\n", &ones[1..]), "invalid multibulk length"),
        (format!("*1\r\n${}\r\n", &ones[1..]), "invalid bulk length"),
    ] {
        let expected = format!("-ERR Protocol error: {reason}\r\n").into_bytes();
        for size in [input.len(), 1000, 16 * 1024, MAX_LINE, MAX_LINE + 1, input.len() - 1] {
            let (replies, closed) = answers(&Config::default(), input.as_bytes().chunks(size));
            let replies = replies.escape_ascii().to_string();
            assert_eq!(replies, expected.escape_ascii().to_string(), "in pieces of {size}");
            assert!(closed);
        }
    }
    let longest = format!("ECHO {}\n", &ones[5..]);
    let reply = format!("${}\r\n{}\r\n", MAX_LINE - 5, &ones[5..]);
    for size in [longest.len(), 1000] {
        let (replies, closed) = answers(&Config::default(), longest.as_bytes().chunks(size));
        assert!(replies == reply.as_bytes() && !closed, "in pieces of {size}");
    }
}

#[test]
fn a_line_of_a_mebibyte_costs_no_more_than_the_limit() {
    for first in [b'P', b'*'] {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        let line = vec![first; 1 << 20];
        let mut sent = 0;
        for piece in line.chunks(4096) {
            if !local.is_open(client) {
                break;
            }
            local.send(client, piece);
            sent += piece.len();
            assert!(held(&local).query_bytes() <= MAX_LINE + 4096);
            if !local.received(client).is_empty() {
                break;
            }
        }
        assert!(sent <= MAX_LINE + 4096, "{sent} bytes were listened to");
        assert!(!local.is_open(client));
    }
}

#[test]
fn a_request_that_is_cut_short_does_nothing() {
    let mut requests: Vec<Vec<u8>> = vec![
        request(["SET", "half", "written"]),
        request(["DEL", "whole"]),
        b"SET half \"writ\\x00ten\"\r\n".to_vec(),
        b"DEL whole\n".to_vec(),
        request(["HELLO", "3"]),
    ];
    requests.push(request([&b"ECHO"[..], &[b'\r'; 300]]));
    for whole in requests {
        for len in 0..whole.len() {
            let cut = &whole[..len];
            let mut parser = Parser::default();
            let mut spans = Vec::new();
            let parsed = parser.parse(&mut cut.to_vec(), &mut spans, UNLIMITED);
            assert_eq!(parsed, Ok(Parsed::Partial), "{:?}", cut.escape_ascii().to_string());

            let mut local = Local::new(Config::default());
            let (client, other) = (local.connect(), local.connect());
            local.call(other, ["SET", "whole", "here"]);
            local.send(client, cut);
            assert_eq!(local.received(client), b"");
            local.finish(client);
            assert_eq!(local.received(client), b"");
            assert!(!local.is_open(client), "nothing is owed to who has left");
            assert_eq!(local.call(other, ["GET", "whole"]).to_string(), "\"here\"");
            assert_eq!(local.call(other, ["EXISTS", "half"]).to_string(), "(integer) 0");
            assert_eq!(local.engine.world.clients.len(), 1);
        }
    }
}

// Credit: what is announced and what has come.

#[test]
fn an_announced_million_costs_nothing() {
    for header in
        [&b"*1000000\r\n"[..], b"*2147483647\r\n", b"*1\r\n$536870912\r\n", b"*1\r\n$1000\r"]
    {
        let mut parser = Parser::default();
        let mut spans = Vec::new();
        let parsed = parser.parse(&mut header.to_vec(), &mut spans, UNLIMITED);
        assert_eq!(parsed, Ok(Parsed::Partial));
        assert!(parser.is_half_read());
        assert!(parser.memory() <= 128, "{} bytes", parser.memory());

        let mut local = Local::new(Config::default());
        let client = local.connect();
        local.send(client, header);
        assert!(held(&local).query_bytes() <= 256);
    }
}

#[test]
fn a_million_arguments_that_do_come_are_a_request() {
    const KEYS: usize = 1_000_000;
    let mut input = format!("*{}\r\n$6\r\nEXISTS\r\n", KEYS + 1).into_bytes();
    for _ in 0..KEYS {
        input.extend_from_slice(b"$1\r\nk\r\n");
    }
    let mut local = Local::new(Config::default());
    let client = local.connect();
    local.call(client, ["SET", "k", "v"]);
    let mut replies = Vec::new();
    for piece in input.chunks(64 * 1024) {
        assert_eq!(replies, b"");
        local.send(client, piece);
        replies.extend(local.received(client));
    }
    assert_eq!(replies, b":1000000\r\n");
    assert!(held(&local).memory() < 64 * 1024, "what it held is given back");
}

#[test]
fn what_a_half_read_command_holds_counts_against_the_query_buffer_limit() {
    const LIMIT: usize = 1 << 20;
    let config = Config { client_query_buffer_limit: LIMIT, ..Config::default() };
    // (what begins the request, what goes on for ever)
    for (head, more) in [
        // Fourteen bytes of memory for each six that arrive.
        (&b"*1000000\r\n"[..], &b"$0\r\n\r\n"[..]),
        (b"*2\r\n$4\r\nECHO\r\n$100000000\r\n", b"xxxxxxxx"),
    ] {
        let mut local = Local::new(config.clone());
        let (client, other) = (local.connect(), local.connect());
        local.send(client, head);
        let piece = more.repeat(100);
        let mut sent = 0;
        while local.is_open(client) {
            local.send(client, &piece);
            local.received(client);
            sent += piece.len();
            assert!(sent <= LIMIT + piece.len(), "the limit does not hold");
            if local.is_open(client) {
                assert!(held(&local).query_bytes() <= LIMIT);
            }
        }
        let per_byte = if more.starts_with(b"$") { 2 } else { 1 };
        assert!(sent >= LIMIT / per_byte / 2, "closed after {sent} bytes already");
        assert_eq!(local.engine.world.stats.query_buffer_limit_disconnections, 1);
        assert_eq!(local.call(other, ["PING"]).to_string(), "PONG");
    }
}

#[test]
fn the_query_buffer_limit_is_on_one_request_not_on_a_pipeline() {
    let config = Config { client_query_buffer_limit: 1 << 20, ..Config::default() };
    let mut local = Local::new(config);
    let client = local.connect();
    local.send(client, &b"PING\r\n".repeat(300_000));
    assert_eq!(local.received(client).len(), 300_000 * b"+PONG\r\n".len());
    assert!(local.is_open(client));
}

#[test]
fn strangers_have_less_credit() {
    let mut config = Config::default();
    config.apply_option("requirepass", "sesame").unwrap();
    let bulk = |len: usize| format!("*2\r\n$4\r\nAUTH\r\n${len}\r\n").into_bytes();
    for (input, reason) in [
        (b"*11\r\n".to_vec(), "unauthenticated multibulk length"),
        (b"*2147483647\r\n".to_vec(), "unauthenticated multibulk length"),
        (b"*2147483648\r\n".to_vec(), "invalid multibulk length"),
        (bulk(16 * 1024 + 1), "unauthenticated bulk length"),
        (bulk(512 << 20), "unauthenticated bulk length"),
        (bulk((512 << 20) + 1), "invalid bulk length"),
    ] {
        let expected = format!("-ERR Protocol error: {reason}\r\n").into_bytes();
        assert_answers_however_cut(&config, &input, &expected, true);
    }

    let mut local = Local::new(config);
    let client = local.connect();
    let longest = [b'x'; 16 * 1024];
    let wrong = local.call(client, [&b"AUTH"[..], &longest]).to_string();
    assert!(wrong.contains("WRONGPASS"), "{wrong}");
    let ten = local.call(client, ["NOSUCH"; 10]).to_string();
    assert!(ten.contains("NOAUTH"), "{ten}");
    local.call(client, ["AUTH", "sesame"]);
    assert_eq!(local.call(client, ["EXISTS"; 11]).to_string(), "(integer) 0");
    local.call(client, ["SET".as_bytes(), b"k", &[b'x'; 16 * 1024 + 1]]);
    // RESET logs out, and the credit is gone with it.
    local.call(client, ["RESET"]);
    local.send(client, b"*11\r\n");
    assert_eq!(
        local.received(client),
        b"-ERR Protocol error: unauthenticated multibulk length\r\n"
    );
}

#[test]
fn the_longest_argument_is_configured() {
    let config = Config { proto_max_bulk_len: 1 << 20, ..Config::default() };
    let expected = b"-ERR Protocol error: invalid bulk length\r\n";
    assert_answers_however_cut(&config, b"*2\r\n$4\r\nECHO\r\n$1048577\r\n", expected, true);
    let mut local = Local::new(config);
    let client = local.connect();
    let longest = vec![b'x'; 1 << 20];
    local.send(client, &request([&b"ECHO"[..], &longest]));
    assert_eq!(local.received(client).len(), longest.len() + b"$1048576\r\n\r\n".len());
}

// Noise.

/// A generator of numbers that look random: xorshift64*. The same seed, the same numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end
    }

    fn one_of<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

#[test]
fn noise_hurts_nobody_else() {
    const WORDS: &[&[u8]] = &[
        b"\r\n",
        b"\r",
        b"\n",
        b"*",
        b"$",
        b"*1\r\n",
        b"*2\r\n",
        b"*3\r\n",
        b"$3\r\n",
        b"$4\r\n",
        b"$1\r\n",
        b"$0\r\n\r\n",
        b"*-1\r\n",
        b"$-1\r\n",
        b"PING",
        b"GET",
        b"SET",
        b"HELLO",
        b"3",
        b"2",
        b"ECHO",
        b"\"",
        b"'",
        b"\\x",
        b" ",
        b"\0",
        b"\xff",
        b"k",
        b"client",
        b"info",
        b"command",
        b"docs",
        b"reply",
        b"off",
        b"skip",
        b"9223372036854775808",
        b"-1",
        b"RESET",
    ];
    let mut local = Local::new(Config::default());
    let other = local.connect();
    local.call(other, ["SET", "mine", "untouched"]);
    let mut random = Random(0x5eed_0000_0000_0001);
    let mut client = local.connect();
    for round in 0..20_000 {
        let mut bytes = Vec::new();
        for _ in 0..random.below(12) {
            match random.below(4) {
                0 => bytes.push(random.next() as u8),
                _ => bytes.extend_from_slice(random.one_of(WORDS)),
            }
        }
        local.send(client, &bytes);
        local.received(client);
        if random.below(50) == 0 {
            local.finish(client);
            local.received(client);
        }
        if !local.is_open(client) {
            client = local.connect();
        }
        if round % 16 == 0 {
            assert_eq!(local.call(other, ["GET", "mine"]).to_string(), "\"untouched\"");
            assert_eq!(local.engine.world.clients.len(), 2);
        }
    }
}

/// Commands that a pipeline of random ones leaves out, beside those that may wait: those that end the
/// connection or the server, silence replies, let nobody in any more, or bring lines beside replies.
const LEFT_OUT: &[&str] = &[
    "quit",
    "shutdown",
    "client|reply",
    "client|kill",
    "client|pause",
    "config|set",
    "auth",
    "monitor",
];

#[test]
fn every_command_gets_exactly_one_reply() {
    const ARGS: &[&[u8]] = &[
        b"",
        b"k",
        b"0",
        b"-1",
        b"1",
        b"3",
        b"9223372036854775807",
        b"\xff\r\n\0",
        b"*",
        b"ID",
        b"name",
        b"SETNAME",
        b"TYPE",
        b"normal",
        b"get",
        b"set",
        b"help",
        b"YES",
        b"no",
        b"with spaces",
    ];
    let mut local = Local::new(Config::default());
    let names: Vec<Vec<String>> = local
        .engine
        .table()
        .rows()
        .filter(|row| !row.has(flag::MANY_REPLIES | flag::BLOCKING))
        .filter(|row| !LEFT_OUT.contains(&&*row.full_name))
        .map(|row| row.full_name.split('|').map(str::to_owned).collect())
        .collect();
    let mut random = Random(0x5eed_0000_0000_0002);
    let client = local.connect();
    for _ in 0..3_000 {
        let mut input = Vec::new();
        let commands = 1 + random.below(20);
        for _ in 0..commands {
            let mut args: Vec<&[u8]> = Vec::new();
            match random.below(10) {
                0 => args.push(random.one_of(ARGS)),
                _ => {
                    args.extend(names[random.below(names.len())].iter().map(|word| word.as_bytes()))
                }
            }
            for _ in 0..random.below(5) {
                args.push(random.one_of(ARGS));
            }
            if is_left_out(&args) {
                args = vec![b"NOSUCH"];
            }
            input.extend(request(args));
            if random.below(10) == 0 {
                input.extend_from_slice(random.one_of(&[&b"*0\r\n"[..], b"\r\n", b"*-1\r\n"]));
            }
        }
        local.send(client, &input);
        let shown = input.escape_ascii().to_string();
        let replies = local.received(client);
        assert_eq!(count_frames(&replies), Some(commands), "for {shown}");
        assert!(local.is_open(client), "closed by {shown}");
    }
}

/// A container without its subcommand may have got one from the pool of arguments.
fn is_left_out(args: &[&[u8]]) -> bool {
    let word = |index: usize| args.get(index).map(|word| word.to_ascii_lowercase());
    LEFT_OUT.iter().any(|name| {
        name.split('|')
            .enumerate()
            .all(|(index, part)| word(index).as_deref() == Some(part.as_bytes()))
    })
}

fn count_frames(mut bytes: &[u8]) -> Option<usize> {
    let mut count = 0;
    while !bytes.is_empty() {
        let (_, len) = value::decode(bytes).ok()??;
        bytes = &bytes[len..];
        count += 1;
    }
    Some(count)
}

// Properties of the parser.

/// The arguments of the first request in `input`, which is fed as far as each of `cuts` in turn, and
/// the bytes they took. Panics if it is found before its last byte has come.
fn parse_in_pieces(
    input: &[u8],
    mut cuts: Vec<usize>,
) -> Result<(Vec<Vec<u8>>, usize), ProtocolError> {
    cuts.push(input.len());
    cuts.sort_unstable();
    let mut buffer = input.to_vec();
    let mut parser = Parser::default();
    let mut spans = Vec::new();
    for cut in cuts {
        match parser.parse(&mut buffer[..cut], &mut spans, UNLIMITED)? {
            Parsed::Request(len) => {
                assert!(!parser.is_half_read() && parser.memory() == 0);
                let args = Args::new(&buffer, &spans).from(0).map(<[u8]>::to_vec).collect();
                return Ok((args, len));
            }
            Parsed::Nothing(len) => return Ok((Vec::new(), len)),
            Parsed::Partial => assert!(cut < input.len() || cut == 0 || parser.is_half_read()),
        }
    }
    Ok((Vec::new(), 0))
}

fn arguments() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 0..40), 1..12)
}

/// Bytes that look like requests more often than chance would have it.
fn almost_requests() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        "[*$][0-9]{1,2}\r\n".prop_map(String::into_bytes),
        "[a-z]{1,4}\r\n".prop_map(String::into_bytes),
        "[a-z \"'\\\\]{1,8}".prop_map(String::into_bytes),
        Just(b"\r\n".to_vec()),
        vec(any::<u8>(), 0..6),
    ];
    vec(word, 0..10).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_arguments_arrive_as_they_were_sent(args in arguments(), cuts in vec(any::<prop::sample::Index>(), 0..6)) {
        let input = request(&args);
        let cuts = cuts.iter().map(|cut| cut.index(input.len())).collect();
        prop_assert_eq!(parse_in_pieces(&input, cuts), Ok((args, input.len())));
    }

    #[test]
    fn any_arguments_arrive_inline_when_they_are_quoted(args in arguments(), cuts in vec(any::<prop::sample::Index>(), 0..6)) {
        // POST and Host: are not commands; nothing that random bytes come near.
        let mut input = Vec::new();
        for arg in &args {
            let hex: String = arg.iter().map(|byte| format!("\\x{byte:02x}")).collect();
            input.extend_from_slice(format!("\"{hex}\" ").as_bytes());
        }
        input.extend_from_slice(b"\r\n");
        let cuts = cuts.iter().map(|cut| cut.index(input.len())).collect();
        prop_assert_eq!(parse_in_pieces(&input, cuts), Ok((args, input.len())));
    }

    #[test]
    fn what_follows_a_request_is_not_looked_at(args in arguments(), more in vec(any::<u8>(), 0..40)) {
        let own = request(&args);
        let input = [&own[..], &more].concat();
        prop_assert_eq!(parse_in_pieces(&input, Vec::new()), Ok((args, own.len())));
    }

    #[test]
    fn any_bytes_are_answered_the_same_however_they_are_cut(input in almost_requests(), cuts in vec(any::<prop::sample::Index>(), 0..6)) {
        let config = Config::default();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&input[from..cut]);
            from = cut;
        }
        pieces.push(&input[from..]);
        prop_assert_eq!(answers(&config, [&input[..]]), answers(&config, pieces));
    }
}
