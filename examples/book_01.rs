//! Chapter 1 of the book: the forty bytes of a request, and the types of replies.

use respd::wire::{Malformed, Replies, push_request};

/// A reply of each kind that a client meets often.
const REPLIES: [&str; 8] = [
    "+OK\r\n",
    "-ERR unknown command\r\n",
    ":42\r\n",
    "$7\r\nwelcome\r\n",
    "$-1\r\n",
    "_\r\n",
    "#t\r\n",
    "*2\r\n:1\r\n:2\r\n",
];

fn main() -> Result<(), Malformed> {
    let words = [&b"SET"[..], b"greeting", b"welcome"];
    let mut request = Vec::new();
    push_request(&mut request, words.into_iter());
    println!("a request of {} bytes:", request.len());
    for line in request.split_inclusive(|&byte| byte == b'\n') {
        println!("  {:<14}{:>2} bytes", line.escape_ascii().to_string(), line.len());
    }

    println!("replies, and how redis-cli shows them:");
    let mut replies = Replies::default();
    for bytes in REPLIES {
        replies.push(bytes.as_bytes());
        if let Some(value) = replies.next()? {
            let shown = value.to_string().replace('\n', ", ");
            println!("  {:<28}{shown}", bytes.escape_debug().to_string());
        }
    }
    Ok(())
}
