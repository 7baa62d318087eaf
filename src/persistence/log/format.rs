//! The form of a log: effects as requests, which any server of the protocol takes.
//!
//! * SELECT goes before an effect that is in another database than the one before;
//! * MULTI and EXEC are around a batch of more than one effect, so that it is replayed whole or not at all;
//! * `#TS:` and a time in seconds is a line before the first batch of that second (`aof-timestamp-enabled`), by which
//!   a log can be cut back to a time.

use crate::keyspace::effects::{Batches, Effect};
use crate::text::number::{self, Spelled};
use crate::wire::push_request;

/// Writes effects, and remembers what those before have left.
#[derive(Debug, Default)]
pub(crate) struct Format {
    /// The database that the last effect has left selected. None in a new file.
    db: Option<usize>,
    /// The last time that was noted.
    noted: u64,
}

impl Format {
    /// Appends batches to `out`. `second` is the time that they are annotated with, in s after 1970.
    pub(crate) fn push(&mut self, batches: &Batches, second: Option<u64>, out: &mut Vec<u8>) {
        for batch in batches.iter() {
            if let Some(second) = second.filter(|&second| second > self.noted) {
                self.noted = second;
                out.extend_from_slice(b"#TS:");
                number::push_u64(out, second);
                out.extend_from_slice(b"\r\n");
            }
            let is_many = batch.len() > 1;
            if is_many {
                push_request(out, [&b"MULTI"[..]].into_iter());
            }
            for effect in batch.iter() {
                self.push_effect(effect, out);
            }
            if is_many {
                push_request(out, [&b"EXEC"[..]].into_iter());
            }
        }
    }

    fn push_effect(&mut self, effect: Effect<'_>, out: &mut Vec<u8>) {
        self.select(effect.db(), out);
        push_request(out, effect.words());
    }

    /// What follows is in this database.
    pub(crate) fn select(&mut self, db: usize, out: &mut Vec<u8>) {
        if self.db != Some(db) {
            self.db = Some(db);
            push_request(out, [&b"SELECT"[..], &Spelled::new(db as i64)].into_iter());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::Store;
    use std::sync::{Arc, Mutex};

    /// What a listener with this format writes of what `say` says.
    fn written(second: Option<u64>, say: impl FnOnce(&mut Store)) -> String {
        let mut store = Store::new(4);
        let (out, mut format) = (Arc::new(Mutex::new(Vec::new())), Format::default());
        let into = Arc::clone(&out);
        store.listen_to_effects(Box::new(move |batches| {
            format.push(batches, second, &mut into.lock().unwrap());
        }));
        say(&mut store);
        store.shared.effects.hand_over();
        let out = String::from_utf8(out.lock().unwrap().clone()).unwrap();
        out.replace("\r\n", " ")
    }

    #[test]
    fn a_batch_of_several_effects_is_a_transaction() {
        let out = written(None, |store| {
            let effects = &mut store.shared.effects;
            effects.say(0, "DEL", &[b"a"]);
            effects.end_batch();
            effects.say(0, "SET", &[b"b", b""]);
            effects.say(3, "DEL", &[b"twelve chars"]);
            effects.end_batch();
            effects.say(3, "DEL", &[b"c"]);
        });
        let expected = "*2 $6 SELECT $1 0 *2 $3 DEL $1 a *1 $5 MULTI *3 $3 SET $1 b $0  \
                        *2 $6 SELECT $1 3 *2 $3 DEL $12 twelve chars *1 $4 EXEC *2 $3 DEL $1 c ";
        assert_eq!(out, expected);
    }

    #[test]
    fn a_second_is_noted_once() {
        let out = written(Some(17), |store| {
            for _ in 0..2 {
                store.shared.effects.say(0, "DEL", &[b"a"]);
                store.shared.effects.end_batch();
            }
        });
        let expected = "#TS:17 *2 $6 SELECT $1 0 *2 $3 DEL $1 a *2 $3 DEL $1 a ";
        assert_eq!(out, expected);
    }
}
