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
    /// What the file is called.
    name: String,
    begun: Instant,
    limit: u64,
    /// That the limit is reached has been told.
    is_told: bool,
}

impl Tape {
    /// Creates the file, which may have so many bytes. One that exists stays as it is, unless it is to be replaced.
    pub fn create(path: &Path, replaces: bool, limit: u64, heading: &str) -> Result<Tape, String> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(replaces).create_new(!replaces);
        let name = path.display().to_string();
        let file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => format!("{name} exists: --replace writes over it"),
            _ => format!("cannot write {name}: {error}"),
        })?;
        let recorder = Recorder::new(heading).with_limit(limit);
        let begun = Instant::now();
        let mut tape = Tape { recorder, file, name, begun, limit, is_told: false };
        tape.write(|_| {}).map_err(|error| format!("cannot write {}: {error}", tape.name))?;
        Ok(tape)
    }

    /// Tells the recorder something and writes what comes of it.
    pub fn write(&mut self, tell: impl FnOnce(&mut Recorder)) -> io::Result<()> {
        self.recorder.time_is(self.begun.elapsed());
        tell(&mut self.recorder);
        let text = self.recorder.take();
        if !text.is_empty() {
            self.file.write_all(text.as_bytes())?;
        }
        if self.recorder.is_full() && !std::mem::replace(&mut self.is_told, true) {
            let Tape { name, limit, .. } = self;
            // The proxy goes on, so that its clients do.
            say(&format!(
                "{name} has the {limit} bytes of --limit: what follows passes, and is not in it"
            ));
        }
        Ok(())
    }

    /// The recording is over. What it lacks is told.
    pub fn end(mut self) -> io::Result<()> {
        self.write(Recorder::end)?;
        let Tape { recorder, name, .. } = self;
        if recorder.is_full() {
            say(&format!("{name} lacks what passed behind its limit"));
        }
        if recorder.abandoned() > 0 {
            let count = recorder.abandoned();
            say(&format!("{name} lacks a part of {count} clients: 'is recorded to here' says why"));
        }
        Ok(())
    }
}

/// Says something of a recording that goes on all the same.
fn say(text: &str) {
    // There is no other place to say so.
    let _ = writeln!(io::stderr(), "respd: {text}");
}
