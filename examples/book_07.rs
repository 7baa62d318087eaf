//! Chapter 7 of the book: what edge-triggered readiness tells, and what it does not.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// How many events come within a moment.
fn events(poll: &mut Poll) -> io::Result<usize> {
    let mut events = Events::with_capacity(8);
    poll.poll(&mut events, Some(Duration::from_millis(100)))?;
    Ok(events.iter().filter(|event| event.is_readable()).count())
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut peer = std::net::TcpStream::connect(listener.local_addr()?)?;
    let (accepted, _) = listener.accept()?;
    accepted.set_nonblocking(true)?;
    let mut socket = TcpStream::from_std(accepted);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut socket, Token(0), Interest::READABLE)?;

    peer.write_all(b"PING\r\nPING\r\n")?;
    println!("12 bytes are sent: {} event", events(&mut poll)?);
    println!("nothing is read: {} events", events(&mut poll)?);
    let mut six = [0; 6];
    println!("{} bytes are read: {} events", socket.read(&mut six)?, events(&mut poll)?);

    let mut buffer = [0; 64];
    println!("64 are asked for, {} come: it is drained", socket.read(&mut buffer)?);
    let drained = socket.read(&mut buffer).map_err(|error| error.kind());
    assert_eq!(drained, Err(ErrorKind::WouldBlock));
    peer.write_all(b"PING\r\n")?;
    println!("6 more are sent: {} event", events(&mut poll)?);
    Ok(())
}
