//! The faults of a server, in the order in which they were added, and which of them a command meets.
//!
//! A command meets one fault at most: the first that is meant for it and has a hit left. One that lets this command pass
//! (SKIP, EVERY, CHANCE) has seen it, and the next is asked.

use std::sync::Arc;

use super::actions::Actions;
use super::matching::{Clients, Commands, Subject, number};
use crate::error::{self, Error};
use crate::wire::{Args, Options, OwnedArgs};

/// The most faults, and the bytes of memory that all of them may take.
const MOST_FAULTS: usize = 256;
const MOST_MEMORY: usize = 64 << 20;

/// The longest name, in bytes.
const LONGEST_NAME: usize = 256;

/// Which of the commands that a fault is meant for it hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Always,
    /// So many, and none after that.
    Times(u64),
    /// One in so many, the last of them.
    Every(u64),
    /// So many in a hundred, by chance.
    Chance(u64),
}

/// A fault.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Counted from 1; none has it again.
    number: u64,
    /// As ADD has said it: the name is the first word.
    words: OwnedArgs,
    commands: Commands,
    clients: Clients,
    skip: u64,
    rule: Rule,
    counters: Counters,
    actions: Arc<Actions>,
    memory: usize,
}

/// What has come of a fault.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    /// How many commands it was meant for.
    pub(crate) seen: u64,
    /// How many of them it has hit.
    pub(crate) hits: u64,
    /// The state of its chance.
    random: u64,
}

/// All faults.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    line: Vec<Fault>,
    /// The number of the last one.
    last: u64,
}

impl Faults {
    /// Adds the fault that these words say, the name first: `name [ON command] … DO action [THEN action ...]`. The client
    /// with the id `own` says so; those in `apart` meet no fault.
    pub(crate) fn add(
        &mut self,
        args: Args<'_>,
        options: Options<'_>,
        is_apart: impl Fn(u64) -> bool,
    ) -> Result<(), Error> {
        let mut fault = Fault::read(args, options)?;
        if let Some(id) = fault.clients.id().filter(|&id| is_apart(id)) {
            return Err(error::stage_own_client(id));
        }
        if self.position(fault.name()).is_some() {
            return Err(error::stage_fault_exists(fault.name()));
        }
        if self.line.len() >= MOST_FAULTS {
            return Err(error::stage_too_many("faults", MOST_FAULTS));
        }
        let memory: usize = self.line.iter().map(|fault| fault.memory).sum();
        if memory + fault.memory > MOST_MEMORY {
            return Err(error::stage_too_many("bytes of all faults", MOST_MEMORY));
        }
        self.last += 1;
        fault.number = self.last;
        Arc::make_mut(&mut fault.actions).shape.said_by(fault.number);
        self.line.push(fault);
        Ok(())
    }

    /// Removes a fault. Returns its number, if there was one.
    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<u64> {
        let index = self.position(name)?;
        Some(self.line.remove(index).number)
    }

    /// Removes all of them.
    pub(crate) fn clear(&mut self) {
        self.line = Vec::new();
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Fault> {
        self.line.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    fn position(&self, name: &[u8]) -> Option<usize> {
        self.line.iter().position(|fault| fault.name() == name)
    }

    /// What the fault does that a command of the client meets, if it meets one. It is hit by that.
    pub(crate) fn meet(
        &mut self,
        full_name: &[u8],
        args: Args<'_>,
        client: Subject<'_>,
    ) -> Option<Arc<Actions>> {
        let met = self.line.iter_mut().find_map(|fault| {
            let is_hit = fault.clients.matches(client)
                && fault.commands.matches(full_name, args)
                && fault.is_hit();
            is_hit.then_some(&fault.actions)
        });
        met.cloned()
    }

    /// The counters of the faults are these again, in their order.
    pub(crate) fn set_counters(&mut self, counters: &[Counters]) {
        for (fault, &counters) in self.line.iter_mut().zip(counters) {
            fault.counters = counters;
        }
    }
}

impl Fault {
    pub(crate) fn name(&self) -> &[u8] {
        self.words.args().get(0).unwrap_or_default()
    }

    /// The words behind its name.
    pub(crate) fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.words.args().from(1)
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    fn read(args: Args<'_>, mut options: Options<'_>) -> Result<Fault, Error> {
        const WANTED: &str = "ON, ARGS, CLIENT, SKIP, TIMES, EVERY, CHANCE or DO";
        let words: OwnedArgs = args.from(options.index()).collect();
        let name = options.word().ok_or_else(|| error::stage_value("ADD", None, "a name"))?;
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Err(error::stage_name(LONGEST_NAME));
        }
        let (mut commands, mut arguments) = (None::<Commands>, Commands::default());
        let (mut clients, mut skip, mut rule) = (None::<Clients>, None, None);
        let (mut has_arguments, mut random) = (false, 0);
        loop {
            if options.flag("DO") {
                break;
            } else if options.flag("ON") {
                let named = Commands::named("ON", options.word())?;
                once("ON", commands.replace(named).is_some())?;
            } else if arguments.read_arguments(&mut options)? {
                once("ARGS", std::mem::replace(&mut has_arguments, true))?;
            } else if options.peek().is_some_and(|word| word.eq_ignore_ascii_case(b"CLIENT")) {
                let mut meant = Clients::default();
                meant.read(&mut options)?;
                once("CLIENT", clients.replace(meant).is_some())?;
            } else if options.flag("SKIP") {
                let n = number("SKIP", options.word(), 0..=u64::MAX)?;
                once("SKIP", skip.replace(n).is_some())?;
            } else if let Some(said) = read_rule(&mut options, &mut random)? {
                once("TIMES, EVERY or CHANCE", rule.replace(said).is_some())?;
            } else {
                return Err(match options.peek() {
                    Some(word) => error::stage_word(word, WANTED),
                    None => error::stage_lacks("DO and its actions"),
                });
            }
        }
        let actions = Actions::read(&mut options)?;
        let commands = commands.unwrap_or_default().with_arguments(arguments);
        let memory = size_of::<Fault>() + 3 * words.memory() + actions.memory();
        let counters = Counters { random, ..Counters::default() };
        Ok(Fault {
            number: 0,
            words,
            commands,
            clients: clients.unwrap_or_default(),
            skip: skip.unwrap_or(0),
            rule: rule.unwrap_or(Rule::Always),
            counters,
            actions: Arc::new(actions),
            memory,
        })
    }

    /// A command that the fault is meant for has come. Returns whether it is hit.
    fn is_hit(&mut self) -> bool {
        let Counters { seen, hits, random } = &mut self.counters;
        let is_spent = matches!(self.rule, Rule::Times(most) if *hits >= most);
        if is_spent {
            return false;
        }
        *seen += 1;
        let Some(turn) = seen.checked_sub(self.skip).filter(|&turn| turn > 0) else {
            return false;
        };
        let is_hit = match self.rule {
            Rule::Always | Rule::Times(_) => true,
            Rule::Every(n) => turn % n == 0,
            Rule::Chance(percent) => next_random(random) % 100 < percent,
        };
        *hits += u64::from(is_hit);
        is_hit
    }
}

/// `TIMES n | EVERY n | CHANCE percent SEED n`, if that is next.
fn read_rule(options: &mut Options<'_>, random: &mut u64) -> Result<Option<Rule>, Error> {
    if options.flag("TIMES") {
        return number("TIMES", options.word(), 1..=u64::MAX).map(|n| Some(Rule::Times(n)));
    }
    if options.flag("EVERY") {
        return number("EVERY", options.word(), 1..=u64::MAX).map(|n| Some(Rule::Every(n)));
    }
    if !options.flag("CHANCE") {
        return Ok(None);
    }
    let percent = number("CHANCE", options.word(), 0..=100)?;
    if !options.flag("SEED") {
        return Err(error::stage_value("CHANCE percent", options.peek(), "SEED and a number"));
    }
    *random = number("SEED", options.word(), 0..=u64::MAX)?;
    Ok(Some(Rule::Chance(percent)))
}

fn once(word: &str, was_there: bool) -> Result<(), Error> {
    if was_there { Err(error::stage_two(word)) } else { Ok(()) }
}

/// The next of a row of numbers that begins with a seed: SplitMix64.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
