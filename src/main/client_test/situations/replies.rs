//! Replies of every type, as they are and in as many pieces as there are bytes.

use std::time::Duration;

use crate::client_test::adapter::Answer;
use crate::client_test::situation::{NO_HARM, RIGHT, Situation, TOLD};
use crate::client_test::trial::{Outcome, Trial, token};

/// Replies of both protocols, and what is in them.
pub const RESP2: &[(&str, &[&str])] = &[
    (r"+status\r\n", &["status"]),
    (r":-42\r\n", &["-42"]),
    (r":9007199254740993\r\n", &["9007199254740993"]),
    (r"$0\r\n\r\n", &[""]),
    (r"$9\r\n>a\r\n$1\r\nb\r\n", &[">a\r\n$1\r\nb"]),
    (r"$-1\r\n", &["null"]),
    (r"*-1\r\n", &["null"]),
    (r"*0\r\n", &[]),
    (r"*2\r\n*2\r\n:1\r\n$1\r\na\r\n+b\r\n", &["1", "a", "b"]),
    (r"*3\r\n$-1\r\n*1\r\n$-1\r\n*-1\r\n", &["null", "null", "null"]),
];

/// What RESP3 has besides.
pub const RESP3: &[(&str, &[&str])] = &[
    (r"_\r\n", &["null"]),
    (r"#t\r\n", &["true"]),
    (r",1.5\r\n", &["1.5"]),
    (r"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n", &["a", "1", "b", "null"]),
    (r"~1\r\n+only\r\n", &["only"]),
    (r"=8\r\ntxt:text\r\n", &["text"]),
    (r"%0\r\n", &[]),
    (r"~0\r\n", &[]),
];

pub const SITUATIONS: &[Situation] = &[
    Situation {
        name: "replies/types of RESP2",
        fine: RIGHT,
        run: |trial| all(trial, "2", RESP2, ""),
    },
    Situation {
        name: "replies/types of RESP3",
        fine: RIGHT,
        run: |trial| all(trial, "3", RESP3, ""),
    },
    Situation {
        name: "replies/RESP2 byte by byte",
        fine: RIGHT,
        run: |trial| all(trial, "2", RESP2, EACH),
    },
    Situation {
        name: "replies/RESP3 byte by byte",
        fine: RIGHT,
        run: |trial| all(trial, "3", RESP3, EACH),
    },
    Situation {
        name: "replies/-0, inf, nan",
        fine: RIGHT,
        run: |trial| all(trial, "3", DOUBLES, ""),
    },
    Situation { name: "replies/big numbers", fine: RIGHT, run: |trial| all(trial, "3", BIG, "") },
    Situation {
        name: "replies/errors with any bytes",
        fine: NO_HARM,
        run: |trial| all(trial, "3", ERRORS, ""),
    },
    Situation { name: "replies/nested 32 deep", fine: RIGHT, run: deep },
    Situation { name: "replies/attributes", fine: NO_HARM, run: attributes },
    Situation { name: "replies/512 MiB promised", fine: TOLD, run: promised },
    Situation { name: "replies/long pipeline", fine: RIGHT, run: pipeline },
];

const EACH: &str = " THEN SPLIT EACH 1";

const DOUBLES: &[(&str, &[&str])] = &[
    (r",-0\r\n", &["-0"]),
    (r",inf\r\n", &["inf"]),
    (r",-inf\r\n", &["-inf"]),
    (r",nan\r\n", &["nan"]),
    (r",1e300\r\n", &["1e300"]),
];

const BIG: &[(&str, &[&str])] = &[
    (
        r"(3492890328409238509324850943850943825024385\r\n",
        &["3492890328409238509324850943850943825024385"],
    ),
    (r"(-18446744073709551617\r\n", &["-18446744073709551617"]),
    (r":9223372036854775807\r\n", &["9223372036854775807"]),
    (r":-9223372036854775808\r\n", &["-9223372036854775808"]),
];

const ERRORS: &[(&str, &[&str])] =
    &[(r"-ERR\r\n", &["ERR"]), (r"-\r\n", &[""]), (r"!13\r\nERR a\r\n+OK\r\n\r\n", &["ERR a"])];

/// Each reply in turn, and a probe behind it.
fn all(trial: &mut Trial<'_>, protocol: &str, replies: &[(&str, &[&str])], how: &str) -> Outcome {
    for (index, (reply, _)) in replies.iter().enumerate() {
        let on = format!("ON ECHO ARGS 1 type-{index}");
        trial.stage(&format!("FAULT ADD f{index} {on} DO REPLY \"{reply}\"{how}"))?;
    }
    let options = ["protocol", protocol];
    trial.connect(if protocol.is_empty() { &[] } else { &options })?;
    for (index, (_, wanted)) in replies.iter().enumerate() {
        trial.expect(&["ECHO", &format!("type-{index}")], wanted)?;
        trial.probe()?;
    }
    Ok(())
}

fn deep(trial: &mut Trial<'_>) -> Outcome {
    let reply = r"*1\r\n".repeat(32) + r":7\r\n";
    all(trial, "", &[(&reply, &["7"])], "")
}

/// A client that does not know attributes may say so. It may not take them for the reply.
fn attributes(trial: &mut Trial<'_>) -> Outcome {
    let reply = r"|1\r\n+ttl\r\n:3600\r\n$5\r\nvalue\r\n";
    all(trial, "3", &[(reply, &["value"])], "")
}

/// The header of a bulk string of 512 MiB, a few bytes, and the end: nothing of it was there to be kept.
fn promised(trial: &mut Trial<'_>) -> Outcome {
    trial
        .stage(r"FAULT ADD f ON ECHO ARGS 1 huge TIMES 1 DO REPLY $536870912\r\nabc THEN CLOSE")?;
    trial.connect(&[])?;
    trial.probe()?;
    let before = trial.memory();
    trial.try_ask(&["ECHO", "huge"])?;
    if let (Some(before), Some(after)) = (before, trial.memory())
        && after > before + (256 << 10)
    {
        trial.wrong(format!("it took {} MiB for a header", (after - before) >> 10));
    }
    trial.probe()
}

fn pipeline(trial: &mut Trial<'_>) -> Outcome {
    trial.stage("JOURNAL OFF")?;
    trial.connect(&["timeout", "60000"])?;
    let (text, count) = (token(), trial.pipeline.to_string());
    let words = ["@pipeline", &count, "ECHO", &text];
    match trial.ask_within(&words, Duration::from_secs(60))? {
        Answer::Value(value) if value.leaves() == [text.clone(), text.clone(), count.clone()] => {}
        answer => trial.wrong(format!("{answer:?}")),
    }
    trial.probe()
}
