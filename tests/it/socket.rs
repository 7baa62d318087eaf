//! A client on a real socket that reads and writes when it is told to.
//!
//! Reading has a timeout, so that a server that says nothing fails a test instead of hanging it. No
//! test depends on how long it is.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use respd::internals::embed::local::request;
use respd::internals::wire::value;

/// Longer than anything a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until it is so. A test that waits in vain fails, and says for what.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it does not come to be that {what}");
        std::thread::yield_now();
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connection to a server.
pub struct Socket {
    stream: Stream,
    /// What has arrived and was not asked for yet.
    arrived: Vec<u8>,
}

impl Socket {
    pub fn tcp(addr: SocketAddr) -> Socket {
        Socket::try_tcp(addr).unwrap()
    }

    pub fn try_tcp(addr: SocketAddr) -> io::Result<Socket> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Socket { stream: Stream::Tcp(stream), arrived: Vec::new() })
    }

    pub fn unix(path: &Path) -> Socket {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Socket { stream: Stream::Unix(stream), arrived: Vec::new() }
    }

    /// As large as the system allows: so much the server may find when it looks for the first time.
    pub fn ask_for_a_large_send_buffer(&self) {
        let Stream::Unix(stream) = &self.stream else { unreachable!("TCP has a window, too") };
        socket2::SockRef::from(stream).set_send_buffer_size(4 << 20).unwrap();
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).unwrap();
    }

    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Tcp(stream) => stream.write_all(bytes),
            Stream::Unix(stream) => stream.write_all(bytes),
        }
    }

    /// Writes as much as fits at once, without waiting for room.
    pub fn send_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Stream::Tcp(stream) = &mut self.stream else { unreachable!("only used over TCP") };
        stream.set_nonblocking(true)?;
        let written = stream.write(bytes);
        stream.set_nonblocking(false)?;
        written
    }

    /// Sends nothing more, but goes on reading.
    pub fn finish(&mut self) {
        match &self.stream {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write).unwrap(),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write).unwrap(),
        }
    }

    /// The bytes of the next reply, or `None` if the server has closed.
    pub fn frame(&mut self) -> Option<Vec<u8>> {
        loop {
            match value::decode(&self.arrived) {
                Ok(Some((_, len))) => return Some(self.arrived.drain(..len).collect()),
                Ok(None) => {}
                Err(error) => panic!("{error:?} in {:?}", self.arrived.escape_ascii().to_string()),
            }
            if !self.fill() {
                assert!(self.arrived.is_empty(), "closed in the middle of a reply");
                return None;
            }
        }
    }

    /// So many bytes, whatever they mean.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        while self.arrived.len() < count {
            assert!(self.fill(), "closed after {} of {count} bytes", self.arrived.len());
        }
        self.arrived.drain(..count).collect()
    }

    /// Everything until the server closes.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.arrived)
    }

    /// Sends a command and returns its reply as redis-cli would show it.
    pub fn call<T: AsRef<[u8]>>(&mut self, args: impl IntoIterator<Item = T>) -> String {
        self.send(&request(args));
        let frame = self.frame().expect("a reply");
        value::decode(&frame).unwrap().unwrap().0.to_string()
    }

    /// Whether anything arrived; the end of the stream, or a broken one, did not.
    fn fill(&mut self) -> bool {
        let mut buffer = [0; 64 * 1024];
        let read = match &mut self.stream {
            Stream::Tcp(stream) => stream.read(&mut buffer),
            Stream::Unix(stream) => stream.read(&mut buffer),
        };
        match read {
            Ok(n) => {
                self.arrived.extend_from_slice(&buffer[..n]);
                n > 0
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            // A process that was stopped for a while hears of it like this.
            Err(error) if error.kind() == ErrorKind::Interrupted => self.fill(),
            Err(error) => panic!("nothing arrived: {error}"),
        }
    }
}
