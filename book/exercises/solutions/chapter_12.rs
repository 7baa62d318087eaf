//! Scripts and effects.

use respd::Value;

/// What is to be written down of a command that has run.
pub fn effect(words: &[&str], reply: &Value, now: u64) -> Option<Vec<String>> {
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    // A time that was told in seconds from now on.
    let until = |seconds: &str| (now + seconds.parse::<u64>().unwrap_or(0) * 1000).to_string();
    match (words, reply) {
        (_, Value::Error(_) | Value::NullBulk) | (["GET", ..], _) => None,
        (["EXPIRE", ..], Value::Integer(0)) | (["SADD", ..], Value::Integer(0)) => None,
        (["EXPIRE", key, seconds], _) => Some(owned(&["PEXPIREAT", key, &until(seconds)])),
        (["SPOP", key], Value::Bulk(member)) => {
            Some(owned(&["SREM", key, &String::from_utf8_lossy(member)]))
        }
        // A condition that held is gone.
        (["SET", key, value, .., "EX", seconds], _) => {
            Some(owned(&["SET", key, value, "PXAT", &until(seconds)]))
        }
        (["SET", key, value, ..], _) => Some(owned(&["SET", key, value])),
        _ => Some(owned(words)),
    }
}

/// The commands of a log that are to be run.
pub fn whole<'l>(log: &[&'l str]) -> Vec<&'l str> {
    let (mut runs, mut kept) = (Vec::new(), None);
    for &command in log {
        match (command, &mut kept) {
            ("MULTI", _) => kept = Some(Vec::new()),
            ("EXEC", _) => runs.extend(kept.take().unwrap_or_default()),
            (_, Some(kept)) => kept.push(command),
            (_, None) => runs.push(command),
        }
    }
    runs
}
