#!/usr/bin/env python3
"""The adapter of coredis for `respd client-test`: coredis_py.py HOST PORT."""

import asyncio
import sys

import coredis
from coredis.connection import TCPLocation
from coredis.patterns.cache import LRUCache
from coredis.response._callbacks import NoopCallback
from coredis.typing import Key

from adapter import UNSUPPORTED, serve, shown, told

connected = None


async def connect(word, ports, options):
    host, seconds = sys.argv[1], int(options.get("timeout", 1000)) / 1000
    common = {"stream_timeout": seconds, "connect_timeout": seconds}
    if word == "@cluster":
        return coredis.RedisCluster(host=host, port=int(ports[0]), **common)
    if word == "@sentinel":
        sentinels = coredis.Sentinel([TCPLocation(host, int(port)) for port in ports], **common)
        await sentinels.__aenter__()
        return sentinels.primary_for("main")
    return coredis.Redis(
        host=host, port=int(sys.argv[2]), db=int(options.get("db", 0)), password=options.get("password"),
        client_name=options.get("name"), cache=LRUCache() if "cache" in options else None, **common)


async def run(word, *args):
    global connected
    if word in ("@connect", "@cluster", "@sentinel"):
        ports, options = told(word, args)
        if options.get("protocol") == "2":
            return UNSUPPORTED
        connected = await connect(word, ports, options)
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
    if word == "GET":
        # The client keeps what its methods read, and nothing else.
        return shown(await connected.get(*args))
    if word == "SET":
        # A key is what goes to its node.
        args = (Key(args[0]), *args[1:])
    request = connected.create_request(word.encode(), *args, callback=NoopCallback())
    return shown(await request)


serve(run)
