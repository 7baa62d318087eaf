//! What goes wrong before the client's first command: each step of the handshake refused, cut, or never answered.

use crate::client_test::adapter::Answer;
use crate::client_test::situation::{RIGHT, Situation, TOLD};
use crate::client_test::trial::{Outcome, Trial};

/// A client that has something to say in each step.
const FULL: &[&str] = &["password", "sesame", "name", "trial", "db", "2"];
/// What a client sends before its first command, some of it in one: HELLO takes a password and a name.
const STEPS: &[&str] = &["HELLO", "AUTH", "CLIENT|SETNAME", "CLIENT|SETINFO", "SELECT"];

pub const SITUATIONS: &[Situation] = &[
    Situation { name: "handshake/no fault", fine: RIGHT, run: no_fault },
    Situation { name: "handshake/HELLO unknown", fine: TOLD, run: hello_unknown },
    Situation { name: "handshake/HELLO NOPROTO", fine: TOLD, run: hello_noproto },
    Situation { name: "handshake/CLIENT SETINFO unknown", fine: RIGHT, run: setinfo_unknown },
    Situation { name: "handshake/wrong password", fine: TOLD, run: wrong_password },
    Situation { name: "handshake/NOAUTH in each step", fine: TOLD, run: noauth },
    Situation { name: "handshake/LOADING, then ready", fine: TOLD, run: loading },
    Situation { name: "handshake/bytes one by one", fine: RIGHT, run: one_by_one },
    Situation {
        name: "handshake/CLOSE in each step",
        fine: TOLD,
        run: |trial| in_each_step(trial, "CLOSE"),
    },
    Situation {
        name: "handshake/RESET in each step",
        fine: TOLD,
        run: |trial| in_each_step(trial, "RESET"),
    },
    Situation {
        name: "handshake/HANG in each step",
        fine: TOLD,
        run: |trial| in_each_step(trial, "HANG"),
    },
    Situation {
        name: "handshake/newcomer closed",
        fine: TOLD,
        run: |trial| newcomer(trial, "CLOSE"),
    },
    Situation {
        name: "handshake/newcomer hangs",
        fine: TOLD,
        run: |trial| newcomer(trial, "HANG"),
    },
];

/// The client is the user that it was told to be.
pub fn is_itself(trial: &mut Trial<'_>) -> Outcome {
    let value = crate::client_test::trial::token();
    trial.server("SELECT 2")?;
    trial.server(&format!("SET own {value}"))?;
    trial.server("SELECT 0")?;
    trial.expect(&["CLIENT", "GETNAME"], &["trial"])?;
    trial.expect(&["GET", "own"], &[&value])
}

fn no_fault(trial: &mut Trial<'_>) -> Outcome {
    trial.server("CONFIG SET requirepass sesame")?;
    trial.connect(FULL)?;
    is_itself(trial)?;
    trial.probe()
}

fn hello_unknown(trial: &mut Trial<'_>) -> Outcome {
    trial.stage("FAULT ADD f ON HELLO DO ERROR \"ERR unknown command 'HELLO'\"")?;
    trial.connect(&[])?;
    trial.probe()
}

fn hello_noproto(trial: &mut Trial<'_>) -> Outcome {
    trial.stage("FAULT ADD f ON HELLO DO ERROR \"NOPROTO unsupported protocol version\"")?;
    trial.connect(&[])?;
    trial.probe()
}

fn setinfo_unknown(trial: &mut Trial<'_>) -> Outcome {
    trial.stage("FAULT ADD f ON client|setinfo DO ERROR \"ERR unknown subcommand 'SETINFO'\"")?;
    trial.connect(&[])?;
    trial.probe()
}

/// A client that is not let in says so, and does not pretend.
fn wrong_password(trial: &mut Trial<'_>) -> Outcome {
    trial.server("CONFIG SET requirepass sesame")?;
    trial.connect(&["password", "wrong"])?;
    match trial.ask(&["GET", "k"])? {
        Answer::Error(_) => {}
        answer => trial.wrong(format!("GET without a login: {answer:?}")),
    }
    trial.server("CONFIG SET requirepass wrong")?;
    trial.probe()
}

fn noauth(trial: &mut Trial<'_>) -> Outcome {
    each_step(trial, "ERROR \"NOAUTH Authentication required.\"")
}

fn loading(trial: &mut Trial<'_>) -> Outcome {
    trial.stage("FAULT ADD f ON * TIMES 3 DO ERROR \"LOADING the dataset is in memory soon\"")?;
    trial.connect(&[])?;
    trial.probe()
}

fn one_by_one(trial: &mut Trial<'_>) -> Outcome {
    trial.server("CONFIG SET requirepass sesame")?;
    for step in STEPS {
        trial.stage(&format!("FAULT ADD {step} ON {step} DO RUN THEN SPLIT EACH 1"))?;
    }
    trial.connect(FULL)?;
    is_itself(trial)?;
    trial.probe()
}

fn in_each_step(trial: &mut Trial<'_>, action: &str) -> Outcome {
    each_step(trial, action)
}

/// A new client for each step, with the fault there, once.
fn each_step(trial: &mut Trial<'_>, action: &str) -> Outcome {
    trial.server("CONFIG SET requirepass sesame")?;
    for step in STEPS {
        trial.stage(&format!("FAULT ADD f ON {step} TIMES 1 DO {action}"))?;
        trial.connect(FULL)?;
        trial.probe()?;
        is_itself(trial)?;
        trial.close()?;
        trial.stage("FAULT CLEAR")?;
    }
    Ok(())
}

fn newcomer(trial: &mut Trial<'_>, action: &str) -> Outcome {
    trial.stage(&format!("ACCEPT {action} TIMES 1"))?;
    trial.connect(&[])?;
    trial.probe()
}
