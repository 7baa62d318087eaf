//! Errors that a plain client may pass on, or try again after, and has to be right behind.

use crate::client_test::situation::{NO_HARM, Situation};
use crate::client_test::trial::{Outcome, Trial};

pub const SITUATIONS: &[Situation] = &[
    Situation {
        name: "refused/MOVED",
        fine: NO_HARM,
        run: |trial| refused(trial, "MOVED 7638 127.0.0.1:1"),
    },
    Situation {
        name: "refused/ASK",
        fine: NO_HARM,
        run: |trial| refused(trial, "ASK 7638 127.0.0.1:1"),
    },
    Situation {
        name: "refused/TRYAGAIN",
        fine: NO_HARM,
        run: |trial| refused(trial, "TRYAGAIN Multiple keys request during rehashing of slot"),
    },
    Situation {
        name: "refused/READONLY",
        fine: NO_HARM,
        run: |trial| refused(trial, "READONLY You can't write against a read only replica."),
    },
    Situation {
        name: "refused/LOADING",
        fine: NO_HARM,
        run: |trial| refused(trial, "LOADING the dataset is in memory soon"),
    },
    Situation {
        name: "refused/NOAUTH",
        fine: NO_HARM,
        run: |trial| refused(trial, "NOAUTH Authentication required."),
    },
];

fn refused(trial: &mut Trial<'_>, error: &str) -> Outcome {
    trial.stage(&format!("FAULT ADD f ON SET TIMES 1 DO ERROR \"{error}\""))?;
    trial.connect(&[])?;
    trial.try_ask(&["SET", "k", "v"])?;
    trial.probe()
}
