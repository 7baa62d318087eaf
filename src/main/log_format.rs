//! What a line of the log looks like: for people, as pairs of names and values, or as JSON.
//!
//! A line of the log is one line, whatever it tells of. Names, commands and paths in it may come from clients, so
//! everything that would end the line, or steer a terminal, is written as an escape: what a client sends forges no
//! line. JSON is valid for any message; its names, and those of the pairs, are those of Valkey's log, and `target`,
//! the module that writes.

use std::io::{self, Write};

use log::{Level, Record};
use respd::internals::config::{LogFormat, LogTime};

/// Writes lines of the log.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    format: LogFormat,
    time: LogTime,
    pid: u32,
}

impl Lines {
    pub fn new(format: LogFormat, time: LogTime) -> Lines {
        Lines { format, time, pid: std::process::id() }
    }

    pub fn write(
        &self,
        out: &mut env_logger::fmt::Formatter,
        record: &Record<'_>,
    ) -> io::Result<()> {
        let time = match self.time {
            LogTime::Iso8601 => out.timestamp_millis().to_string(),
            LogTime::Milliseconds => milliseconds().to_string(),
        };
        let line = self.line(&time, record.level(), record.target(), &record.args().to_string());
        out.write_all(line.as_bytes())
    }

    /// A line with its end.
    fn line(&self, time: &str, level: Level, target: &str, message: &str) -> String {
        let (pid, name) = (self.pid, name(level));
        match self.format {
            LogFormat::Legacy => {
                let message = escaped(message, Escapes::Controls);
                format!("[{time} {level:<5} {target}] {message}\n")
            }
            LogFormat::Logfmt => {
                let message = escaped(message, Escapes::Quotes);
                format!(
                    "pid={pid} role=primary timestamp=\"{time}\" level={name} target={target} \
                     message=\"{message}\"\n"
                )
            }
            LogFormat::Json => {
                let message = escaped(message, Escapes::Json);
                format!(
                    "{{\"pid\":{pid},\"role\":\"primary\",\"timestamp\":\"{time}\",\"level\":\"{name}\",\
                     \"target\":\"{target}\",\"message\":\"{message}\"}}\n"
                )
            }
        }
    }
}

/// What `loglevel` calls a level. The reference has no errors apart from warnings.
fn name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "notice",
        Level::Debug => "verbose",
        Level::Trace => "debug",
    }
}

fn milliseconds() -> u128 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis())
}

/// What is written as an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// What is no character of a line: `\n`, `\u{1b}`.
    Controls,
    /// That, and what would end a text between quotes.
    Quotes,
    /// Both, as JSON has them: `\u001b`.
    Json,
}

/// `text` in one line. Nothing is copied byte by byte where nothing is to be escaped: most lines.
fn escaped(text: &str, escapes: Escapes) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find(|c| needs_escape(c, escapes)) {
        out.push_str(&rest[..at]);
        let mut behind = rest[at..].chars();
        if let Some(c) = behind.next() {
            push_escape(&mut out, c, escapes);
        }
        rest = behind.as_str();
    }
    out.push_str(rest);
    out
}

/// U+2028 and U+2029 end lines, and the marks of direction have a line shown otherwise than it was written.
fn needs_escape(c: char, escapes: Escapes) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || escapes != Escapes::Controls && matches!(c, '"' | '\\')
}

fn push_escape(out: &mut String, c: char, escapes: Escapes) {
    match (c, escapes) {
        ('"' | '\\', _) => out.extend(['\\', c]),
        ('\n', _) => out.push_str("\\n"),
        ('\r', _) => out.push_str("\\r"),
        ('\t', _) => out.push_str("\\t"),
        (_, Escapes::Json) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        _ => out.extend(c.escape_unicode()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(format: LogFormat, message: &str) -> String {
        let lines = Lines { format, time: LogTime::Iso8601, pid: 7 };
        lines.line("2026-11-28T22:12:40.165Z", Level::Info, "respd::internals::net", message)
    }

    const BAD: &str = "a\"b\\c\n[2026 ERROR respd] forged\r\t\u{1b}[2J\u{2028}\u{202e}é";

    #[test]
    fn a_message_is_one_line_in_each_format() {
        assert_eq!(
            line(LogFormat::Legacy, BAD),
            "[2026-11-28T22:12:40.165Z INFO  respd::internals::net] a\"b\\c\\n[2026 ERROR respd] forged\\r\\t\
             \\u{1b}[2J\\u{2028}\\u{202e}é\n"
        );
        assert_eq!(
            line(LogFormat::Logfmt, BAD),
            "pid=7 role=primary timestamp=\"2026-11-28T22:12:40.165Z\" level=notice \
             target=respd::internals::net message=\"a\\\"b\\\\c\\n[2026 ERROR respd] forged\\r\\t\\u{1b}[2J\
             \\u{2028}\\u{202e}é\"\n"
        );
        assert_eq!(
            line(LogFormat::Json, BAD),
            "{\"pid\":7,\"role\":\"primary\",\"timestamp\":\"2026-11-28T22:12:40.165Z\",\
             \"level\":\"notice\",\"target\":\"respd::internals::net\",\"message\":\"a\\\"b\\\\c\\n\
             [2026 ERROR respd] forged\\r\\t\\u001b[2J\\u2028\\u202eé\"}\n"
        );
    }

    proptest! {
        /// What RFC 8259 asks of a string: no control character, no quote and no backslash but in an escape.
        #[test]
        fn json_is_valid_whatever_the_message(message in any::<String>()) {
            let line = line(LogFormat::Json, &message);
            prop_assert_eq!(line.chars().filter(|c| c.is_control()).count(), 1, "its end");
            let text = line.split_once("\"message\":\"").unwrap().1.strip_suffix("\"}\n").unwrap();
            let (mut read, mut chars) = (String::new(), text.chars());
            while let Some(c) = chars.next() {
                read.push(match (c, c == '\\') {
                    ('"', _) => return Err(TestCaseError::fail("an end of the string")),
                    (_, false) => c,
                    _ => match chars.next().unwrap() {
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        'u' => {
                            let digits: String = chars.by_ref().take(4).collect();
                            char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap()
                        }
                        other => {
                            prop_assert!(matches!(other, '"' | '\\'));
                            other
                        }
                    },
                });
            }
            prop_assert_eq!(read, message);
        }
    }
}
