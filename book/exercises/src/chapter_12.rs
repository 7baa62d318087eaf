//! Scripts and effects.

use respd::Value;

/// What is to be written down of a command that has run: words that make the same of an equal keyspace, whenever they are
/// run. `None`: nothing. `reply` is what it was answered, and `now` when it ran, in ms after 1970.
///
/// The commands are `SET key value [NX] [EX seconds]`, `EXPIRE key seconds`, `INCR key`, `SADD key member`, `SPOP key` and
/// `GET key`, in capitals. All seconds lie in the future.
pub fn effect(words: &[&str], reply: &Value, now: u64) -> Option<Vec<String>> {
    let _ = (words, reply, now);
    todo!("what has come of it?")
}

/// The commands of a log that are to be run. What stands between `MULTI` and `EXEC` is run whole or not at all; these two
/// are not run themselves. The log may end anywhere.
pub fn whole<'l>(log: &[&'l str]) -> Vec<&'l str> {
    let _ = log;
    todo!("keep it until EXEC is there")
}
