use respd::wire::Replies;
use respd::{Protocol, Reply, Value};
use respd_exercises::chapter_04::{User, even, user};

/// The one reply that these bytes are.
fn value(bytes: &[u8]) -> Value {
    let mut replies = Replies::default();
    replies.push(bytes);
    let value = replies.next().unwrap().expect("a whole reply");
    assert_eq!(replies.next(), Ok(None), "more than one reply");
    value
}

fn of_ada(protocol: Protocol) -> String {
    let mut reply = Reply::new(Vec::new(), protocol);
    let ada = User { name: "Ada", score: 0.5, is_active: true, tags: &["a", "b"] };
    user(&mut reply, &ada);
    let bytes = reply.into_inner();
    value(&bytes);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_user_is_a_map_in_resp3() {
    assert_eq!(
        of_ada(Protocol::Resp3),
        "%4\r\n$4\r\nname\r\n$3\r\nAda\r\n$5\r\nscore\r\n,0.5\r\n$6\r\nactive\r\n#t\r\n\
         $4\r\ntags\r\n~2\r\n$1\r\na\r\n$1\r\nb\r\n"
    );
}

#[test]
fn a_user_is_a_flat_array_in_resp2() {
    assert_eq!(
        of_ada(Protocol::Resp2),
        "*8\r\n$4\r\nname\r\n$3\r\nAda\r\n$5\r\nscore\r\n$3\r\n0.5\r\n$6\r\nactive\r\n:1\r\n\
         $4\r\ntags\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"
    );
}

#[test]
fn the_even_numbers_are_one_array() {
    let out = even(b"+OK\r\n".to_vec(), 1..=9);
    assert_eq!(out, b"+OK\r\n*4\r\n:2\r\n:4\r\n:6\r\n:8\r\n");
    assert_eq!(even(Vec::new(), [1, 3].into_iter()), b"*0\r\n");
}

#[test]
fn the_even_numbers_stay_where_they_are_written() {
    let out = Vec::with_capacity(10_000);
    let place = out.as_ptr();
    let out = even(out, 0..200);
    assert_eq!((out.as_ptr(), out.capacity()), (place, 10_000));
    assert_eq!(value(&out).into_vec().map(|elements| elements.len()), Some(100));
}
