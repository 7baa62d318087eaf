//! Chapter 9 of the book: commands that wait, and in which order they are served.

use std::time::Duration;

use respd::internals::config::Config;
use respd::internals::embed::local::{Connection, Local, request};

/// A server, and clients with names.
struct Stage {
    local: Local,
    clients: Vec<(&'static str, Connection)>,
}

impl Stage {
    fn send(&mut self, name: &str, line: &str) {
        println!("{name}: {line}");
        if let Some(&(_, client)) = self.clients.iter().find(|(known, _)| *known == name) {
            self.local.send(client, &request(line.split(' ')));
        }
        self.show();
    }

    fn pass(&mut self, seconds: u64) {
        println!("-- {seconds} s pass");
        self.local.advance(Duration::from_secs(seconds));
        self.show();
    }

    /// Shows what each has been sent.
    fn show(&mut self) {
        for &(name, client) in &self.clients {
            let received = self.local.received(client);
            if !received.is_empty() {
                let shown = received.escape_ascii().to_string().replace("\\'", "'");
                println!("    {name} gets {shown}");
            }
        }
    }
}

fn main() {
    let mut local = Local::new(Config::default());
    let clients = ["ann", "ben", "cat", "dan"].map(|name| (name, local.connect())).to_vec();
    let mut stage = Stage { local, clients };

    println!("# one line a key: the first to come is the first to be served");
    stage.send("ann", "BLPOP jobs 0");
    stage.send("ben", "BLPOP jobs mail 0");
    stage.send("cat", "BLPOP jobs 5");
    stage.send("dan", "RPUSH mail letter");
    stage.send("dan", "RPUSH jobs 1");
    println!("# a wait ends with its time");
    stage.pass(5);

    println!("# only what is there when the command is over counts");
    stage.send("ann", "BLPOP jobs 0");
    for line in ["MULTI", "RPUSH jobs 2", "DEL jobs", "EXEC"] {
        stage.send("dan", line);
    }

    println!("# one that is served may serve another");
    stage.send("ben", "BLMOVE in jobs LEFT RIGHT 0");
    stage.send("dan", "RPUSH in 3");

    println!("# it runs again, through the gates");
    stage.send("dan", "ACL SETUSER worker on nopass ~* +@all");
    stage.send("cat", "AUTH worker any");
    stage.send("cat", "BLPOP jobs 0");
    stage.send("dan", "ACL SETUSER worker -blpop");
    stage.send("dan", "RPUSH jobs 4");
    assert!(stage.local.engine.world.waiters.is_empty());
}
