//! The wire without the server, for authors of clients and proxies: a server in a thread that knows PING and ECHO, and a
//! client of it.
//!
//! `cargo run --example wire`

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use respd::wire::{Replies, Requests, push_request};
use respd::{Protocol, Reply, Value};

/// Serves one connection: what arrives, in whatever pieces, is requests; what leaves is replies.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    let (mut requests, mut bytes) = (Requests::default(), [0; 4096]);
    loop {
        let arrived = stream.read(&mut bytes)?;
        if arrived == 0 {
            return Ok(());
        }
        requests.push(&bytes[..arrived]);
        let mut reply = Reply::new(Vec::new(), Protocol::Resp2);
        let is_over = loop {
            match requests.next() {
                Ok(Some(args)) if args.is(0, "PING") => reply.status("PONG"),
                Ok(Some(args)) if args.is(0, "ECHO") && args.len() == 2 => reply.bulk(&args[1]),
                Ok(Some(_)) => reply.error(&"unknown command".into()),
                Ok(None) => break false,
                Err(error) => {
                    reply.error(&error);
                    break true;
                }
            }
        };
        stream.write_all(&reply.into_inner())?;
        if is_over {
            return Ok(());
        }
    }
}

/// Sends requests in one piece, and reads as many replies.
fn call(stream: &mut TcpStream, requests: &[&[&[u8]]]) -> io::Result<Vec<Value>> {
    let mut bytes = Vec::new();
    requests.iter().for_each(|words| push_request(&mut bytes, words.iter().copied()));
    stream.write_all(&bytes)?;
    let (mut replies, mut values, mut arrived) = (Replies::default(), Vec::new(), [0; 4096]);
    while values.len() < requests.len() {
        match replies.next().map_err(io::Error::other)? {
            Some(value) => values.push(value),
            None => {
                let count = stream.read(&mut arrived)?;
                replies.push(&arrived[..count]);
            }
        }
    }
    Ok(values)
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    let (accepted, _) = listener.accept()?;
    thread::spawn(move || serve(accepted));
    let values = call(&mut stream, &[&[b"PING"], &[b"ECHO", b"hello"], &[b"GET", b"k"]])?;
    values.iter().for_each(|value| println!("{value}"));
    Ok(())
}
