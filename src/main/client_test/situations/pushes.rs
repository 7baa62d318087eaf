//! Pushes where they may be: before, between and behind any two replies.

use crate::client_test::adapter::Answer;
use crate::client_test::situation::{RIGHT, Situation};
use crate::client_test::trial::{Outcome, Trial, token};

const INVALIDATE: &str = r">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
const UNKNOWN: &str = r">3\r\n$7\r\nstrange\r\n:1\r\n%1\r\n+a\r\n_\r\n";
const MESSAGE: &str = r">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n";

pub const SITUATIONS: &[Situation] = &[
    Situation {
        name: "pushes/invalidate before a reply",
        fine: RIGHT,
        run: |trial| before(trial, INVALIDATE),
    },
    Situation {
        name: "pushes/unknown before a reply",
        fine: RIGHT,
        run: |trial| before(trial, UNKNOWN),
    },
    Situation {
        name: "pushes/message before a reply",
        fine: RIGHT,
        run: |trial| before(trial, MESSAGE),
    },
    Situation { name: "pushes/behind a reply", fine: RIGHT, run: behind },
    Situation { name: "pushes/in a pipeline", fine: RIGHT, run: pipelined },
    Situation { name: "pushes/before HELLO's reply", fine: RIGHT, run: before_hello },
    Situation { name: "pushes/to an idle client", fine: RIGHT, run: idle },
    Situation { name: "pushes/byte by byte", fine: RIGHT, run: one_by_one },
];

fn before(trial: &mut Trial<'_>, push: &str) -> Outcome {
    trial.connect(&["protocol", "3"])?;
    trial.probe()?;
    trial.stage(&format!("FAULT ADD f ON ECHO TIMES 2 DO PUSH {push}"))?;
    trial.probe()
}

fn behind(trial: &mut Trial<'_>) -> Outcome {
    trial.connect(&["protocol", "3"])?;
    trial.probe()?;
    trial.stage(&format!("FAULT ADD f ON ECHO TIMES 2 DO RUN THEN PUSH {UNKNOWN}"))?;
    trial.probe()
}

fn pipelined(trial: &mut Trial<'_>) -> Outcome {
    trial.connect(&["protocol", "3"])?;
    trial.stage(&format!("FAULT ADD f ON ECHO EVERY 3 DO PUSH {INVALIDATE}"))?;
    let text = token();
    match trial.ask(&["@pipeline", "20", "ECHO", &text])? {
        Answer::Value(value) if value.leaves() == [&text, &text, "20"] => {}
        answer => trial.wrong(format!("{answer:?}")),
    }
    trial.probe()
}

fn before_hello(trial: &mut Trial<'_>) -> Outcome {
    trial.stage(&format!("FAULT ADD f ON HELLO DO PUSH {UNKNOWN}"))?;
    trial.connect(&["protocol", "3"])?;
    trial.probe()
}

fn idle(trial: &mut Trial<'_>) -> Outcome {
    trial.connect(&["protocol", "3", "name", "idle"])?;
    trial.probe()?;
    trial.stage(&format!("SEND NAME idle {INVALIDATE}"))?;
    trial.pause(30);
    trial.probe()
}

fn one_by_one(trial: &mut Trial<'_>) -> Outcome {
    trial.connect(&["protocol", "3"])?;
    trial.probe()?;
    trial.stage(&format!("FAULT ADD f ON ECHO TIMES 1 DO PUSH {UNKNOWN} THEN SPLIT EACH 1"))?;
    trial.probe()
}
