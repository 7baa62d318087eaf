#!/usr/bin/env python3
"""The adapter of coredis for `respd client-test`: coredis_py.py HOST PORT."""

import asyncio
import json
import sys

import coredis
from coredis.response._callbacks import NoopCallback

connected, UNSUPPORTED = None, object()


def shown(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple, set, frozenset)):
        return [shown(element) for element in value]
    if isinstance(value, dict):
        return [[shown(key), shown(element)] for key, element in value.items()]
    return repr(value) if isinstance(value, float) else str(value) if isinstance(value, Exception) else value


async def run(word, *args):
    global connected
    if word == "@connect":
        options = dict(zip(args[::2], args[1::2]))
        if options.get("protocol") == "2":
            return UNSUPPORTED
        seconds = int(options.get("timeout", 1000)) / 1000
        connected = coredis.Redis(
            host=sys.argv[1], port=int(sys.argv[2]), db=int(options.get("db", 0)), password=options.get("password"),
            client_name=options.get("name"), stream_timeout=seconds, connect_timeout=seconds)
        await connected.__aenter__()
        return "connected"
    if word == "@cancel":
        return await asyncio.wait_for(run(*args[1:]), int(args[0]) / 1000)
    if word == "@pipeline":
        async with connected.pipeline(transaction=False) as pipeline:
            waiting = [pipeline.create_request(args[1].encode(), *args[2:], callback=NoopCallback())
                       for _ in range(int(args[0]))]
        return [shown(await waiting[0]), shown(await waiting[-1]), len(waiting)]
    if word == "@close":
        await connected.__aexit__(None, None, None)
        return "closed"
    if word in ("@messages", "SUBSCRIBE"):
        return UNSUPPORTED
    request = connected.create_request(word.encode(), *args, callback=NoopCallback())
    return shown(await request)


async def main():
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            value = await run(*json.loads(line))
            answer = {"unsupported": True} if value is UNSUPPORTED else {"value": value}
        except BaseException as error:
            answer = {"error": str(error), "kind": type(error).__name__}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
