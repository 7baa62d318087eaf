#!/usr/bin/env python3
"""The adapter of coredis for `respd client-test`: coredis_py.py HOST PORT."""

import asyncio
import sys

import coredis
from coredis.response._callbacks import NoopCallback

from adapter import UNSUPPORTED, serve, shown

connected = None


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


serve(run)
