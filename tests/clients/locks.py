#!/usr/bin/env python3
"""The locks of redis-py on a running server: a script each to release, extend and reacquire one.

usage: locks.py HOST PORT PROTOCOL

PROTOCOL is 2 or 3. Exits 0 when they hold, else with a message. Database 9 is flushed.
"""

import sys
import threading
import time

import redis
from redis.exceptions import LockError, LockNotOwnedError

from checks import CHECKS, check

# How long anything may take, in seconds: long, for a busy machine. It is never waited out.
PATIENCE = 60


def error_of(call, *arguments, **options):
    """The kind of error that a lock refuses with, None when it does not."""
    try:
        call(*arguments, **options)
    except LockError as error:
        return type(error)
    return None


def one_owner(db):
    lock = db.lock("door", timeout=PATIENCE)
    other = db.lock("door", timeout=PATIENCE)
    check("it is taken", (lock.acquire(blocking=False), lock.locked(), lock.owned()), (True, True, True))
    check("by one only", (other.acquire(blocking=False), other.owned()), (False, False))
    check("what the key holds", (db.get("door"), 0 < db.pttl("door") <= PATIENCE * 1000), (lock.local.token, True))
    check("another has nothing to release", error_of(other.release), LockError)
    check("nor to extend", error_of(other.extend, 10), LockError)
    check("longer", lock.extend(PATIENCE) and PATIENCE < db.ttl("door") <= 2 * PATIENCE)
    check("as long as that", lock.extend(10, replace_ttl=True) and 0 < db.pttl("door") <= 10_000)
    check("as long as at first", lock.reacquire() and 10_000 < db.pttl("door") <= PATIENCE * 1000)
    check("released", (lock.release(), db.exists("door"), lock.locked()), (None, 0, False))
    check("not twice", error_of(lock.release), LockError)
    check("then by another", (other.acquire(blocking=False), other.release()), (True, None))


def lost(db):
    """A lock whose key says another owner, or nothing at all, is not touched."""
    lock = db.lock("window", timeout=PATIENCE)
    for what, steal in (("stolen", lambda: db.set("window", "another token")), ("gone", lambda: db.delete("window"))):
        lock.acquire()
        steal()
        left = db.get("window")
        refused = [error_of(lock.extend, 10), error_of(lock.reacquire), error_of(lock.release)]
        check(f"one that is {what}", refused, [LockNotOwnedError] * 3)
        check("stays so", (db.get("window"), db.ttl("window")), (left, -1 if left else -2))
        db.delete("window")
    short = db.lock("window", timeout=0.005)
    short.acquire()
    while db.exists("window"):
        time.sleep(0.001)
    check("one that ended", (short.owned(), error_of(short.release)), (False, LockNotOwnedError))
    endless = db.lock("window", timeout=None)
    endless.acquire()
    check("one without an end", (db.ttl("window"), error_of(endless.extend, 10), error_of(endless.reacquire)), (-1, LockError, LockError))
    endless.release()


def in_words(db):
    with db.lock("gate", timeout=PATIENCE) as lock:
        check("in a block", (lock.owned(), db.lock("gate").acquire(blocking_timeout=0.01)), (True, False))
        check("none in vain", error_of(db.lock("gate", blocking_timeout=0.01).__enter__), LockError)
    check("after it", db.exists("gate"), 0)
    token = "a token that is known"
    named = db.lock("gate", timeout=PATIENCE, thread_local=False)
    check("with a token", (named.acquire(token=token), db.get("gate")), (True, token.encode()))
    done = threading.Thread(target=named.release)
    done.start()
    done.join(PATIENCE)
    check("released by another thread", db.exists("gate"), 0)
    # The scripts are sent by their digest: a server that has forgotten them hears them again.
    named.acquire()
    db.script_flush()
    check("after SCRIPT FLUSH", (named.extend(10), named.reacquire(), named.release()), (True, True, None))
    check("they are known again", db.script_exists(named.lua_release.sha, named.lua_extend.sha, "0" * 40), [True, True, False])
    together = db.pipeline(transaction=True)
    named.lua_release(keys=["gate"], args=["wrong"], client=together)
    check("within MULTI", together.set("gate", "x").get("gate").execute(), [0, True, b"x"])
    db.delete("gate")


def contended(connect):
    """Eight threads that each count up with a read and a write, which only a lock makes one step."""
    db = connect()
    db.set("count", 0)
    inside, most = [], []

    def count():
        mine = connect()
        lock = mine.lock("counting", timeout=PATIENCE, sleep=0.001, blocking_timeout=PATIENCE)
        for _ in range(25):
            with lock:
                inside.append(1)
                most.append(len(inside))
                mine.set("count", int(mine.get("count")) + 1)
                inside.pop()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    check("every step counts", (int(db.get("count")), max(most)), (200, 1))
    holder = db.lock("counting", timeout=PATIENCE)
    holder.acquire()
    waiter = threading.Thread(target=lambda: most.append(connect().lock("counting", sleep=0.001).acquire(blocking_timeout=PATIENCE)))
    waiter.start()
    holder.release()
    waiter.join(PATIENCE)
    check("one that waits gets it", most[-1])


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    host, port, protocol = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

    def connect():
        return redis.Redis(host=host, port=port, db=9, protocol=protocol)

    db = connect()
    try:
        check("a script", db.eval("return ARGV[1]", 0, "x"), b"x")
    except redis.ResponseError as error:
        sys.exit(f"locks: the server runs no scripts: {error}")
    db.flushdb()
    one_owner(db)
    lost(db)
    in_words(db)
    contended(connect)
    db.flushdb()
    print(f"locks of redis-py {redis.__version__}, RESP{protocol}: {len(CHECKS)} checks passed")


if __name__ == "__main__":
    main()
