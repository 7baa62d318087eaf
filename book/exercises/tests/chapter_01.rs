use respd::wire::Requests;
use respd_exercises::chapter_01::{length_of_reply, request};

#[test]
fn a_request_is_an_array_of_bulk_strings() {
    let forty = request(&["SET", "greeting", "welcome"]);
    assert_eq!(forty, b"*3\r\n$3\r\nSET\r\n$8\r\ngreeting\r\n$7\r\nwelcome\r\n");
}

#[test]
fn a_length_is_in_bytes_and_a_word_may_be_anything() {
    for words in [&["ECHO", "é"][..], &["ECHO", ""], &["ECHO", "a\r\nb"], &["PING"]] {
        let mut requests = Requests::default();
        requests.push(&request(words));
        let args = requests.next().unwrap().expect("a whole request");
        assert!(args.from(0).eq(words.iter().map(|word| word.as_bytes())), "{words:?}");
    }
}

/// A reply of each shape.
const REPLIES: [&str; 14] = [
    "+OK\r\n",
    "-ERR no\r\n",
    ":-1\r\n",
    "$0\r\n\r\n",
    "$4\r\na\r\nb\r\n",
    "$-1\r\n",
    "*-1\r\n",
    "_\r\n",
    "=9\r\ntxt:hello\r\n",
    "*0\r\n",
    "*2\r\n*1\r\n:1\r\n$1\r\nx\r\n",
    "%2\r\n+a\r\n:1\r\n+b\r\n*2\r\n#t\r\n#f\r\n",
    "~1\r\n~1\r\n~0\r\n",
    "|1\r\n+ttl\r\n:3\r\n$2\r\nhi\r\n",
];

#[test]
fn a_reply_ends_where_its_last_value_does() {
    for reply in REPLIES {
        let input = [reply, "+another\r\n"].concat();
        assert_eq!(length_of_reply(input.as_bytes()), Some(reply.len()), "{reply:?}");
    }
}

#[test]
fn a_part_of_a_reply_is_none() {
    for reply in REPLIES {
        for end in 0..reply.len() {
            assert_eq!(length_of_reply(&reply.as_bytes()[..end]), None, "{:?}", &reply[..end]);
        }
    }
}
