#!/usr/bin/env python3
"""Streams with redis-py on a running server: its calls, and workers of a group of which one is killed.

usage: streams.py HOST PORT PROTOCOL
       streams.py HOST PORT PROTOCOL --worker NAME    one of the workers

PROTOCOL is 2 or 3. Exits 0 when all went well, else with a message. Database 8 is flushed.
"""

import signal
import subprocess
import sys
import threading
import time

import redis

from alone import adopt_orphans, end_children
from checks import CHECKS, check

# How long anything may take, in seconds: long, for a busy machine. It is never waited out.
PATIENCE = 60
# How many jobs the workers share, and with which of them the first one dies.
JOBS, LAST = 300, 100


def connect(host, port, protocol):
    return redis.Redis(host=host, port=port, db=8, protocol=protocol, decode_responses=True)


def streams_of(reply):
    """What XREAD and XREADGROUP return, as a dictionary in both protocols."""
    pairs = reply.items() if isinstance(reply, dict) else reply
    # RESP3: redis-py puts the entries of a stream into a list of their own.
    return {name: entries[0] if entries and isinstance(entries[0], list) else entries for name, entries in pairs}


def error_of(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except redis.ResponseError as error:
        return str(error)
    return ""


def entries(db):
    check("XADD", db.xadd("s", {"f": "v"}, id="1-1"), "1-1")
    check("XADD of the same id", "equal or smaller" in error_of(db.xadd, "s", {"f": "v"}, id="1-1"))
    check("XADD ms-*", db.xadd("s", {"f": "v", "g": "ü"}, id="1-*"), "1-2")
    check("XADD *", db.xadd("auto", {"f": 1}).count("-"), 1)
    check("XADD NOMKSTREAM", db.xadd("none", {"f": "v"}, nomkstream=True), None)
    check("XLEN", (db.xlen("s"), db.xlen("none")), (2, 0))
    check("XRANGE", db.xrange("s"), [("1-1", {"f": "v"}), ("1-2", {"f": "v", "g": "ü"})])
    check("XRANGE, exclusive", db.xrange("s", "(1-1", "+", count=1), [("1-2", {"f": "v", "g": "ü"})])
    check("XREVRANGE", [id for id, _ in db.xrevrange("s", count=1)], ["1-2"])
    check("XREAD", streams_of(db.xread({"s": "1-1", "none": 0})), {"s": [("1-2", {"f": "v", "g": "ü"})]})
    check("XREAD of nothing", list(db.xread({"s": "$"})), [])
    check("XREAD BLOCK in vain", list(db.xread({"s": "$"}, block=10)), [])
    check("XDEL", db.xdel("s", "1-2", "9-9"), 1)
    info = db.xinfo_stream("s")
    check("XINFO STREAM", [info[k] for k in ("length", "last-generated-id", "entries-added")], [1, "1-2", 2])
    check("XINFO STREAM FULL", db.xinfo_stream("s", full=True)["entries"], {"1-1": {"f": "v"}})
    for n in range(5):
        db.xadd("s", {"n": n}, maxlen=3, approximate=False)
    check("XADD MAXLEN", [entry["n"] for _, entry in db.xrange("s")], ["2", "3", "4"])
    check("XTRIM", (db.xtrim("s", maxlen=1, approximate=False), db.xtrim("s", minid="0-1"), db.xlen("s")), (2, 0, 1))
    check("TYPE", db.type("s"), "stream")
    check("a stream is no string", "WRONGTYPE" in error_of(db.get, "s"))


def waiting(host, port, protocol, db):
    """A reader that waits for what another client adds."""
    got = []
    other = connect(host, port, protocol)
    reader = threading.Thread(target=lambda: got.append(streams_of(other.xread({"later": "$"}, block=PATIENCE * 1000))))
    reader.start()
    until(lambda: db.info("clients")["blocked_clients"] == 1)
    id = db.xadd("later", {"f": "v"})
    reader.join(PATIENCE)
    check("XREAD BLOCK", got, [{"later": [(id, {"f": "v"})]}])


def groups(db):
    check("XGROUP CREATE", db.xgroup_create("q", "g", id="0", mkstream=True))
    check("twice", error_of(db.xgroup_create, "q", "g"), "BUSYGROUP Consumer Group name already exists")
    ids = [db.xadd("q", {"n": n}) for n in range(4)]
    got = streams_of(db.xreadgroup("g", "ann", {"q": ">"}, count=3))
    check("XREADGROUP", got, {"q": [(id, {"n": str(n)}) for n, id in enumerate(ids[:3])]})
    check("XREADGROUP of history", [id for id, _ in streams_of(db.xreadgroup("g", "ann", {"q": 0}))["q"]], ids[:3])
    check("XACK", db.xack("q", "g", ids[0], "9-9"), 1)
    pending = db.xpending("q", "g")
    check("XPENDING", (pending["pending"], pending["min"], pending["consumers"]), (2, ids[1], [{"name": "ann", "pending": 2}]))
    listed = db.xpending_range("q", "g", "-", "+", 10, consumername="ann")
    check("XPENDING, a range", [(p["message_id"], p["times_delivered"]) for p in listed], [(ids[1], 2), (ids[2], 2)])
    check("XCLAIM", db.xclaim("q", "g", "ben", 0, [ids[1]]), [(ids[1], {"n": "1"})])
    check("XCLAIM JUSTID", db.xclaim("q", "g", "ben", 0, [ids[1]], justid=True), [ids[1]])
    db.xdel("q", ids[2])
    check("XAUTOCLAIM", db.xautoclaim("q", "g", "ben", 0), ["0-0", [(ids[1], {"n": "1"})], [ids[2]]])
    check("XINFO GROUPS", [(g["name"], g["consumers"], g["pending"]) for g in db.xinfo_groups("q")], [("g", 2, 1)])
    check("XINFO CONSUMERS", [(c["name"], c["pending"]) for c in db.xinfo_consumers("q", "g")], [("ann", 0), ("ben", 1)])
    check("XGROUP SETID", db.xgroup_setid("q", "g", "0"))
    check("XGROUP CREATECONSUMER", db.xgroup_createconsumer("q", "g", "cy"), 1)
    check("XGROUP DELCONSUMER", db.xgroup_delconsumer("q", "g", "ben"), 1)
    check("XGROUP DESTROY", db.xgroup_destroy("q", "g"), 1)
    check("no group any more", "NOGROUP" in error_of(db.xreadgroup, "g", "ann", {"q": ">"}))


def work(db, name):
    """Takes jobs until the list of results says that all are done, those too that were a dead worker's."""
    while db.scard("done") < JOBS:
        reply = db.xreadgroup("workers", name, {"jobs": ">"}, count=5, block=20)
        taken = streams_of(reply).get("jobs", [])
        if not taken:
            taken = db.xautoclaim("jobs", "workers", name, 500, count=5)[1]
        for id, job in taken:
            if name == "mortal" and int(job["n"]) >= LAST:
                # In the middle of its work it waits for its end, which comes from outside.
                db.set("dying", job["n"])
                signal.pause()
            with db.pipeline() as both:
                both.sadd("done", job["n"]).hincrby("by", name, 1).xack("jobs", "workers", id)
                both.execute()


def killed(words, db):
    """A worker is killed while entries are pending for it. Another claims them, and nothing is lost."""
    db.xgroup_create("jobs", "workers", mkstream=True)
    mortal = start(words, "mortal")
    for n in range(JOBS):
        db.xadd("jobs", {"n": n})
    until(lambda: db.exists("dying"))
    mortal.send_signal(signal.SIGKILL)
    mortal.wait(PATIENCE)
    left = {c["name"]: c["pending"] for c in db.xinfo_consumers("jobs", "workers")}
    check("it dies with work in its hands", 0 < left["mortal"] <= 5)
    heirs = [start(words, name) for name in ("heir", "other")]
    check("the others end", [heir.wait(PATIENCE) for heir in heirs], [0, 0])
    check("every job is done", sorted(map(int, db.smembers("done"))), list(range(JOBS)))
    by = {name: int(count) for name, count in db.hgetall("by").items()}
    check("each once", sum(by.values()), JOBS)
    check("what it had done was not done again", by["mortal"], LAST)
    check("nothing is pending", db.xpending("jobs", "workers")["pending"], 0)
    groups = db.xinfo_groups("jobs")
    check("nothing is left to read", (groups[0]["lag"], groups[0]["entries-read"]), (0, JOBS))


def start(words, name):
    return subprocess.Popen([sys.executable, __file__, *words, "--worker", name])


def until(probe):
    patience = time.monotonic() + PATIENCE
    while not probe():
        if time.monotonic() > patience:
            sys.exit("streams: waited in vain")
        time.sleep(0.005)


def main():
    if len(sys.argv) not in (4, 6):
        sys.exit(__doc__)
    host, port, protocol = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    db = connect(host, port, protocol)
    if len(sys.argv) == 6:
        return work(db, sys.argv[5])
    adopt_orphans()
    db.flushdb()
    try:
        entries(db)
        waiting(host, port, protocol, db)
        groups(db)
        killed(sys.argv[1:4], db)
    finally:
        end_children()
    db.flushdb()
    print(f"streams with redis-py {redis.__version__}, RESP{protocol}: {len(CHECKS)} checks passed")


if __name__ == "__main__":
    main()
