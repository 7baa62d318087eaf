#!/usr/bin/env python3
"""The adapter of valkey-glide for `respd client-test`: valkey_glide.py HOST PORT."""

import asyncio
import sys

import glide

from adapter import serve, shown

connected, messages = None, []
# It would be printed to standard output.
glide.Logger.set_logger_config(glide.LogLevel.OFF)


async def run(word, *args):
    global connected
    if word == "@connect":
        options = dict(zip(args[::2], args[1::2]))
        timeout = int(options.get("timeout", 1000))
        password = options.get("password")
        connected = await glide.GlideClient.create(glide.GlideClientConfiguration(
            [glide.NodeAddress(sys.argv[1], int(sys.argv[2]))], request_timeout=timeout, inflight_requests_limit=200000,
            credentials=glide.ServerCredentials(password) if password else None, client_name=options.get("name"),
            database_id=int(options.get("db", 0)),
            protocol=glide.ProtocolVersion.RESP2 if options.get("protocol") == "2" else glide.ProtocolVersion.RESP3,
            advanced_config=glide.AdvancedGlideClientConfiguration(connection_timeout=timeout)))
        return "connected"
    if word == "@cancel":
        return await asyncio.wait_for(run(*args[1:]), int(args[0]) / 1000)
    if word == "@pipeline":
        replies = await asyncio.gather(*(run(*args[1:]) for _ in range(int(args[0]))))
        return [replies[0], replies[-1], len(replies)]
    if word == "@messages":
        while message := connected.try_get_pubsub_message():
            messages.append(shown(message.message))
        return messages
    if word == "@close":
        return await connected.close()
    if word == "SUBSCRIBE":
        await connected.subscribe(set(args), 1000)
        return args
    return shown(await connected.custom_command([word, *args]))


serve(run)
