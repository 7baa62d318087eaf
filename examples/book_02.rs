//! Chapter 2 of the book: a server in sixty lines. A thread for each connection, and one map behind a lock.
//!
//! `cargo run --example book_02` talks to it; `cargo run --example book_02 -- 7000` serves on that port.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use respd::wire::Requests;
use respd::{Args, Protocol, Reply};

type Store = HashMap<Vec<u8>, Vec<u8>>;

// ANCHOR: serve
/// Accepts connections, and has a thread for each.
fn serve_all(listener: &TcpListener) {
    let store = Arc::new(Mutex::new(Store::new()));
    for stream in listener.incoming().flatten() {
        let store = Arc::clone(&store);
        thread::spawn(move || serve(stream, &store));
    }
}

/// Serves one connection until it ends.
fn serve(mut stream: TcpStream, store: &Mutex<Store>) -> io::Result<()> {
    let (mut requests, mut buffer) = (Requests::default(), [0; 4096]);
    loop {
        let arrived = stream.read(&mut buffer)?;
        if arrived == 0 {
            return Ok(());
        }
        requests.push(&buffer[..arrived]);
        let mut reply = Reply::new(Vec::new(), Protocol::Resp2);
        while let Some(args) = requests.next().map_err(io::Error::other)? {
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            answer(&mut store, args, &mut reply);
        }
        stream.write_all(&reply.into_inner())?;
    }
}
// ANCHOR_END: serve

// ANCHOR: answer
/// Runs one request.
fn answer(store: &mut Store, args: Args<'_>, reply: &mut Reply) {
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
// ANCHOR_END: answer

fn main() -> io::Result<()> {
    if let Some(port) = std::env::args().nth(1) {
        serve_all(&TcpListener::bind(format!("127.0.0.1:{port}"))?);
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    thread::spawn(move || serve_all(&listener));
    let mut client = TcpStream::connect(addr)?;
    client.write_all(b"*3\r\n$3\r\nSET\r\n$8\r\ngreeting\r\n$7\r\nwelcome\r\n")?;
    client.write_all(b"GET greeting\r\nGET other\r\nDEL greeting\r\nTIME\r\n")?;
    client.shutdown(Shutdown::Write)?;
    let mut replies = String::new();
    client.read_to_string(&mut replies)?;
    replies.lines().for_each(|line| println!("{line}"));
    Ok(())
}
