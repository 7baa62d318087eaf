//! Waiting.

use respd::{Command, Commands};

/// Clients in line for keys. A client is a number; it is in line for several keys at once, or for none.
#[derive(Debug, Default)]
pub struct Lines {
    // What it keeps is yours to choose. Think of ten thousand clients in one line, of which one leaves the middle.
}

impl Lines {
    /// The client begins to wait for these keys, behind all that wait already. It did not wait before.
    pub fn join(&mut self, client: u64, keys: &[&str]) {
        let _ = (client, keys);
        todo!("give it a turn")
    }

    /// The client waits no more, for any key.
    pub fn leave(&mut self, client: u64) {
        let _ = client;
        todo!("take it out of its lines, and look at no other")
    }

    /// The first client in line for a key.
    pub fn first(&self, key: &str) -> Option<u64> {
        let _ = key;
        todo!("has it a line?")
    }

    /// The client that is next in line behind this one, which waits for the key.
    pub fn behind(&self, key: &str, client: u64) -> Option<u64> {
        let _ = (key, client);
        todo!("in the order of turns")
    }

    /// How many lines there are: those without a client are none.
    pub fn count(&self) -> usize {
        todo!("do not keep empty ones")
    }
}

/// `MEET name count` waits until so many clients have come to the meeting of this name. Each is replied the number at which it
/// came: the first 1. Then the meeting is over, and the next of this name begins. All that come say the same count.
pub fn meetings() -> Commands {
    let meet = Command::new("meet", |ctx, _| {
        ctx.reply().int(1);
        Ok(())
    });
    Commands::new("meetings").add(meet.flags("blocking").synopsis("name count:integer"))
}
