#!/usr/bin/env python3
"""Dramatiq against a running server: its worker, one process of two threads, does the messages below.
Whatever its broker asks of the server is one script.

usage: dramatiq_actors.py HOST PORT

Exits 0 when each message came out as it should, else with a message. Database 8 is flushed.
"""

import os
import time

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.rate_limits import BucketRateLimiter, ConcurrentRateLimiter, WindowRateLimiter
from dramatiq.rate_limits.backends import RedisBackend as Limits
from dramatiq.results import ResultFailure, Results
from dramatiq.results.backends import RedisBackend as Kept

from checks import CHECKS, check
from workers import PATIENCE, server, stop, until, worker

URL = os.environ.get("SERVER_URL")
# Every message has what others have in a thousand: the queue is looked after.
broker = RedisBroker(url=URL, maintenance_chance=1_000_000)
broker.add_middleware(Results(backend=Kept(url=URL), store_results=True))
limits = Limits(url=URL)
broker.add_middleware(dramatiq.middleware.GroupCallbacks(limits))
dramatiq.set_broker(broker)
one = ConcurrentRateLimiter(limits, "one at a time", limit=1)


@dramatiq.actor
def add(a, b):
    return a + b


@dramatiq.actor(max_retries=3, min_backoff=1, max_backoff=2)
def third_time():
    """A message that has to be tried three times."""
    if (tries := broker.client.incr("tries")) < 3:
        raise ValueError("not yet")
    return tries


@dramatiq.actor(max_retries=0)
def fail():
    raise ValueError("no such luck")


@dramatiq.actor
def moment():
    return time.time()


@dramatiq.actor(max_retries=100, min_backoff=1, max_backoff=10)
def alone():
    with one.acquire():
        broker.client.rpush("together", broker.client.incr("running"))
        broker.client.decr("running")


@dramatiq.actor(store_results=False)
def finished(key):
    broker.client.rpush(key, "all of them")


def before(db):
    """What the broker does while no worker is there."""
    messages = [add.send(i, i) for i in range(200)]
    check("they wait", (broker.do_qsize("default"), db.llen("dramatiq:default")), (200, 200))
    taken = broker.do_fetch("default", 150)
    check("as they came", [dramatiq.Message.decode(one).message_id for one in taken], [one.message_id for one in messages[:150]])
    ids = [message.options["redis_message_id"] for message in messages]
    check("being done", db.scard(f"dramatiq:__acks__.{broker.broker_id}.default"), 150)
    broker.do_ack("default", ids[0])
    broker.do_nack("default", ids[1])
    check("one is done, one is dead", (db.hlen("dramatiq:default.msgs"), db.zrange("dramatiq:default.XQ", 0, -1)), (198, [ids[1]]))
    broker.do_requeue("default", *ids[2:150])
    check("the others again", db.llen("dramatiq:default"), 198)
    check("nothing is", broker.do_fetch("other", 10), [])

    broker.do_fetch("default", 5)
    other = RedisBroker(url=os.environ["SERVER_URL"], maintenance_chance=1_000_000, heartbeat_timeout=0, dead_message_ttl=0)
    until("what a dead worker had comes back", 198, lambda: (other.do_qsize("default"), db.llen("dramatiq:default"))[1])
    check("the dead are forgotten", db.exists("dramatiq:default.XQ", "dramatiq:default.XQ.msgs"), 0)
    broker.do_purge("default")
    check("thrown away", db.keys("dramatiq:default*"), [])


def during(db):
    def result(message):
        return message.get_result(block=True, timeout=PATIENCE * 1000)

    messages = [add.send(i, i) for i in range(50)]
    check("results", [result(message) for message in messages], [2 * i for i in range(50)])
    third_time.send()
    until("tried three times", "3", lambda: db.get("tries"))
    check("a chain", result(dramatiq.pipeline([add.message(1, 2), add.message(3), add.message(4)]).run()), 10)
    group = dramatiq.group([add.message(i, 1) for i in range(10)])
    group.add_completion_callback(finished.message("finished"))
    group.run()
    check("a group", list(group.get_results(block=True, timeout=PATIENCE * 1000)), list(range(1, 11)))
    check("its end", db.blpop("finished", PATIENCE)[1], "all of them")
    sent = time.time()
    check("after a delay", result(moment.send_with_options(delay=300)) >= sent + 0.25)
    try:
        result(fail.send())
        check("a message that fails", False)
    except ResultFailure as error:
        check("its reason", "no such luck" in str(error))
    until("it is dead", 1, lambda: db.zcard("dramatiq:default.XQ"))
    for _ in range(20):
        alone.send()
    until("one at a time", ["1"] * 20, lambda: db.lrange("together", 0, -1))
    window = WindowRateLimiter(limits, "window", limit=3, window=600)
    check("three in a window", [window._acquire() for _ in range(4)], [True] * 3 + [False])
    bucket = BucketRateLimiter(limits, "bucket", limit=2, bucket=600_000)
    check("two in a bucket", [bucket._acquire() for _ in range(3)], [True] * 2 + [False])
    until("all is done", 0, lambda: broker.do_qsize("default"))
    check("and nothing taken", db.keys("dramatiq:__acks__*"), [])


def main(db):
    before(db)
    # It looks for messages every 0.1 s, not every second.
    os.environ["dramatiq_worker_timeout"] = "100"
    with worker("dramatiq", "dramatiq_actors", "--processes", "1", "--threads", "2") as process:
        during(db)
        check("shuts down when told", stop(process), 0)
    db.flushdb()
    print(f"dramatiq {dramatiq.__version__} with redis-py {redis.__version__}: {len(CHECKS)} checks passed")


if __name__ == "__main__":
    connection = server(8)
    # The actors by the name that the worker knows them by, now that the server is known.
    import dramatiq_actors

    dramatiq_actors.main(connection)
