//! STAGE SENTINEL: ports that answer as Sentinels. The replies and the messages are those that three Sentinels of Valkey
//! 9.1 gave, with a primary and a replica.

use super::node::Staged;

/// A primary m on 7101 with replicas r and q, and two Sentinels on 7201 and 7202 that call them `group`.
fn watched() -> Staged {
    Staged::new(&[
        "NODE ADD m PORT 7101",
        "NODE ADD r PORT 7102 REPLICA-OF m",
        "NODE ADD q PORT 7103 REPLICA-OF m",
        "SENTINEL ADD s1 PORT 7201 MASTER group NODE m QUORUM 2",
        "SENTINEL ADD s2 PORT 7202 MASTER group QUORUM 2",
    ])
}

/// What is pushed to a client of `PSUBSCRIBE *`, a message a line.
fn heard(pushed: &str) -> Vec<String> {
    let messages = pushed.split("*4|$8|pmessage|$1|*|").skip(1);
    let words = messages.map(|message| {
        let words: Vec<&str> = message.split('|').collect();
        format!("{} {}", words[1], words[3])
    });
    words.collect()
}

#[test]
fn a_sentinel_has_few_commands_and_tells_of_its_group() {
    let mut staged = watched();
    staged.play(
        "7201 PING => +PONG|
         7201 GET x => -ERR unknown command 'GET', with args beginning with: 'x' |
         7201 SELECT 0 => -ERR unknown command 'SELECT', with args beginning with: '0' |
         7201 MULTI => -ERR unknown command 'MULTI', with args beginning with: |
         7201 RESET => -ERR unknown command 'RESET', with args beginning with: |
         7201 ECHO x => -ERR unknown command 'ECHO', with args beginning with: 'x' |
         7201 CONFIG GET x => -ERR unknown command 'CONFIG', with args beginning with: 'GET' 'x' |
         7201 READONLY => -ERR unknown command 'READONLY', with args beginning with: |
         7201 SENTINEL FOO => -ERR unknown subcommand 'FOO'. Try SENTINEL HELP.|
         7201 SENTINEL => -ERR wrong number of arguments for 'sentinel' command|
         7201 SENTINEL CONFIG => -ERR wrong number of arguments for 'sentinel|config' command|
         7201 HELLO => *12|$6|server|$5|respd|$7|version|$5|7.2.4|$5|proto|:2|$2|id|:2|$4|mode|$8|sentinel|$7|modules|*0|
         7201 ROLE => *2|$8|sentinel|*1|$5|group|
         7201 CLIENT SETNAME foo => +OK|
         7201 CLIENT GETNAME => $3|foo|
         7201 ACL WHOAMI => $7|default|
         7201 PUBLISH a b => -ERR Only HELLO messages are accepted by Sentinel instances.|
         7201 PUBLISH __sentinel__:hello x => :1|
         7201 SENTINEL GET-MASTER-ADDR-BY-NAME group => *2|$9|127.0.0.1|$4|7101|
         7201 SENTINEL GET-PRIMARY-ADDR-BY-NAME group => *2|$9|127.0.0.1|$4|7101|
         7201 SENTINEL get-master-addr-by-name x => *-1|
         7201 SENTINEL MASTER x => -ERR No such master with that name|
         7201 SENTINEL REPLICAS x => -ERR No such master with that name|
         7201 SENTINEL SENTINELS x => -ERR No such master with that name|
         7201 SENTINEL CKQUORUM x => -ERR No such master with that name|
         7201 SENTINEL CKQUORUM group => +OK 2 usable Sentinels. Quorum and failover authorization can be reached|
         7201 SENTINEL FLUSHCONFIG => +OK|
         7201 SENTINEL PENDING-SCRIPTS => *0|
         7201 SENTINEL RESET x => :0|
         7201 SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 7101 0 * => *3|:0|$1|*|:0|
         7201 INFO sentinel => $274|# Sentinel|sentinel_masters:1|sentinel_tilt:0|sentinel_tilt_since_seconds:-1|sentinel_total_tilt:0|sentinel_running_scripts:0|sentinel_scripts_queue_length:0|sentinel_simulate_failure_flags:0|master0:name=group,status=ok,address=127.0.0.1:7101,slaves=2,sentinels=2||
         7201 INFO replication => $0||
         7101 SENTINEL MASTERS => -ERR unknown command 'SENTINEL', with args beginning with: 'MASTERS' |",
    );
    let client = staged.at(7201);
    let master = staged.call(client, "SENTINEL MASTER group");
    let run = master.split('|').nth(16).unwrap_or_default().to_owned();
    assert_eq!(run.len(), 40);
    let expected = format!(
        "*40|$4|name|$5|group|$2|ip|$9|127.0.0.1|$4|port|$4|7101|$5|runid|$40|{run}|$5|flags|$6|master|\
         $21|link-pending-commands|$1|0|$13|link-refcount|$1|1|$14|last-ping-sent|$1|0|$18|last-ok-ping-reply|$1|0|\
         $15|last-ping-reply|$1|0|$23|down-after-milliseconds|$5|30000|$12|info-refresh|$1|0|$13|role-reported|\
         $6|master|$18|role-reported-time|$1|0|$12|config-epoch|$1|0|$10|num-slaves|$1|2|$19|num-other-sentinels|\
         $1|1|$6|quorum|$1|2|$16|failover-timeout|$6|180000|$14|parallel-syncs|$1|1|"
    );
    assert_eq!(master, expected);
    assert_eq!(staged.call(client, "SENTINEL MASTERS"), format!("*1|{expected}"));
    let replicas = staged.call(client, "SENTINEL REPLICAS group");
    assert!(
        replicas
            .starts_with("*2|*42|$4|name|$14|127.0.0.1:7102|$2|ip|$9|127.0.0.1|$4|port|$4|7102|"),
        "{replicas}"
    );
    assert!(replicas.contains(
        "$18|master-link-status|$2|ok|$11|master-host|$9|127.0.0.1|$11|master-port|$4|7101|"
    ));
    let sentinels = staged.call(client, "SENTINEL SENTINELS group");
    assert!(
        sentinels.starts_with("*1|*28|$4|name|$40|") && sentinels.contains("$4|port|$4|7202|"),
        "{sentinels}"
    );
    staged.call(client, "HELLO 3");
    assert!(staged.call(client, "SENTINEL MASTER group").starts_with("%20|$4|name|"));
}

#[test]
fn a_failover_is_told_and_changes_the_address() {
    let mut staged = watched();
    let [leader, other] = [7201, 7202].map(|port| staged.at(port));
    let [writer, blocked, reader] = [7101, 7101, 7102].map(|port| staged.at(port));
    for client in [leader, other] {
        staged.call(client, "PSUBSCRIBE *");
    }
    assert_eq!(staged.call(blocked, "BLPOP x 0"), "");
    assert_eq!(staged.drive("NODE FAILOVER r"), "+OK|");
    let slave = "slave 127.0.0.1:7102 127.0.0.1 7102 @ group 127.0.0.1 7101";
    let third = "slave 127.0.0.1:7103 127.0.0.1 7103 @ group 127.0.0.1 7101";
    let pushed = staged.received(leader);
    let told = heard(&pushed);
    let id = told[2].split(' ').nth(1).unwrap().to_owned();
    assert_eq!(
        told,
        [
            "+new-epoch 1".to_owned(),
            "+try-failover master group 127.0.0.1 7101".into(),
            format!("+vote-for-leader {id} 1"),
            "+elected-leader master group 127.0.0.1 7101".into(),
            "+failover-state-select-slave master group 127.0.0.1 7101".into(),
            format!("+selected-slave {slave}"),
            format!("+failover-state-send-slaveof-noone {slave}"),
            format!("+failover-state-wait-promotion {slave}"),
            format!("+promoted-slave {slave}"),
            "+failover-state-reconf-slaves master group 127.0.0.1 7101".into(),
            format!("+slave-reconf-sent {third}"),
            format!("+slave-reconf-inprog {third}"),
            format!("+slave-reconf-done {third}"),
            "+failover-end master group 127.0.0.1 7101".into(),
            "+switch-master group 127.0.0.1 7101 127.0.0.1 7102".into(),
            "+slave slave 127.0.0.1:7103 127.0.0.1 7103 @ group 127.0.0.1 7102".into(),
            "+slave slave 127.0.0.1:7101 127.0.0.1 7101 @ group 127.0.0.1 7102".into(),
        ]
    );
    let pushed = staged.received(other);
    assert_eq!(
        heard(&pushed),
        [
            "+new-epoch 1".to_owned(),
            format!("+config-update-from sentinel {id} 127.0.0.1 7201 @ group 127.0.0.1 7101"),
            "+switch-master group 127.0.0.1 7101 127.0.0.1 7102".into(),
            "+slave slave 127.0.0.1:7103 127.0.0.1 7103 @ group 127.0.0.1 7102".into(),
            "+slave slave 127.0.0.1:7101 127.0.0.1 7101 @ group 127.0.0.1 7102".into(),
        ]
    );
    // The servers have other roles: their clients are gone.
    assert!(staged.received(blocked).starts_with("-UNBLOCKED "));
    for client in [writer, blocked, reader] {
        assert_eq!(staged.received(client), "");
        assert!(!staged.local.is_open(client));
    }
    staged.play(
        "7201 SENTINEL GET-MASTER-ADDR-BY-NAME group => *2|$9|127.0.0.1|$4|7102|
         7101 SET a 1 => -READONLY You can't write against a read only replica.|
         7102 SET a 1 => +OK|
         7202 SENTINEL FAILOVER group => +OK|
         7201 SENTINEL GET-MASTER-ADDR-BY-NAME group => *2|$9|127.0.0.1|$4|7101|",
    );
    // The Sentinel that was asked leads.
    let pushed = staged.received(other);
    assert_eq!(heard(&pushed)[1], "+try-failover master group 127.0.0.1 7102");
    let master = {
        let client = staged.at(7201);
        staged.call(client, "SENTINEL MASTER group")
    };
    assert!(master.contains("$12|config-epoch|$1|2|"), "{master}");
}

#[test]
fn what_is_down_is_told() {
    let mut staged = watched();
    let client = staged.at(7201);
    staged.call(client, "PSUBSCRIBE *");
    for (line, told) in [
        ("NODE DOWN r", &["+sdown slave 127.0.0.1:7102 127.0.0.1 7102 @ group 127.0.0.1 7101"][..]),
        ("NODE UP r", &["-sdown slave 127.0.0.1:7102 127.0.0.1 7102 @ group 127.0.0.1 7101"]),
        (
            "NODE DOWN m",
            &[
                "+sdown master group 127.0.0.1 7101",
                "+odown master group 127.0.0.1 7101 #quorum 2/2",
            ],
        ),
        (
            "NODE UP m",
            &["-sdown master group 127.0.0.1 7101", "-odown master group 127.0.0.1 7101"],
        ),
        ("SENTINEL DOWN s2", &[]),
        ("NODE DOWN m", &["+sdown master group 127.0.0.1 7101"]),
    ] {
        assert_eq!(staged.drive(line), "+OK|", "{line}");
        let pushed = staged.received(client);
        let heard = heard(&pushed);
        match line {
            "SENTINEL DOWN s2" => {
                let (start, end) = ("+sdown sentinel ", " 127.0.0.1 7202 @ group 127.0.0.1 7101");
                assert!(heard[0].starts_with(start) && heard[0].ends_with(end), "{heard:?}");
            }
            _ => assert_eq!(heard, told, "{line}"),
        }
    }
    assert!(staged.try_at(7202).is_none());
    staged.play(
        "7201 SENTINEL CKQUORUM group => -NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the specified quorum for this master. Not enough available Sentinels to reach the majority and authorize a failover|
         7201 SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 7101 0 * => *3|:1|$1|*|:0|
         stage NODE DOWN q => +OK|
         stage NODE DOWN r => +OK|
         7201 SENTINEL FAILOVER group => -NOGOODSLAVE No suitable replica to promote|
         stage SENTINEL UP s2 => +OK|
         7201 SENTINEL SET group quorum 1 => +OK|
         7201 SENTINEL SET group quorum x => -ERR QUORUM takes a number from 1 to 64|",
    );
    let other = staged.at(7202);
    let master = staged.call(other, "SENTINEL MASTER group");
    assert!(master.contains("$5|flags|$33|s_down,o_down,master,disconnected|"), "{master}");
    let replicas = staged.call(other, "SENTINEL SLAVES group");
    assert!(replicas.contains("$5|flags|$25|s_down,slave,disconnected|"), "{replicas}");
    assert!(replicas.contains("$18|master-link-status|$3|err|"), "{replicas}");
}

#[test]
fn the_clients_of_a_sentinel_hear_sentinels_alone() {
    let mut staged = watched();
    let [sentinel, plain] = [7201, 7101].map(|port| staged.at(port));
    for client in [sentinel, plain] {
        staged.call(client, "PSUBSCRIBE *");
    }
    assert_eq!(staged.call(staged.driver, "PUBLISH +switch-master x"), ":1|");
    assert_eq!(staged.received(sentinel), "");
    assert!(staged.received(plain).contains("+switch-master"));
    staged.drive("NODE DOWN r");
    assert!(staged.received(sentinel).contains("+sdown"));
    assert_eq!(staged.received(plain), "");
}

#[test]
fn a_wrong_line_changes_nothing() {
    let mut staged = watched();
    assert!(staged.drive("NODE ADD c SLOTS 0-16383").starts_with(':'));
    assert!(staged.drive("NODE ADD n PORT 7109").starts_with(':'));
    for (line, told) in [
        ("SENTINEL ADD x", "-ERR STAGE: the line ends without MASTER and a group|"),
        ("SENTINEL ADD x MASTER y", "-ERR STAGE: there is no node 'y'|"),
        (
            "SENTINEL ADD x MASTER g NODE c",
            "-ERR STAGE: 'c' is a node of the cluster, which no Sentinel watches|",
        ),
        ("SENTINEL ADD x MASTER g NODE m", "-ERR STAGE: group 'g' is of another primary|"),
        ("SENTINEL ADD x MASTER group NODE n", "-ERR STAGE: group 'group' is of another primary|"),
        ("SENTINEL ADD x MASTER group PORT 7101", "-ERR STAGE: port 7101 is that of 'm'|"),
        (
            "SENTINEL ADD x MASTER group PORT 6379",
            "-ERR STAGE: port 6379 is that of 'the server itself'|",
        ),
        (
            "SENTINEL ADD x MASTER group QUORUM 0",
            "-ERR STAGE: QUORUM takes a number from 1 to 64, not '0'|",
        ),
        (
            "SENTINEL ADD s1 MASTER group",
            "-ERR STAGE: Sentinel 's1' watches group 'group' already|",
        ),
        ("SENTINEL ADD m MASTER group", "-ERR STAGE: there is a node or a Sentinel 'm' already|"),
        ("SENTINEL UP s1", "-ERR STAGE: 's1' is up|"),
        ("SENTINEL DEL x", "-ERR STAGE: there is no Sentinel 'x'|"),
        ("SENTINEL FOO x", "-ERR STAGE: 'FOO' cannot stand here, where ADD, DEL, DOWN or UP can|"),
        ("SENTINEL UP", "-ERR STAGE: UP takes the name of a Sentinel, but the line ends there|"),
        ("SENTINEL ADD", "-ERR STAGE: the line ends without MASTER and a group|"),
        (
            "SENTINEL ADD x MASTER",
            "-ERR STAGE: MASTER takes the name of a group, but the line ends there|",
        ),
        (
            "SENTINEL ADD x MASTER y NODE",
            "-ERR STAGE: NODE takes the name of a node, but the line ends there|",
        ),
        (
            "SENTINEL ADD x GROUP y",
            "-ERR STAGE: 'GROUP' cannot stand here, where PORT, MASTER, NODE or QUORUM can|",
        ),
        (
            "SENTINEL ADD s1 PORT 1",
            "-ERR STAGE: 'PORT' cannot stand here, where MASTER, NODE or QUORUM can|",
        ),
        ("NODE MOVE 1 m", "-ERR STAGE: 'm' is what Sentinel 's1' watches|"),
        ("NODE ADD s1", "-ERR STAGE: there is a node or a Sentinel 's1' already|"),
    ] {
        assert_eq!(staged.drive(line), told, "{line}");
    }
    assert_eq!(staged.drive("SENTINEL ADD s1 MASTER other NODE n"), ":7201|");
    let client = staged.at(7201);
    assert!(staged.call(client, "SENTINEL MASTERS").starts_with("*2|"));
    assert_eq!(staged.drive("SENTINEL DEL s1"), "+OK|");
    assert!(!staged.local.is_open(client));
    assert_eq!(staged.drive("RESET"), "+OK|");
    assert_eq!(
        staged.call(staged.driver, "SENTINEL MASTERS"),
        "-ERR unknown command 'SENTINEL', with args beginning with: 'MASTERS' |"
    );
}
