//! The end of standard input, which comes when the program that holds its other end has gone.

use std::io::{self, Read};
use std::thread;

/// A thread waits for the end of standard input, however the program that holds its other end has ended, and then calls
/// `end`. What arrives there is not looked at.
pub fn when_it_ends(end: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let wait = move || {
        let mut buffer = [0; 1024];
        let mut stdin = io::stdin().lock();
        loop {
            match stdin.read(&mut buffer) {
                Ok(0) => break log::info!("standard input has ended, and so does the server"),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    break log::warn!("standard input cannot be read, which ends it: {error}");
                }
            }
        }
        end();
    };
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(wait)
        .map(drop)
        .map_err(|error| format!("cannot start the thread that waits for standard input: {error}"))
}
