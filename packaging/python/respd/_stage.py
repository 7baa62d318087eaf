"""What goes wrong on a server, as plain words: each method is a line of STAGE."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from typing import IO, Any, NamedTuple, Optional, Union

Word = Union[str, bytes, int]

#: `DELAY 200` as text, of which ERROR, REPLY and PUSH take all behind them; or its words, of which bytes mean themselves.
Action = Union[str, Iterable[Word]]

#: Which clients: a glob for the name, or any of id, name, lib, user, db and proto.
Client = Union[str, Mapping[str, Word]]

#: Globs for words of a command, by their place; 0 is the command itself, -1 the last word.
Arguments = Mapping[int, Union[str, bytes]]


class StageError(RuntimeError):
    """A line of STAGE was refused, or what was waited for has not come. The text is the server's."""


class Entry(NamedTuple):
    """A command that a client has sent."""

    seq: int
    """Its number: `journal.get(since=...)` begins there."""
    time: int
    """When it came, in µs since 1970 by the server's clock."""
    client: int
    """The client's id."""
    name: bytes
    """The client's name."""
    argv: list[bytes]
    """The command and its arguments."""
    reply: Optional[bytes]
    """What was sent for it, as it was sent; None if nothing was."""


class Journal:
    """What clients send, while it is on."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def on(self, limit: Optional[int] = None) -> None:
        """Begins to note commands, the last `limit` of them."""
        self._stage("JOURNAL", "ON", *([] if limit is None else [limit]))

    def off(self) -> None:
        """Notes no more."""
        self._stage("JOURNAL", "OFF")

    def reset(self) -> None:
        """Forgets what has been noted."""
        self._stage("JOURNAL", "RESET")

    def get(self, client: Optional[Client] = None, since: Optional[int] = None) -> list[Entry]:
        """What has been noted, of these clients, from this number on."""
        words = _client(client)
        if since is not None:
            words += ["SINCE", since]
        return [Entry(**_map(entry)) for entry in self._stage("JOURNAL", "GET", *words)]

    def wait(self, command: str, *, args: Optional[Arguments] = None, count: int = 1, timeout: float = 10) -> int:
        """Returns when the command has been sent `count` times. Raises `StageError` after `timeout` seconds."""
        words: list[Word] = [command, *_arguments(args), "COUNT", count, "TIMEOUT", max(1, round(timeout * 1000))]
        found: int = self._stage("JOURNAL", "WAIT", *words, patience=timeout)
        if found < count:
            raise StageError(f"{command} has been sent {found} times, not {count}, within {timeout} s")
        return found


class Stage:
    """What a test drives a server by. `stage("CLOCK", "FREEZE")` is any line of STAGE; its value is the reply's.

    `Server.stage` is one. Another process makes its own, `Stage(("127.0.0.1", admin_port), password)`: on the
    administration port nothing that is staged keeps it out. A text is the path of a unix socket.
    """

    def __init__(self, address: Union[str, tuple[str, int]], password: str = "") -> None:
        self._address = address
        self._password = password
        # The connection is kept: a new one through a port for clients might meet what this one has asked for.
        self._connection: Optional[socket.socket] = None
        self._replies: Optional[IO[bytes]] = None
        self.journal = Journal(self)

    def fault(
        self,
        name: str,
        *,
        do: Union[str, Iterable[Action]],
        on: Optional[str] = None,
        args: Optional[Arguments] = None,
        client: Optional[Client] = None,
        skip: Optional[int] = None,
        times: Optional[int] = None,
        every: Optional[int] = None,
        chance: Optional[int] = None,
        seed: Optional[int] = None,
    ) -> None:
        """Adds a fault: `fault("slow", on="GET", times=1, do=["RUN", "DELAY 200"])`.

        `do` is an action or several, one after the other.
        """
        words: list[Word] = ["ADD", name]
        if on is not None:
            words += ["ON", on]
        words += _arguments(args) + _client(client)
        for word, number in (("SKIP", skip), ("TIMES", times), ("EVERY", every), ("CHANCE", chance), ("SEED", seed)):
            if number is not None:
                words += [word, number]
        joint = "DO"
        for action in [do] if isinstance(do, str) else do:
            words += [joint, *_action(action)]
            joint = "THEN"
        self("FAULT", *words)

    def faults(self) -> list[dict[str, Any]]:
        """The faults that there are, with the `hits` of each."""
        return [_map(fault) for fault in self("FAULT", "LIST")]

    def del_fault(self, name: str) -> None:
        """Removes a fault."""
        self("FAULT", "DEL", name)

    def clear_faults(self) -> None:
        """Removes all faults."""
        self("FAULT", "CLEAR")

    def accept(self, what: str, times: Optional[int] = None) -> None:
        """What happens to clients that connect: REFUSE, HANG or CLOSE, to the next `times` or until `reset()`; or ALL."""
        words: list[Word] = [] if times is None else ["TIMES", times]
        self("ACCEPT", what, *words)

    def send(self, data: Union[str, bytes], *, name: Optional[str] = None, id: Optional[int] = None) -> int:
        """Sends bytes to clients, now, and returns to how many. In text, escapes are the server's: `r"+OK\\r\\n"`."""
        whom: list[Word] = ["NAME", name] if name is not None else ["ID", "" if id is None else id]
        sent: int = self("SEND", *whom, _literal(data))
        return sent

    def freeze(self) -> None:
        """Stops the server's clock."""
        self("CLOCK", "FREEZE")

    def advance(self, seconds: float) -> None:
        """Lets time pass. Returns when all that fell due has happened, in order, and is sent."""
        self("CLOCK", "ADVANCE", round(seconds * 1000))

    def set_clock(self, seconds: float) -> None:
        """Sets the server's clock to so many seconds since 1970."""
        self("CLOCK", "SET", round(seconds * 1000))

    def run(self) -> None:
        """Lets the server's clock run by itself again."""
        self("CLOCK", "RUN")

    def seed(self, number: int) -> None:
        """What is picked at random follows from this number."""
        self("SEED", number)

    def record(self, file: str) -> None:
        """Writes a conversation for `respd play`, a new file in the server's folder, until `stop_recording()`."""
        self("RECORD", "START", file)

    def stop_recording(self) -> None:
        """Ends what `record()` has begun."""
        self("RECORD", "STOP")

    def node(self, *words: Word) -> Any:
        """A node of a cluster: `node("ADD", "b", "REPLICA-OF", "a")`, whose value is its port, `node("FAILOVER", "b")`."""
        return self("NODE", *words)

    def sentinel(self, *words: Word) -> Any:
        """A Sentinel: `sentinel("ADD", "s", "MASTER", "group", "QUORUM", 1)`, whose value is its port."""
        return self("SENTINEL", *words)

    def reset(self) -> None:
        """Ends all of this. It is what a test ends with."""
        self("RESET")

    def __call__(self, *words: Word, patience: float = 0) -> Any:
        """Sends a line of STAGE and returns the reply's value. Raises `StageError` with the server's text."""
        try:
            if self._connection is None:
                self._connect()
            assert self._connection is not None
            # A server that is asked to wait answers later.
            self._connection.settimeout(30 + patience)
            return self._send("STAGE", *words)
        except (OSError, EOFError) as error:
            self.close()
            raise StageError(f"STAGE {' '.join(map(str, words))}: {error}") from error

    def _connect(self) -> None:
        if isinstance(self._address, str):
            self._connection = socket.socket(socket.AF_UNIX)
            self._connection.connect(self._address)
        else:
            self._connection = socket.create_connection(self._address, 30)
        self._replies = self._connection.makefile("rb")
        if self._password:
            self._send("AUTH", self._password)

    def _send(self, *words: Word) -> Any:
        assert self._connection is not None
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self._connection.sendall(b"".join(parts))
        value = self._read()
        if isinstance(value, StageError):
            raise value
        return value

    def _read(self) -> Any:
        assert self._replies is not None
        line = self._replies.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("the server has closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return StageError(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._replies.read(int(rest) + 2)[:-2]
        return None if rest == b"-1" else [self._read() for _ in range(int(rest))]

    def close(self) -> None:
        """Closes the connection; another one is made when it is needed."""
        for end in (self._replies, self._connection):
            if end is not None:
                end.close()
        self._connection = self._replies = None


def _action(action: Action) -> list[Word]:
    if isinstance(action, bytes):
        raise TypeError('an action is text, or a tuple of words: do=[("REPLY", b"...")]')
    if not isinstance(action, str):
        return [_literal(word) if isinstance(word, bytes) else word for word in action]
    word, _, rest = action.partition(" ")
    if word.upper() in ("ERROR", "REPLY", "PUSH"):
        return [word, rest]
    return list(action.split())


def _literal(data: Union[str, bytes]) -> Union[str, bytes]:
    """Bytes mean themselves, whatever escapes there are in them."""
    return data.replace(b"\\", b"\\\\") if isinstance(data, bytes) else data


def _client(client: Optional[Client]) -> list[Word]:
    if client is None:
        return []
    words: list[Word] = ["CLIENT"]
    for word, value in ({"name": client} if isinstance(client, str) else client).items():
        words += [word.upper(), value]
    return words


def _arguments(args: Optional[Arguments]) -> list[Word]:
    words: list[Word] = ["ARGS"] if args else []
    for index, glob in (args or {}).items():
        words += [index, glob]
    return words


def _map(flat: list[Any]) -> dict[str, Any]:
    """A map as RESP2 has it: keys and values in turn."""
    return {key.decode(): value for key, value in zip(flat[::2], flat[1::2])}
