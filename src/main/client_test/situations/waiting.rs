//! Replies that come late, or never, and programs that do not wait for them.

use crate::client_test::situation::{NO_HARM, Situation, TOLD};
use crate::client_test::trial::{Outcome, Trial};

pub const SITUATIONS: &[Situation] = &[
    Situation { name: "waiting/reply dropped", fine: TOLD, run: dropped },
    Situation { name: "waiting/reply after the timeout", fine: TOLD, run: late },
    Situation { name: "waiting/read cancelled", fine: NO_HARM, run: |trial| cancelled(trial, 0) },
    Situation {
        name: "waiting/read cancelled, reply there",
        fine: NO_HARM,
        run: |trial| cancelled(trial, 200),
    },
    Situation { name: "waiting/pipeline cancelled", fine: NO_HARM, run: pipeline_cancelled },
    Situation { name: "waiting/cancelled in a reply", fine: NO_HARM, run: cancelled_inside },
];

fn dropped(trial: &mut Trial<'_>) -> Outcome {
    trial.stage("FAULT ADD f ON GET TIMES 1 DO DROP")?;
    trial.connect(&[])?;
    trial.try_ask(&["GET", "k"])?;
    trial.probe()
}

/// The reply comes when the client has given up, before and while it asks something else.
fn late(trial: &mut Trial<'_>) -> Outcome {
    trial.server("SET k late")?;
    trial.connect(&[])?;
    for pause in [0, 250] {
        trial.stage("FAULT ADD f ON GET TIMES 1 DO RUN THEN DELAY 450")?;
        trial.try_ask(&["GET", "k"])?;
        trial.pause(pause);
        trial.probe()?;
        trial.stage("FAULT CLEAR")?;
    }
    Ok(())
}

fn cancelled(trial: &mut Trial<'_>, pause: u64) -> Outcome {
    trial.server("SET k late")?;
    trial.connect(&[])?;
    trial.probe()?;
    trial.stage("FAULT ADD f ON GET DO RUN THEN DELAY 150")?;
    trial.try_ask(&["@cancel", "40", "GET", "k"])?;
    trial.pause(pause);
    trial.probe()
}

fn pipeline_cancelled(trial: &mut Trial<'_>) -> Outcome {
    trial.server("SET k late")?;
    trial.connect(&[])?;
    trial.probe()?;
    trial.stage("FAULT ADD f ON GET SKIP 2 DO RUN THEN DELAY 150")?;
    trial.try_ask(&["@cancel", "40", "@pipeline", "5", "GET", "k"])?;
    trial.probe()
}

fn cancelled_inside(trial: &mut Trial<'_>) -> Outcome {
    trial.server("SET k late")?;
    trial.connect(&[])?;
    trial.probe()?;
    trial.stage("FAULT ADD f ON GET DO RUN THEN SPLIT AT 6 PAUSE 150")?;
    trial.try_ask(&["@cancel", "40", "GET", "k"])?;
    trial.probe()
}
