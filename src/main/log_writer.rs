//! The writer of the log: a thread between the server and whatever takes the log.
//!
//! A write may block: stderr may be a pipe that is full because nothing reads it, a terminal that is stopped, or
//! a file on a disk that does not answer. The server must go on. So it leaves its lines in a queue of bounded size,
//! from where a thread writes them, and a line that finds the queue full is left out and counted. The thread
//! never holds the queue while it writes.
//!
//! Making stderr non-blocking would need no thread, but it would change the file description for every process
//! that shares it, the shell of a terminal among them, would tear lines that fit only in part, and does nothing for files.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How many bytes of lines may wait to be written.
const CAPACITY: usize = 1 << 20;

/// How long the end of the process waits for the last lines to be written.
const PATIENCE: Duration = Duration::from_secs(1);

/// The thread that writes. When it is dropped, the lines that wait are written, as far as that can be done in
/// a second.
pub struct LogWriter {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Where the lines of the log are left. Writing to it never waits and always succeeds.
pub struct LogQueue {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    lines: Mutex<Lines>,
    /// Told when there is something for the thread to do.
    arrived: Condvar,
    /// Told when the thread has ended.
    ended: Condvar,
}

/// What waits to be written.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    /// Lines for which there was no room since the thread took the last ones.
    left_out: u64,
    /// There will be no more.
    is_over: bool,
    has_ended: bool,
}

impl LogWriter {
    /// Starts a thread that writes to `sink`.
    pub fn start(sink: impl Write + Send + 'static) -> io::Result<LogWriter> {
        let shared = Arc::<Shared>::default();
        let thread = thread::Builder::new().name("log".to_owned()).spawn({
            let shared = shared.clone();
            move || shared.write_to(sink)
        })?;
        Ok(LogWriter { shared, thread: Some(thread) })
    }

    pub fn queue(&self) -> LogQueue {
        LogQueue { shared: self.shared.clone() }
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        let mut lines = self.shared.lock();
        lines.is_over = true;
        self.shared.arrived.notify_one();
        let waited =
            self.shared.ended.wait_timeout_while(lines, PATIENCE, |lines| !lines.has_ended);
        let (lines, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let has_ended = lines.has_ended;
        drop(lines);
        // A thread that still writes will not come back; the process ends without it.
        if let Some(thread) = self.thread.take().filter(|_| has_ended) {
            let _ = thread.join();
        }
    }
}

impl Write for LogQueue {
    /// `line` is a whole one.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.shared.lock();
        if lines.text.len() + line.len() > CAPACITY {
            lines.left_out += 1;
        } else {
            lines.text.extend_from_slice(line);
            self.shared.arrived.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what arrives until there will be no more. What cannot be written is lost: there is no other place
    /// to say so.
    fn write_to(&self, mut sink: impl Write) {
        let mut text = Vec::new();
        loop {
            let idle = |lines: &mut Lines| lines.text.is_empty() && !lines.is_over;
            let lines = self.arrived.wait_while(self.lock(), idle);
            let mut lines = lines.unwrap_or_else(PoisonError::into_inner);
            if lines.text.is_empty() {
                lines.has_ended = true;
                self.ended.notify_all();
                return;
            }
            text.clear();
            std::mem::swap(&mut text, &mut lines.text);
            let left_out = std::mem::take(&mut lines.left_out);
            drop(lines);
            let _ = sink.write_all(&text);
            if left_out > 0 {
                let _ = writeln!(
                    sink,
                    "respd: {left_out} lines of the log were left out here: they came faster than they \
                     could be written"
                );
            }
            let _ = sink.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;

    /// Takes what is written when it is allowed to.
    struct Gate {
        open: Receiver<()>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Open for good when the other end has gone.
            let _ = self.open.recv();
            self.written.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gate() -> (Gate, Sender<()>, Receiver<Vec<u8>>) {
        let ((allow, open), (written, arrived)) = (mpsc::channel(), mpsc::channel());
        (Gate { open, written }, allow, arrived)
    }

    #[test]
    fn lines_are_written_in_their_order_before_the_end() {
        let (gate, allow, arrived) = gate();
        let writer = LogWriter::start(gate).expect("a thread");
        let mut queue = writer.queue();
        for number in 0..100 {
            writeln!(queue, "line {number}").expect("room");
        }
        drop(allow);
        drop(writer);
        let text = arrived.try_iter().flatten().collect();
        let expected: String = (0..100).map(|number| format!("line {number}\n")).collect();
        assert_eq!(String::from_utf8(text), Ok(expected));
    }

    #[test]
    fn a_sink_that_takes_nothing_costs_lines_and_no_time() {
        let (gate, allow, arrived) = gate();
        let writer = LogWriter::start(gate).expect("a thread");
        let mut queue = writer.queue();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        for _ in 0..10_000 {
            queue.write_all(&line).expect("it always succeeds");
        }
        assert!(writer.shared.lock().text.len() <= CAPACITY);
        drop(allow);
        drop(writer);
        let text: Vec<u8> = arrived.try_iter().flatten().collect();
        let text = String::from_utf8(text).expect("text");
        let (mut written, mut left_out) = (0, 0);
        for line in text.lines() {
            match line.strip_prefix("respd: ") {
                None => written += 1,
                Some(rest) => {
                    let (count, _) = rest.split_once(' ').expect("a sentence");
                    left_out += count.parse::<usize>().expect("a number");
                }
            }
        }
        assert!(written >= CAPACITY / 1024 && left_out > 0, "{written} {left_out}");
        assert_eq!(written + left_out, 10_000, "what is not there is counted");
    }

    #[test]
    fn a_sink_that_never_takes_anything_does_not_keep_the_process() {
        let (gate, _never, _arrived) = gate();
        let writer = LogWriter::start(gate).expect("a thread");
        writeln!(writer.queue(), "unheard").expect("room");
        drop(writer);
    }
}
