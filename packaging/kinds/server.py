"""A server that a proof has started in the place where its package is installed."""

import contextlib
import selectors
import socket
import subprocess
import time

from .release import Broken, expect

# Longer than any machine takes; it is never waited out when the server does what it should.
PATIENCE = 60


def asked(address, request):
    """Sends a request over TCP; returns the first line of the reply."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE) as connection:
        connection.sendall(request)
        return connection.makefile("rb").readline().decode().rstrip("\r\n")


def reachable(address):
    """Pings a server until its port is open, for one that says nothing when it is ready."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return asked(address, b"PING\r\n")
        except OSError as error:
            if time.monotonic() > deadline:
                raise Broken(f"{address}: {error}") from error
            time.sleep(0.05)


@contextlib.contextmanager
def started(*command):
    """Starts `command --port 0 --ready`; gives the fields of the line that it prints, and ends it afterwards."""
    words = [str(word) for word in command] + ["--port", "0", "--ready"]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield ready_fields(process, words)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def ready_fields(process, words):
    """Reads what a server prints up to its line `ready …`."""
    said, deadline = b"", time.monotonic() + PATIENCE
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if not waiting.select(1):
                continue
            more = process.stdout.read1()
            said += more
            for line in said.decode(errors="replace").splitlines(keepends=True):
                if line.startswith("ready ") and line.endswith("\n"):
                    return dict(field.split("=", 1) for field in line.split()[1:])
            expect(more, f"{' '.join(words)} did not become ready:\n{said.decode(errors='replace').rstrip()}")
    raise Broken(f"{' '.join(words)} is not ready:\n{said.decode(errors='replace').rstrip()}")
