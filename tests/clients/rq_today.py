#!/usr/bin/env python3
"""Today's RQ against a running server: unique jobs, jobs of which few may run at once, its
scheduler's locks, all of which are scripts. rq_jobs.py has what an older RQ does without them.

usage: rq_today.py HOST PORT

RQ keeps what a job returned in a stream. Where the server has no streams it is made to keep nothing
there, the suite says so, and what the jobs did is seen by the keys that they write. Exits 0 when each
job came out as it should, else with a message. Database 6 is flushed.
"""

import contextlib
import os
import sys
from datetime import timedelta

import redis
import rq
import rq.cli
import rq.command
import rq.results
from rq.exceptions import DuplicateJobError
from rq.rate_limit import RateLimitRegistry

from checks import CHECKS, check
from workers import PATIENCE, has_streams, server, until, worker


def add(a, b):
    """A job that writes what it came to."""
    rq.get_current_job().connection.rpush("sums", a + b)
    return a + b


def fail_once():
    """A job that has to be tried twice."""
    if rq.get_current_job().connection.incr("tries") == 1:
        raise ValueError("not yet")
    return "at last"


def fail():
    raise ValueError("no such luck")


def alone(name):
    """A job that notes how many of its kind run: more than one never should."""
    connection = rq.get_current_job().connection
    connection.rpush("together", connection.incr("running"))
    connection.decr("running")
    return name


def keep_no_results():
    """RQ without streams: the rest of it is as it was."""
    rq.results.Result.save = lambda self, ttl, pipeline=None: None


def refused(enqueue):
    with contextlib.suppress(DuplicateJobError):
        enqueue()
        return False
    return True


def before(db, queue):
    """What is said while no worker is there."""
    once = queue.enqueue("rq_today.add", 1, 1, job_id="once", unique=True)
    check("a unique job, again", refused(lambda: queue.enqueue("rq_today.add", 2, 2, job_id="once", unique=True)))
    check("it waits once", (queue.job_ids, queue.fetch_job("once").args), (["once"], (1, 1)))
    front = queue.enqueue("rq_today.add", 3, 3, job_id="first", unique=True, at_front=True)
    check("in front of it", queue.job_ids, ["first", "once"])

    def schedule(**options):
        return queue.enqueue_in(timedelta(hours=1), "rq_today.add", 9, 9, job_id="later", unique=True, **options)

    schedule()
    check("a unique job for later, again", (refused(schedule), queue.scheduled_job_registry.get_job_ids()), (True, ["later"]))
    other = rq.Queue("other", connection=queue.connection)
    for _ in range(10):
        other.enqueue("rq_today.add", 0, 0)
    check("a queue is emptied", (other.empty(), len(other), db.keys("rq:job:*-*")), (10, 0, []))

    limit = rq.queue.RateLimit("one at a time", 1)
    limited = [queue.enqueue("rq_today.alone", name, rate_limit=limit) for name in "abcde"]
    registry = RateLimitRegistry("one at a time", queue.connection)
    check("one of five may", registry.get_allowed_job_ids(), [limited[0].id])
    # In the order of their seconds.
    check("the others wait", sorted(registry.get_rate_limited_job_ids()), sorted(job.id for job in limited[1:]))
    limited[1].cancel()
    check("one is given up", registry.get_rate_limited_job_count(), 3)
    return front, once, limited


def during(db, queue, streams, waiting):
    front, once, limited = waiting

    def done(what, job, result, state="finished"):
        until(what, state, lambda: job.get_status().value)
        if streams:
            until(f"{what}: its result", result, lambda: job.return_value(refresh=True))

    done("the first", front, 6)
    done("the unique one", once, 2)
    check("in that order", db.lrange("sums", 0, -1), ["6", "2"])
    for name, job in zip("acde", limited[:1] + limited[2:], strict=True):
        done("one at a time", job, name)
    check("never two", db.lrange("together", 0, -1), ["1"] * 4)
    done("tried twice", queue.enqueue("rq_today.fail_once", retry=rq.Retry(max=2)), "at last")
    failing = queue.enqueue("rq_today.fail")
    until("failing", "failed", lambda: failing.get_status().value)
    until("it is told of", [failing.id], queue.failed_job_registry.get_job_ids)
    if streams:
        check("its reason", failing.latest_result().exc_string.splitlines()[-1], "ValueError: no such luck")
    first = queue.enqueue("rq_today.add", 10, 10)
    done("after another", queue.enqueue("rq_today.add", 20, 20, depends_on=first), 40)
    until("the scheduler has its lock", True, lambda: bool(db.get("rq:scheduler-lock:jobs")))
    done("scheduled", queue.enqueue_in(timedelta(seconds=0), "rq_today.add", 30, 30), 60)
    check("all of them", db.lrange("sums", 0, -1), ["6", "2", "20", "40", "60"])


def main():
    db = server(6)
    url = os.environ["SERVER_URL"]
    # RQ reads bytes: its jobs are pickled.
    queue = rq.Queue("jobs", connection=redis.Redis.from_url(url))
    if not (streams := has_streams(db)):
        keep_no_results()
    waiting = before(db, queue)
    # Without streams the worker is this file, with the change that is made above.
    command = ["rq.cli"] if streams else ["rq_today", "--worker"]
    with worker(*command, "worker", "--url", url, "--with-scheduler", "--name", "worker-1", queue.name) as process:
        during(db, queue, streams, waiting)
        rq.command.send_shutdown_command(queue.connection, "worker-1")
        check("shuts down when told", process.wait(PATIENCE), 0)
        check("the scheduler gives its lock back", db.get("rq:scheduler-lock:jobs"), None)
    db.flushdb()
    rest = "" if streams else "; without streams: no results of its jobs were looked at"
    print(f"rq {rq.VERSION} with redis-py {redis.__version__}: {len(CHECKS)} checks passed{rest}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        keep_no_results()
        sys.argv[1:2] = []
        rq.cli.main()
    else:
        main()
