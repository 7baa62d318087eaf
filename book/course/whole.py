#!/usr/bin/env python3
"""A server that passes the whole course: one way to do it, to be read after your own.

It is `sixty_lines.py` grown up, with one thread and one loop. Beside those it has these. A command is a row with an arity
and its keys. A reply is a value, which one function writes in either dialect. A client has a buffer for what it has not
read yet. Every change of a key goes through `World.changed`, which tells clients that watch or track it; after each command
`World.serve_waiting` serves the clients that wait.
"""

import fnmatch
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

MOST_ELEMENTS, MOST_BYTES, DATABASES = 1 << 20, 512 << 20, 16


# ---- replies: values, and how each dialect spells them ----------------------------------------


class Text(bytes):
    """A simple string."""


class Failure(Exception):
    """An error reply."""


class Push(list):
    """What a client is told without having asked."""


class Pairs(list):
    """Members and scores, in turn."""


NULL_ARRAY, NOTHING = object(), object()
OK, QUEUED, PONG = Text(b"OK"), Text(b"QUEUED"), Text(b"PONG")
SYNTAX = "ERR syntax error"
NOT_INTEGER = "ERR value is not an integer or out of range"
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled."


def number(value):
    """A double as its shortest text; whole ones have no point."""
    return b"%d" % value if value.is_integer() else repr(value).encode()


def spelled(value, dialect):
    """A value as the bytes of RESP2 or RESP3."""
    three = dialect == 3
    if value is None or value is NULL_ARRAY:
        return b"_\r\n" if three else b"$-1\r\n" if value is None else b"*-1\r\n"
    if isinstance(value, Failure):
        return b"-%s\r\n" % str(value).encode()
    if isinstance(value, Text):
        return b"+%s\r\n" % value
    if isinstance(value, bytes):
        return b"$%d\r\n%s\r\n" % (len(value), value)
    if isinstance(value, float):
        return b",%s\r\n" % number(value) if three else spelled(number(value), dialect)
    if isinstance(value, int):
        return b":%d\r\n" % value
    sign, parts = b"*", list(value)
    if isinstance(value, dict):
        sign, parts = b"%" if three else b"*", [part for pair in value.items() for part in pair]
    elif isinstance(value, set) and three:
        sign = b"~"
    elif isinstance(value, Push) and three:
        sign = b">"
    elif isinstance(value, Pairs) and three:
        parts = [list(pair) for pair in zip(parts[::2], parts[1::2])]
    count = len(value) if sign == b"%" else len(parts)
    return b"%s%d\r\n" % (sign, count) + b"".join(spelled(part, dialect) for part in parts)


# ---- requests -------------------------------------------------------------------------------


class Broken(Exception):
    """Bytes that are no request: they end the connection."""


def length(line, sign, most, what):
    if not line.startswith(sign):
        raise Broken(f"expected '{sign.decode()}', got '{line[:1].decode('latin-1')}'")
    try:
        count = int(line[1:])
    except ValueError:
        count = most + 1
    if count > most or (count < 0 and sign == b"$"):
        raise Broken(f"invalid {what} length")
    return count


def request(data):
    """The words of the first request, and its length in bytes; None while its end is not there."""
    end = data.find(b"\n")
    if end < 0:
        return None
    line, end = bytes(data[:end]).rstrip(b"\r"), end + 1
    if not line.startswith(b"*"):
        return line.split(), end
    words = []
    for _ in range(length(line, b"*", MOST_ELEMENTS, "multibulk")):
        start, end = end, data.find(b"\n", end) + 1
        if not end:
            return None
        size = length(bytes(data[start:end]).rstrip(), b"$", MOST_BYTES, "bulk")
        if len(data) < end + size + 2:
            return None
        words.append(bytes(data[end:end + size]))
        end += size + 2
    return words, end


def integer(text):
    """A 64-bit integer, as strictly as it is written."""
    try:
        value = int(text)
    except ValueError:
        raise Failure(NOT_INTEGER) from None
    if b"%d" % value != text or not -1 << 63 <= value < 1 << 63:
        raise Failure(NOT_INTEGER)
    return value


def double(text, failure="ERR value is not a valid float"):
    try:
        return float(text)
    except ValueError:
        raise Failure(failure) from None


# ---- clients, users, the world ----------------------------------------------------------------


@dataclass
class User:
    """A name, a password, and rights: patterns of keys, and commands."""

    name: bytes
    password: bytes = b""
    on: bool = True
    free: bool = False
    patterns: list = field(default_factory=list)
    commands: set = field(default_factory=set)


class Client:
    """A connection: its socket, its buffers, and all that it has been told."""

    def __init__(self, connection, number, user):
        self.socket, self.id = connection, number
        self.pending, self.unsent = bytearray(), bytearray()
        self.closing, self.waits = False, None
        self.reset(user)

    def reset(self, user):
        self.user, self.dialect, self.database, self.name = user, 2, 0, b""
        self.queue, self.refused, self.watched, self.stale = None, False, set(), False
        self.channels, self.patterns = [], []
        self.replies, self.tracking, self.read = "on", False, set()

    def write(self, value):
        """A reply, or a push; the one place in which they become bytes."""
        if value is not NOTHING and (self.replies == "on" or isinstance(value, Push)):
            self.unsent += spelled(value, self.dialect)

    def flush(self):
        try:
            del self.unsent[:self.socket.send(self.unsent)]
        except BlockingIOError:
            pass

    def subscriptions(self):
        return len(self.channels) + len(self.patterns)


class World:
    """What all clients share."""

    def __init__(self):
        # For each database: what is under each key, and when (in seconds) it goes.
        self.keys = [{} for _ in range(DATABASES)]
        self.ends = [{} for _ in range(DATABASES)]
        self.clients, self.last_id = {}, 0
        self.users = {b"default": User(b"default", free=True)}
        # Clients that wait for elements, the one that came first in front.
        self.waiting = []

    def lookup(self, client, key, kind=None):
        """What is under a key, None if nothing is; an error if it is of another type."""
        keys, ends = self.keys[client.database], self.ends[client.database]
        if ends.get(key, float("inf")) <= time.time():
            self.remove(client, key)
        if client.tracking:
            client.read.add((client.database, key))
        value = keys.get(key)
        if value is not None and kind and type(value) is not kind:
            raise Failure(WRONG_TYPE)
        return value

    def store(self, client, key, value, end=None):
        self.keys[client.database][key] = value
        self.ends[client.database].pop(key, None)
        if end is not None:
            self.ends[client.database][key] = end
        self.changed(client.database, key)

    def remove(self, client, key):
        self.ends[client.database].pop(key, None)
        if self.keys[client.database].pop(key, None) is None:
            return 0
        self.changed(client.database, key)
        return 1

    def altered(self, client, key, value):
        """A collection has become another one; an empty one goes."""
        if not value:
            self.remove(client, key)
        else:
            self.keys[client.database].setdefault(key, value)
            self.changed(client.database, key)

    def changed(self, database, key):
        """Every change of a key comes here."""
        for client in self.clients.values():
            client.stale = client.stale or (database, key) in client.watched
            if (database, key) in client.read:
                client.read.remove((database, key))
                client.write(Push([b"invalidate", [key]]))

    def serve_waiting(self):
        """After each command: elements for those that wait, and the end for those whose time is over."""
        for client in list(self.waiting):
            keys, end = client.waits
            reply = first_element(client, *keys)
            if reply is None and time.time() >= end:
                reply = NULL_ARRAY
            if reply is not None:
                self.waiting.remove(client)
                client.waits = None
                client.write(reply)
                answer(client)

    def publish(self, channel, message):
        heard = 0
        for client in self.clients.values():
            if channel in client.channels:
                client.write(Push([b"message", channel, message]))
                heard += 1
            for pattern in client.patterns:
                if fits(pattern, channel):
                    client.write(Push([b"pmessage", pattern, channel, message]))
                    heard += 1
        return heard


WORLD = World()


def fits(pattern, text):
    return fnmatch.fnmatchcase(text.decode("latin-1"), pattern.decode("latin-1"))


# ---- commands: rows ---------------------------------------------------------------------------


@dataclass
class Row:
    """A command: its name, its arity (negative: a minimum), where its keys are, and what it does."""

    name: bytes
    arity: int
    keys: tuple
    run: object

    def find_keys(self, words):
        first, last, step = self.keys
        return words[first:len(words) + last + 1 if last < 0 else last + 1:step] if first else []


ROWS = {}
ONE_KEY, ALL_KEYS, NO_KEYS = (1, 1, 1), (1, -1, 1), (0, 0, 0)
# What a client may say before it is known, what is not queued, what a subscriber of RESP2 may say.
BEFORE_AUTH = {b"AUTH", b"HELLO", b"RESET"}
NOT_QUEUED = {b"EXEC", b"DISCARD", b"MULTI", b"WATCH", b"RESET"}
OF_SUBSCRIBERS = {b"SUBSCRIBE", b"UNSUBSCRIBE", b"PSUBSCRIBE", b"PUNSUBSCRIBE", b"PING", b"RESET"}


def command(arity, keys=NO_KEYS):
    """Puts a function into the table, under its own name."""

    def put(function):
        name = function.__name__.rstrip("_").upper().encode()
        ROWS[name] = Row(name, arity, keys, function)
        return function

    return put


def arity_failure(name):
    return Failure(f"ERR wrong number of arguments for '{name.lower().decode('latin-1')}' command")


def gates(client, words):
    """The row of a request that may be run; a Failure if it may not."""
    name = words[0].decode("latin-1")
    row = ROWS.get(words[0].upper())
    if row is None:
        raise Failure(f"ERR unknown command '{name}', with args beginning with: ")
    if len(words) != row.arity if row.arity > 0 else len(words) < -row.arity:
        raise arity_failure(row.name)
    if client.user is None and row.name not in BEFORE_AUTH:
        raise Failure("NOAUTH Authentication required.")
    if client.user and not client.user.free:
        may(client.user, row, words)
    if client.dialect == 2 and client.subscriptions() and row.name not in OF_SUBSCRIBERS:
        raise Failure(f"ERR Can't execute '{name.lower()}': only (P)SUBSCRIBE / (P)UNSUBSCRIBE / PING / RESET are allowed")
    return row


def may(user, row, words):
    name = row.name.lower()
    if name not in user.commands and name + b"|" + b"".join(words[1:2]).lower() not in user.commands:
        raise Failure(f"NOPERM User {user.name.decode()} has no permissions to run the '{name.decode()}' command")
    if not all(any(fits(pattern, key) for pattern in user.patterns) for key in row.find_keys(words)):
        raise Failure("NOPERM No permissions to access a key")


def run(client, row, words):
    try:
        return row.run(client, *words[1:])
    except Failure as failure:
        return failure


def execute(client, words):
    """One request: through the gates, into the queue or to its function."""
    skipped = client.replies == "skip"
    try:
        row = gates(client, words)
        if client.queue is not None and row.name not in NOT_QUEUED:
            client.queue.append((row, words))
            client.write(QUEUED)
        else:
            reply = run(client, row, words)
            for one in reply if isinstance(reply, list) and reply and isinstance(reply[0], Push) else [reply]:
                client.write(one)
    except Failure as failure:
        client.refused = True
        client.write(failure)
    if skipped:
        client.replies = "on"
    WORLD.serve_waiting()


def answer(client):
    """Every complete request of a client that does not wait; then what is not RESP."""
    try:
        while not client.waits and not client.closing and (found := request(client.pending)):
            words, end = found
            del client.pending[:end]
            if words:
                execute(client, words)
    except Broken as broken:
        client.write(Failure(f"ERR Protocol error: {broken}"))
        client.closing = True


def choice(word, table):
    """The subcommand of this name, in any case."""
    if word.upper() not in table:
        raise Failure(f"ERR unknown subcommand '{word.decode('latin-1')}'. Try HELP.")
    return table[word.upper()]


# ---- connections ------------------------------------------------------------------------------


@command(-1)
def ping(client, text=None):
    if client.dialect == 2 and client.subscriptions():
        return [b"pong", text or b""]
    return PONG if text is None else text


@command(2)
def echo(client, text):
    return text


@command(-1)
def hello(client, version=b"2", *options):
    if version not in (b"2", b"3"):
        raise Failure("NOPROTO unsupported protocol version")
    if len(options) == 3 and options[0].upper() == b"AUTH":
        auth(client, *options[1:])
    elif options:
        raise Failure(SYNTAX)
    if client.user is None:
        raise Failure("NOAUTH HELLO must be called with the client already authenticated, or with AUTH")
    client.dialect = int(version)
    return {b"server": b"whole", b"version": b"7.0.0", b"proto": client.dialect, b"id": client.id,
            b"mode": b"standalone", b"role": b"master", b"modules": []}


@command(-2)
def auth(client, *words):
    name, password = words if len(words) == 2 else (b"default", words[0])
    user = WORLD.users.get(name)
    if len(words) == 1 and not user.password:
        raise Failure("ERR AUTH <password> called without any password configured for the default user.")
    if user is None or not user.on or (user.password and user.password != password):
        raise Failure(WRONG_PASSWORD)
    client.user = user
    return OK


@command(1)
def reset(client):
    client.reset(first_user())
    return Text(b"RESET")


def first_user():
    """The user of a new connection: none while the default one has a password."""
    default = WORLD.users[b"default"]
    return None if default.password else default


@command(2)
def select(client, number):
    database = integer(number)
    if not 0 <= database < DATABASES:
        raise Failure("ERR DB index is out of range")
    client.database = database
    return OK


@command(-2)
def client_(client, subcommand, *words):
    return choice(subcommand, {
        b"ID": lambda: client.id,
        b"GETNAME": lambda: client.name or None,
        b"SETNAME": lambda: set_name(client, *words),
        b"KILL": lambda: kill(*words),
        b"REPLY": lambda: set_replies(client, *words),
        b"TRACKING": lambda: set_tracking(client, *words),
    })()


def set_name(client, name):
    if any(not 33 <= byte <= 126 for byte in name):
        raise Failure("ERR Client names cannot contain spaces, newlines or special characters.")
    client.name = name
    return OK


def kill(kind, number):
    killed = [one for one in WORLD.clients.values() if one.id == integer(number) and kind.upper() == b"ID"]
    for one in killed:
        one.closing = True
    return len(killed)


def set_replies(client, mode):
    client.replies = mode.lower().decode()
    return OK if client.replies == "on" else NOTHING


def set_tracking(client, mode):
    client.tracking = mode.upper() == b"ON"
    client.read.clear()
    return OK


@command(-2)
def config(client, subcommand, *words):
    return choice(subcommand, {b"SET": lambda: set_password(*words)})()


def set_password(directive, password):
    if directive.lower() != b"requirepass":
        raise Failure("ERR Unknown option or number of arguments for CONFIG SET")
    WORLD.users[b"default"].password = password
    return OK


@command(-2)
def acl(client, subcommand, *words):
    return choice(subcommand, {
        b"WHOAMI": lambda: client.user.name,
        b"SETUSER": lambda: set_user(*words),
        b"DELUSER": lambda: delete_user(*words),
    })()


def set_user(name, *rules):
    user = WORLD.users.setdefault(name, User(name, on=False))
    for rule in rules:
        if rule in (b"on", b"off"):
            user.on = rule == b"on"
        elif rule[:1] == b">":
            user.password = rule[1:]
        elif rule[:1] == b"~":
            user.patterns.append(rule[1:])
        elif rule[:1] == b"+":
            user.commands.add(rule[1:].lower())
        elif rule[:1] == b"-":
            user.commands.discard(rule[1:].lower())
        else:
            raise Failure(SYNTAX)
    return OK


def delete_user(name):
    user = WORLD.users.pop(name, None)
    for client in WORLD.clients.values():
        client.closing = client.closing or (user is not None and client.user is user)
    return int(user is not None)


# ---- the server about itself ------------------------------------------------------------------


@command(-1)
def command_(client, subcommand=b"INFO", *words):
    return choice(subcommand, {
        b"COUNT": lambda: len(ROWS),
        b"INFO": lambda: [described(word.upper()) for word in words or ROWS],
        b"GETKEYS": lambda: get_keys(words),
    })()


def described(name):
    row = ROWS.get(name)
    return [row.name.lower(), row.arity, set(), *row.keys] if row else NULL_ARRAY


def get_keys(words):
    row = ROWS.get(words[0].upper())
    if row is None or not row.keys[0]:
        raise Failure("ERR The command has no key arguments")
    return row.find_keys(list(words))


@command(-1)
def info(client, *names):
    keyspace = {f"db{at}": (len(keys), len(WORLD.ends[at])) for at, keys in enumerate(WORLD.keys) if keys}
    sections = {
        "Server": {"redis_version": "7.0.0"},
        "Clients": {"connected_clients": len(WORLD.clients)},
        "Keyspace": {name: "keys=%d,expires=%d" % counts for name, counts in keyspace.items()},
    }
    asked = {name.lower().decode("latin-1") for name in names}
    return "\r\n".join(
        f"# {title}\r\n" + "".join(f"{name}:{value}\r\n" for name, value in lines.items())
        for title, lines in sections.items() if not names or title.lower() in asked
    ).encode()


# ---- keys and strings -------------------------------------------------------------------------


@command(-2, ALL_KEYS)
def del_(client, *keys):
    return sum(WORLD.lookup(client, key) is not None and WORLD.remove(client, key) for key in keys)


@command(-2, ALL_KEYS)
def exists(client, *keys):
    return sum(WORLD.lookup(client, key) is not None for key in keys)


@command(2, ONE_KEY)
def type_(client, key):
    names = {type(None): b"none", bytes: b"string", list: b"list", dict: b"hash", set: b"set", Scores: b"zset"}
    return Text(names[type(WORLD.lookup(client, key))])


@command(2, ONE_KEY)
def get(client, key):
    return WORLD.lookup(client, key, bytes)


@command(-3, ONE_KEY)
def set_(client, key, value, *options):
    options, end, there = list(options), None, None
    while options:
        option = options.pop(0).upper()
        if option in (b"NX", b"XX") and there is None:
            there = option == b"XX"
        elif option in (b"EX", b"PX") and options and end is None:
            lasts = integer(options.pop(0))
            if lasts <= 0:
                raise Failure("ERR invalid expire time in 'set' command")
            end = time.time() + lasts / (1 if option == b"EX" else 1000)
        else:
            raise Failure(SYNTAX)
    if there is not None and there != (WORLD.lookup(client, key) is not None):
        return None
    WORLD.store(client, key, value, end)
    return OK


def increment(client, key, by):
    value = integer(WORLD.lookup(client, key, bytes) or b"0") + by
    if not -1 << 63 <= value < 1 << 63:
        raise Failure("ERR increment or decrement would overflow")
    WORLD.store(client, key, b"%d" % value, WORLD.ends[client.database].get(key))
    return value


@command(2, ONE_KEY)
def incr(client, key):
    return increment(client, key, 1)


@command(2, ONE_KEY)
def decr(client, key):
    return increment(client, key, -1)


@command(3, ONE_KEY)
def incrby(client, key, by):
    return increment(client, key, integer(by))


@command(3, ONE_KEY)
def expire(client, key, seconds):
    seconds = integer(seconds)
    if WORLD.lookup(client, key) is None:
        return 0
    WORLD.ends[client.database][key] = time.time() + seconds
    WORLD.lookup(client, key)
    return 1


@command(2, ONE_KEY)
def ttl(client, key):
    if WORLD.lookup(client, key) is None:
        return -2
    end = WORLD.ends[client.database].get(key)
    return -1 if end is None else round(end - time.time())


@command(2, ONE_KEY)
def persist(client, key):
    WORLD.lookup(client, key)
    return int(WORLD.ends[client.database].pop(key, None) is not None)


# ---- lists ------------------------------------------------------------------------------------


def add(client, key, elements, at_head):
    value = WORLD.lookup(client, key, list) or []
    for element in elements:
        value.insert(0 if at_head else len(value), element)
    WORLD.altered(client, key, value)
    return len(value)


def take(client, key, at_head, count=None):
    value = WORLD.lookup(client, key, list)
    if value is None:
        return None if count is None else NULL_ARRAY
    taken = [value.pop(0 if at_head else -1) for _ in range(min(len(value), 1 if count is None else integer(count)))]
    WORLD.altered(client, key, value)
    return taken[0] if count is None else taken


@command(-3, ONE_KEY)
def lpush(client, key, *elements):
    return add(client, key, elements, True)


@command(-3, ONE_KEY)
def rpush(client, key, *elements):
    return add(client, key, elements, False)


@command(-2, ONE_KEY)
def lpop(client, key, count=None):
    return take(client, key, True, count)


@command(-2, ONE_KEY)
def rpop(client, key, count=None):
    return take(client, key, False, count)


@command(2, ONE_KEY)
def llen(client, key):
    return len(WORLD.lookup(client, key, list) or [])


def part(values, start, stop):
    """A range with both of its ends; negative ones count from the tail."""
    start, stop = (at + len(values) if at < 0 else at for at in (integer(start), integer(stop)))
    return values[max(start, 0):max(stop + 1, 0)]


@command(4, ONE_KEY)
def lrange(client, key, start, stop):
    return part(WORLD.lookup(client, key, list) or [], start, stop)


def first_element(client, *keys):
    for key in keys:
        if isinstance(WORLD.lookup(client, key), list):
            return [key, take(client, key, True)]
    return None


@command(-3, (1, -2, 1))
def blpop(client, *words):
    keys, lasts = words[:-1], double(words[-1], "ERR timeout is not a float or out of range")
    for key in keys:
        WORLD.lookup(client, key, list)
    found = first_element(client, *keys)
    if found or client.queue is not None:
        return found or NULL_ARRAY
    client.waits = keys, time.time() + lasts if lasts else float("inf")
    WORLD.waiting.append(client)
    return NOTHING


# ---- hashes, sets, sorted sets ----------------------------------------------------------------


@command(-4, ONE_KEY)
def hset(client, key, *pairs):
    if len(pairs) % 2:
        raise arity_failure(b"hset")
    value = WORLD.lookup(client, key, dict) or {}
    before = len(value)
    value.update(zip(pairs[::2], pairs[1::2]))
    WORLD.altered(client, key, value)
    return len(value) - before


@command(3, ONE_KEY)
def hget(client, key, name):
    return (WORLD.lookup(client, key, dict) or {}).get(name)


@command(-3, ONE_KEY)
def hmget(client, key, *names):
    return [hget(client, key, name) for name in names]


@command(3, ONE_KEY)
def hexists(client, key, name):
    return int(hget(client, key, name) is not None)


@command(2, ONE_KEY)
def hlen(client, key):
    return len(WORLD.lookup(client, key, dict) or {})


@command(2, ONE_KEY)
def hgetall(client, key):
    return WORLD.lookup(client, key, dict) or {}


@command(-3, ONE_KEY)
def hdel(client, key, *names):
    value = WORLD.lookup(client, key, dict) or {}
    gone = sum(value.pop(name, None) is not None for name in names)
    WORLD.altered(client, key, value)
    return gone


@command(4, ONE_KEY)
def hincrby(client, key, name, by):
    value = integer(hget(client, key, name) or b"0") + integer(by)
    hset(client, key, name, b"%d" % value)
    return value


def members(client, key):
    return WORLD.lookup(client, key, set) or set()


@command(-3, ONE_KEY)
def sadd(client, key, *names):
    value = members(client, key)
    before = len(value)
    value.update(names)
    WORLD.altered(client, key, value)
    return len(value) - before


@command(-3, ONE_KEY)
def srem(client, key, *names):
    value = members(client, key)
    before = len(value)
    value.difference_update(names)
    WORLD.altered(client, key, value)
    return before - len(value)


@command(2, ONE_KEY)
def scard(client, key):
    return len(members(client, key))


@command(3, ONE_KEY)
def sismember(client, key, name):
    return int(name in members(client, key))


@command(2, ONE_KEY)
def smembers(client, key):
    return members(client, key)


@command(-2, ALL_KEYS)
def sinter(client, *keys):
    return set.intersection(*(members(client, key) for key in keys))


@command(-2, ALL_KEYS)
def sunion(client, *keys):
    return set.union(*(members(client, key) for key in keys))


@command(-2, ALL_KEYS)
def sdiff(client, *keys):
    return set.difference(*(members(client, key) for key in keys))


class Scores(dict):
    """A sorted set: from member to score. Its order is made when it is asked for, which only a small set forgives."""

    def ordered(self):
        return sorted(self, key=lambda member: (self[member], member))


@command(-4, ONE_KEY)
def zadd(client, key, *pairs):
    if len(pairs) % 2:
        raise Failure(SYNTAX)
    new = dict(zip(pairs[1::2], map(double, pairs[::2])))
    value = scores(client, key)
    before = len(value)
    value.update(new)
    WORLD.altered(client, key, value)
    return len(value) - before


def scores(client, key):
    value = WORLD.lookup(client, key, Scores)
    return Scores() if value is None else value


@command(4, ONE_KEY)
def zincrby(client, key, by, member):
    value = scores(client, key)
    value[member] = value.get(member, 0.0) + double(by)
    WORLD.altered(client, key, value)
    return value[member]


@command(-3, ONE_KEY)
def zrem(client, key, *names):
    value = scores(client, key)
    gone = sum(value.pop(name, None) is not None for name in names)
    WORLD.altered(client, key, value)
    return gone


@command(2, ONE_KEY)
def zcard(client, key):
    return len(scores(client, key))


@command(3, ONE_KEY)
def zscore(client, key, member):
    return scores(client, key).get(member)


@command(3, ONE_KEY)
def zrank(client, key, member):
    value = scores(client, key)
    return value.ordered().index(member) if member in value else None


@command(-4, ONE_KEY)
def zrange(client, key, start, stop, *options):
    options = {option.upper() for option in options}
    if options - {b"REV", b"BYSCORE", b"WITHSCORES"}:
        raise Failure(SYNTAX)
    value = scores(client, key)
    ordered = value.ordered()
    if b"REV" in options:
        ordered.reverse()
    if b"BYSCORE" in options:
        low, high = (start, stop) if b"REV" not in options else (stop, start)
        ordered = [member for member in ordered if above(value[member], low) and above(-value[member], high, -1)]
    else:
        ordered = part(ordered, start, stop)
    return Pairs(one for member in ordered for one in (member, value[member])) if b"WITHSCORES" in options else ordered


def above(score, bound, sign=1):
    """Whether a score is not below a bound, which a bracket in front of it leaves out."""
    limit = sign * double(bound.lstrip(b"("), "ERR min or max is not a float")
    return score > limit if bound.startswith(b"(") else score >= limit


# ---- transactions -----------------------------------------------------------------------------


@command(1)
def multi(client):
    if client.queue is not None:
        raise Failure("ERR MULTI calls can not be nested")
    client.queue, client.refused = [], False
    return OK


@command(1)
def exec_(client):
    if client.queue is None:
        raise Failure("ERR EXEC without MULTI")
    refused, stale, queue = client.refused, client.stale, client.queue
    try:
        if refused:
            raise Failure("EXECABORT Transaction discarded because of previous errors.")
        # The queue is there while they run: nothing waits inside EXEC.
        return NULL_ARRAY if stale else [run(client, row, words) for row, words in queue]
    finally:
        client.queue = None
        unwatch(client)


@command(1)
def discard(client):
    if client.queue is None:
        raise Failure("ERR DISCARD without MULTI")
    client.queue = None
    return unwatch(client)


@command(-2, ALL_KEYS)
def watch(client, *keys):
    if client.queue is not None:
        raise Failure("ERR WATCH inside MULTI is not allowed")
    for key in keys:
        WORLD.lookup(client, key)
        client.watched.add((client.database, key))
    return OK


@command(1)
def unwatch(client):
    client.watched.clear()
    client.stale = False
    return OK


# ---- channels ---------------------------------------------------------------------------------


def subscribe_to(client, word, names, own):
    confirmed = []
    for name in names:
        if name not in own:
            own.append(name)
        confirmed.append(Push([word, name, client.subscriptions()]))
    return confirmed


def unsubscribe_from(client, word, names, own):
    confirmed = []
    for name in list(names or own):
        if name in own:
            own.remove(name)
        confirmed.append(Push([word, name, client.subscriptions()]))
    return confirmed or [Push([word, None, client.subscriptions()])]


@command(-2)
def subscribe(client, *names):
    return subscribe_to(client, b"subscribe", names, client.channels)


@command(-2)
def psubscribe(client, *names):
    return subscribe_to(client, b"psubscribe", names, client.patterns)


@command(-1)
def unsubscribe(client, *names):
    return unsubscribe_from(client, b"unsubscribe", names, client.channels)


@command(-1)
def punsubscribe(client, *names):
    return unsubscribe_from(client, b"punsubscribe", names, client.patterns)


@command(3)
def publish(client, channel, message):
    return WORLD.publish(channel, message)


# ---- the loop ---------------------------------------------------------------------------------


def accept(selector, listener):
    connection, _ = listener.accept()
    connection.setblocking(False)
    WORLD.last_id += 1
    client = Client(connection, WORLD.last_id, first_user())
    WORLD.clients[client.id] = client
    selector.register(connection, selectors.EVENT_READ, client)


def read(client):
    try:
        came = client.socket.recv(1 << 18)
    except BlockingIOError:
        return
    client.pending += came
    client.closing = client.closing or not came
    answer(client)


def leave(selector, client):
    selector.unregister(client.socket)
    client.socket.close()
    del WORLD.clients[client.id]
    if client in WORLD.waiting:
        WORLD.waiting.remove(client)


def turn(selector, listener):
    """One turn of the loop: what is ready is read, and what has been replied is written."""
    ends = [client.waits[1] for client in WORLD.waiting]
    for ready, _ in selector.select(max(0, min(min(ends) - time.time(), 60)) if ends else None):
        if ready.fileobj is listener:
            accept(selector, listener)
        else:
            attempt(read, ready.data)
    WORLD.serve_waiting()
    for client in list(WORLD.clients.values()):
        attempt(Client.flush, client)
        if client.closing:
            leave(selector, client)
        else:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.unsent else 0)
            selector.modify(client.socket, events, client)


def attempt(action, client):
    try:
        action(client)
    except OSError:
        client.closing = True


def main(port):
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", port))
    selector.register(listener, selectors.EVENT_READ)
    while True:
        turn(selector, listener)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6379)
