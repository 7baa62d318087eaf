//! The adapter: a process that does with a client library what it is asked, a line of JSON for each.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::json::{self, Json};

pub struct Adapter {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

/// What came of what the adapter was asked.
#[derive(Debug, PartialEq)]
pub enum Answer {
    Value(Json),
    /// What the library raised.
    Error(String),
    /// The adapter or its library cannot do this.
    Unsupported,
    /// Nothing, for as long as was waited.
    Nothing,
    /// The process is gone, or what it printed is no answer.
    Broken(String),
}

impl Adapter {
    /// Starts the command, with the server's address in place of `{host}` and `{port}`.
    pub fn start(command: &[OsString], addr: SocketAddr) -> Result<Adapter, String> {
        let words: Vec<OsString> = command.iter().map(|word| filled(word, addr)).collect();
        let (program, args) = words.split_first().ok_or("there is no adapter")?;
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.to_string_lossy()))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or("the adapter has no output")?;
        let (tell, lines) = mpsc::channel();
        // It ends with the output, or with the receiver.
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            loop {
                let mut line = Vec::new();
                let most = json::MAX_LENGTH as u64 + 1;
                match stdout.by_ref().take(most).read_until(b'\n', &mut line) {
                    // What else is printed are the notes of a library.
                    Ok(1..) if !line.starts_with(b"{") => {}
                    Ok(1..) if tell.send(String::from_utf8_lossy(&line).into_owned()).is_ok() => {}
                    _ => return,
                }
            }
        });
        Ok(Adapter { child, stdin, lines })
    }

    /// The process, as the system knows it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks, and waits so long for the answer.
    pub fn ask(&mut self, words: &[&str], patience: Duration) -> Answer {
        let line = Json::Array(words.iter().map(|word| Json::text(*word)).collect());
        let written = self.stdin.as_mut().map(|stdin| writeln!(stdin, "{line}"));
        if !matches!(written, Some(Ok(()))) {
            return Answer::Broken("the adapter reads no more".to_owned());
        }
        match self.lines.recv_timeout(patience) {
            Ok(line) => read(&line),
            Err(RecvTimeoutError::Timeout) => Answer::Nothing,
            Err(RecvTimeoutError::Disconnected) => {
                Answer::Broken("the adapter has ended".to_owned())
            }
        }
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn filled(word: &OsString, addr: SocketAddr) -> OsString {
    match word.to_str() {
        Some(text) => text
            .replace("{host}", &addr.ip().to_string())
            .replace("{port}", &addr.port().to_string())
            .into(),
        None => word.clone(),
    }
}

/// The answer that a line is.
fn read(line: &str) -> Answer {
    let answer = match Json::read(line) {
        Ok(answer) => answer,
        Err(reason) => {
            let shown: String = line.trim_end().chars().take(200).collect();
            return Answer::Broken(format!("the adapter printed no JSON, {reason}: {shown}"));
        }
    };
    if let Some(value) = answer.get("value") {
        return Answer::Value(value.clone());
    }
    if let Some(error) = answer.get("error") {
        let kind = answer.get("kind").and_then(Json::as_text).unwrap_or("error");
        let text = error.as_text().unwrap_or_default();
        let shown: String = text.chars().take(160).collect();
        return Answer::Error(format!("{kind}: {shown}"));
    }
    match answer.get("unsupported") {
        Some(_) => Answer::Unsupported,
        None => Answer::Broken("the answer is no value, error or unsupported".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_value_or_an_error_or_broken() {
        for (line, expected) in [
            (r#"{"value": "a"}"#, Answer::Value(Json::text("a"))),
            (r#"{"value": null}"#, Answer::Value(Json::Null)),
            (r#"{"error": "no", "kind": "E"}"#, Answer::Error("E: no".to_owned())),
            (r#"{"error": "no"}"#, Answer::Error("error: no".to_owned())),
            (r#"{"unsupported": true}"#, Answer::Unsupported),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
        for line in ["", "{}", "[]", "hello", r#"{"value": 1} 2"#] {
            assert!(matches!(read(line), Answer::Broken(_)), "{line}");
        }
    }
}
