//! Connections that break in the middle of a reply, or in the middle of a pipeline.

use super::replies::{RESP2, RESP3};
use crate::client_test::situation::{NO_HARM, Situation, TOLD};
use crate::client_test::trial::{Outcome, Trial, token};

pub const SITUATIONS: &[Situation] = &[
    Situation {
        name: "broken/CLOSE before the reply",
        fine: TOLD,
        run: |trial| once(trial, "CLOSE"),
    },
    Situation {
        name: "broken/RESET before the reply",
        fine: TOLD,
        run: |trial| once(trial, "RUN THEN RESET"),
    },
    Situation {
        name: "broken/HANG before the reply",
        fine: TOLD,
        run: |trial| once(trial, "HANG"),
    },
    Situation {
        name: "broken/CLOSE in types of RESP2",
        fine: TOLD,
        run: |trial| each_type(trial, RESP2, "2", "CLOSE"),
    },
    Situation {
        name: "broken/CLOSE in types of RESP3",
        fine: TOLD,
        run: |trial| each_type(trial, RESP3, "3", "CLOSE"),
    },
    Situation {
        name: "broken/RESET in types of RESP2",
        fine: TOLD,
        run: |trial| each_type(trial, RESP2, "2", "RESET"),
    },
    Situation {
        name: "broken/RESET in types of RESP3",
        fine: TOLD,
        run: |trial| each_type(trial, RESP3, "3", "RESET"),
    },
    Situation {
        name: "broken/HANG in types of RESP2",
        fine: TOLD,
        run: |trial| each_type(trial, RESP2, "2", "HANG"),
    },
    Situation {
        name: "broken/HANG in types of RESP3",
        fine: TOLD,
        run: |trial| each_type(trial, RESP3, "3", "HANG"),
    },
    Situation {
        name: "broken/CLOSE in a pipeline",
        fine: TOLD,
        run: |trial| pipelined(trial, "CLOSE"),
    },
    Situation {
        name: "broken/HANG in a pipeline",
        fine: TOLD,
        run: |trial| pipelined(trial, "HANG"),
    },
    Situation {
        name: "broken/ERROR in a pipeline",
        fine: NO_HARM,
        run: |trial| pipelined(trial, "ERROR \"ERR no\""),
    },
    Situation { name: "broken/no RESP", fine: TOLD, run: |trial| once(trial, r"REPLY hello\r\n") },
    Situation { name: "broken/CLOSE in BLPOP", fine: TOLD, run: blpop },
];

fn once(trial: &mut Trial<'_>, action: &str) -> Outcome {
    trial.stage(&format!("FAULT ADD f ON GET TIMES 1 DO {action}"))?;
    trial.connect(&[])?;
    trial.try_ask(&["GET", "k"])?;
    trial.probe()
}

/// The first half of a reply of each type, and then the end.
fn each_type(
    trial: &mut Trial<'_>,
    replies: &[(&str, &[&str])],
    protocol: &str,
    end: &str,
) -> Outcome {
    // What does not come costs a timeout each: one of a kind.
    let step = if end == "HANG" { 4 } else { 1 };
    let replies: Vec<_> = replies.iter().step_by(step).collect();
    for (index, (reply, _)) in replies.iter().enumerate() {
        let mut half = (*reply).replace(r"\r\n", "\n");
        half.truncate(half.len() / 2);
        let half = half.replace('\n', r"\r\n");
        let on = format!("ON ECHO ARGS 1 type-{index}");
        trial.stage(&format!("FAULT ADD f{index} {on} TIMES 1 DO REPLY \"{half}\" THEN {end}"))?;
    }
    trial.connect(&["protocol", protocol])?;
    for index in 0..replies.len() {
        trial.try_ask(&["ECHO", &format!("type-{index}")])?;
        trial.probe()?;
    }
    Ok(())
}

fn pipelined(trial: &mut Trial<'_>, action: &str) -> Outcome {
    trial.connect(&[])?;
    trial.probe()?;
    trial.stage(&format!("FAULT ADD f ON ECHO SKIP 3 TIMES 1 DO {action}"))?;
    trial.try_ask(&["@pipeline", "8", "ECHO", &token()])?;
    trial.probe()
}

fn blpop(trial: &mut Trial<'_>) -> Outcome {
    trial.stage("FAULT ADD f ON BLPOP TIMES 1 DO CLOSE")?;
    trial.connect(&[])?;
    trial.try_ask(&["BLPOP", "list", "0.1"])?;
    trial.probe()
}
