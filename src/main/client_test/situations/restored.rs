//! What a client has again after it was disconnected.

use super::handshake::is_itself;
use crate::client_test::adapter::Answer;
use crate::client_test::situation::{NO_HARM, Situation, TOLD};
use crate::client_test::trial::{Outcome, Trial, token};

pub const SITUATIONS: &[Situation] = &[
    Situation { name: "restored/login, name, database", fine: TOLD, run: identity },
    Situation { name: "restored/subscriptions", fine: NO_HARM, run: subscriptions },
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
    for pause in [0, 100] {
        trial.probe()?;
        trial.server("CLIENT KILL SKIPME yes")?;
        trial.pause(pause);
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
fn is_told(trial: &mut Trial<'_>) -> Result<bool, crate::client_test::trial::End> {
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
