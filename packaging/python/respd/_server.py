"""Starting the binary, and what a program learns of the server."""

from __future__ import annotations

import importlib.metadata
import os
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Optional, Union
from urllib.parse import quote

from respd._stage import Stage

if TYPE_CHECKING:
    import redis

#: What a directive may be given: text, a number, a bool for yes or no, or several words.
#: None is a port that there is not.
Value = Union[str, int, float, bool, None, "os.PathLike[str]", Iterable[Union[str, int]]]


class StartError(RuntimeError):
    """The server has not started. The text is its own."""


def binary() -> str:
    """The path of the binary: `$RESPD_BINARY`, or what was installed with this module, or one on `PATH`."""
    told = os.environ.get("RESPD_BINARY")
    if told:
        return told
    try:
        installed = importlib.metadata.files("respd") or []
    except importlib.metadata.PackageNotFoundError:
        installed = []
    for file in installed:
        if file.name == "respd" and os.access(file.locate(), os.X_OK):
            return str(Path(os.path.abspath(str(file.locate()))))
    found = shutil.which("respd")
    if found is None:
        raise FileNotFoundError("there is no respd: neither $RESPD_BINARY, nor beside this module, nor on PATH")
    return found


def start(*, stage: bool = False, timeout: float = 30, **directives: Value) -> Server:
    """Starts a server and returns when it is ready.

    Directives are those of the configuration file, with `_` for `-`: `start(maxmemory="100mb", appendonly=True)`.
    Without them the server takes any free port of 127.0.0.1 and a folder that is removed with it. `timeout` is in
    seconds. Raises `StartError`, with what the server says, if it does not become ready. `stage=True` is for a server
    that `Server.stage` drives, as a test double, through an administration port, on which nothing that is staged counts.
    """
    return Server({**directives, "enable-stage-command": "local"} if stage else directives, timeout)


class Server:
    """A server that runs. As a context manager it is closed at the end of the block."""

    host: str
    """The address for clients."""
    port: int
    """The port for clients; 0 if `port=None` asked for none."""
    admin_port: Optional[int]
    """The port for administration, if `admin_port=` asked for one, where 0 is any free one, or `stage=True` did."""
    tls_port: Optional[int]
    """The port for clients that speak TLS, if there is one."""
    unix: Optional[str]
    """The path of the unix socket, if `unixsocket` asked for one."""
    pid: int
    """The id of the process."""
    stage: Stage
    """What a test drives the server by, if it was started with `stage=True`."""

    def __init__(self, directives: dict[str, Value], timeout: float) -> None:
        self._folder = tempfile.mkdtemp(prefix="respd-")
        self._log: IO[bytes] = tempfile.TemporaryFile()
        self._password = str(directives.get("requirepass") or "")
        given: dict[str, Value] = {"port": 0, "bind": "127.0.0.1", "dir": self._folder}
        given.update((name.replace("_", "-"), value) for name, value in directives.items())
        self._staged = _text(given.get("enable-stage-command", "no")) != "no"
        if self._staged:
            given.setdefault("admin-port", 0)
        self._admin_speaks_tls = _text(given.get("admin-tls", "no")) == "yes"
        words = [binary(), "--ready", "--exit-with-stdin"]
        for name, value in given.items():
            # A port of 0 is any free one as an option, and none at all as a directive.
            if name.endswith("port") and value is not None:
                words += [f"--{name}", _text(value)]
            else:
                words += ["-o", f"{name}={_text(value)}"]
        try:
            # The server ends when its stdin does. This process alone has the other end, so that is whenever it ends.
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
            )
        except BaseException:
            self._remove_files()
            raise
        try:
            self._read(self._ready_line(timeout))
        except BaseException:
            self.close()
            raise

    def _ready_line(self, timeout: float) -> str:
        out = self._process.stdout
        assert out is not None
        said, deadline = b"", time.monotonic() + timeout
        with selectors.DefaultSelector() as waiting:
            waiting.register(out, selectors.EVENT_READ)
            while not said.endswith(b"\n"):
                left = deadline - time.monotonic()
                if left <= 0 or not waiting.select(left):
                    raise StartError(f"respd is not ready after {timeout} s\n{self.log()}".rstrip())
                more = os.read(out.fileno(), 4096)
                if not more:
                    self._process.wait()
                    raise StartError(self.log().strip() or f"respd ended with status {self._process.returncode}")
                said += more
        return said.decode()

    def _read(self, line: str) -> None:
        """Takes what is in `ready pid=… tcp=ADDR:PORT [admin=ADDR:PORT] [tls=ADDR:PORT] [unix=PATH]`."""
        # A path is last, and may have spaces.
        line, _, unix = line.rstrip("\n").partition(" unix=")
        fields = dict(field.split("=", 1) for field in line.split()[1:])
        self.pid = int(fields["pid"])
        self.unix = unix or None
        self.host, self.port = _address(fields["tcp"]) if "tcp" in fields else ("127.0.0.1", 0)
        admin = _address(fields["admin"]) if "admin" in fields else None
        self.admin_port = admin[1] if admin else None
        self.tls_port = _address(fields["tls"])[1] if "tls" in fields else None
        clients = self.unix if self.unix and not self.port else (self.host, self.port)
        self.stage = Stage(clients if admin is None or self._admin_speaks_tls else admin, self._password)

    @property
    def url(self) -> str:
        """`redis://HOST:PORT`, with the password if there is one, as client libraries take it."""
        password = f":{quote(self._password, safe='')}@" if self._password else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis://{password}{host}:{self.port}"

    def client(self, **options: Any) -> redis.Redis:
        """A new client of redis-py, which must be installed. It takes the options of `redis.Redis`."""
        import redis

        options.setdefault("password", self._password or None)
        return redis.Redis(host=self.host, port=self.port, **options)

    def flush(self) -> None:
        """Removes all keys, functions and cached scripts."""
        with socket.create_connection((self.host, self.port), timeout=30) as connection:
            replies = connection.makefile("rb")
            login = [["AUTH", self._password]] if self._password else []
            for command in (*login, ["FLUSHALL"], ["FUNCTION", "FLUSH"], ["SCRIPT", "FLUSH"]):
                connection.sendall(_request(command))
                reply = replies.readline().decode(errors="replace").rstrip("\r\n")
                # A server that was built without scripts has none to remove.
                if not reply.startswith("+") and not reply.startswith("-ERR unknown command"):
                    raise RuntimeError(f"{' '.join(command[:1])}: {reply[1:] or 'the server has closed'}")

    def log(self) -> str:
        """What the server has logged until now."""
        if self._log.closed:
            return ""
        # The server writes through the same open file: its place must stay where it is.
        return os.pread(self._log.fileno(), os.fstat(self._log.fileno()).st_size, 0).decode(errors="replace")

    def close(self) -> None:
        """Ends the server and removes its folder. More than once does no harm."""
        if hasattr(self, "stage"):
            self.stage.close()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._remove_files()

    def _remove_files(self) -> None:
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<respd.Server {self.host}:{self.port} pid={self.pid}>" if hasattr(self, "pid") else "<respd.Server>"


def _text(value: Value) -> str:
    """A directive's value as the configuration file has it."""
    if value is None:
        return "0"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return " ".join(str(word) for word in value)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _request(words: list[str]) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)
