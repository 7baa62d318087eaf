#!/usr/bin/env python3
"""Huey against a running server: its consumer, with two threads, does the tasks below.

usage: huey_tasks.py HOST PORT

Exits 0 when each task came out as it should, else with a message. Database 7 is flushed.
"""

import os
import time
from datetime import datetime, timedelta

import huey
import redis
from huey.contrib.helpers import RedisSemaphore

from checks import CHECKS, check
from workers import PATIENCE, server, stop, until, worker

queue = huey.PriorityRedisExpireHuey("jobs", url=os.environ.get("SERVER_URL"), expire_time=600, notify_result=True)


@queue.task()
def add(a, b):
    return a + b


@queue.task(retries=2)
def third_time():
    """A task that has to be tried three times."""
    if (tries := queue.storage.conn.incr("tries")) < 3:
        raise ValueError("not yet")
    return tries


@queue.task()
def fail():
    raise ValueError("no such luck")


@queue.task()
def moment():
    return time.time()


@queue.task()
@queue.lock_task("one at a time")
def alone():
    return queue.is_locked("one at a time")


def before(db):
    """What is said while no consumer is there."""
    for priority in (1, 5, 3):
        add.schedule((priority, 0), priority=priority, delay=0)
    check("they wait", queue.pending_count(), 3)
    check("the best first", [task.args[0] for task in queue.pending()], [5, 3, 1])
    queue.flush()
    check("thrown away", queue.pending_count(), 0)
    now = datetime.now()
    for number in range(3):
        queue.storage.add_to_schedule(f"due {number}".encode(), now - timedelta(minutes=1))
    queue.storage.add_to_schedule(b"not yet", now + timedelta(hours=1))
    check("for later", queue.scheduled_count(), 4)
    check("what is due, once", sorted(queue.storage.read_schedule(now)), [b"due 0", b"due 1", b"due 2"])
    check("no more is", (queue.storage.read_schedule(now), queue.scheduled_count()), ([], 1))
    queue.flush()


def semaphore(db):
    """At most two at once: a script with the server's clock."""
    two = RedisSemaphore(queue, "two", 2, timeout=600)
    check("two may", [two.acquire("a"), two.acquire("b"), two.acquire("c")], ["a", "b", None])
    check("again", two.acquire("a"), "a")
    check("renewed", (two.renew("a"), two.renew("c")), (True, False))
    check("given back", (two.release("b"), two.acquire("c"), two.acquire("b")), (1, "c", None))
    old = RedisSemaphore(queue, "two", 2, timeout=-1)
    check("those of before are gone", old.acquire("d"), "d")
    check("its key", db.zrange(two.key, 0, -1), ["d"])


def outcome(result):
    """What has come of a task so far, which may be the error of a try. A result remembers what it was first."""
    result.reset()
    try:
        return result.get()
    except huey.exceptions.TaskException as error:
        return error.metadata["error"]


def during(db):
    sums = [add(i, i) for i in range(20)]
    check("results", [one.get(blocking=True, timeout=PATIENCE) for one in sums], [2 * i for i in range(20)])
    check("a result stays when it is read", (queue.result_count(), sums[3].get()), (20, 6))
    check("for a while", 590 < db.ttl(f"huey.r.jobs.{sums[3].id}") <= 600)
    tried, failed = third_time(), fail()
    until("tried three times", 3, lambda: outcome(tried))
    until("a failure", "ValueError('no such luck')", lambda: outcome(failed))
    chain = add.s(1, 2).then(add, 3).then(add, 4)
    check("a chain", queue.enqueue(chain).get(blocking=True, timeout=PATIENCE), [3, 6, 10])
    check("under a lock", [alone().get(blocking=True, timeout=PATIENCE) for _ in range(3)], [True] * 3)
    check("which is given back", queue.is_locked("one at a time"), False)
    given_up = moment.schedule(delay=1)
    given_up.revoke()
    sent = time.time()
    check("after a delay", moment.schedule(delay=0.3).get(blocking=True, timeout=PATIENCE) >= sent + 0.25)
    until("what was given up is not done", (0, None), lambda: (queue.scheduled_count(), given_up.get()))


def main(db):
    before(db)
    semaphore(db)
    with worker("huey.bin.huey_consumer", "huey_tasks.queue", "--workers", "2", "--quiet") as process:
        during(db)
        check("shuts down when told", stop(process), 0)
    db.flushdb()
    print(f"huey {huey.__version__} with redis-py {redis.__version__}: {len(CHECKS)} checks passed")


if __name__ == "__main__":
    connection = server(7)
    # The tasks by the name that the worker knows them by, now that the server is known.
    import huey_tasks

    huey_tasks.main(connection)
