#!/usr/bin/env python3
"""A redis-py of long ago (2.x, 3.x) against a running server: RESP2 without any handshake.

usage: redis_py_old.py HOST PORT [UNIX_SOCKET]

Exits 0 when all went well, else with a message.
"""

import sys

try:
    import distutils  # noqa: F401
except ImportError:
    import setuptools  # noqa: F401 (brings distutils back, which this redis-py imports)
import redis

from checks import CHECKS, check


def error_of(call, *args):
    try:
        call(*args)
    except redis.RedisError as error:
        return str(error)
    return ""


def smoke(host, port, unix_socket=None):
    client = redis.StrictRedis(host, port)
    check("connect with defaults", client.ping())
    check("no HELLO: RESP2", b" resp=2" in client.execute_command("CLIENT", "INFO"))
    client.flushall()
    check("SET", client.set("greeting", "hello"))
    check("GET", client.get("greeting"), b"hello")
    check("GET of nothing", client.get("nothing"), None)
    check("EXISTS", bool(client.exists("greeting")))
    check("DEL", client.delete("greeting", "nothing"), 1)
    every_byte = bytes(bytearray(range(256))) * 300
    check("binary", client.set("binary", every_byte) and client.get("binary"), every_byte)
    script = client.register_script("return {KEYS[1], ARGV[1], tonumber(ARGV[2]), false}")
    check("a script", [script(keys=["a"], args=["x", 7]) for _ in range(2)], [[b"a", b"x", 7, None]] * 2)
    lock = client.lock("door", timeout=60)
    check("a lock", (lock.acquire(), client.exists("door"), lock.release(), client.exists("door")), (True, True, None, False))

    pipe = client.pipeline(transaction=False)
    for i in range(500):
        pipe.set("key:%d" % i, i).get("key:%d" % i)
    replies = pipe.execute()
    check("pipeline of 1000", (len(replies), replies[-1]), (1000, b"499"))
    check("unknown command", error_of(client.execute_command, "NOSUCH"), "unknown command 'NOSUCH', with args beginning with: ")

    in_three = redis.StrictRedis(host, port, db=3)
    in_three.set("only", "here")
    check("SELECT", (in_three.get("only"), client.get("only")), (b"here", None))
    check("INFO", client.info()["role"], "master")
    check("INFO keyspace", client.info("keyspace")["db3"]["keys"], 1)
    check("CONFIG GET", client.config_get("databases"), {"databases": "16"})
    check("CLIENT SETNAME", client.client_setname("old") and client.client_getname(), "old")

    mine = [c for c in client.client_list() if c["name"] == "old"]
    check("CLIENT LIST", len(mine), 1)
    check("CLIENT KILL", redis.StrictRedis(host, port).client_kill(mine[0]["addr"]))
    # This line of redis-py reconnects by itself when it finds the connection closed.
    check("reconnects", client.ping() and client.client_getname(), None)
    if unix_socket:
        check("unix socket", redis.StrictRedis(unix_socket_path=unix_socket).ping())

    admin = redis.StrictRedis(host, port, max_connections=1)
    admin.config_set("requirepass", "sesame")
    try:
        check("password", redis.StrictRedis(host, port, password="sesame").ping())
        # It took any refused AUTH for a wrong password, whatever the text.
        check("wrong password", error_of(redis.StrictRedis(host, port, password="wrong").ping) != "")
        check("no password", "Authentication required." in error_of(redis.StrictRedis(host, port).ping))
    finally:
        admin.config_set("requirepass", "")
    client.flushall()


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        smoke(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
    except redis.RedisError as error:
        sys.exit("redis-py %s: after %s: %s" % (redis.__version__, CHECKS[-1:], error))
    print("redis-py %s: %d checks passed" % (redis.__version__, len(CHECKS)))


if __name__ == "__main__":
    main()
