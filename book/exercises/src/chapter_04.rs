//! Replies in two dialects.

use respd::Reply;

pub struct User<'a> {
    pub name: &'a str,
    pub score: f64,
    pub is_active: bool,
    pub tags: &'a [&'a str],
}

/// A map of `name`, a bulk string; `score`, a double; `active`, a boolean; `tags`, a set of bulk strings. In this order.
pub fn user(reply: &mut Reply, user: &User<'_>) {
    let _ = (reply, user);
    todo!("say what it is")
}

/// Appends to `out`, which has a client's replies in it, an array of the even ones of `numbers`, which are met once. Where
/// `out` has room, nothing else takes memory.
pub fn even(out: Vec<u8>, numbers: impl Iterator<Item = i64>) -> Vec<u8> {
    let _ = (&out, numbers.count());
    todo!("how many are they?")
}
