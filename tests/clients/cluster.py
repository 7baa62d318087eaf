#!/usr/bin/env python3
"""redis-py's clients of a cluster and of Sentinels, against a server that a test drives (--stage).

usage: cluster.py HOST PORT PROTOCOL

STAGE makes the nodes, has them fail over, and takes them down; the clients have to notice. Exits 0 when all went
well, else with a message.
"""

import sys
import threading

import redis
from redis.cluster import ClusterNode, LoadBalancingStrategy, RedisCluster
from redis.sentinel import Sentinel

from checks import CHECKS, check

host, port, protocol = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
driver = redis.Redis(host=host, port=port, protocol=protocol)


def stage(line):
    return driver.execute_command("STAGE", *line.split())


def wait_for_blocked(command):
    """Returns when a client is blocked in the command: what is done next happens while it is."""
    while not any(client["cmd"] == command and "b" in client["flags"] for client in driver.client_list()):
        pass


def cluster():
    """Three primaries a, b and c, each with a replica; returns where they are."""
    third = ["0-5460", "5461-10922", "10923-16383"]
    ports = {name: stage(f"NODE ADD {name} SLOTS {slots}") for name, slots in zip("abc", third)}
    return ports | {f"{name}2": stage(f"NODE ADD {name}2 REPLICA-OF {name}") for name in "abc"}


def of_cluster():
    stage("RESET")
    driver.flushall()
    ports = cluster()
    client = RedisCluster(startup_nodes=[ClusterNode(host, ports["a"])], protocol=protocol, decode_responses=True)
    nodes = {(node.port, node.server_type) for node in client.get_nodes()}
    wanted = {(port, "replica" if name.endswith("2") else "primary") for name, port in ports.items()}
    check("nodes", nodes, wanted)
    for n in range(100):
        client.set(f"key:{n}", n)
    check("every key", [client.get(f"key:{n}") for n in range(100)], [str(n) for n in range(100)])
    primaries = RedisCluster.PRIMARIES
    check("DBSIZE of all nodes", client.dbsize(target_nodes=primaries), 100)
    check("KEYS of all nodes", len(client.keys(target_nodes=primaries)), 100)
    check("SCAN of all nodes", len(set(client.scan_iter())), 100)
    check("the whole keyspace", driver.dbsize(), 100)
    check("MGET over slots", client.mget_nonatomic("key:1", "key:2"), ["1", "2"])
    pipe = client.pipeline()
    check("a pipeline over nodes", pipe.set("x", 1).get("key:7").incr("x").execute(), [True, "7", 2])
    with client.pipeline(transaction=True) as pipe:
        check("a transaction in a slot", pipe.set("{t}a", 1).incr("{t}a").execute(), ["OK", 2])
    check("a script", client.eval("return redis.call('GET', KEYS[1])", 1, "key:3"), "3")

    # A slot moves: the keys that are there stay until it has, new ones are made on the other side.
    stage("NODE MIGRATE 3300 c")
    client.set("b", "new")
    check("a key made by way of ASK", client.get("b"), "new")
    stage("NODE MOVE 3300 c")
    check("the same by way of MOVED", client.get("b"), "new")

    # A planned failover, while a client waits for a key of the node.
    got = []
    waiting = threading.Thread(target=lambda: got.append(client.blpop(["{q}list"], timeout=60)))
    waiting.start()
    wait_for_blocked("blpop")
    owner = {"a": range(5461), "b": range(5461, 10923), "c": range(10923, 16384)}
    q = next(name for name, slots in owner.items() if client.keyslot("{q}list") in slots)
    stage(f"NODE FAILOVER {q}2")
    client.rpush("{q}list", "after the failover")
    waiting.join()
    check("BLPOP across a failover", list(got[0]), ["{q}list", "after the failover"])
    client.set("{q}", "again")
    check("writes after a failover", client.get("{q}"), "again")

    # A primary is lost, and its replica takes over.
    stage("NODE DOWN b2" if q == "b" else "NODE DOWN b")
    stage("NODE FAILOVER b" if q == "b" else "NODE FAILOVER b2")
    for n in range(100):
        client.set(f"key:{n}", -n)
    check("writes after a loss", [client.get(f"key:{n}") for n in range(100)], [str(-n) for n in range(100)])
    readers = RedisCluster(
        startup_nodes=[ClusterNode(host, ports["c"])],
        protocol=protocol,
        decode_responses=True,
        load_balancing_strategy=LoadBalancingStrategy.RANDOM_REPLICA,
    )
    check("reads from replicas", [readers.get(f"key:{n}") for n in range(20)], [str(-n) for n in range(20)])


def of_sentinels():
    stage("RESET")
    ports = {"m": stage("NODE ADD m"), "r": stage("NODE ADD r REPLICA-OF m")}
    sentinels = [stage(f"SENTINEL ADD s{n} MASTER mymaster NODE m QUORUM 2") for n in range(3)]
    sentinel = Sentinel([(host, port) for port in sentinels], min_other_sentinels=2, protocol=protocol)
    check("the primary", sentinel.discover_master("mymaster"), (host, ports["m"]))
    check("the replicas", sentinel.discover_slaves("mymaster"), [(host, ports["r"])])
    writer = sentinel.master_for("mymaster", decode_responses=True)
    reader = sentinel.slave_for("mymaster", decode_responses=True)
    writer.set("a", 1)
    check("a read from the replica", reader.get("a"), "1")
    heard = redis.Redis(host=host, port=sentinels[1]).pubsub(ignore_subscribe_messages=True)
    heard.subscribe("+switch-master")
    heard.get_message(timeout=60)
    stage("NODE FAILOVER r")
    message = heard.get_message(timeout=60)
    switched = f"mymaster {host} {ports['m']} {host} {ports['r']}"
    check("+switch-master", message["data"].decode(), switched)
    check("the new primary", sentinel.discover_master("mymaster"), (host, ports["r"]))
    writer.set("a", 2)
    check("writes after a failover", reader.get("a"), "2")
    stage("NODE DOWN r")
    stage("SENTINEL DOWN s0")
    stage("NODE FAILOVER m")
    writer.set("a", 3)
    check("writes after a loss", writer.get("a"), "3")


of_cluster()
of_sentinels()
stage("RESET")
print(f"redis-py {redis.__version__} in a cluster and with Sentinels, RESP{protocol}: {len(CHECKS)} checks passed")
