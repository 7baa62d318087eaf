//! STAGE NODE: ports that are the nodes of a cluster, or a primary and its replicas. The replies are those that a cluster
//! of three primaries and three replicas of Valkey 9.1 gave.

use respd::internals::config::{Callers, Config};
use respd::internals::embed::local::{Connection, Local, request};
use respd::internals::peer::{Address, Kind, Peer};

/// A server that has nodes, and a client that drives it.
pub(super) struct Staged {
    pub(super) local: Local,
    pub(super) driver: Connection,
}

impl Staged {
    pub(super) fn new(lines: &[&str]) -> Staged {
        Staged::with(&[], lines)
    }

    pub(super) fn with(options: &[(&str, &str)], lines: &[&str]) -> Staged {
        let mut config = Config { enable_stage_command: Callers::Local, ..Config::default() };
        for (name, value) in options {
            config.apply_option(name, value).unwrap();
        }
        let mut local = Local::new(config);
        let driver = local.connect();
        let mut staged = Staged { local, driver };
        for line in lines {
            let reply = staged.drive(line);
            assert!(!reply.starts_with('-'), "{line}: {reply}");
        }
        staged
    }

    /// Three primaries a, b and c with replicas a2, b2 and c2, on 7001 to 7006.
    pub(super) fn cluster() -> Staged {
        Staged::new(&[
            "NODE ADD a PORT 7001 SLOTS 0-5460",
            "NODE ADD b PORT 7002 SLOTS 5461-10922",
            "NODE ADD c PORT 7003 SLOTS 10923-16383",
            "NODE ADD a2 PORT 7004 REPLICA-OF a",
            "NODE ADD b2 PORT 7005 REPLICA-OF b",
            "NODE ADD c2 PORT 7006 REPLICA-OF c",
        ])
    }

    /// Sends STAGE and the words of the line.
    pub(super) fn drive(&mut self, line: &str) -> String {
        self.call(self.driver, &format!("STAGE {line}"))
    }

    /// Connects a client to a port.
    pub(super) fn at(&mut self, port: u16) -> Connection {
        self.try_at(port).unwrap()
    }

    pub(super) fn try_at(&mut self, port: u16) -> Option<Connection> {
        let addr = |text: String| Address::Tcp(text.parse().unwrap());
        let (kind, laddr) = (Kind::Tcp, addr(format!("127.0.0.1:{port}")));
        let peer = Peer { kind, laddr, addr: addr("127.0.0.1:50000".into()), ..Peer::local() };
        self.local.try_connect(peer).ok()
    }

    /// What the client is sent for a line of words, `|` for each end of a line.
    pub(super) fn call(&mut self, client: Connection, line: &str) -> String {
        self.local.send(client, &request(line.split(' ')));
        self.received(client)
    }

    pub(super) fn received(&mut self, client: Connection) -> String {
        String::from_utf8(self.local.received(client)).unwrap().replace("\r\n", "|")
    }

    /// Plays lines: a port, a command, and behind `=>` its reply. Clients of a port are one.
    pub(super) fn play(&mut self, script: &str) {
        let mut clients = std::collections::BTreeMap::new();
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (asked, expected) = line.split_once(" => ").unwrap();
            let (who, command) = asked.split_once(' ').unwrap();
            let reply = match who {
                "stage" => self.drive(command),
                port => {
                    let client = *clients
                        .entry(port.to_owned())
                        .or_insert_with(|| self.at(port.parse().unwrap()));
                    self.call(client, command)
                }
            };
            assert_eq!(reply, expected, "{line}");
        }
    }
}

const A: &str = "347ed7b3b9171ae5c9056cb7d7fb0db20bf58bd1";
const A2: &str = "a2cf3fb7efd878f42edaa9f837b1e63c0aaa78b9";
const B: &str = "ad57c01741762b0d3414048331f21e822eb10f67";

#[test]
fn keys_are_served_by_the_node_of_their_slot() {
    Staged::cluster().play(
        "7001 GET foo => -MOVED 12182 127.0.0.1:7003|
         7001 MGET a b => -CROSSSLOT Keys in request don't hash to the same slot|
         7001 MSET b 1 {b}x 2 => +OK|
         7001 MGET b {b}x => *2|$1|1|$1|2|
         7001 MGET foo {foo}x => -MOVED 12182 127.0.0.1:7003|
         7001 DEL b foo => -CROSSSLOT Keys in request don't hash to the same slot|
         7001 OBJECT ENCODING foo => -MOVED 12182 127.0.0.1:7003|
         7001 XREAD STREAMS foo 0 => -MOVED 12182 127.0.0.1:7003|
         7001 BLPOP foo 0.1 => -MOVED 12182 127.0.0.1:7003|
         7001 WATCH foo => -MOVED 12182 127.0.0.1:7003|
         7001 WATCH b foo => -CROSSSLOT Keys in request don't hash to the same slot|
         7001 GET => -ERR wrong number of arguments for 'get' command|
         7001 GETX foo => -ERR unknown command 'GETX', with args beginning with: 'foo' |
         7001 PING => +PONG|
         7001 SELECT 0 => +OK|
         7001 SELECT 1 => -ERR DB index is out of range|
         7001 MOVE b 1 => -ERR DB index is out of range|
         7001 COPY b {b}y DB 1 => -ERR DB index is out of range|
         7001 SWAPDB 0 1 => -ERR SWAPDB is not allowed in cluster mode|
         7001 SORT b BY foo* => -ERR BY option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots.|
         7001 SORT b GET foo_* => -ERR GET option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots.|
         7001 SORT b BY {b}* GET {b}* => -WRONGTYPE Operation against a key holding the wrong kind of value|
         7001 SORT b BY nosort GET # => -WRONGTYPE Operation against a key holding the wrong kind of value|
         7001 CLUSTER KEYSLOT foo => :12182|
         7001 CONFIG GET cluster-enabled => *2|$15|cluster-enabled|$3|yes|
         7001 MIGRATE 127.0.0.1 1 foo 0 10 => -MOVED 12182 127.0.0.1:7003|
         7003 GET foo => $-1|",
    );
}

#[test]
fn a_transaction_is_for_one_slot_of_one_node() {
    Staged::cluster().play(
        "7001 MULTI => +OK|
         7001 GET b => +QUEUED|
         7001 GET foo => -MOVED 12182 127.0.0.1:7003|
         7001 EXEC => -EXECABORT Transaction discarded because of previous errors.|
         7001 MULTI => +OK|
         7001 GET b => +QUEUED|
         7001 GET bar => +QUEUED|
         7001 EXEC => -CROSSSLOT Keys in request don't hash to the same slot|
         7001 MULTI => +OK|
         7001 GET b => +QUEUED|
         7001 PING => +QUEUED|
         7001 EXEC => *2|$-1|+PONG|
         7001 MULTI => +OK|
         7001 SET b 1 => +QUEUED|
         stage NODE FAILOVER a2 => +OK|
         7001 EXEC => -MOVED 3300 127.0.0.1:7004|
         7001 EXEC => -ERR EXEC without MULTI|
         7004 GET b => $-1|",
    );
}

#[cfg(feature = "lua")]
#[test]
fn scripts_reach_the_keys_of_their_node() {
    let mut staged = Staged::cluster();
    let client = staged.at(7001);
    let away =
        "-ERR Attempted to access a non local key in a cluster node script: on @user_script:1.|";
    for (words, reply) in [
        (
            &["return 1", "2", "a", "b"][..],
            "-CROSSSLOT Keys in request don't hash to the same slot|",
        ),
        (&["return 1", "1", "foo"], "-MOVED 12182 127.0.0.1:7003|"),
        (&["return redis.call('get','foo')", "0"], away),
        (&["return redis.call('mget','b','foo')", "1", "b"], away),
        (&["return redis.call('get','b')", "0"], "$-1|"),
        (
            &["return redis.pcall('get','foo')", "1", "b"],
            "-ERR Attempted to access a non local key in a cluster node|",
        ),
    ] {
        let words: Vec<&str> = ["EVAL"].iter().chain(words).copied().collect();
        staged.local.send(client, &request(&words));
        assert_eq!(staged.received(client), reply, "{words:?}");
    }
    let replica = staged.at(7004);
    staged.call(replica, "READONLY");
    staged.local.send(replica, &request(["EVAL", "return redis.call('set','b',1)", "1", "b"]));
    let reply =
        "-ERR Attempted to access a non local key in a cluster node script: on @user_script:1.|";
    assert_eq!(staged.received(replica), reply);
}

#[test]
fn a_replica_serves_reads_to_those_who_ask_for_that() {
    Staged::cluster().play(
        "7001 SET b 1 => +OK|
         7004 GET b => -MOVED 3300 127.0.0.1:7001|
         7004 READONLY => +OK|
         7004 GET b => $1|1|
         7004 SET b 1 => -MOVED 3300 127.0.0.1:7001|
         7004 GET foo => -MOVED 12182 127.0.0.1:7003|
         7004 MULTI => +OK|
         7004 GET b => +QUEUED|
         7004 EXEC => *1|$1|1|
         7004 READWRITE => +OK|
         7004 GET b => -MOVED 3300 127.0.0.1:7001|
         7004 DBSIZE => :1|
         7004 FLUSHALL => -READONLY You can't write against a read only replica.|
         7004 PUBLISH a b => :0|
         7004 SPUBLISH b x => :0|
         7004 READONLY => +OK|
         7004 RESET => +RESET|
         7004 GET b => -MOVED 3300 127.0.0.1:7001|
         7004 ROLE => *5|$5|slave|$9|127.0.0.1|:7001|$9|connected|:0|
         7001 ROLE => *3|$6|master|:0|*1|*3|$9|127.0.0.1|$4|7004|$1|0|
         7001 WAIT 1 0 => :1|
         7004 WAIT 0 0 => -ERR WAIT cannot be used with replica instances. Please also note that if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.|",
    );
}

#[test]
fn the_keys_of_a_slot_on_the_move_are_on_two_sides() {
    Staged::cluster().play(
        "7001 MSET b 1 {b}x 2 => +OK|
         stage NODE IMPORT 3300 b => +OK|
         7001 GET {b}none => $-1|
         7002 GET b => -MOVED 3300 127.0.0.1:7001|
         stage NODE MIGRATE 3300 b => +OK|
         7001 GET b => $1|1|
         7001 GET {b}none => -ASK 3300 127.0.0.1:7002|
         7001 MGET b {b}x => *2|$1|1|$1|2|
         7001 MGET b {b}none => -TRYAGAIN Multiple keys request during rehashing of slot|
         7001 MGET {b}n1 {b}n2 => -ASK 3300 127.0.0.1:7002|
         7001 SET {b}new 1 => -ASK 3300 127.0.0.1:7002|
         7001 RENAME b {b}none => -TRYAGAIN Multiple keys request during rehashing of slot|
         7001 BLPOP {b}none 0.1 => -ASK 3300 127.0.0.1:7002|
         7001 WATCH {b}none => -ASK 3300 127.0.0.1:7002|
         7001 MULTI => +OK|
         7001 GET b => +QUEUED|
         7001 GET {b}none => +QUEUED|
         7001 EXEC => -TRYAGAIN Multiple keys request during rehashing of slot|
         7001 MULTI => +OK|
         7001 GET b => +QUEUED|
         7001 GET {b}x => +QUEUED|
         7001 EXEC => *2|$1|1|$1|2|
         7001 SPUBLISH b 1 => :0|
         7002 GET b => -MOVED 3300 127.0.0.1:7001|
         7002 ASKING => +OK|
         7002 PING => +PONG|
         7002 GET {b}new => -MOVED 3300 127.0.0.1:7001|
         7002 ASKING => +OK|
         7002 SET {b}new 1 => +OK|
         7002 GET {b}new => -MOVED 3300 127.0.0.1:7001|
         7002 ASKING => +OK|
         7002 ASKING => +OK|
         7002 GET {b}new => $1|1|
         7002 ASKING => +OK|
         7002 MGET {b}new b => -TRYAGAIN Multiple keys request during rehashing of slot|
         7002 ASKING => +OK|
         7002 MGET {b}n1 {b}n2 => -TRYAGAIN Multiple keys request during rehashing of slot|
         7002 ASKING => +OK|
         7002 MULTI => +OK|
         7002 GET {b}new => +QUEUED|
         7002 EXEC => *1|$1|1|
         7002 MULTI => +OK|
         7002 ASKING => +QUEUED|
         7002 GET {b}new => -MOVED 3300 127.0.0.1:7001|
         7002 EXEC => -EXECABORT Transaction discarded because of previous errors.|
         7002 ASKING => +OK|
         7002 GET foo => -MOVED 12182 127.0.0.1:7003|
         7002 SPUBLISH b 1 => -MOVED 3300 127.0.0.1:7001|
         7002 ASKING => +OK|
         7002 SPUBLISH b 1 => :0|
         7002 CLUSTER COUNTKEYSINSLOT 3300 => :1|
         7001 CLUSTER COUNTKEYSINSLOT 3300 => :2|
         7002 DBSIZE => :1|
         7001 GET {b}new => -ASK 3300 127.0.0.1:7002|
         7004 READONLY => +OK|
         7004 GET b => $1|1|
         7004 GET {b}none => -ASK 3300 127.0.0.1:7002|
         7005 READONLY => +OK|
         7005 GET b => -MOVED 3300 127.0.0.1:7001|
         stage NODE FAILOVER b2 => +OK|
         7001 GET {b}none => -ASK 3300 127.0.0.1:7005|
         stage NODE FAILOVER b => +OK|
         stage NODE MOVE 3300 b => +OK|
         7001 GET b => -MOVED 3300 127.0.0.1:7002|
         7002 MGET b {b}x {b}new => *3|$1|1|$1|2|$1|1|
         stage NODE MOVE 3300 b => -ERR STAGE: 'b' serves slot 3300 already|",
    );
}

#[test]
fn each_node_has_the_keys_of_its_slots() {
    Staged::cluster().play(
        "7001 SET b 1 => +OK|
         7001 SET {b}x 1 EX 100 => +OK|
         7003 SET foo 1 => +OK|
         7001 DBSIZE => :2|
         7003 KEYS * => *1|$3|foo|
         7006 KEYS * => *1|$3|foo|
         7003 SCAN 0 => *2|$1|0|*1|$3|foo|
         7002 SCAN 0 => *2|$1|0|*0|
         7002 RANDOMKEY => $-1|
         7003 RANDOMKEY => $3|foo|
         7001 CLUSTER COUNTKEYSINSLOT 3300 => :2|
         7003 CLUSTER COUNTKEYSINSLOT 3300 => :0|
         7003 CLUSTER GETKEYSINSLOT 12182 10 => *1|$3|foo|
         7003 CLUSTER GETKEYSINSLOT 12182 0 => *0|
         7001 CLUSTER COUNTKEYSINSLOT 16384 => -ERR Invalid slot|
         7001 CLUSTER COUNTKEYSINSLOT x => -ERR value is not an integer or out of range|
         7001 CLUSTER GETKEYSINSLOT 0 -1 => -ERR Invalid slot or number of keys|
         7001 CLUSTER SLOT-STATS SLOTSRANGE 3299 3300 => *2|*2|:3299|*2|$9|key-count|:0|*2|:3300|*2|$9|key-count|:2|
         7001 CLUSTER SLOT-STATS ORDERBY key-count LIMIT 1 => *1|*2|:3300|*2|$9|key-count|:2|
         7001 INFO keyspace => $71|# Keyspace|db0:keys=2,expires=1,avg_ttl=0,keys_with_volatile_items=0||
         7001 FLUSHALL => +OK|
         7001 DBSIZE => :0|
         7003 DBSIZE => :1|",
    );
}

#[test]
fn the_cluster_is_described_as_it_is() {
    let mut staged = Staged::cluster();
    let client = staged.at(7001);
    let nodes = staged.call(client, "CLUSTER NODES");
    let now = "1700000000000";
    for line in [
        format!("{A} 127.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-5460\n"),
        format!("{B} 127.0.0.1:7002@17002 master - 0 {now} 2 connected 5461-10922\n"),
        format!("{A2} 127.0.0.1:7004@17004 slave {A} 0 {now} 1 connected\n"),
    ] {
        assert!(nodes.contains(&line), "{nodes}");
    }
    let slots = staged.call(client, "CLUSTER SLOTS");
    let node = |port: u16, id: &str| format!("*4|$9|127.0.0.1|:{port}|$40|{id}|*0|");
    let first = format!("*3|*4|:0|:5460|{}{}*4|:5461|:10922|", node(7001, A), node(7004, A2));
    assert!(slots.starts_with(&first), "{slots}");
    let shards = staged.call(client, "CLUSTER SHARDS");
    let first = format!(
        "*3|*6|$5|slots|*2|:0|:5460|$5|nodes|*2|*14|$2|id|$40|{A}|$4|port|:7001|$2|ip|$9|127.0.0.1|$8|endpoint|\
         $9|127.0.0.1|$4|role|$6|master|$18|replication-offset|:0|$6|health|$6|online|*14|$2|id|$40|{A2}|$4|port|:7004|\
         $2|ip|$9|127.0.0.1|$8|endpoint|$9|127.0.0.1|$4|role|$7|replica|$18|replication-offset|:0|$6|health|$6|online|\
         $2|id|$40|"
    );
    assert!(shards.starts_with(&first), "{shards}");
    assert_eq!(shards.matches("|$6|online|").count(), 6);
    let info = staged.call(client, "CLUSTER INFO");
    for field in [
        "cluster_state:ok|cluster_slots_assigned:16384|cluster_slots_ok:16384|",
        "cluster_known_nodes:6|cluster_size:3|cluster_current_epoch:3|cluster_my_epoch:1|",
    ] {
        assert!(info.contains(field), "{info}");
    }
    assert_eq!(staged.call(client, "CLUSTER MYID"), format!("$40|{A}|"));
    let shard = staged.call(client, "CLUSTER MYSHARDID");
    let replica = staged.at(7004);
    assert_eq!(staged.call(replica, "CLUSTER MYSHARDID"), shard);
    let replicas = staged.call(client, &format!("CLUSTER REPLICAS {A}"));
    assert!(replicas.starts_with("*1|") && replicas.contains(A2), "{replicas}");
    let links = staged.call(client, "CLUSTER LINKS");
    assert!(links.starts_with("*10|*12|$9|direction|$2|to|$4|node|$40|"), "{links}");
    staged.play(&format!(
        "7001 CLUSTER COUNT-FAILURE-REPORTS {B} => :0|
         7001 CLUSTER COUNT-FAILURE-REPORTS x => -ERR Unknown node x|
         7001 CLUSTER REPLICAS x => -ERR Unknown node x|
         7001 CLUSTER REPLICAS {A2} => -ERR The specified node is not a master|
         7001 CLUSTER FAILOVER => -ERR You should send CLUSTER FAILOVER to a replica|
         7001 CLUSTER ADDSLOTS 1 => -ERR this cluster is a stage's: STAGE NODE is what changes it|
         7001 CLUSTER BUMPEPOCH => +BUMPED 4|
         7001 CLUSTER BUMPEPOCH => +STILL 4|
         7001 CLUSTER GETSLOTMIGRATIONS => *0|
         7001 INFO cluster => $30|# Cluster|cluster_enabled:1||
         7004 HELLO 3 => %7|$6|server|$5|respd|$7|version|$5|7.2.4|$5|proto|:3|$2|id|:5|$4|mode|$7|cluster|$4|role|$7|replica|$7|modules|*0|"
    ));
    staged.drive("NODE DOWN c2");
    let shards = staged.call(client, "CLUSTER SHARDS");
    assert_eq!(shards.matches("|$6|online|").count(), 5);
    assert_eq!(shards.matches("|$6|health|$4|fail|").count(), 1);
    // The port that is no node is what it was.
    let info = staged.call(staged.driver, "CLUSTER INFO");
    assert_eq!(info, "-ERR This instance has cluster support disabled|");
    assert_eq!(staged.call(staged.driver, "SELECT 1"), "+OK|");
}

#[test]
fn a_failover_gives_the_slots_to_the_replica() {
    let mut staged = Staged::cluster();
    let [blocked, reader, silent, subscriber, other] =
        [7001, 7001, 7001, 7001, 7003].map(|port| staged.at(port));
    assert_eq!(staged.call(blocked, "BLPOP b 0"), "");
    assert_eq!(staged.call(reader, "XREAD BLOCK 0 STREAMS b $"), "");
    assert_eq!(staged.call(silent, "WAIT 5 0"), "");
    assert_eq!(staged.call(other, "BLPOP foo 0"), "");
    assert_eq!(
        staged.call(subscriber, "SSUBSCRIBE b {b}2"),
        "*3|$10|ssubscribe|$1|b|:1|*3|$10|ssubscribe|$4|{b}2|:2|"
    );
    assert_eq!(staged.drive("NODE FAILOVER a2"), "+OK|");
    assert_eq!(staged.received(blocked), "-MOVED 3300 127.0.0.1:7004|");
    assert_eq!(staged.received(reader), "-MOVED 3300 127.0.0.1:7004|");
    assert_eq!(staged.received(silent), "");
    assert_eq!(staged.received(other), "");
    let gone = "*3|$12|sunsubscribe|$1|b|:1|*3|$12|sunsubscribe|$4|{b}2|:0|";
    assert_eq!(staged.received(subscriber), gone);
    staged.play(&format!(
        "7001 GET b => -MOVED 3300 127.0.0.1:7004|
         7004 SET b 1 => +OK|
         7001 CLUSTER MYID => $40|{A}|
         7001 ROLE => *5|$5|slave|$9|127.0.0.1|:7004|$9|connected|:0|
         stage NODE FAILOVER a2 => -ERR STAGE: 'a2' is a primary, and a replica is asked for|"
    ));
    let client = staged.at(7004);
    let nodes = staged.call(client, "CLUSTER NODES");
    let now = "1700000000000";
    assert!(
        nodes.contains(&format!(
            "{A2} 127.0.0.1:7004@17004 myself,master - 0 0 4 connected 0-5460\n"
        ))
    );
    assert!(
        nodes.contains(&format!("{A} 127.0.0.1:7001@17001 slave {A2} 0 {now} 4 connected\n")),
        "{nodes}"
    );
    let old = staged.at(7001);
    assert_eq!(staged.call(old, "CLUSTER FAILOVER"), "+OK|");
    assert_eq!(staged.call(old, "GET b"), "$1|1|");
}

#[test]
fn a_primary_that_is_down_takes_the_cluster_down() {
    let mut staged = Staged::cluster();
    let [client, waiting] = [7002, 7001].map(|port| staged.at(port));
    let blocked = staged.at(7003);
    assert_eq!(staged.call(blocked, "BLPOP foo 0"), "");
    assert_eq!(staged.drive("NODE DOWN a"), "+OK|");
    assert!(!staged.local.is_open(waiting));
    assert!(staged.try_at(7001).is_none());
    assert_eq!(staged.received(blocked), "-CLUSTERDOWN The cluster is down|");
    let nodes = staged.call(client, "CLUSTER NODES");
    let since = "1700000000000";
    let line =
        format!("{A} 127.0.0.1:7001@17001 master,fail - {since} {since} 1 disconnected 0-5460\n");
    assert!(nodes.contains(&line), "{nodes}");
    let info = staged.call(client, "CLUSTER INFO");
    let state = "cluster_state:fail|cluster_slots_assigned:16384|cluster_slots_ok:10923|cluster_slots_pfail:0|\
        cluster_slots_fail:5461|cluster_nodes_pfail:0|cluster_nodes_fail:1|cluster_voting_nodes_pfail:0|\
        cluster_voting_nodes_fail:1|";
    assert!(info.contains(state), "{info}");
    staged.play(
        "7002 SET x1 1 => -CLUSTERDOWN The cluster is down|
         7002 MULTI => +OK|
         7002 GET x1 => -CLUSTERDOWN The cluster is down|
         7002 EXEC => -EXECABORT Transaction discarded because of previous errors.|
         7002 PING => +PONG|
         7002 PUBLISH a b => :0|
         7002 SPUBLISH x1 1 => :0|
         7002 CONFIG SET cluster-require-full-coverage no => +OK|
         7002 GET x1 => $-1|
         7002 GET b => -MOVED 3300 127.0.0.1:7001|
         7004 CLUSTER FAILOVER => -ERR Master is down or failed, please use CLUSTER FAILOVER FORCE|
         7004 CLUSTER FAILOVER FORCE => +OK|
         7002 GET b => -MOVED 3300 127.0.0.1:7004|
         stage NODE UP a => +OK|
         stage NODE UP a => -ERR STAGE: 'a' is up|
         7001 GET b => -MOVED 3300 127.0.0.1:7004|
         stage NODE DOWN a => +OK|
         stage NODE DOWN a => -ERR STAGE: 'a' is down|
         stage NODE FAILOVER a => -ERR STAGE: 'a' is down|",
    );
    let slots = staged.call(client, "CLUSTER SLOTS");
    assert!(slots.contains(":7004|") && !slots.contains(":7001|"), "{slots}");
}

#[test]
fn slots_that_are_nobodys_are_not_served() {
    Staged::new(&["NODE ADD a SLOTS 0-5000", "NODE ADD b SLOTS 5001-6000 6002"]).play(
        "7001 GET foo => -CLUSTERDOWN Hash slot not served|
         7001 GET b => -CLUSTERDOWN The cluster is down|
         7001 SSUBSCRIBE foo => -CLUSTERDOWN Hash slot not served|
         7001 CONFIG SET cluster-require-full-coverage no => +OK|
         7001 GET b => $-1|
         7001 GET foo => -CLUSTERDOWN Hash slot not served|
         stage NODE MOVE 12182 b => +OK|
         7001 GET foo => -MOVED 12182 127.0.0.1:7002|
         stage NODE DEL b => +OK|
         7001 GET foo => -CLUSTERDOWN Hash slot not served|",
    );
}

#[test]
fn messages_reach_the_clients_of_all_nodes() {
    let mut staged = Staged::cluster();
    let [one, shard] = [7001, 7004].map(|port| staged.at(port));
    staged.call(one, "SUBSCRIBE news");
    assert_eq!(staged.call(shard, "SSUBSCRIBE b"), "*3|$10|ssubscribe|$1|b|:1|");
    staged.play(
        "7003 PUBLISH news hi => :1|
         7001 SPUBLISH b hi => :1|
         7003 SPUBLISH b hi => -MOVED 3300 127.0.0.1:7001|
         7001 SSUBSCRIBE foo => -MOVED 12182 127.0.0.1:7003|
         7001 SSUBSCRIBE b foo => -CROSSSLOT Keys in request don't hash to the same slot|
         7001 SUNSUBSCRIBE foo => -MOVED 12182 127.0.0.1:7003|",
    );
    assert_eq!(staged.received(one), "*3|$7|message|$4|news|$2|hi|");
    assert_eq!(staged.received(shard), "*3|$8|smessage|$1|b|$2|hi|");
}

#[test]
fn nodes_without_slots_are_a_primary_and_its_replicas() {
    let mut staged = Staged::new(&["NODE ADD m PORT 7101", "NODE ADD r PORT 7102 REPLICA-OF m"]);
    staged.play(
        "7101 SELECT 1 => +OK|
         7101 SELECT 0 => +OK|
         7101 MSET a 1 foo 2 => +OK|
         7102 MGET a foo => *2|$1|1|$1|2|
         7102 SET a 1 => -READONLY You can't write against a read only replica.|
         7102 MULTI => +OK|
         7102 SET a 1 => -READONLY You can't write against a read only replica.|
         7102 EXEC => -EXECABORT Transaction discarded because of previous errors.|
         7102 BLPOP a 0 => -READONLY You can't write against a read only replica.|
         7102 READONLY => +OK|
         7102 ASKING => -ERR This instance has cluster support disabled|
         7102 CLUSTER INFO => -ERR This instance has cluster support disabled|
         7102 ROLE => *5|$5|slave|$9|127.0.0.1|:7101|$9|connected|:0|
         7101 ROLE => *3|$6|master|:0|*1|*3|$9|127.0.0.1|$4|7102|$1|0|",
    );
    let [blocked, queueing, waiting] = [7101; 3].map(|port| staged.at(port));
    assert_eq!(staged.call(blocked, "BLPOP x 0"), "");
    assert_eq!(staged.call(waiting, "WAIT 2 0"), "");
    staged.call(queueing, "MULTI");
    staged.call(queueing, "SET a 3");
    assert_eq!(staged.drive("NODE FAILOVER r"), "+OK|");
    let unblocked = "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)|";
    for client in [blocked, waiting] {
        assert_eq!(staged.received(client), unblocked);
        assert!(!staged.local.is_open(client));
    }
    let refused = "-EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.|";
    assert_eq!(staged.call(queueing, "EXEC"), refused);
    staged.play(
        "7101 SET a 1 => -READONLY You can't write against a read only replica.|
         7102 SET a 4 => +OK|
         7101 GET a => $1|4|",
    );
    let replica = staged.at(7101);
    let info = staged.call(replica, "INFO replication");
    let part = "role:slave|master_host:127.0.0.1|master_port:7102|master_link_status:up|";
    assert!(info.contains(part), "{info}");
    let hello = staged.call(replica, "HELLO");
    assert!(hello.contains("$4|mode|$10|standalone|$4|role|$7|replica|"), "{hello}");
}

#[test]
fn a_wrong_line_changes_nothing() {
    let mut staged = Staged::new(&[
        "NODE ADD a PORT 7001 SLOTS 0-5460",
        "NODE ADD a2 REPLICA-OF a",
        "NODE ADD m",
    ]);
    let before = staged.drive("NODE LIST");
    for (line, told) in [
        ("NODE", "-ERR wrong number of arguments for 'stage|node' command|"),
        (
            "NODE FOO",
            "-ERR STAGE: 'FOO' cannot stand here, where ADD, DEL, DOWN, FAILOVER, IMPORT, LIST, MIGRATE, MOVE or UP can|",
        ),
        ("NODE ADD", "-ERR STAGE: ADD takes a name, but the line ends there|"),
        ("NODE LIST a", "-ERR STAGE: 'a' cannot stand here, where nothing more can|"),
        ("NODE DOWN", "-ERR STAGE: DOWN takes the name of a node, but the line ends there|"),
        ("NODE down a b", "-ERR STAGE: 'b' cannot stand here, where nothing more can|"),
        (
            "NODE MOVE",
            "-ERR STAGE: MOVE takes a slot, from 0 to 16383, and the name of a node, but the line ends there|",
        ),
        ("NODE MOVE 1", "-ERR STAGE: MOVE takes the name of a node, but the line ends there|"),
        ("NODE MOVE 1 a b", "-ERR STAGE: 'b' cannot stand here, where nothing more can|"),
        (
            "NODE ADD x PORTS 1",
            "-ERR STAGE: 'PORTS' cannot stand here, where PORT, SLOTS or REPLICA-OF can|",
        ),
        (
            "NODE ADD x REPLICA-OF",
            "-ERR STAGE: REPLICA-OF takes the name of a node, but the line ends there|",
        ),
        ("NODE ADD a", "-ERR STAGE: there is a node or a Sentinel 'a' already|"),
        (
            "NODE ADD x=y",
            "-ERR STAGE: a name is of 1 to 64 printable characters, without spaces and without '='|",
        ),
        ("NODE ADD x PORT 0", "-ERR STAGE: PORT takes a number from 1 to 65535, not '0'|"),
        ("NODE ADD x PORT 65536", "-ERR STAGE: PORT takes a number from 1 to 65535, not '65536'|"),
        ("NODE ADD x PORT 7001", "-ERR STAGE: port 7001 is that of 'a'|"),
        (
            "NODE ADD x PORT",
            "-ERR STAGE: PORT takes a number from 1 to 65535, but the line ends there|",
        ),
        (
            "NODE ADD x SLOTS",
            "-ERR STAGE: SLOTS takes slots from 0 to 16383, and ranges of them: 0-5460 5462, but the line ends there|",
        ),
        (
            "NODE ADD x SLOTS 9-8",
            "-ERR STAGE: SLOTS takes slots from 0 to 16383, and ranges of them: 0-5460 5462, not '9-8'|",
        ),
        (
            "NODE ADD x SLOTS 6000 16384",
            "-ERR STAGE: SLOTS takes slots from 0 to 16383, and ranges of them: 0-5460 5462, not '16384'|",
        ),
        ("NODE ADD x SLOTS 5460-5461", "-ERR STAGE: slot 5460 is served by 'a'|"),
        ("NODE ADD x REPLICA-OF y", "-ERR STAGE: there is no node 'y'|"),
        ("NODE ADD x REPLICA-OF a2", "-ERR STAGE: 'a2' is a replica, and a primary is asked for|"),
        (
            "NODE ADD x REPLICA-OF a SLOTS 6000",
            "-ERR STAGE: a replica serves the slots of its primary: SLOTS and REPLICA-OF go not together|",
        ),
        ("NODE FAILOVER a", "-ERR STAGE: 'a' is a primary, and a replica is asked for|"),
        ("NODE FAILOVER x", "-ERR STAGE: there is no node 'x'|"),
        ("NODE UP a", "-ERR STAGE: 'a' is up|"),
        ("NODE DEL a", "-ERR STAGE: 'a' has replicas, which have to be deleted before it|"),
        ("NODE DEL x", "-ERR STAGE: there is no node 'x'|"),
        ("NODE MOVE 1 a2", "-ERR STAGE: 'a2' is a replica, and a primary is asked for|"),
        ("NODE MOVE 1 a", "-ERR STAGE: 'a' serves slot 1 already|"),
        ("NODE MIGRATE 1 a", "-ERR STAGE: 'a' serves slot 1 already|"),
        ("NODE MIGRATE 6000 m", "-ERR STAGE: slot 6000 is served by no node|"),
        (
            "NODE IMPORT x a",
            "-ERR STAGE: IMPORT takes a slot, from 0 to 16383, and the name of a node, not 'x'|",
        ),
    ] {
        assert_eq!(staged.drive(line), told, "{line}");
        assert_eq!(staged.drive("NODE LIST"), before, "{line}");
    }
    for number in 0..61 {
        assert!(staged.drive(&format!("NODE ADD n{number}")).starts_with(':'));
    }
    assert_eq!(
        staged.drive("NODE ADD x"),
        "-ERR STAGE: there are 64 of them, which is as many as may be|"
    );
}

#[test]
fn reset_leaves_no_node() {
    let mut staged =
        Staged::new(&["NODE ADD a PORT 6379 SLOTS 0-16383", "NODE ADD b PORT 7001 REPLICA-OF a"]);
    let [main, node] = [6379, 7001].map(|port| staged.at(port));
    assert_eq!(staged.call(main, "SELECT 1"), "-ERR DB index is out of range|");
    assert_eq!(staged.call(node, "READONLY"), "+OK|");
    assert_eq!(staged.drive("NODE DOWN b"), "+OK|");
    assert!(!staged.local.is_open(node));
    assert_eq!(staged.drive("NODE UP b"), "+OK|");
    let node = staged.at(7001);
    // One that is connected to a node gets its reply.
    assert_eq!(staged.call(node, "STAGE RESET"), "+OK|");
    assert!(!staged.local.is_open(node) && staged.local.is_open(main));
    assert_eq!(staged.call(main, "SELECT 1"), "+OK|");
    assert_eq!(
        staged.call(main, "CLUSTER INFO"),
        "-ERR This instance has cluster support disabled|"
    );
    assert_eq!(staged.drive("NODE LIST"), "*0|");
}

#[test]
fn a_fault_may_be_for_what_one_node_serves() {
    let mut staged = Staged::cluster();
    staged.drive("FAULT ADD f ON PING CLIENT NODE b DO REPLY x");
    staged.drive("FAULT ADD g ON ECHO CLIENT NODE ?2 DO REPLY y");
    staged.drive("FAULT ADD h ON GET CLIENT NODE b NAME web DO REPLY z");
    staged.play(
        "7001 PING => +PONG|
         7002 PING => x
         7005 PING => +PONG|
         stage NODE FAILOVER b2 => +OK|
         7002 PING => x
         7002 ECHO a => $1|a|
         7004 ECHO a => y
         7002 GET bar => -MOVED 5061 127.0.0.1:7001|
         7002 CLIENT SETNAME web => +OK|
         7002 GET bar => z
         stage PING => -ERR unknown subcommand 'PING'. Try STAGE HELP.|
         stage SEND NODE c x => :0|",
    );
    let driver = staged.driver;
    assert_eq!(staged.call(driver, "PING"), "+PONG|", "its port is no node's");
    // What is sent, and what is remembered, goes by nodes, too.
    let (a, b) = (staged.at(7001), staged.at(7002));
    assert_eq!(staged.drive("SEND NODE b hello"), ":2|", "and to the one that has played");
    assert_eq!((staged.received(a), staged.received(b)), (String::new(), "hello".to_owned()));
    staged.drive("JOURNAL ON");
    staged.call(a, "ECHO here");
    staged.call(b, "ECHO there");
    let entries = staged.drive("JOURNAL GET CLIENT NODE b");
    assert!(entries.starts_with("*1|") && entries.contains("there"), "{entries}");
    // A name is of use before there is such a node, and after.
    staged.drive("FAULT ADD later ON TIME CLIENT NODE new DO REPLY n");
    staged.drive("NODE ADD new PORT 7100");
    let new = staged.at(7100);
    assert_eq!(staged.call(new, "TIME"), "n");
    staged.drive("SENTINEL ADD watch PORT 7200 MASTER group NODE new");
    staged.drive("FAULT ADD s ON PING CLIENT NODE watch DO REPLY s");
    let sentinel = staged.at(7200);
    assert_eq!(staged.call(sentinel, "PING"), "s", "a Sentinel is a node, too");
}

#[test]
fn a_cluster_serves_nothing_without_most_of_its_primaries() {
    Staged::cluster().play(
        "7001 CONFIG SET cluster-require-full-coverage no => +OK|
         stage NODE DOWN c => +OK|
         7001 GET b => $-1|
         stage NODE DOWN b => +OK|
         7001 GET b => -CLUSTERDOWN The cluster is down|
         stage NODE UP c => +OK|
         7001 GET b => $-1|",
    );
}

#[test]
fn slots_of_one_node_that_lie_apart_are_ranges_of_their_own() {
    let mut staged = Staged::new(&["NODE ADD a SLOTS 0-10 20-30"]);
    let listed = staged.drive("NODE LIST");
    assert!(listed.ends_with("|$5|slots|$10|0-10 20-30|"), "{listed}");
    let client = staged.at(7001);
    assert!(staged.call(client, "CLUSTER SLOTS").starts_with("*2|*3|:0|:10|"));
}

#[test]
fn all_replicas_follow_the_one_that_takes_over() {
    let lines =
        ["NODE ADD a SLOTS 0-16383", "NODE ADD a2 REPLICA-OF a", "NODE ADD a3 REPLICA-OF a"];
    let mut staged = Staged::new(&lines);
    staged.drive("NODE FAILOVER a2");
    let listed = staged.drive("NODE LIST");
    assert_eq!(listed.matches("|$10|replica-of|$2|a2|").count(), 2, "{listed}");
    assert_eq!(listed.matches("|$10|replica-of|$0||").count(), 1, "{listed}");
}

#[test]
fn a_client_reads_from_no_replica_when_there_is_none_any_more() {
    let mut staged =
        Staged::new(&["NODE ADD a PORT 7001 SLOTS 0-16383", "NODE ADD b PORT 6379 REPLICA-OF a"]);
    let client = staged.at(6379);
    assert_eq!(staged.call(client, "READONLY"), "+OK|");
    assert!(staged.call(client, "CLIENT INFO").contains(" flags=r "));
    staged.drive("RESET");
    assert!(staged.call(client, "CLIENT INFO").contains(" flags=N "));
}

#[test]
fn a_slot_on_the_move_is_described_by_those_that_know_of_it() {
    let mut staged = Staged::cluster();
    let [a, b] = [7001, 7002].map(|port| staged.at(port));
    let own_line = |staged: &mut Staged, client| {
        let nodes = staged.call(client, "CLUSTER NODES");
        assert_eq!(nodes.matches('[').count(), usize::from(nodes.contains(" [")), "{nodes}");
        let own = nodes.split('\n').find(|line| line.contains("myself")).unwrap().to_owned();
        own.split_once(" connected ").unwrap().1.to_owned()
    };
    staged.drive("NODE IMPORT 3300 b");
    assert_eq!(own_line(&mut staged, a), "0-5460", "the owner does not know yet");
    assert_eq!(own_line(&mut staged, b), format!("5461-10922 [3300-<-{A}]"));
    staged.drive("NODE MIGRATE 3300 b");
    assert_eq!(own_line(&mut staged, a), format!("0-5460 [3300->-{B}]"));
    staged.drive("NODE MOVE 3300 b");
    assert_eq!(own_line(&mut staged, a), "0-3299 3301-5460");
    assert_eq!(own_line(&mut staged, b), "3300 5461-10922");
}

#[test]
fn older_servers_describe_their_cluster_in_fewer_words() {
    let lines = ["NODE ADD a PORT 7001 SLOTS 0-16383"];
    for (persona, slots, shards) in [
        ("redis-6.2", format!("*1|*3|:0|:16383|*3|$9|127.0.0.1|:7001|$40|{A}|"), "-ERR"),
        ("redis-7.2", format!("*1|*3|:0|:16383|*4|$9|127.0.0.1|:7001|$40|{A}|*0|"), "*1|*4|$5|"),
        ("valkey-9.1", format!("*1|*3|:0|:16383|*4|$9|127.0.0.1|:7001|$40|{A}|*0|"), "*1|*6|$5|"),
    ] {
        let mut staged = Staged::with(&[("persona", persona)], &lines);
        let client = staged.at(7001);
        assert_eq!(staged.call(client, "CLUSTER SLOTS"), slots, "{persona}");
        let told = staged.call(client, "CLUSTER SHARDS");
        assert!(told.starts_with(shards), "{persona}: {told}");
    }
}
