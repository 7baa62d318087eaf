#!/usr/bin/env python3
"""RQ, the queue library, against a running server: its own worker and scheduler do the jobs below.

usage: rq_jobs.py HOST PORT PROTOCOL

PROTOCOL is 2 or 3. Exits 0 when each job came out as it should, else with a message. Keys of
database 0 are flushed. RQ must be the only thing on PYTHONPATH that is not this file: the worker,
which is a process of its own, finds the jobs there.
"""

import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta

from alone import adopt_orphans, end_children
from checks import CHECKS, check


def add(a, b):
    """A job."""
    return a + b


def fail():
    """A job that does."""
    raise ValueError("no such luck")


def fail_once(key):
    """A job that has to be tried twice."""
    from rq import get_current_job

    if get_current_job().connection.incr(key) == 1:
        raise ValueError("not yet")
    return "at last"


# How long a job may take, in seconds: long, for a busy machine. It is never waited out.
PATIENCE = 120


def wait_for(job, registry):
    """The job, once it is in that registry: RQ writes its status first, then its result, then this."""
    patience = time.monotonic() + PATIENCE
    while job not in registry:
        if time.monotonic() > patience:
            sys.exit(f"rq_jobs: {job.func_name} is {job.get_status()} after {PATIENCE} s")
        time.sleep(0.02)
    job.refresh()
    return job


def smoke(queue, url):
    import rq
    import rq.command

    # By name, as a web server does that has not the worker's code.
    add, fail, fail_once = "rq_jobs.add", "rq_jobs.fail", "rq_jobs.fail_once"
    sums = [queue.enqueue(add, i, i) for i in range(20)]
    urgent = queue.enqueue(add, 1, 2, at_front=True)
    check("the queue", (len(queue), queue.job_ids[0]), (21, urgent.id))
    failing = queue.enqueue(fail)
    twice = queue.enqueue(fail_once, "tries", retry=rq.Retry(max=3))
    first = queue.enqueue(add, "first", "")
    second = queue.enqueue(add, "sec", "ond", depends_on=first)
    check("a job that waits for another", second.get_status(), "deferred")
    given_up = queue.enqueue(add, 0, 0)
    given_up.cancel()

    words = ["rq.cli", "worker", "--url", url, "--with-scheduler", "--name", "worker-1", queue.name]
    log = tempfile.TemporaryFile()
    finished, failed = queue.finished_job_registry, queue.failed_job_registry
    worker = subprocess.Popen([sys.executable, "-m", *words], stdout=log, stderr=log, start_new_session=True)
    try:
        check("results", [wait_for(job, finished).result for job in [urgent, *sums]], [3, *(2 * i for i in range(20))])
        check("failing", wait_for(failing, failed).exc_info.splitlines()[-1], "ValueError: no such luck")
        check("tried twice", wait_for(twice, finished).result, "at last")
        check("after the first", wait_for(second, finished).result, "second")
        check("given up", given_up.get_status(), "canceled")
        later = queue.enqueue_in(timedelta(seconds=1), add, "la", "ter")
        # As it was then: a busy machine may have done it by now.
        check("scheduled", later.get_status(refresh=False), "scheduled")
        check("the scheduler's", wait_for(later, finished).result, "later")
        check("registries", (len(queue), failed.get_job_ids(), queue.deferred_job_registry.count), (0, [failing.id], 0))
        check("their states", [job.get_status() for job in (later, failing)], ["finished", "failed"])
        failed.requeue(failing.id)
        wait_for(failing, failed)
        (seen,) = rq.Worker.all(queue=queue)
        check("the worker", (seen.name, seen.hostname is not None), ("worker-1", True))
        # It listens to a channel of its own, beside waiting for jobs.
        rq.command.send_shutdown_command(queue.connection, "worker-1")
        check("shuts down when told", worker.wait(PATIENCE), 0)
        check("signs off", rq.Worker.all(queue=queue), [])
    except BaseException:
        log.seek(0)
        sys.stderr.buffer.write(log.read())
        raise
    finally:
        # Its scheduler and the job that it is at have its subscription open, and outlive it.
        end_children()
    return rq.VERSION


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    import redis
    import rq

    host, port, protocol = sys.argv[1:]
    os.environ["PYTHONPATH"] += os.pathsep + os.path.dirname(os.path.abspath(__file__))
    url = f"redis://{f'[{host}]' if ':' in host else host}:{port}?protocol={protocol}"
    connection = redis.Redis.from_url(url)
    connection.flushall()
    adopt_orphans()
    version = smoke(rq.Queue("jobs", connection=connection), url)
    connection.flushall()
    print(f"rq {version} with redis-py {redis.__version__}, RESP{protocol}: {len(CHECKS)} checks passed")


if __name__ == "__main__":
    main()
