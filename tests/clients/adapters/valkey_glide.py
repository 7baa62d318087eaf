#!/usr/bin/env python3
"""The adapter of valkey-glide for `respd client-test`: valkey_glide.py HOST PORT."""

import asyncio
import json
import sys

import glide

connected, messages = None, []
# It would be printed to standard output.
glide.Logger.set_logger_config(glide.LogLevel.OFF)


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


async def main():
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            answer = {"value": await run(*json.loads(line))}
        except Exception as error:
            answer = {"error": str(error), "kind": type(error).__name__}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
