//! `respd client-test`: puts a client library through the situations in which clients break.

mod adapter;
mod arguments;
mod double;
mod json;
mod report;
mod situation;
mod situations;
mod trial;
mod verdict;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use adapter::Adapter;
use arguments::{Arguments, Asked};
use double::Double;
use json::Json;
use report::Tried;
use situation::Situation;
use trial::Trial;
use verdict::Verdict;

/// The exit status when the situations could not be tried.
const NOT_TRIED: u8 = 2;

/// Tries what the arguments say.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let arguments = match arguments::parse(args) {
        Ok(Asked::Help) => return super::print(arguments::HELP.trim_end()),
        Ok(Asked::List) => {
            let names: Vec<_> = situations::all().map(|situation| situation.name).collect();
            return super::print(&names.join("\n"));
        }
        Ok(Asked::Try(arguments)) => arguments,
        Err(reason) => return not_tried(&reason),
    };
    match try_all(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => not_tried(&reason),
    }
}

fn not_tried(reason: &str) -> ExitCode {
    super::fail(reason);
    ExitCode::from(NOT_TRIED)
}

/// Returns whether every verdict is fine.
fn try_all(arguments: &Arguments) -> Result<bool, String> {
    let is_asked = |situation: &&Situation| match &arguments.only {
        Some(only) => arguments::is_named(only, situation.name),
        None => true,
    };
    let asked: Vec<&Situation> = situations::all().filter(is_asked).collect();
    if asked.is_empty() {
        return Err("no situation has such a name: see respd client-test --list".to_owned());
    }
    if !arguments.is_json {
        report::print(&format!("TAP version 13\n1..{}", asked.len()))?;
    }
    let (asked, next) = (&asked, &AtomicUsize::new(0));
    let all = thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        for _ in 0..arguments.jobs.min(asked.len()) {
            let tell = tell.clone();
            scope.spawn(move || try_some(asked, next, &tell, arguments));
        }
        drop(tell);
        in_order(told, arguments)
    })?;
    if arguments.is_json {
        report::print(&Json::Array(all.iter().map(Tried::json).collect()).to_string())?;
    }
    Ok(all.iter().all(Tried::is_fine))
}

/// What came of a situation, and which it was.
type Told = (usize, Result<Tried, String>);

/// Tries one situation after the other with a server for them, until there is none left that has not begun.
fn try_some(
    asked: &[&'static Situation],
    next: &AtomicUsize,
    tell: &Sender<Told>,
    arguments: &Arguments,
) {
    let mut double = Double::start();
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(&situation) = asked.get(index) else { return };
        let tried = match &mut double {
            Ok(double) => try_one(situation, double, arguments),
            Err(reason) => Err(reason.clone()),
        };
        let is_over = tried.is_err();
        if tell.send((index, tried)).is_err() || is_over {
            return;
        }
    }
}

/// Prints what came of situations, each when its turn has come. The first that could not be tried is the end.
fn in_order(told: Receiver<Told>, arguments: &Arguments) -> Result<Vec<Tried>, String> {
    let (mut all, mut early) = (Vec::new(), BTreeMap::new());
    for (index, tried) in told {
        early.insert(index, tried?);
        while let Some(tried) = early.remove(&all.len()) {
            if !arguments.is_json {
                report::print(&tried.tap(all.len() + 1))?;
            }
            all.push(tried);
        }
    }
    Ok(all)
}

/// One situation, with an adapter of its own.
fn try_one(
    situation: &'static Situation,
    double: &mut Double,
    arguments: &Arguments,
) -> Result<Tried, String> {
    double.clear()?;
    let adapter = Adapter::start(&arguments.command, double.addr())?;
    let mut trial = Trial::new(double, adapter, arguments);
    let outcome = (situation.run)(&mut trial);
    let told = trial.verdict(outcome);
    let (verdict, note) = told.map_err(|reason| format!("{}: {reason}", situation.name))?;
    let conversation = match verdict {
        Verdict::OutOfStep => double.conversation(),
        _ => Vec::new(),
    };
    Ok(Tried { situation, verdict, note, conversation })
}
