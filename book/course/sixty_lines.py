#!/usr/bin/env python3
"""A RESP server in sixty lines. One thread serves all clients; requests come whole or in pieces."""

import selectors
import socket
import sys

KEYS = {}


def bulk(value):
    return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)


def ping(text=None):
    return b"+PONG\r\n" if text is None else bulk(text)


def assign(key, value):
    KEYS[key] = value
    return b"+OK\r\n"


def lookup(key):
    return bulk(KEYS.get(key))


COMMANDS = {b"PING": ping, b"ECHO": bulk, b"SET": assign, b"GET": lookup}


def reply(name, *arguments):
    command = COMMANDS.get(name.upper())
    return command(*arguments) if command else b"-ERR unknown command '%s'\r\n" % name


def request(data):
    """The words of the first request and what follows it; None while its end is not there."""
    line, complete, rest = data.partition(b"\n")
    if not complete:
        return None
    if not line.startswith(b"*"):
        return bytes(line).split(), rest
    words = []
    for _ in range(int(line[1:])):
        size, complete, rest = rest.partition(b"\n")
        if not complete or len(rest) < int(size[1:]) + 2:
            return None
        words.append(bytes(rest[:int(size[1:])]))
        rest = rest[len(words[-1]) + 2:]
    return words, rest


def serve(client, pending):
    """Answers every request that is complete; the beginning of the next one stays in pending."""
    came = client.recv(65536)
    pending += came
    while found := request(pending):
        words, pending[:] = found
        if words:
            client.sendall(reply(*words))
    return bool(came)


def main(port):
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", port))
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for ready, _ in selector.select():
            if ready.fileobj is listener:
                selector.register(listener.accept()[0], selectors.EVENT_READ, bytearray())
                continue
            try:
                stays = serve(ready.fileobj, ready.data)
            except (OSError, TypeError, ValueError):
                stays = False
            if not stays:
                selector.unregister(ready.fileobj)
                ready.fileobj.close()


main(int(sys.argv[1]) if len(sys.argv) > 1 else 6379)
