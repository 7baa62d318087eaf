//! The file of a recording.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use respd::internals::conversation::Recorder;

/// A recorder whose text is in a file as soon as there is any.
pub struct Tape {
    recorder: Recorder,
    file: File,
    begun: Instant,
}

impl Tape {
    /// Creates the file. One that exists stays as it is, unless it is to be replaced.
    pub fn create(path: &Path, replaces: bool, heading: &str) -> Result<Tape, String> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(replaces).create_new(!replaces);
        let name = path.display();
        let file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => format!("{name} exists: --replace writes over it"),
            _ => format!("cannot write {name}: {error}"),
        })?;
        let mut tape = Tape { recorder: Recorder::new(heading), file, begun: Instant::now() };
        tape.write(|_| {}).map_err(|error| format!("cannot write {name}: {error}"))?;
        Ok(tape)
    }

    /// Tells the recorder something and writes what comes of it.
    pub fn write(&mut self, tell: impl FnOnce(&mut Recorder)) -> io::Result<()> {
        self.recorder.time_is(self.begun.elapsed());
        tell(&mut self.recorder);
        self.file.write_all(self.recorder.take().as_bytes())
    }

    /// The recording is over.
    pub fn end(mut self) -> io::Result<()> {
        self.write(Recorder::end)
    }
}
