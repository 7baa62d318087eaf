#!/usr/bin/env python3
"""Celery against a running server, which is its broker and keeps its results: a worker of two
processes does the tasks below.

usage: celery_tasks.py HOST PORT

Exits 0 when each task came out as it should, else with a message. Database 4 is flushed.
"""

import os
import time
from datetime import timedelta

import celery
import redis
from celery.exceptions import ChordError

from checks import CHECKS, check
from workers import PATIENCE, server, stop, until, worker

URL = os.environ.get("SERVER_URL")
app = celery.Celery("celery_tasks", broker=URL, backend=URL)
app.conf.update(result_expires=600, result_extended=True, worker_hijack_root_logger=False)


@app.task
def add(a, b):
    return a + b


@app.task
def total(numbers):
    return sum(numbers)


@app.task
def fail():
    raise ValueError("no such luck")


@app.task(bind=True, max_retries=3)
def third_time(self):
    """A task that has to be tried three times."""
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return self.request.retries


@app.task
def moment():
    """When it is done."""
    return time.time()


@app.task
def wait_for_ever(key):
    with redis.Redis.from_url(URL) as db:
        db.rpush(key, "started")
        db.blpop("nothing comes", PATIENCE)


@app.task(bind=True)
def progress(self):
    """A task that tells how far it has come, and goes on when it has been heard."""
    self.update_state(state="HALFWAY", meta={"done": 50})
    with redis.Redis.from_url(URL) as db:
        return db.blpop("go on", PATIENCE)[1].decode()


def result(task):
    """What has become of a task: what it returned, or its error."""
    try:
        return task.get(PATIENCE)
    except Exception as error:
        return repr(error)


def queue(db):
    """What the broker holds while no worker is there: a list for each priority."""
    for priority in (0, 3, 9):
        add.apply_async((priority, 0), priority=priority, queue="idle")
    check("a list for each priority", sorted(db.keys("idle*")), ["idle", "idle\x06\x163", "idle\x06\x169"])
    with app.connection() as connection:
        channel = connection.default_channel
        check("the best first", [channel.basic_get("idle").payload[0][0] for _ in range(2)], [0, 3])
        # Neither is acknowledged. What has been away for too long comes back, under a lock.
        check("taken", (db.zcard("unacked_index"), db.hlen("unacked")), (2, 2))
        channel.qos.visibility_timeout = -1
        channel.qos.restore_visible()
        check("put back", (db.zcard("unacked_index"), db.exists("unacked_mutex")), (0, 0))
        check("thrown away", channel.queue_purge("idle"), 3)


def results(db):
    sums = [add.delay(i, i) for i in range(20)]
    check("results", [result(one) for one in sums], [2 * i for i in range(20)])
    key = f"celery-task-meta-{sums[0].id}"
    check("kept for a while", 590 < db.ttl(key) <= 600)
    sums[0].forget()
    check("forgotten", db.exists(key), 0)
    failed = fail.delay()
    until("a failure", "FAILURE", lambda: failed.state)
    check("its reason", repr(failed.result), "ValueError('no such luck')")
    check("tried three times", result(third_time.delay()), 2)
    halfway = progress.delay()
    until("progress", ("HALFWAY", {"done": 50}), lambda: (halfway.state, halfway.info))
    db.rpush("go on", "heard")
    check("the rest of it", result(halfway), "heard")


def canvas(db):
    check("a chain", result((add.s(1, 2) | add.s(3) | add.s(4)).delay()), 10)
    check("a group", result(celery.group(add.s(i, 1) for i in range(10))()), list(range(1, 11)))
    check("a chord", result(celery.chord((add.s(i, i) for i in range(20)), total.s())()), 380)
    nested = celery.chord([celery.group(add.s(1, 1), add.s(2, 2)), add.s(3, 3)], total.s()) | add.s(100)
    check("a chord of groups in a chain", result(nested.delay()), 112)
    until("what they were counted with has gone", [], lambda: db.keys("celery-taskset-meta-*.[jtsd]"))
    check("but not that they are done", {db.get(key) for key in db.keys("celery-taskset-meta-*.c")}, {"done"})
    broken = celery.chord([add.s(1, 1), fail.s()], total.s())()
    until("a chord with a failure", "FAILURE", lambda: broken.state)
    check("its reason", (type(broken.result), "ValueError('no such luck')" in str(broken.result)), (ChordError, True))


def times():
    sent = time.time()
    check("countdown", moment.apply_async(countdown=0.3).get(PATIENCE) >= sent + 0.25)
    eta = app.now() + timedelta(seconds=0.3)
    check("eta", moment.apply_async(eta=eta).get(PATIENCE) >= eta.timestamp() - 0.05)
    late = moment.apply_async(expires=app.now() - timedelta(minutes=1))
    check("too late", result(late), "TaskRevokedError('expired')")


def revoked(db):
    ours = ["celery@worker"]
    answers = app.control.broadcast("ping", reply=True, destination=ours, limit=1, timeout=PATIENCE)
    check("the worker", answers, [{"celery@worker": {"ok": "pong"}}])
    never = "a task that is never done"
    told = app.control.revoke(never, destination=ours, reply=True, limit=1, timeout=PATIENCE)
    check("revoked before it comes", list(told[0]), ours)
    check("it is not done", result(moment.apply_async(task_id=never)), "TaskRevokedError('revoked')")
    running = wait_for_ever.delay("running")
    check("one that runs", db.blpop("running", PATIENCE)[1], "started")
    app.control.revoke(running.id, terminate=True, signal="SIGKILL")
    check("is ended", result(running), "TaskRevokedError('terminated')")


def main(db):
    queue(db)
    words = ["celery", "--app", "celery_tasks", "worker", "--hostname", "celery@worker", "--concurrency", "2"]
    with worker(*words, "--without-mingle", "--loglevel", "WARNING") as process:
        results(db)
        canvas(db)
        times()
        revoked(db)
        check("nothing waits", (db.llen("celery"), db.hlen("unacked")), (0, 0))
        check("shuts down when told", stop(process), 0)
    db.flushdb()
    print(f"celery {celery.__version__} with redis-py {redis.__version__}: {len(CHECKS)} checks passed")


if __name__ == "__main__":
    connection = server(4)
    # The tasks by the name that the worker knows them by, now that the server is known.
    import celery_tasks

    celery_tasks.main(connection)
