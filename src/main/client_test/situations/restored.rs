//! What a client has again after it was disconnected.

use super::handshake::is_itself;
use crate::client_test::adapter::Answer;
use crate::client_test::situation::{NO_HARM, Situation, TOLD};
use crate::client_test::trial::{End, Outcome, Trial, token};

pub const SITUATIONS: &[Situation] = &[
    Situation { name: "restored/login, name, database", fine: TOLD, run: identity },
    Situation { name: "restored/subscriptions", fine: NO_HARM, run: subscriptions },
    Situation { name: "restored/tracking", fine: NO_HARM, run: tracking },
    Situation { name: "restored/killed while idle", fine: TOLD, run: idle },
];

fn identity(trial: &mut Trial<'_>) -> Outcome {
    trial.server("CONFIG SET requirepass sesame")?;
    trial.connect(&["password", "sesame", "name", "trial", "db", "2"])?;
    is_itself(trial)?;
    trial.server("CLIENT KILL SKIPME yes")?;
    trial.probe()?;
    is_itself(trial)
}

fn idle(trial: &mut Trial<'_>) -> Outcome {
    trial.connect(&[])?;
    for _ in 0..2 {
        trial.probe()?;
        trial.server("CLIENT KILL SKIPME yes")?;
        // It has the time to notice.
        trial.pause(100);
    }
    trial.probe()
}

/// Messages come again, without another word of the program.
fn subscriptions(trial: &mut Trial<'_>) -> Outcome {
    trial.connect(&[])?;
    trial.try_ask(&["SUBSCRIBE", "news"])?;
    if !is_told(trial)? {
        trial.wrong("no message".to_owned());
    }
    trial.server("CLIENT KILL SKIPME yes")?;
    if !is_told(trial)? {
        trial.wrong("no message after the connection was lost".to_owned());
    }
    Ok(())
}

/// Whether one of a few messages arrives.
fn is_told(trial: &mut Trial<'_>) -> Result<bool, End> {
    let text = token();
    for _ in 0..100 {
        trial.server(&format!("PUBLISH news {text}"))?;
        trial.pause(25);
        if let Answer::Value(value) = trial.ask(&["@messages"])?
            && value.leaves().contains(&text)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the client has kept is gone with the connection, for no push told what changed meanwhile; and what it reads from
/// then on is kept again, and it is told of changes.
fn tracking(trial: &mut Trial<'_>) -> Outcome {
    trial.server("SET k one")?;
    trial.connect(&["cache", "yes"])?;
    sees(trial, "one")?;
    if !is_kept(trial)? {
        return Err(End::Skipped("cache yes: nothing is kept".to_owned()));
    }
    trial.server("SET k two")?;
    sees(trial, "two")?;
    // At once: the client must not have come back before.
    for line in ["MULTI", "CLIENT KILL SKIPME yes", "SET k three", "EXEC"] {
        trial.server(line)?;
    }
    sees(trial, "three")?;
    if !is_kept(trial)? {
        trial.wrong("nothing is kept after the connection was lost".to_owned());
    }
    trial.server("SET k four")?;
    sees(trial, "four")
}

/// Reads the key until it has the value that it was given. What was kept may be read for a while.
fn sees(trial: &mut Trial<'_>, wanted: &str) -> Outcome {
    let mut last = None;
    for _ in 0..100 {
        let found = trial.try_ask_value(&["GET", "k"])?;
        if found.as_deref() == Some(wanted) {
            return Ok(());
        }
        last = found.or(last);
        trial.pause(25);
    }
    match last {
        Some(last) => trial.wrong(format!("GET k: still {last} instead of {wanted}")),
        None => trial.probe()?,
    }
    Ok(())
}

/// Whether what is read is not asked for again, at least after a while.
fn is_kept(trial: &mut Trial<'_>) -> Result<bool, End> {
    for _ in 0..100 {
        let before = trial.staged("JOURNAL WAIT get COUNT 1 TIMEOUT 1")?;
        trial.try_ask(&["GET", "k"])?;
        if trial.staged("JOURNAL WAIT get COUNT 1 TIMEOUT 1")? == before {
            return Ok(true);
        }
        trial.pause(25);
    }
    Ok(false)
}
