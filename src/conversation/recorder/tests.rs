//! What a recorder writes, line by line.

use std::time::Duration;

use super::{EXCERPT, LONGEST, LONGEST_INLINE, Recorder};
use crate::conversation::Conversation;

const GET: &str = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
const PING: &str = "*1\r\n$4\r\nPING\r\n";

/// What is written of what happens, behind the head; it can be read.
fn written(happens: impl FnOnce(&mut Recorder)) -> String {
    let mut recorder = Recorder::new("head");
    happens(&mut recorder);
    let text = recorder.take();
    if let Err(mistake) = Conversation::read("recorded", &text) {
        panic!("{mistake}\n{text}");
    }
    text.strip_prefix("# head\n!plain\n").expect("a head").to_owned()
}

#[test]
fn an_exchange_is_two_lines() {
    let text = written(|recorder| {
        recorder.connected(7, None);
        recorder.request(7, &[b"SET", b"k", b"two words"]);
        recorder.sent(7, b"+OK\r\n");
        recorder.received(7, GET.as_bytes());
        recorder.sent(7, b"$9\r\ntwo words\r\n");
        recorder.gone(7);
    });
    assert_eq!(text, "@1\n> SET k \"two words\"\n< +OK\n> GET k\n< \"two words\"\n!close\n");
}

#[test]
fn pieces_make_the_same_lines() {
    let (request, reply) = (GET.repeat(2), ">1\r\n+x\r\n%1\r\n$1\r\na\r\n*1\r\n:1\r\n_\r\n");
    let text = written(|recorder| {
        request.bytes().for_each(|byte| recorder.received(1, &[byte]));
        reply.bytes().for_each(|byte| recorder.sent(1, &[byte]));
    });
    assert_eq!(text, "@1\n> GET k\n> GET k\n< >[+x]\n< %[\"a\" => [:1]]\n< _\n");
}

#[test]
fn requests_that_come_at_once_are_a_pipeline() {
    let text = written(|recorder| {
        recorder.received(1, [PING, GET, "*2\r\n$3\r\nGET\r\n"].concat().as_bytes());
        recorder.received(1, b"$1\r\nz\r\n");
        recorder.sent(1, b"+PONG\r\n$-1\r\n$-1\r\n");
    });
    assert_eq!(text, "@1\n>+ PING\n> GET k\n> GET z\n< +PONG\n< $-1\n< $-1\n");
}

#[test]
fn what_is_no_usual_request_is_written_as_bytes() {
    let text = written(|recorder| {
        recorder.received(1, b"ping \"a b\"\r\n\r\n*0\r\n");
        recorder.received(1, PING.as_bytes());
        recorder.received(1, b"*1\r\n+x\r\nmore");
        // From there on it is not known where a request begins.
        recorder.received(1, PING.as_bytes());
    });
    let lines = [
        "@1",
        r#">> "ping \"a b\"\r\n""#,
        r#">> "\r\n""#,
        r#">> "*0\r\n""#,
        "> PING",
        r#">> "*1\r\n+x\r\nmore""#,
        r#">> "*1\r\n$4\r\nPING\r\n""#,
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    let quotes = written(|recorder| recorder.received(1, b"get 'open\r\n"));
    assert_eq!(quotes, "@1\n>> \"get 'open\\r\\n\"\n");
}

#[test]
fn what_is_no_reply_ends_the_record_of_its_client() {
    let text = written(|recorder| {
        recorder.received(1, PING.as_bytes());
        recorder.received(2, PING.as_bytes());
        recorder.sent(1, b"HTTP/1.1 400\r\n");
        recorder.sent(1, b"+PONG\r\n");
        recorder.received(1, PING.as_bytes());
        recorder.closed(1);
        recorder.sent(2, b"+PO");
        recorder.closed(2);
    });
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..4], ["@1", "> PING", "@2", "> PING"]);
    assert!(lines[4].starts_with("# @1 is recorded to here: what the server sent"), "{text}");
    assert!(lines[4].ends_with(r#""HTTP/1.1 400\r\n""#), "{text}");
    assert_eq!(lines[5..7], ["@1", "!close"]);
    assert!(lines[7].starts_with("# @2 is recorded to here: the server closed within"), "{text}");
    assert_eq!(lines[8..], ["@2", "!close"]);
}

#[test]
fn ends_are_told_apart() {
    let text = written(|recorder| {
        for id in 1..=4 {
            recorder.received(id, PING.as_bytes());
        }
        recorder.closed(1);
        // An end on both sides is one.
        recorder.finished(2);
        recorder.closed(2);
        recorder.finished(3);
        recorder.sent(3, b"+PONG\r\n");
        recorder.closed(3);
        recorder.received(4, b"*1\r\n$4");
        recorder.finished(4);
        // Clients that say nothing are in no conversation.
        recorder.connected(5, None);
        recorder.gone(5);
        recorder.end();
    });
    let lines: Vec<&str> = text.lines().skip(8).collect();
    let expected = [
        "@1",
        "!closed",
        "@2",
        "!close",
        "@3",
        "!finish",
        "< +PONG",
        "!closed",
        "@4",
        ">> \"*1\\r\\n$4\"",
        "!close",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn time_is_written_where_something_waits_for_it() {
    let millis = Duration::from_millis;
    let text = written(|recorder| {
        // What is before the first line is no pause.
        recorder.time_is(millis(500));
        recorder.request(1, &[b"BLPOP", b"l", b"0.05"]);
        for (now, id) in [(515, 2), (530, 2)] {
            recorder.time_is(millis(now));
            recorder.request(id, &[b"PING"]);
            recorder.sent(id, b"+PONG\r\n");
        }
        recorder.time_is(millis(551));
        recorder.sent(1, b"*-1\r\n");
    });
    let lines = [
        "@1",
        "> BLPOP l 0.05",
        "@2",
        "> PING",
        "< +PONG",
        "!advance 30ms",
        "> PING",
        "< +PONG",
        "!advance 21ms",
        "@1",
        "< *-1",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn what_varies_is_in_braces() {
    let text = written(|recorder| {
        recorder.connected(1, Some("127.0.0.1:5001"));
        let mut ask = |words: &[&str], reply: &str| {
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            recorder.request(1, &words);
            recorder.sent(1, reply.as_bytes());
        };
        ask(&["HELLO", "3"], "%2\r\n$6\r\nserver\r\n$1\r\nx\r\n$2\r\nid\r\n:17\r\n");
        ask(&["client", "id"], ":17\r\n");
        ask(&["CLIENT", "SETNAME", "17"], "+OK\r\n");
        ask(&["CLIENT", "KILL", "ID", "17", "ADDR", "127.0.0.1:5001"], ":0\r\n");
        ask(&["CLIENT", "GETREDIR"], ":0\r\n");
        ask(&["CLIENT", "INFO"], "=15\r\ntxt:id=17 addr=\r\n");
        ask(&["XADD", "s", "*", "f", "v"], "$3\r\n1-0\r\n");
        ask(&["XDEL", "s", "1-0"], ":1\r\n");
        ask(&["XADD", "s", "2-0", "f", "v"], "$3\r\n2-0\r\n");
        ask(&["XDEL", "s", "2-0"], ":1\r\n");
        ask(&["XRANGE", "s", "-", "+"], "*1\r\n*2\r\n$3\r\n1-0\r\n*0\r\n");
        ask(&["COMMAND", "DOCS"], "*2\r\n+get\r\n*0\r\n");
        ask(&["COMMAND", "DOCS", "get"], "*2\r\n+get\r\n*0\r\n");
        ask(&["INFO", "none"], "$0\r\n\r\n");
        ask(&["CLIENT", "UNBLOCK", "17"], ":0\r\n");
        ask(&["CLIENT", "TRACKING", "17", "REDIRECT", "17"], "+OK\r\n");
        ask(&["TIME"], "*2\r\n$2\r\n17\r\n$1\r\n5\r\n");
        ask(&["PTTL", "k"], ":-2\r\n");
        ask(&["PTTL", "k"], ":99\r\n");
        ask(&["EXEC"], "*1\r\n$12\r\nid=3 addr=x \r\n");
        ask(&["MONITOR"], "+OK\r\n+1.5 [0 127.0.0.1:5001] \"GET\"\r\n+1.5 [0 lua] \"GET\"\r\n");
        ask(&["PING"], "+1.5 [0 1.2.3.4:5] \"A\"\r\n+1.5 [0 [::1]:5] \"A\"\r\n+PONG\r\n");
        ask(&["GET", "1"], "+1.5 is no line\r\n");
        ask(&["GET", "1"], "+ [0 lua] none\r\n");
    });
    let lines = [
        "@1",
        "> HELLO 3",
        "< %[\"server\" => \"x\" \"id\" => :{id1:int}]",
        "> client id",
        "< :{id1}",
        "> CLIENT SETNAME 17",
        "< +OK",
        "> CLIENT KILL ID {id1} ADDR {addr:1}",
        "< :0",
        "> CLIENT GETREDIR",
        "< :0",
        "> CLIENT INFO",
        "< =\"txt:{any}\"",
        "> XADD s * f v",
        "< \"{entry1:word}\"",
        "> XDEL s {entry1}",
        "< :1",
        "> XADD s 2-0 f v",
        "< \"2-0\"",
        "> XDEL s 2-0",
        "< :1",
        "> XRANGE s - +",
        "< [[\"{entry1}\" []]]",
        "> COMMAND DOCS",
        "< {any}",
        "> COMMAND DOCS get",
        "< [+get []]",
        "> INFO none",
        "< \"\"",
        "> CLIENT UNBLOCK {id1}",
        "< :0",
        "> CLIENT TRACKING 17 REDIRECT {id1}",
        "< +OK",
        "> TIME",
        "< [\"{int}\" \"{int}\"]",
        "> PTTL k",
        "< :-2",
        "> PTTL k",
        "< :{int}",
        "> EXEC",
        "< [\"{any}\"]",
        "> MONITOR",
        "< +OK",
        "< +\"{num} [0 {addr:1}] \\\"GET\\\"\"",
        "< +\"{num} [0 lua] \\\"GET\\\"\"",
        "> PING",
        "< +\"{num} [0 {addr}] \\\"A\\\"\"",
        "< +\"{num} [0 [::1]:5] \\\"A\\\"\"",
        "< +PONG",
        "> GET 1",
        "< +\"1.5 is no line\"",
        "> GET 1",
        "< +\" [0 lua] none\"",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn replies_are_matched_with_what_asked_for_them() {
    // Each ends with a CLIENT ID, whose reply is in braces only if nothing before was taken for it.
    for (requests, replies) in [
        (&["CLIENT REPLY SKIP", "INFO"][..], ""),
        (&["CLIENT REPLY OFF", "GET 1", "CLIENT REPLY SKIP", "CLIENT REPLY ON"], "+OK\r\n"),
        (&["SUBSCRIBE a b"], ">3\r\n+subscribe\r\n+a\r\n:1\r\n>3\r\n+subscribe\r\n+b\r\n:2\r\n"),
        (&["PSUBSCRIBE a"], "*3\r\n$10\r\npsubscribe\r\n$1\r\na\r\n:1\r\n"),
        (&["PING"], "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nm\r\n+PONG\r\n>1\r\n+invalidate\r\n"),
        (&["MONITOR"], "+OK\r\n+1.5 [0 a:1] \"x\"\r\n"),
        // A MONITOR that is refused shows nothing: that is the reply to what follows.
        (&["MONITOR", "ECHO x"], "-ERR no\r\n+1.5 [0 a:1] \"x\"\r\n"),
        // The slots of its channel have gone.
        (&[], "*3\r\n$12\r\nsunsubscribe\r\n$1\r\na\r\n:0\r\n"),
    ] {
        let text = written(|recorder| {
            for request in requests.iter().chain(&["CLIENT ID"]) {
                let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
                recorder.request(1, &words);
            }
            recorder.sent(1, replies.as_bytes());
            recorder.sent(1, b":7\r\n");
        });
        assert!(text.ends_with("< :{id1:int}\n"), "{requests:?}: {text}");
    }
}

#[test]
fn stage_is_written_in_no_way_of_asking() {
    let text = written(|recorder| {
        recorder.received(1, b"STAGE RESET\r\n");
        recorder.sent(1, b"+OK\r\n");
        recorder.received(1, b"*2\r\n$5\r\nstage\r\n$5\r\nRESET\r\n");
        recorder.request(1, &[b"Stage", b"RESET"]);
        recorder.sent(1, b"+OK\r\n+OK\r\n");
        recorder.request(1, &[]);
        recorder.received(1, PING.as_bytes());
    });
    assert_eq!(text, "@1\n> PING\n");
}

#[test]
fn an_answer_to_the_beginning_of_a_request_stands_behind_it() {
    let text = written(|recorder| {
        recorder.received(1, b"*1\r\n$9");
        recorder.sent(1, b">1\r\n+x\r\n");
        recorder.sent(1, b"-ERR no\r\n");
        recorder.received(1, PING.as_bytes());
    });
    let lines =
        ["@1", "< >[+x]", r#">> "*1\r\n$9""#, "< -\"ERR no\"", r#">> "*1\r\n$4\r\nPING\r\n""#];
    assert_eq!(text.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn long_lines_are_no_requests() {
    let line = |length: usize| [&vec![b'x'; length - 1][..], b"\n"].concat();
    let ends = |bytes: &[u8]| {
        let text = written(|recorder| {
            recorder.received(1, bytes);
            recorder.received(1, PING.as_bytes());
        });
        text.lines().last().unwrap().to_owned()
    };
    // What a reader may take for a request goes on to be read.
    assert_eq!(ends(&line(LONGEST_INLINE)), "> PING");
    assert_eq!(ends(&line(LONGEST_INLINE + 1)), r#">> "*1\r\n$4\r\nPING\r\n""#);
    let mut recorder = Recorder::new("head");
    recorder.received(1, &vec![b'x'; LONGEST_INLINE - 1]);
    assert!(!recorder.take().contains(">>"), "its end may come");
    recorder.received(1, b"x");
    assert!(recorder.take().contains(">>"), "it is none");
}

#[test]
fn what_is_too_long_to_be_written_ends_the_record() {
    let text = written(|recorder| {
        recorder.received(1, PING.as_bytes());
        recorder.sent(1, format!("${}\r\n", 2 * LONGEST).as_bytes());
        recorder.sent(1, &vec![b'x'; LONGEST]);
    });
    assert!(text.contains("# @1 is recorded to here: a reply is too long"), "{:.200}", text);
    // An excerpt is short, and a comment is one line.
    let text = written(|recorder| {
        recorder.received(1, PING.as_bytes());
        recorder.sent(1, &[&[b'?'; EXCERPT + 1][..], b"\r\n"].concat());
        recorder.received(2, PING.as_bytes());
        recorder.abandon(2, "two\r\nlines");
    });
    assert!(text.contains(&format!("\"{}\"…\n", "?".repeat(EXCERPT))), "{text}");
    assert!(text.contains(": two  lines\n"), "{text}");
}

#[test]
fn time_is_rounded_up_and_never_goes_back() {
    let micros = Duration::from_micros;
    let text = written(|recorder| {
        recorder.request(1, &[b"BLPOP", b"l", b"1"]);
        recorder.time_is(micros(10_100));
        recorder.sent(1, b"*-1\r\n");
        // A push comes of what was just before it, or of time.
        recorder.time_is(micros(14_000));
        recorder.sent(1, b">1\r\n+a\r\n");
        recorder.time_is(micros(20_000));
        recorder.sent(1, b">1\r\n+b\r\n");
        recorder.time_is(micros(1000));
        recorder.request(1, &[b"PING"]);
        recorder.time_is(micros(41_000));
        recorder.request(1, &[b"PING"]);
    });
    let lines = [
        "@1",
        "> BLPOP l 1",
        "!advance 11ms",
        "< *-1",
        "< >[+a]",
        "!advance 9ms",
        "< >[+b]",
        "> PING",
        "!advance 21ms",
        "> PING",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    let mut recorder = Recorder::new("head").with_pause(Duration::ZERO);
    recorder.request(1, &[b"PING"]);
    recorder.request(1, &[b"PING"]);
    assert_eq!(recorder.take(), "# head\n!plain\n@1\n> PING\n> PING\n", "no time has passed");
}

#[test]
fn so_many_texts_have_names_and_no_more() {
    let text = written(|recorder| {
        for n in 0..=10_000 {
            recorder.request(1, &[b"XADD", b"s", b"*", b"f", b"v"]);
            let entry = format!("{n}-0");
            recorder.sent(1, format!("${}\r\n{entry}\r\n", entry.len()).as_bytes());
            recorder.request(1, &[b"CLIENT", b"ID"]);
            recorder.sent(1, format!(":{}\r\n", n + 1).as_bytes());
        }
    });
    let last: Vec<&str> = text.lines().rev().take(8).collect();
    let expected = [
        "< :{int}",
        "> CLIENT ID",
        "< \"10000-0\"",
        "> XADD s * f v",
        "< :{id1:int}",
        "> CLIENT ID",
        "< \"{entry10000:word}\"",
        "> XADD s * f v",
    ];
    assert_eq!(last, expected);
}

#[test]
fn a_text_ends_within_its_limit_and_says_so() {
    let head = "# head\n!plain\n@1\n> PING\n< +PONG\n@2\n> PING\n";
    let end = |limit: usize| {
        format!(
            "# The recording ends here: it may have {limit} bytes, and lacks all that follows.\n"
        )
    };
    for (limit, is_full) in [(head.len() + 8, false), (head.len() + 7, true)] {
        let mut recorder = Recorder::new("head").with_limit(limit as u64);
        let mut text = recorder.take();
        for id in [1, 2] {
            recorder.received(id, PING.as_bytes());
            text += &recorder.take();
            recorder.sent(id, b"+PONG\r\n");
            text += &recorder.take();
        }
        assert_eq!(recorder.is_full(), is_full);
        recorder.received(1, PING.as_bytes());
        text += &recorder.take();
        assert!(recorder.is_full());
        let closed = "@1\n!close\n@2\n!close\n";
        let reply = if is_full { "" } else { "< +PONG\n" };
        assert_eq!(text, format!("{head}{reply}{}{closed}", end(limit)));
        // What comes later leaves no trace, of new clients neither.
        recorder.connected(3, None);
        recorder.received(3, PING.as_bytes());
        recorder.sent(1, b"+PONG\r\n");
        recorder.finished(3);
        recorder.closed(3);
        recorder.end();
        assert_eq!((recorder.take().as_str(), recorder.abandoned()), ("", 0));
        Conversation::read("recorded", &text).unwrap();
    }
}

#[test]
fn what_clients_had_said_before_is_what_the_text_lacks() {
    let text = written(|recorder| {
        (1..=3).for_each(|id| recorder.was_connected(id));
        recorder.request(3, &[b"PING"]);
        recorder.request(4, &[b"PING"]);
        recorder.request(2, &[b"STAGE", b"RESET"]);
        recorder.gone(1);
        recorder.forget(1);
        recorder.request(1, &[b"PING"]);
        recorder.end();
    });
    let lines: Vec<&str> = text.lines().collect();
    let told =
        "# Connected before the recording began, so that it lacks what they had said and set: @1";
    assert_eq!(lines.last(), Some(&told), "{text}");
    Conversation::read("recorded", &text).unwrap();
}

#[test]
fn clients_of_which_not_all_is_written_are_counted() {
    let mut recorder = Recorder::new("head");
    recorder.received(1, PING.as_bytes());
    recorder.sent(1, b"?\r\n");
    recorder.abandon(1, "again");
    recorder.received(2, PING.as_bytes());
    assert_eq!(recorder.abandoned(), 1);
    // Its end comes yet, and no one of its number.
    recorder.forget(2);
    recorder.sent(2, b"+PONG\r\n");
    recorder.closed(2);
    recorder.forget(2);
    assert!(recorder.take().ends_with("< +PONG\n!closed\n"));
}
