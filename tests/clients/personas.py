#!/usr/bin/env python3
"""redis-py, new or very old, against a respd that answers as some persona.

usage: personas.py HOST PORT PERSONA open|password|needless

PASSWORD must be "sesame" in the second case, and none in the others. What is to come of it is in
personas.txt. Exits 0 when it does. With RECORD in the environment it prints what comes instead.
"""

import os
import pathlib
import socket
import sys

# redis-py takes the C reader when it finds it.
sys.modules["hiredis"] = None
import redis

PASSWORD = "sesame"
OLD = redis.__version__.startswith("2.")
# The columns of personas.txt that are redis-py's, and what it is told in each.
MODES = {"redis-py-2": {}} if OLD else {"redis-py": {}, "redis-py:2": {"protocol": 2}}


def expected(persona, situation):
    lines = pathlib.Path(__file__).with_name("personas.txt").read_text().splitlines()
    head, *rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {tuple(row[:2]): dict(zip(head[2:], row[2:])) for row in rows}[persona, situation]


def refusals(host, port, situation):
    """How many errors the server has sent so far."""
    with socket.create_connection((host, port)) as link:
        login = f"AUTH {PASSWORD}\r\n" if situation == "password" else ""
        link.sendall(f"{login}INFO stats\r\n".encode())
        link.shutdown(socket.SHUT_WR)
        report = b"".join(iter(lambda: link.recv(65536), b"")).decode()
    fields = dict(line.split(":", 1) for line in report.splitlines() if ":" in line)
    return int(fields["total_error_replies"])


def outcome(host, port, situation, options):
    before = refusals(host, port, situation)
    if situation != "open":
        options = {**options, "password": PASSWORD}
    try:
        redis.StrictRedis(host=host, port=port, **options).ping()
    except redis.RedisError:
        return "fails"
    return "works" if refusals(host, port, situation) == before else "goes-on"


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    host, port, persona, situation = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]
    once = {}
    if not OLD:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        # It would try again, slowly: a refused login is a ConnectionError to it.
        once = {"retry": Retry(NoBackoff(), 0)}
    found = {name: outcome(host, port, situation, {**options, **once}) for name, options in MODES.items()}
    if "RECORD" in os.environ:
        print(" ".join(f"{name}={word}" for name, word in found.items()))
        return
    for name, word in found.items():
        want = expected(persona, situation)[name]
        if word != want:
            sys.exit(f"{name} with {persona}, {situation}: {word}, and it should be: {want}")


if __name__ == "__main__":
    main()
