"""The ways in which scripts/bench measures, the servers that it starts, and the load on them.

A way to measure is a generator: given a server and a row it yields one figure per turn, or several by
name, and its documentation is the unit.
"""

import contextlib
import glob
import itertools
import os
import pathlib
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Callable, Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
LOAD = RELEASE / "examples" / "load"
# What a server with a port for TLS is told beside it.
TLS = ["--tls-cert-file", ROOT / "tests/tls/server.crt", "--tls-key-file", ROOT / "tests/tls/server.key", "--tls-auth-clients", "no"]

# How long a load runs that is not told how often. `scripts/bench` sets it.
seconds = 1.0


class RunFailed(Exception):
    """A server could not be started, or did not do what the load asked."""


@dataclass
class Row:
    name: str
    measure: "Callable[[Server, Row], Iterator[float | dict[str, float]]]"
    # Arguments of examples/load.rs, or what the way to measure reads.
    load: str
    target: str
    # Loads that run once beforehand, one after the other, with && between them.
    prepare: str = ""
    # Which figure the row has, of a way to measure that yields several.
    figure: str = ""
    # So many turns instead of as many as are asked for, of a way to measure that starts a server for
    # each, so that the first is as good as any.
    turns: int = 0
    # How many connections are open meanwhile that send nothing.
    idle: int = 0
    # Whether the echo loop takes part, which keeps nothing and sends only what it is asked.
    floor: bool = True
    # Where scripts/chart draws the row, if anywhere: as bars, or in the panel of this name, at x.
    panel: str = ""
    x: int = 0

    @property
    def unit(self) -> str:
        return self.measure.__doc__

    @property
    def run(self) -> tuple:
        """What is measured: rows of one run differ in the figure that they have of it."""
        return self.measure, self.load, self.prepare, self.turns, self.idle, self.floor

    def figures(self, servers: "list[Server]", rounds: int) -> "tuple[dict[str, list], list[str]]":
        """What was measured of each server, turn by turn, and why nothing was of some."""
        servers = [server for server in servers if self.floor or server.name != "echo"]
        figures, refusals = {server.name: [] for server in servers}, []
        with contextlib.ExitStack() as cleanup:
            turns = {s.name: cleanup.enter_context(contextlib.closing(self.measure(s, self))) for s in servers}
            for _ in range(self.turns or 1 + rounds):
                for name, figure in list(turns.items()):
                    try:
                        figures[name].append(next(figure))
                    except (RunFailed, OSError) as reason:
                        refusals.append(f"{self.name}: {name}: {reason}")
                        del turns[name], figures[name]
        return {name: taken[0 if self.turns else 1 :] for name, taken in figures.items()}, refusals


def measured(rows: "list[Row]", servers: "list[Server]", rounds: int) -> "Iterator[tuple[Row, dict[str, list[float]], list[str]]]":
    """Each row with the figures of each server, turn by turn, and with why some have none; neighbours of one run are measured once."""
    for _, neighbours in itertools.groupby(rows, lambda row: row.run):
        first, *others = neighbours
        taken, refusals = first.figures(servers, rounds)
        for row in (first, *others):
            yield row, {name: [turn[row.figure] if row.figure else turn for turn in turns] for name, turns in taken.items()}, refusals
            refusals = []


# ---- the ways to measure: generators that yield one figure per turn -----------------------------


def cpu_time(server: "Server", row: Row) -> Iterator[float]:
    """ns/request"""
    with prepared(server, row) as (process, port):
        while True:
            with load(row.load, port) as run:
                before = cpu_nanoseconds(process.pid)
                requests = run()["requests"]
                figure = (cpu_nanoseconds(process.pid) - before) / requests
            yield figure


def latency(server: "Server", row: Row) -> "Iterator[dict[str, float]]":
    """µs"""
    with prepared(server, row) as (_, port):
        while True:
            with load(f"--latency {row.load}", port) as run:
                figures = run()
            yield figures


def cpu_time_of_prepared(server: "Server", row: Row) -> Iterator[float]:
    """times an unprepared one's CPU"""
    unprepared = Row(row.name, cpu_time, row.load, "")
    prepared = Row(row.name, cpu_time, row.load, "", row.prepare)
    for one, other in zip(cpu_time(server, prepared), cpu_time(server, unprepared)):
        yield one / other


def hand_over(server: "Server", row: Row) -> Iterator[float]:
    """ns/element"""
    workers, rounds = 50, 200
    pops = [words("BLPOP", f"queue:{n}", "0") for n in range(workers)]
    pushes = b"".join(words("RPUSH", f"queue:{n}", "xyz") for n in range(workers))
    with server.running() as (process, port), contextlib.ExitStack() as cleanup:
        connect = lambda: cleanup.enter_context(socket.create_connection(("127.0.0.1", port)))
        waiting, producer = [connect() for _ in range(workers)], connect()
        while True:
            before = cpu_nanoseconds(process.pid)
            for _ in range(rounds):
                for client, request in zip(waiting, pops):
                    client.sendall(request)
                producer.sendall(pushes)
                if producer.recv(4 * workers, socket.MSG_WAITALL) != b":1\r\n" * workers:
                    raise RunFailed("the server has not pushed")
                for client in waiting:
                    if client.recv(256)[:1] != b"*":
                        raise RunFailed("the server has not handed anything over")
            yield (cpu_nanoseconds(process.pid) - before) / (rounds * workers)


def publish_over_tls(server: "Server", row: Row) -> Iterator[float]:
    """ns/message"""
    count, messages = int(row.load), 20
    published = words("PUBLISH", "news", "xyz")
    message = words("message", "news", "xyz")
    port_of_tls = free_port()
    context = ssl.create_default_context(cafile=ROOT / "tests/tls/ca.crt")
    with server.running("--tls-port", str(port_of_tls), *TLS) as (process, port), contextlib.ExitStack() as cleanup:
        connect = lambda port: cleanup.enter_context(socket.create_connection(("127.0.0.1", port)))
        publisher, listeners = connect(port), []
        for _ in range(count):
            plain = connect(port_of_tls)
            listeners.append(cleanup.enter_context(context.wrap_socket(plain, server_hostname="127.0.0.1")))
            listeners[-1].sendall(words("SUBSCRIBE", "news"))
            receive(listeners[-1], len(words("subscribe", "news")) + len(b":1\r\n"))
        while True:
            before = cpu_nanoseconds(process.pid)
            for _ in range(messages):
                publisher.sendall(published)
                receive(publisher, len(f":{count}\r\n"))
                for listener in listeners:
                    receive(listener, len(message))
            yield (cpu_nanoseconds(process.pid) - before) / (count * messages)


def memory(server: "Server", row: Row) -> Iterator[float]:
    """bytes"""
    while True:
        with server.running() as (process, port):
            for line in (row.prepare or "-c 1 -n 1 PING").split(" && "):
                run_load(line, port)
            before = resident_bytes(process.pid)
            requests = run_load(row.load, port)["requests"]
            time.sleep(0.02)  # for the server to see the connections close
            figure = (resident_bytes(process.pid) - before) / requests
        yield figure


def connection_memory(server: "Server", row: Row) -> Iterator[float]:
    """bytes"""
    while True:
        with server.running() as (process, port):
            run_load("-c 1 -n 1 PING", port)
            before = resident_bytes(process.pid)
            with load(row.load, port) as run:
                requests = run()["requests"]
                figure = (resident_bytes(process.pid) - before) / requests
        yield figure


def longest_wait(server: "Server", row: Row) -> Iterator[float]:
    """ms"""
    while True:
        with prepared(server, row) as (_, port):
            command = [sys.executable, "-c", PINGER, str(port)]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as pinger:
                pinger.stdout.readline()  # the first has been answered
                with load(row.load, port) as run:
                    run()
                    time.sleep(1)
                longest = float(pinger.communicate()[0]) * 1000
        yield longest


# A process of its own, which only the server keeps waiting: sends one PING after the other until
# its input ends, and prints the seconds that the longest had to wait.
PINGER = """
import gc, select, socket, sys, time
gc.disable()
longest = 0
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as server:
    server.sendall(b"PING\\r\\n")
    server.recv(64)
    print(flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        asked = time.perf_counter()
        server.sendall(b"PING\\r\\n")
        server.recv(64)
        longest = max(longest, time.perf_counter() - asked)
print(longest)
"""


def tracked_memory(server: "Server", row: Row) -> Iterator[float]:
    """bytes/pair"""
    keys, *mode = row.load.split()
    while True:
        with server.running() as (process, port):
            with trackers(port, 1, mode) as [first]:
                read_keys([first], 1)
            before = resident_bytes(process.pid)
            with trackers(port, TRACKERS, mode) as clients:
                read_keys(clients, int(keys))
                figure = (resident_bytes(process.pid) - before) / (TRACKERS * int(keys))
        yield figure


def invalidation_time(server: "Server", row: Row) -> Iterator[float]:
    """ns/message"""
    keys, *mode = row.load.split()
    with server.running() as (process, port), trackers(port, TRACKERS, mode) as clients:
        with socket.create_connection(("127.0.0.1", port)) as writer:
            while True:
                read_keys(clients, int(keys))
                before = cpu_nanoseconds(process.pid)
                for n in range(int(keys)):
                    writer.sendall(words("SET", key_name(n), "xyz"))
                    receive(writer, len(b"+OK\r\n"))
                    if n % 100 == 99:
                        for client in clients:
                            receive(client, 100 * len(INVALIDATION))
                yield (cpu_nanoseconds(process.pid) - before) / (TRACKERS * int(keys))


TRACKERS = 100
INVALIDATION = b">2\r\n$10\r\ninvalidate\r\n*1\r\n$16\r\nkey:000000000000\r\n"


@contextlib.contextmanager
def trackers(port: int, count: int, mode: "list[str]") -> "Iterator[list[socket.socket]]":
    """Clients that track keys."""
    with contextlib.ExitStack() as cleanup:
        clients = [cleanup.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(count)]
        for client in clients:
            client.sendall(words("HELLO", "3") + words("CLIENT", "TRACKING", "ON", *mode))
            said = b""
            while not said.endswith(b"+OK\r\n"):
                said += client.recv(4096)
        yield clients


def read_keys(clients: "list[socket.socket]", keys: int) -> None:
    """Every client reads the first so many keys."""
    for first in range(0, keys, 1000):
        names = [key_name(n) for n in range(first, min(first + 1000, keys))]
        for client in clients:
            client.sendall(words("EXISTS", *names))
        for client in clients:
            while not client.recv(64).endswith(b"\r\n"):
                pass


def key_name(n: int) -> str:
    return f"key:{n:012}"


def words(*words: str) -> bytes:
    bulks = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    return f"*{len(words)}\r\n{bulks}".encode()


def receive(client: socket.socket, size: int) -> None:
    while size > 0:
        got = client.recv(min(size, 1 << 16))
        if not got:
            raise RunFailed("a client was cut off")
        size -= len(got)


def start_time(server: "Server", row: Row) -> Iterator[float]:
    """ms"""
    while True:
        started = time.perf_counter()
        with server.running():
            figure = (time.perf_counter() - started) * 1000
        yield figure


def binary_size(server: "Server", row: Row) -> Iterator[float]:
    """MiB"""
    while True:
        yield os.path.getsize(server.binary) / 2**20


def cpu_nanoseconds(pid: int) -> float:
    with contextlib.suppress(OSError):
        tasks = glob.glob(f"/proc/{pid}/task/*")
        if total := sum(int(pathlib.Path(task, "schedstat").read_text().split()[0]) for task in tasks):
            return total
    # After the name, which is in parentheses and may contain anything: fields 14 and 15.
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e9 / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    # VmRSS of /proc/PID/status may lag behind by some pages per core; this one is counted.
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise RunFailed("no resident size")


# ---- servers and the load -----------------------------------------------------------------------


@dataclass
class Server:
    name: str
    binary: "str | None"
    # With {port} for a server that is told its port; without, for one that chooses it and says so.
    arguments: str

    @contextlib.contextmanager
    def running(self, *more: str) -> "Iterator[tuple[subprocess.Popen, int]]":
        """Starts the server in a directory of its own, with more arguments; stops it, by its process, at the end."""
        port = None if "{port}" not in self.arguments else free_port()
        command = [self.binary, *shlex.split(self.arguments.format(port=port)), *more]
        with tempfile.TemporaryDirectory() as directory, open(f"{directory}/log", "w+") as log:
            output = log if port else subprocess.PIPE
            process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=log)
            try:
                yield process, wait_for_connections(process, port) if port else wait_for_ready_line(process)
            except RunFailed as reason:
                log.seek(0)
                raise RunFailed(" ".join([str(reason), *log.read().splitlines()[-1:]])) from None
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                if process.stdout:
                    process.stdout.close()


def wait_for_ready_line(process: subprocess.Popen) -> int:
    line = process.stdout.readline().decode()
    for word in line.split():
        if word.startswith("tcp="):
            return int(word.rpartition(":")[2])
    raise RunFailed(f"no ready line but {line!r}")


def wait_for_connections(process: subprocess.Popen, port: int) -> int:
    while process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return port
        time.sleep(0.0002)
    raise RunFailed(f"exited with status {process.returncode} at start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def prepared(server: Server, row: Row) -> "Iterator[tuple[subprocess.Popen, int]]":
    """A running server that holds what a row prepares, and the connections that idle."""
    with server.running() as (process, port), contextlib.ExitStack() as cleanup:
        for line in filter(None, row.prepare.split(" && ")):
            run_load(line, port)
        if row.idle:
            cleanup.enter_context(load(f"-c {row.idle} PING", port))
        yield process, port


@contextlib.contextmanager
def load(arguments: str, port: int) -> "Iterator[Callable[[], dict[str, float]]]":
    """Opens the connections of a load, and yields what sends its requests and returns what it prints."""
    limit = "" if "-n" in arguments.split() else f"-s {seconds}"
    command = [LOAD, "--held", "-p", str(port), *shlex.split(limit), *shlex.split(arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:

        def answer() -> "list[str]":
            line = process.stdout.readline().decode().split()
            if not line:
                raise RunFailed(process.stderr.read().decode().strip() or "the load failed")
            return line

        def run() -> "dict[str, float]":
            process.stdin.write(b"\n")
            process.stdin.flush()
            named = (word.partition("=") for word in answer())
            return {name: float(figure) for name, _, figure in named}

        try:
            answer()  # that it is ready
            yield run
        except BaseException:
            process.terminate()
            raise


def run_load(arguments: str, port: int) -> "dict[str, float]":
    with load(arguments, port) as run:
        return run()


def find_servers(asked: str) -> "list[Server]":
    """The servers that were asked for, or those that are there."""
    reference = "--port {port} --bind 127.0.0.1 --save '' --appendonly no --maxclients 11000 --loglevel warning"
    known = [
        Server("echo", shutil.which(RELEASE / "examples" / "echo"), ""),
        Server("respd", shutil.which(RELEASE / "respd"), "--port 0 --ready --maxclients 11000"),
        Server("valkey", shutil.which(os.environ.get("VALKEY_SERVER", "valkey-server")), reference),
        Server("redis", shutil.which(os.environ.get("REDIS_SERVER", "redis-server")), reference),
        Server("redis8", shutil.which(os.environ.get("REDIS8_SERVER", "")), reference),
    ]
    wanted = asked.split(",") if asked else [server.name for server in known]
    found = [server for server in known if server.name in wanted and server.binary]
    missing = set(wanted) - {server.name for server in found}
    if missing and (asked or not found):
        raise RunFailed(f"not found: {', '.join(sorted(missing))}")
    return found


