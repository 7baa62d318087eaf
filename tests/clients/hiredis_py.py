#!/usr/bin/env python3
"""hiredis, through its Python binding, against a running server.

usage: hiredis_py.py HOST PORT [UNIX_SOCKET]

First its reader and writer alone on a socket, in both protocols; then redis-py on top of it, as
in redis_py.py. Exits 0 when all went well, else with a message.
"""

import socket
import sys

import hiredis
import redis
import redis_py
from checks import CHECKS, check


class Bare:
    """A socket, a hiredis reader and its packer: no client library in between."""

    def __init__(self, host, port, step=1 << 16):
        self.socket = socket.create_connection((host, port), timeout=120)
        self.reader = hiredis.Reader(notEnoughData=Ellipsis)
        # How many bytes the reader is given at once.
        self.step = step

    def call(self, *words):
        self.socket.sendall(hiredis.pack_command(words))
        return self.read()

    def read(self):
        while (reply := self.reader.gets()) is Ellipsis:
            data = self.socket.recv(self.step)
            if not data:
                sys.exit("hiredis: the server closed the connection")
            self.reader.feed(data)
        return reply


def bare(host, port):
    resp2 = Bare(host, port)
    check("RESP2 status", resp2.call("PING"), b"PONG")
    check("RESP2 null", resp2.call("GET", "nothing"), None)
    check("RESP2 integer", resp2.call("EXISTS", "nothing"), 0)
    check("RESP2 pairs", resp2.call("CONFIG", "GET", "databases"), [b"databases", b"16"])
    error = resp2.call("NOSUCH")
    check("RESP2 error", (type(error), str(error)), (hiredis.ReplyError, "ERR unknown command 'NOSUCH', with args beginning with: "))

    resp3 = Bare(host, port)
    hello = resp3.call("HELLO", "3", "SETNAME", "bare")
    check("RESP3 map", (hello[b"proto"], hello[b"mode"], hello[b"role"]), (3, b"standalone", b"master"))
    check("RESP3 null", resp3.call("GET", "nothing"), None)
    check("RESP3 pairs", resp3.call("CONFIG", "GET", "databases"), {b"databases": b"16"})
    check("RESP3 verbatim", b" name=bare " in resp3.call("CLIENT", "INFO"))
    check("RESP3 nested", resp3.call("CLIENT", "TRACKINGINFO")[b"redirect"], -1)
    check("RESP3 big", len(resp3.call("COMMAND")) > 20)
    check("RESP3 bigger", len(resp3.call("COMMAND", "DOCS")) > 20)
    if not isinstance(resp3.call("DEBUG", "PROTOCOL", "integer"), hiredis.ReplyError):
        check("RESP3 true", resp3.call("DEBUG", "PROTOCOL", "true"), True)
        check("RESP3 double", resp3.call("DEBUG", "PROTOCOL", "double"), 3.141)
        check("RESP3 big number", int(resp3.call("DEBUG", "PROTOCOL", "bignum")), 1234567999999999999999999999999999999)
        check("RESP3 set", sorted(resp3.call("DEBUG", "PROTOCOL", "set")), [0, 1, 2])
        check("RESP3 map of booleans", resp3.call("DEBUG", "PROTOCOL", "map"), {0: False, 1: True, 2: False})
        check("RESP3 reply before push", resp3.call("DEBUG", "PROTOCOL", "push"), b"Some real reply following the push reply")
        push = resp3.read()
        check("RESP3 push", (type(push).__name__, list(push)), ("PushNotification", [b"server-cpu-usage", 42]))

    slow = Bare(host, port, step=1)
    slow.call("HELLO", "3")
    check("byte by byte", slow.call("COMMAND", "INFO", "get")[0][0], b"get")

    many = Bare(host, port)
    many.socket.sendall(hiredis.pack_command(("PING", "x")) * 1000)
    check("pipeline of 1000", {many.read() for _ in range(1000)}, {b"x"})


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    host, port = sys.argv[1], int(sys.argv[2])
    bare(host, port)
    for protocol in (2, 3):
        parser = type(redis.Redis(host=host, port=port, protocol=protocol).connection_pool.make_connection()._parser)
        check("redis-py has the C reader", parser.__name__, "_HiredisParser")
        redis_py.run(host, port, protocol, *sys.argv[3:])
    print(f"hiredis {hiredis.__version__}, alone and in redis-py {redis.__version__}: {len(CHECKS)} checks passed")


if __name__ == "__main__":
    main()
