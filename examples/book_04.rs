//! Chapter 4 of the book: what a handler says, and how each protocol spells it.

use respd::{Protocol, Reply};

/// What a handler may say, and a name for it.
type Said = (&'static str, fn(&mut Reply));

const SAID: [Said; 8] = [
    ("ok()", Reply::ok),
    ("int(42)", |reply| reply.int(42)),
    ("bulk(\"hi\")", |reply| reply.bulk(b"hi")),
    ("null()", Reply::null),
    ("boolean(true)", |reply| reply.boolean(true)),
    ("double(0.5)", |reply| reply.double(0.5)),
    ("set(2), 1, 2", |reply| {
        reply.set(2);
        reply.int(1);
        reply.int(2);
    }),
    ("map(1), a, 1", |reply| {
        reply.map(1);
        reply.bulk(b"a");
        reply.int(1);
    }),
];

/// The bytes that the handler's words are in this protocol.
fn spelled(protocol: Protocol, say: fn(&mut Reply)) -> String {
    let mut reply = Reply::new(Vec::new(), protocol);
    say(&mut reply);
    reply.into_inner().escape_ascii().to_string()
}

fn main() {
    println!("{:<16}{:<32}RESP3", "said", "RESP2");
    for (name, say) in SAID {
        let [resp2, resp3] = [Protocol::Resp2, Protocol::Resp3].map(|each| spelled(each, say));
        println!("{name:<16}{resp2:<32}{resp3}");
    }
}
