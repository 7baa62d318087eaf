//! Replies in two dialects.

use respd::{Protocol, Reply};

pub struct User<'a> {
    pub name: &'a str,
    pub score: f64,
    pub is_active: bool,
    pub tags: &'a [&'a str],
}

/// A map of `name`, a bulk string; `score`, a double; `active`, a boolean; `tags`, a set of bulk strings. In this order.
pub fn user(reply: &mut Reply, user: &User<'_>) {
    reply.map(4);
    reply.bulk(b"name");
    reply.bulk(user.name.as_bytes());
    reply.bulk(b"score");
    reply.double(user.score);
    reply.bulk(b"active");
    reply.boolean(user.is_active);
    reply.bulk(b"tags");
    reply.set(user.tags.len());
    user.tags.iter().for_each(|tag| reply.bulk(tag.as_bytes()));
}

/// Appends to `out`, which has a client's replies in it, an array of the even ones of `numbers`, which are met once. Integers
/// and headers of arrays are spelled alike in both protocols.
pub fn even(out: Vec<u8>, numbers: impl Iterator<Item = i64>) -> Vec<u8> {
    let start = out.len();
    let mut reply = Reply::new(out, Protocol::Resp2);
    let mut count = 0;
    for number in numbers.filter(|number| number % 2 == 0) {
        reply.int(number);
        count += 1;
    }
    let written = reply.into_inner();
    let end = written.len();
    let mut reply = Reply::new(written, Protocol::Resp2);
    reply.array(count);
    let mut out = reply.into_inner();
    out[start..].rotate_left(end - start);
    out
}
