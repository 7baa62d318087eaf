#!/usr/bin/env python3
"""The adapter of redis-py (asyncio) for `respd client-test`: redis_py.py HOST PORT [hiredis].

Replies are read by redis-py itself, or by hiredis.
"""

import asyncio
import sys

if "hiredis" not in sys.argv:
    # As if it were not installed.
    sys.modules["hiredis"] = None

import redis
import redis.asyncio as client_of
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from adapter import UNSUPPORTED, serve, shown, told

connected, listening, messages = None, None, []


def connect(word, ports, options):
    """A client of the server, of a cluster, or of what Sentinels watch; None if there is no such client."""
    host, seconds = sys.argv[1], int(options.get("timeout", 1000)) / 1000
    common = {"password": options.get("password"), "client_name": options.get("name"), "socket_timeout": seconds,
              "socket_connect_timeout": seconds}
    # It tries as often as it likes, without the long pauses between.
    pauses = ExponentialBackoff(cap=0.1, base=0.01)
    if redis.__version__ >= "6":
        common["retry"] = Retry(pauses, 3)
    if "protocol" in options and redis.__version__ >= "5":
        common["protocol"] = int(options["protocol"])
    if word == "@cluster":
        return client_of.RedisCluster(host=host, port=int(ports[0]), **common)
    if word == "@sentinel":
        sentinels = [(host, int(port)) for port in ports]
        return client_of.Sentinel(sentinels, sentinel_kwargs=common, **common).master_for("main")
    common |= {"host": host, "port": int(sys.argv[2]), "db": int(options.get("db", 0))}
    if "cache" not in options:
        return client_of.Redis(**common)
    if redis.__version__ < "6":
        return None
    # Only the client without asyncio has it.
    from redis.cache import CacheConfig
    return Threaded(redis.Redis(**common | {"protocol": 3, "retry": redis.retry.Retry(pauses, 3)}, cache_config=CacheConfig()))


class Threaded:
    """A client without asyncio, as far as it is asked for here."""

    def __init__(self, client):
        self.client = client

    async def ping(self):
        return await asyncio.to_thread(self.client.ping)

    async def execute_command(self, word, *args):
        return await asyncio.to_thread(getattr(self.client, word.lower()), *args)


async def listen(pubsub):
    while True:
        try:
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=0.1)
            messages.extend([shown(message["data"])] if message else [])
        except redis.RedisError:
            await asyncio.sleep(0.05)


async def run(word, *args):
    global connected, listening
    if word in ("@connect", "@cluster", "@sentinel"):
        ports, options = told(word, args)
        if options.get("protocol") == "3" and redis.__version__ < "5":
            return UNSUPPORTED
        connected = connect(word, ports, options)
        return UNSUPPORTED if connected is None else await connected.ping()
    if word == "@cancel":
        return await asyncio.wait_for(run(*args[1:]), int(args[0]) / 1000)
    if word == "@pipeline":
        pipeline = connected.pipeline(transaction=False)
        for _ in range(int(args[0])):
            pipeline.execute_command(*args[1:])
        replies = await pipeline.execute()
        return [shown(replies[0]), shown(replies[-1]), len(replies)]
    if word == "@messages":
        return messages
    if word == "@close":
        return await (connected.aclose if hasattr(connected, "aclose") else connected.close)()
    if word == "SUBSCRIBE":
        pubsub = connected.pubsub()
        await pubsub.subscribe(*args)
        listening = asyncio.create_task(listen(pubsub))
        return args
    return shown(await connected.execute_command(word, *args))


serve(run)
