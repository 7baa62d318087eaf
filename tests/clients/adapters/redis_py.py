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

from adapter import UNSUPPORTED, serve, shown

connected, listening, messages = None, None, []


def connect(options):
    seconds = int(options.get("timeout", 1000)) / 1000
    # It tries as often as it likes, without the long pauses between.
    retry = {"retry": Retry(ExponentialBackoff(cap=0.1, base=0.01), 3)} if redis.__version__ >= "6" else {}
    new = {"protocol": int(options["protocol"])} if "protocol" in options and redis.__version__ >= "5" else {}
    return client_of.Redis(
        host=sys.argv[1], port=int(sys.argv[2]), db=int(options.get("db", 0)), password=options.get("password"),
        client_name=options.get("name"), socket_timeout=seconds, socket_connect_timeout=seconds, **new, **retry)


async def listen(pubsub):
    while True:
        try:
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=0.1)
            messages.extend([shown(message["data"])] if message else [])
        except redis.RedisError:
            await asyncio.sleep(0.05)


async def run(word, *args):
    global connected, listening
    if word == "@connect":
        options = dict(zip(args[::2], args[1::2]))
        if options.get("protocol") == "3" and redis.__version__ < "5":
            return UNSUPPORTED
        connected = connect(options)
        return await connected.ping()
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
