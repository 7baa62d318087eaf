//! Scripts at a node of a cluster: which keys they reach. The replies are those of one node of Valkey 9.1 that has all
//! slots, and of Redis 8.2 under its persona.

use respd::internals::embed::local::request;

use super::node::Staged;

/// `a` and `b` are in two slots, and both are at the node.
const ALL: &[&str] = &["NODE ADD a PORT 7001 SLOTS 0-16383"];

const CROSSES: &str = "-ERR Script attempted to access keys that do not hash to the same slot";

/// Calls the scripts, each with its keys, at the node. Behind each error is where it was raised.
fn replies(staged: &mut Staged, scripts: &[(&str, &[&str], &str)]) {
    let client = staged.at(7001);
    for (code, keys, expected) in scripts {
        let count = keys.len().to_string();
        let words = ["EVAL", code, &count];
        staged.local.send(client, &request(words.iter().chain(*keys)));
        let reply = staged.received(client);
        let (reply, _) = reply.split_once(" script: ").unwrap_or((&reply, ""));
        assert_eq!(reply.trim_end_matches('|'), *expected, "{code} {keys:?}");
    }
}

#[test]
fn a_script_that_says_what_it_is_keeps_to_one_slot() {
    let mut staged = Staged::new(ALL);
    let both = "redis.call('set','a',1) return redis.call('set','b',2)";
    let get = "return redis.call('get','b')";
    let said = |flags: &str, code: &str| format!("#!lua{flags}\n{code}");
    let crosses = " flags=allow-cross-slot-keys";
    replies(
        &mut staged,
        &[
            (both, &[], "+OK"),
            (both, &["a"], "+OK"),
            (both, &["c"], "+OK"),
            (both, &["a", "b"], "-CROSSSLOT Keys in request don't hash to the same slot"),
            (&said("", both), &[], CROSSES),
            (&said("", both), &["a"], CROSSES),
            (&said("", get), &["a"], CROSSES),
            (&said("", get), &["b"], "$1|2"),
            (&said("", get), &[], "$1|2"),
            (&said("", "return redis.pcall('get','b')"), &["a"], CROSSES),
            (&said("", "redis.pcall('get','a') return redis.pcall('get','b')"), &[], CROSSES),
            // What is no command, or has no keys, binds to no slot.
            (&said("", "redis.pcall('get','a','b') return redis.pcall('get','b')"), &[], "$1|2"),
            (&said("", "return redis.call('ping')"), &["a"], "+PONG"),
            (&said("", "return redis.call('publish','b','x')"), &["a"], ":0"),
            (&said("", "return redis.call('spublish','b','x')"), &["a"], CROSSES),
            (&said("", "return redis.call('mget','b','{b}x')"), &["a"], CROSSES),
            (&said(crosses, both), &[], "+OK"),
            (&said(crosses, both), &["a"], "+OK"),
            (
                &said(crosses, both),
                &["a", "b"],
                "-CROSSSLOT Keys in request don't hash to the same slot",
            ),
            // What may not be written is told first.
            (
                &said(" flags=no-writes", "return redis.call('set','b',1)"),
                &["a"],
                "-ERR Write commands are not allowed from read-only scripts.",
            ),
            (&said(" flags=no-writes", get), &["a"], CROSSES),
            (
                "return redis.call('mget','a','b')",
                &[],
                "-ERR Attempted to access a non local key in a cluster node",
            ),
            (get, &[], "$1|2"),
        ],
    );
    // A client of a port that is no node's is bound to nothing.
    let driver = staged.driver;
    staged.local.send(driver, &request(["EVAL", &said("", both), "1", "a"]));
    assert_eq!(staged.received(driver), "+OK|");
}

#[test]
fn the_scripts_of_a_transaction_share_its_slot() {
    let mut staged = Staged::new(ALL);
    let client = staged.at(7001);
    let script = |code: &str| request(["EVAL", code, "0"]);
    let set_b = script("#!lua\nreturn redis.call('set','b',1)");
    let refused = format!("{CROSSES} script: on @user_script:2.|");
    for (first, replied, second) in [
        (script("#!lua\nreturn redis.call('get','a')"), "$-1|", &*refused),
        (request(["GET", "a"]), "$-1|", &refused),
        (request(["GET", "b"]), "$-1|", "+OK|"),
        (request(["PING"]), "+PONG|", "+OK|"),
        (script("return redis.call('get','a')"), "$-1|", "+OK|"),
    ] {
        staged.call(client, "FLUSHALL");
        staged.call(client, "MULTI");
        staged.local.send(client, &[&first[..], &set_b].concat());
        assert_eq!(staged.received(client), "+QUEUED|+QUEUED|");
        assert_eq!(staged.call(client, "EXEC"), format!("*2|{replied}{second}"));
    }
    // The next request begins anew.
    staged.local.send(client, &set_b);
    assert_eq!(staged.received(client), "+OK|");
}

#[test]
fn functions_keep_to_one_slot_and_no_cluster_is_obeyed() {
    let mut staged = Staged::new(ALL);
    let client = staged.at(7001);
    let (refused, no_cluster) = (
        format!("{CROSSES} script: on @user_function:1.|"),
        "-ERR Can not run script on cluster, 'no-cluster' flag is set.|",
    );
    for (flags, expected) in [
        ("", &*refused),
        ("flags={'allow-cross-slot-keys'}", "$-1|"),
        ("flags={'no-writes'}", &refused),
        ("flags={'no-cluster'}", no_cluster),
        ("flags={'no-cluster','allow-cross-slot-keys'}", no_cluster),
    ] {
        let code = format!(
            "#!lua name=l\nserver.register_function{{function_name='f',callback=function() \
             server.call('get','a') return server.call('get','b') end,{flags}}}"
        );
        staged.local.send(client, &request(["FUNCTION", "LOAD", "REPLACE", &code]));
        assert_eq!(staged.received(client), "$1|l|");
        let reply = staged.call(client, "FCALL f 1 a").replace("_function:2", "_function:1");
        assert_eq!(reply, expected, "{flags}");
    }
    // It is said before anything else that the script is refused for, and to clients of the cluster only.
    let (driver, script) = (staged.driver, "#!lua flags=no-cluster\nreturn 1");
    for (client, words, expected) in [
        (client, ["EVAL", script, "0"], no_cluster),
        (client, ["EVAL_RO", script, "0"], no_cluster),
        (driver, ["EVAL", script, "0"], ":1|"),
    ] {
        staged.local.send(client, &request(words));
        assert_eq!(staged.received(client), expected, "{words:?}");
    }
}

#[test]
fn a_script_is_told_how_the_cluster_is() {
    let down = &["NODE ADD a PORT 7001 SLOTS 0-15494 15496-16383"];
    let (get, set) = ("return redis.call('get','b')", "return redis.call('set','b',1)");
    let not_served = "return redis.call('get','a')";
    let away = "-ERR Attempted to access a non local key in a cluster node";
    let redis_away = "-ERR Script attempted to access a non local key in a cluster node";
    for (options, scripts) in [
        (
            &[("persona", "valkey-9.1")][..],
            &[
                (not_served, away),
                (get, "-ERR Can not execute a command 'get' while the cluster is down"),
                ("return redis.call('ping')", "+PONG"),
            ][..],
        ),
        (
            &[("cluster-allow-reads-when-down", "yes")],
            &[
                (get, "$-1"),
                (
                    set,
                    "-ERR Can not execute a write command 'set' while the cluster is down and readonly",
                ),
            ],
        ),
        (
            &[("persona", "redis-8.2")],
            &[
                (not_served, redis_away),
                (get, "-ERR Script attempted to execute a command while the cluster is down"),
            ],
        ),
        (
            &[("persona", "redis-8.2"), ("cluster-allow-reads-when-down", "yes")],
            &[(
                set,
                "-ERR Script attempted to execute a write command while the cluster is down and readonly",
            )],
        ),
        (
            &[("persona", "redis-8.2"), ("cluster-require-full-coverage", "no")],
            &[(
                "return redis.call('mget','b','c')",
                "-ERR Command 'mget' in script attempted to access keys that don't hash to the same slot",
            )],
        ),
    ] {
        let mut staged = Staged::with(options, down);
        let scripts: Vec<(&str, &[&str], &str)> =
            scripts.iter().map(|&(code, reply)| (code, &[][..], reply)).collect();
        replies(&mut staged, &scripts);
    }
    let mut staged = Staged::with(&[("cluster-allow-reads-when-down", "yes")], down);
    staged.play(
        "7001 GET b => $-1|
         7001 SET b 1 => -CLUSTERDOWN The cluster is down and only accepts read commands|
         7001 SPUBLISH b x => :0|
         7001 GET a => -CLUSTERDOWN Hash slot not served|",
    );
}
