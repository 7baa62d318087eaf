//! What the server began with: the lines of STAGE that RESET comes back to.

use std::collections::BTreeSet;

use crate::wire::{Args, OwnedArgs};

/// The commands of which RESET ends what they have staged. A recording ends, and is not begun again: its file is there.
const STAGING: [&str; 7] = ["accept", "clock", "fault", "journal", "node", "seed", "sentinel"];

/// What of them stages nothing, and may wait.
const SHOWING: [&str; 3] = ["GET", "LIST", "WAIT"];

/// Lines of STAGE, the first word that of the command.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beginning {
    lines: Vec<OwnedArgs>,
    /// The ports that the nodes and Sentinels among them have.
    ports: BTreeSet<u16>,
}

impl Beginning {
    pub(crate) fn lines(&self) -> impl Iterator<Item = &OwnedArgs> {
        self.lines.iter()
    }

    /// Returns whether a node or a Sentinel of the beginning has the port.
    pub(crate) fn has_port(&self, port: u16) -> bool {
        self.ports.contains(&port)
    }

    /// The server begins with this line, too. `opened`: the port that it has opened, which is the same when it is staged
    /// again.
    pub(crate) fn add(&mut self, args: Args<'_>, opened: Option<u16>) {
        let is_one_of = |names: &[&str], at| names.iter().any(|name| args.is(at, name));
        if !is_one_of(&STAGING, 1) || is_one_of(&SHOWING, 2) {
            return;
        }
        let mut words: Vec<&[u8]> = args.from(0).collect();
        let mut digits = String::new();
        if let Some(port) = opened.filter(|&port| self.ports.insert(port))
            && !words.iter().skip(4).any(|word| word.eq_ignore_ascii_case(b"PORT"))
        {
            digits += &port.to_string();
            words.extend([b"PORT", digits.as_bytes()]);
        }
        self.lines.push(words.into_iter().collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_said_that_was_any() {
        let mut beginning = Beginning::default();
        for (line, opened) in [
            ("STAGE NODE ADD a SLOTS 0-9", Some(7001)),
            ("stage node add b port 7002", Some(7002)),
            ("STAGE SENTINEL ADD s MASTER m", Some(7003)),
            ("STAGE SENTINEL ADD s MASTER n", Some(7003)),
            ("STAGE NODE ADD port", Some(7004)),
            ("STAGE NODE LIST", None),
            ("STAGE JOURNAL WAIT GET COUNT 1 TIMEOUT 0", None),
            ("STAGE RESET", None),
            ("STAGE RECORD START x", None),
            ("STAGE SEND NAME * x", None),
            ("STAGE FAULT ADD f DO CLOSE", None),
        ] {
            beginning.add(line.split(' ').collect::<OwnedArgs>().args(), opened);
        }
        let lines = beginning.lines().map(|line| {
            let words: Vec<_> = line.args().from(0).map(String::from_utf8_lossy).collect();
            words.join(" ")
        });
        let expected = [
            "STAGE NODE ADD a SLOTS 0-9 PORT 7001",
            "stage node add b port 7002",
            "STAGE SENTINEL ADD s MASTER m PORT 7003",
            "STAGE SENTINEL ADD s MASTER n",
            "STAGE NODE ADD port PORT 7004",
            "STAGE FAULT ADD f DO CLOSE",
        ];
        assert_eq!(lines.collect::<Vec<_>>(), expected);
        assert!((7001..7005).all(|port| beginning.has_port(port)) && !beginning.has_port(7005));
    }
}
