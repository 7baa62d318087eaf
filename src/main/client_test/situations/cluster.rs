//! A cluster whose slots and primaries go elsewhere, and a primary that Sentinels watch: clients that know such have to
//! find the server that is meant.

use crate::client_test::situation::{NO_HARM, RIGHT, Situation};
use crate::client_test::trial::{CLIENT_TIMEOUT, End, Outcome, Trial};

pub const SITUATIONS: &[Situation] = &[
    Situation { name: "cluster/no fault", fine: RIGHT, run: |trial| in_cluster(trial, &[]) },
    Situation {
        name: "cluster/slot moved",
        fine: RIGHT,
        run: |trial| in_cluster(trial, &["NODE MIGRATE 5061 c", "NODE MOVE 5061 c"]),
    },
    Situation { name: "cluster/slot on its way", fine: RIGHT, run: on_its_way },
    Situation {
        name: "cluster/TRYAGAIN",
        fine: NO_HARM,
        run: |trial| in_cluster(trial, &[&refusing("TRYAGAIN Multiple keys request")]),
    },
    Situation {
        name: "cluster/CLUSTERDOWN",
        fine: NO_HARM,
        run: |trial| in_cluster(trial, &[&refusing("CLUSTERDOWN The cluster is down")]),
    },
    Situation {
        name: "cluster/failover",
        fine: NO_HARM,
        run: |trial| in_cluster(trial, &["NODE FAILOVER b2"]),
    },
    Situation {
        name: "cluster/primary lost",
        fine: NO_HARM,
        run: |trial| in_cluster(trial, &["NODE DOWN b", "NODE FAILOVER b2"]),
    },
    // The one that the client was told of.
    Situation {
        name: "cluster/first node lost",
        fine: NO_HARM,
        run: |trial| in_cluster(trial, &["NODE DOWN a", "NODE FAILOVER a2"]),
    },
    Situation { name: "sentinel/no fault", fine: RIGHT, run: |trial| with_sentinels(trial, &[]) },
    Situation {
        name: "sentinel/failover",
        fine: NO_HARM,
        run: |trial| with_sentinels(trial, &["NODE FAILOVER r"]),
    },
    Situation {
        name: "sentinel/primary lost",
        fine: NO_HARM,
        run: |trial| with_sentinels(trial, &["NODE DOWN m", "NODE FAILOVER r"]),
    },
    // The first of those that the client was told of.
    Situation {
        name: "sentinel/primary and Sentinel lost",
        fine: NO_HARM,
        run: |trial| with_sentinels(trial, &["SENTINEL DOWN s1", "NODE DOWN m", "NODE FAILOVER r"]),
    },
];

/// A key of each of the primaries a, b and c. The slot of the first is 5061.
const KEYS: &[&str] = &["bar", "x1", "foo"];

/// Three primaries, each with a replica, a client that has been at each of them, and then what happens.
fn in_cluster(trial: &mut Trial<'_>, happens: &[&str]) -> Outcome {
    connect_to_cluster(trial)?;
    trial.probe_keys(KEYS)?;
    for line in happens {
        trial.stage(line)?;
    }
    trial.probe_keys(KEYS)
}

fn connect_to_cluster(trial: &mut Trial<'_>) -> Outcome {
    let port = trial.staged("NODE ADD a SLOTS 0-5460")?;
    trial.staged("NODE ADD b SLOTS 5461-10922")?;
    trial.staged("NODE ADD c SLOTS 10923-16383")?;
    for name in ["a", "b", "c"] {
        trial.staged(&format!("NODE ADD {name}2 REPLICA-OF {name}"))?;
    }
    trial.try_ask(&["@cluster", &port.to_string(), "timeout", CLIENT_TIMEOUT])
}

/// A key that is there stays at its node, and one that is not is made at the other, by way of ASK.
fn on_its_way(trial: &mut Trial<'_>) -> Outcome {
    connect_to_cluster(trial)?;
    trial.probe_keys(KEYS)?;
    trial.stage("NODE MIGRATE 5061 c")?;
    trial.probe_keys(&["bar", "{bar}2", "foo"])?;
    trial.stage("NODE MOVE 5061 c")?;
    trial.probe_keys(&["bar", "{bar}2", "foo"])
}

/// The stage on which the next write is refused.
fn refusing(error: &str) -> String {
    format!("FAULT ADD f ON SET TIMES 1 DO ERROR \"{error}\"")
}

/// A primary m and its replica r, watched by three Sentinels.
fn with_sentinels(trial: &mut Trial<'_>, happens: &[&str]) -> Outcome {
    trial.staged("NODE ADD m")?;
    trial.staged("NODE ADD r REPLICA-OF m")?;
    let ports: Result<Vec<String>, End> = ["s1", "s2", "s3"]
        .iter()
        .map(|name| {
            let line = format!("SENTINEL ADD {name} MASTER main NODE m QUORUM 2");
            trial.staged(&line).map(|port| port.to_string())
        })
        .collect();
    trial.try_ask(&["@sentinel", &ports?.join(","), "timeout", CLIENT_TIMEOUT])?;
    trial.probe_keys(&["k"])?;
    for line in happens {
        trial.stage(line)?;
    }
    trial.probe_keys(&["k"])
}
