//! SIGTERM and SIGINT, as something that poll can wait for.

use std::io::{self, Read};
use std::os::unix::net::UnixStream as StdStream;

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

/// The reading end of a pipe into which every signal puts a byte.
#[derive(Debug)]
pub struct Signals {
    pipe: UnixStream,
}

impl Signals {
    pub fn register(registry: &Registry, token: Token) -> io::Result<Signals> {
        let (read, write) = StdStream::pair()?;
        read.set_nonblocking(true)?;
        for signal in [SIGTERM, SIGINT] {
            pipe::register(signal, write.try_clone()?)?;
        }
        let mut pipe = UnixStream::from_std(read);
        registry.register(&mut pipe, token, Interest::READABLE)?;
        Ok(Signals { pipe })
    }

    /// Whether a signal has come since the last call.
    pub fn drain(&mut self) -> bool {
        let mut bytes = [0; 16];
        let mut came = false;
        while matches!(self.pipe.read(&mut bytes), Ok(n) if n > 0) {
            came = true;
        }
        came
    }
}
