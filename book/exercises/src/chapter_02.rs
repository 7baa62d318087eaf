//! A server in sixty lines.

use std::collections::HashMap;

use respd::{Args, Reply};

pub type Store = HashMap<Vec<u8>, Vec<u8>>;

/// Runs one request: PING, GET, SET, DEL, and INCR, which is to be added. See also the errors that the chapter asks for.
pub fn answer(store: &mut Store, args: Args<'_>, reply: &mut Reply) {
    match (args[0].to_ascii_uppercase().as_slice(), args.len()) {
        (b"PING", 1) => reply.status("PONG"),
        (b"GET", 2) => match store.get(&args[1]) {
            Some(value) => reply.bulk(value),
            None => reply.null(),
        },
        (b"SET", 3) => {
            store.insert(args[1].to_vec(), args[2].to_vec());
            reply.ok();
        }
        (b"DEL", 2..) => {
            let removed = args.from(1).filter(|&key| store.remove(key).is_some());
            reply.int(removed.count() as i64);
        }
        _ => reply.error(&"ERR no such command, or other arguments".into()),
    }
}
