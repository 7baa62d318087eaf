#!/usr/bin/env python3
"""The users of examples/users.conf, as redis-py is each of them.

usage: users.py HOST PORT USERS_CONF

Exits 0 when each could do its work and nothing else, else with a message. The server must have no
password. The users are made with ACL SETUSER and deleted again; keys of database 0 are flushed.
"""

import sys

import redis

from checks import CHECKS, check


def lines_of(path):
    """The name and the rules of each `user` line."""
    with open(path, encoding="utf-8") as file:
        words = [line.split() for line in file]
    return {line[1]: line[2:] for line in words if line[:1] == ["user"]}


def main(host, port, path):
    admin = redis.Redis(host=host, port=port)
    users = lines_of(path)
    admin.flushall()
    admin.set("secret", "1")
    admin.hset("page", mapping={"title": "x"})
    for name, rules in users.items():
        admin.execute_command("ACL", "SETUSER", name, "reset", *rules, ">pw")
    try:
        for protocol in (2, 3):
            def connect(name):
                return redis.Redis(
                    host=host, port=port, protocol=protocol, username=name, password="pw",
                    client_name=name, decode_responses=True,
                )

            def denied(name, *words):
                try:
                    connect(name).execute_command(*words)
                except redis.exceptions.NoPermissionError:
                    return True
                return False

            reader, worker, exporter = map(connect, ("reader", "worker", "exporter"))
            check("reader is named", reader.client_info()["name"], "reader")
            check("reader reads", (reader.get("secret"), reader.hgetall("page")), ("1", {"title": "x"}))
            check("reader finds", sorted(reader.scan_iter()), ["page", "secret"])
            check("worker is given a job", admin.rpush("jobs:new", "job"), 1)
            check("worker takes it", worker.blpop(["jobs:new"], timeout=120), ["jobs:new", "job"] if protocol == 3 else ("jobs:new", "job"))
            with worker.pipeline(transaction=True) as pipe:
                pipe.set("result:job", "done").expire("result:job", 60)
                check("worker leaves its result", pipe.execute(), [True, True])
            check("worker cleans up", worker.delete("result:job"), 1)
            check("exporter sees figures", "used_memory" in exporter.info("memory"))
            check("exporter sees clients", "reader" in [c["user"] for c in exporter.client_list()])
            check("exporter sees what was slow", (exporter.slowlog_len() >= 0, exporter.execute_command("LATENCY", "LATEST")), (True, []))
            for name in users:
                for words in (
                    ["SET", "secret", "2"], ["FLUSHALL"], ["KEYS", "*"], ["CONFIG", "GET", "*"],
                    ["ACL", "LIST"], ["CLIENT", "KILL", "ID", "1"], ["SHUTDOWN"],
                ):
                    check(f"{name} may not {' '.join(words)}", denied(name, *words))
            check("reader may not INFO", denied("reader", "INFO"))
            check("worker may not see others' keys", denied("worker", "GET", "secret"))
            check("exporter may not see keys", denied("exporter", "GET", "secret"))
            check("exporter may not see what others sent", denied("exporter", "SLOWLOG", "GET"))
            check("nothing has changed", admin.get("secret"), b"1")
    finally:
        admin.execute_command("ACL", "DELUSER", *users)
        admin.flushall()
    print(f"users: {len(CHECKS)} checks ok")


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
