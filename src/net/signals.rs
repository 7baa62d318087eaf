//! Signals, as something that poll can wait for.
//!
//! By default most signals end a process, and with it all data. Those that mean an end do so in order:
//! SIGTERM and SIGINT. A SIGINT behind one of them ends it at once, with status 1 and as it is, also while a script runs
//! or data is saved: it comes from a person who does not want to wait. As in the reference a second SIGTERM does not,
//! which supervisors send. SIGHUP, which has servers reopen their logs, and those that a mistake, a timer or a
//! tool for another server sends, do not. SIGQUIT keeps its meaning, an end at once with a core file, and
//! so do the signals of faults, of a terminal's job control, and SIGKILL. SIGPIPE is ignored by Rust.

use std::io::{self, Read};
use std::os::fd::{IntoRawFd, RawFd};
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXFSZ,
};
use signal_hook::flag;
use signal_hook::low_level::pipe;

use crate::dispatch::duty::Ending;

/// What a signal means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Stop(Ending),
    HangUp,
    /// Nothing, but an operator may want to know that it came.
    Other(&'static str),
}

const STOPPING: [(i32, Signal); 2] =
    [(SIGTERM, Signal::Stop(Ending::Terminate)), (SIGINT, Signal::Stop(Ending::Interrupt))];

const OUTLIVED: [(i32, Signal); 7] = [
    (SIGHUP, Signal::HangUp),
    (SIGUSR1, Signal::Other("SIGUSR1")),
    (SIGUSR2, Signal::Other("SIGUSR2")),
    (SIGALRM, Signal::Other("SIGALRM")),
    (SIGVTALRM, Signal::Other("SIGVTALRM")),
    (SIGPROF, Signal::Other("SIGPROF")),
    (SIGIO, Signal::Other("SIGIO")),
];

/// The status of a process that ends at once, because it was asked again.
const INSISTED: i32 = 1;

/// What SIGHUP calls.
pub(crate) type HangUp = Box<dyn FnMut() + Send>;

/// The reading end of a pipe into which every signal puts a byte.
#[derive(Debug)]
pub(crate) struct Signals {
    pipe: UnixStream,
    /// The writing end, one for all signals. Handlers of signals stay until the process ends, and so does this.
    write: RawFd,
    /// Whether each signal that is waited for has come. It is set before the byte is in the pipe.
    came: Vec<(Arc<AtomicBool>, Signal)>,
    /// The server has been asked to leave, and has not decided to stay.
    is_leaving: Arc<AtomicBool>,
}

impl Signals {
    /// Waits for no signal yet.
    pub(crate) fn register(registry: &Registry, token: Token) -> io::Result<Signals> {
        let (read, write) = StdStream::pair()?;
        read.set_nonblocking(true)?;
        let mut pipe = UnixStream::from_std(read);
        registry.register(&mut pipe, token, Interest::READABLE)?;
        Ok(Signals {
            pipe,
            write: write.into_raw_fd(),
            came: Vec::new(),
            is_leaving: Arc::default(),
        })
    }

    /// Waits for those that ask the server to leave.
    pub(crate) fn stop(&mut self) -> io::Result<()> {
        // Handlers are called in the order in which they are registered: the first SIGINT does not see its own mark.
        flag::register_conditional_shutdown(SIGINT, INSISTED, Arc::clone(&self.is_leaving))?;
        for (number, _) in STOPPING {
            flag::register(number, Arc::clone(&self.is_leaving))?;
        }
        self.wait_for(&STOPPING)
    }

    /// The server does not leave: the next SIGINT asks anew.
    pub(crate) fn stay(&self) {
        self.is_leaving.store(false, Ordering::Release);
    }

    /// Waits for those that the server outlives.
    pub(crate) fn outlive(&mut self) -> io::Result<()> {
        // A log file at the limit of file sizes (ulimit -f) sends it with every line, so it is not logged.
        flag::register(SIGXFSZ, Arc::default())?;
        self.wait_for(&OUTLIVED)
    }

    fn wait_for(&mut self, signals: &[(i32, Signal)]) -> io::Result<()> {
        for &(number, signal) in signals {
            let came = Arc::default();
            flag::register(number, Arc::clone(&came))?;
            pipe::register_raw(number, self.write)?;
            self.came.push((came, signal));
        }
        Ok(())
    }

    /// The signals that have come since the last call.
    pub(crate) fn drain(&mut self) -> Vec<Signal> {
        let mut bytes = [0; 16];
        while matches!(self.pipe.read(&mut bytes), Ok(n) if n > 0) {}
        let came = self.came.iter().filter(|(came, _)| came.swap(false, Ordering::AcqRel));
        came.map(|&(_, signal)| signal).collect()
    }
}
