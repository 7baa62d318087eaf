//! Waiting.

use std::collections::{BTreeMap, HashMap};

use respd::{Args, Command, Commands, Ctx, Error};

/// Clients in line for keys. A client is a number; it is in line for several keys at once, or for none.
#[derive(Debug, Default)]
pub struct Lines {
    /// In each line the clients by their turns.
    lines: HashMap<String, BTreeMap<u64, u64>>,
    /// Of each client its turn, and the keys that it waits for.
    clients: HashMap<u64, (u64, Vec<String>)>,
    /// The last turn that was given.
    last: u64,
}

impl Lines {
    /// The client begins to wait for these keys, behind all that wait already. It did not wait before.
    pub fn join(&mut self, client: u64, keys: &[&str]) {
        self.last += 1;
        for &key in keys {
            self.lines.entry(key.to_owned()).or_default().insert(self.last, client);
        }
        let keys = keys.iter().map(|&key| key.to_owned()).collect();
        self.clients.insert(client, (self.last, keys));
    }

    /// The client waits no more, for any key.
    pub fn leave(&mut self, client: u64) {
        let Some((turn, keys)) = self.clients.remove(&client) else {
            return;
        };
        for key in keys {
            if let Some(line) = self.lines.get_mut(&key) {
                line.remove(&turn);
                if line.is_empty() {
                    self.lines.remove(&key);
                }
            }
        }
    }

    /// The first client in line for a key.
    pub fn first(&self, key: &str) -> Option<u64> {
        self.lines.get(key)?.first_key_value().map(|(_, &client)| client)
    }

    /// The client that is next in line behind this one, which waits for the key.
    pub fn behind(&self, key: &str, client: u64) -> Option<u64> {
        let (turn, _) = self.clients.get(&client)?;
        self.lines.get(key)?.range(turn + 1..).next().map(|(_, &client)| client)
    }

    /// How many lines there are: those without a client are none.
    pub fn count(&self) -> usize {
        self.lines.len()
    }
}

/// The meetings of a name: how many are over, and how many clients have come to the one that is not.
#[derive(Debug, Default)]
struct Meeting {
    over: u64,
    come: u64,
}

/// What a client that waits has to know when its command runs again: it has come already.
#[derive(Debug, Default)]
struct Came(Option<Place>);

#[derive(Debug, Clone, Copy)]
struct Place {
    /// How many meetings were over when it came.
    over: u64,
    number: u64,
}

type Meetings = HashMap<Vec<u8>, Meeting>;

/// MEET name count
fn meet(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let count = u64::try_from(args.int(2)?).map_err(|_| "count is negative")?;
    let came = ctx.local::<Came>().0;
    let meeting = ctx.state::<Meetings>().entry(args[1].to_vec()).or_default();
    let place = came.unwrap_or_else(|| {
        meeting.come += 1;
        Place { over: meeting.over, number: meeting.come }
    });
    let is_complete = came.is_none() && meeting.come >= count;
    if is_complete {
        (meeting.over, meeting.come) = (meeting.over + 1, 0);
    }
    let is_over = meeting.over > place.over;
    ctx.local::<Came>().0 = (!is_over).then_some(place);
    ctx.reply().int(place.number as i64);
    if is_complete {
        ctx.signal(&args[1]);
    } else if !is_over {
        ctx.wait_for(&args[1], None);
    }
    Ok(())
}

/// `MEET name count` waits until so many clients have come to the meeting of this name.
pub fn meetings() -> Commands {
    let meet = Command::new("meet", meet).flags("blocking").synopsis("name count:integer");
    Commands::new("meetings").state(Meetings::new()).add(meet)
}
