use std::io::{self, ErrorKind, Write};

use respd_exercises::chapter_07::{BUFFER, Loop, Outbox, READS_PER_TURN, Socket};

/// A socket with so many bytes to read.
#[derive(Default)]
struct Fake {
    left: usize,
    calls: usize,
}

impl Socket for Fake {
    fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        self.calls += 1;
        let came = self.left.min(buffer.len());
        self.left -= came;
        (came > 0).then_some(came)
    }
}

fn sockets<const N: usize>(left: [usize; N]) -> [Fake; N] {
    left.map(|left| Fake { left, calls: 0 })
}

const BUDGET: usize = BUFFER * READS_PER_TURN;

#[test]
fn what_is_left_goes_on_behind_no_event() {
    let mut sockets = sockets([2 * BUDGET + 50, 10]);
    let mut own = Loop::default();
    assert_eq!(own.turn(&mut sockets, &[0, 1]), [(0, BUDGET), (1, 10)]);
    assert!(own.has_more());
    // More arrives for the second one, and the first one goes on before.
    sockets[1].left = 20;
    assert_eq!(own.turn(&mut sockets, &[1]), [(0, BUDGET), (1, 20)]);
    // An event for one that is left anyhow does not have it read twice.
    assert_eq!(own.turn(&mut sockets, &[0]), [(0, 50)]);
    assert!(!own.has_more());
    assert_eq!(own.turn(&mut sockets, &[]), []);
}

#[test]
fn a_short_read_has_drained_the_socket() {
    let mut sockets = sockets([6, BUFFER, BUFFER + 1, BUDGET]);
    let mut own = Loop::default();
    let came = own.turn(&mut sockets, &[0, 1, 2, 3]);
    assert_eq!(came, [(0, 6), (1, BUFFER), (2, BUFFER + 1), (3, BUDGET)]);
    // A full read may have left something, and costs a call more.
    assert_eq!(sockets.each_ref().map(|socket| socket.calls), [1, 2, 2, READS_PER_TURN]);
    assert!(own.has_more(), "the last one may have more");
    assert_eq!(own.turn(&mut sockets, &[]), [(3, 0)]);
    assert!(!own.has_more());
}

/// A socket that takes so many bytes at each write, and fails so in between.
struct Slow {
    taken: Vec<u8>,
    writes: Vec<Result<usize, ErrorKind>>,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(!self.writes.is_empty(), "it is not to be written to again");
        let taken = self.writes.remove(0)?.min(bytes.len());
        self.taken.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_the_socket_does_not_take_waits() {
    let mut outbox = Outbox { bytes: b"+PONG\r\n".to_vec(), sent: 0 };
    let writes = vec![Ok(2), Err(ErrorKind::Interrupted), Ok(3), Err(ErrorKind::WouldBlock)];
    let mut socket = Slow { taken: Vec::new(), writes };
    assert!(outbox.flush(&mut socket).is_ok_and(|waits| waits));
    assert_eq!(socket.taken, b"+PONG");
    // More is to be sent meanwhile.
    outbox.bytes.extend_from_slice(b":1\r\n");
    socket.writes = vec![Ok(100)];
    assert!(outbox.flush(&mut socket).is_ok_and(|waits| !waits));
    assert_eq!(socket.taken, b"+PONG\r\n:1\r\n");
    assert_eq!((outbox.bytes.capacity(), outbox.sent), (0, 0), "an idle client has no buffer");
}

#[test]
fn a_socket_that_takes_nothing_is_broken() {
    for (write, expected) in
        [(Ok(0), ErrorKind::WriteZero), (Err(ErrorKind::BrokenPipe), ErrorKind::BrokenPipe)]
    {
        let mut outbox = Outbox { bytes: b"+OK\r\n".to_vec(), sent: 0 };
        let mut socket = Slow { taken: Vec::new(), writes: vec![Ok(1), write] };
        let failed = outbox.flush(&mut socket).map_err(|error| error.kind());
        assert_eq!((failed, outbox.sent), (Err(expected), 1));
    }
}
