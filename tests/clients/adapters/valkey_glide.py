#!/usr/bin/env python3
"""The adapter of valkey-glide for `respd client-test`: valkey_glide.py HOST PORT."""

import asyncio
import sys

import glide

from adapter import UNSUPPORTED, serve, shown, told

connected, messages = None, []
# It would be printed to standard output.
glide.Logger.set_logger_config(glide.LogLevel.OFF)


async def connect(ports, options):
    host, timeout, password = sys.argv[1], int(options.get("timeout", 1000)), options.get("password")
    common = {
        "request_timeout": timeout, "client_name": options.get("name"), "database_id": int(options.get("db", 0)),
        "credentials": glide.ServerCredentials(password) if password else None,
        "protocol": glide.ProtocolVersion.RESP2 if options.get("protocol") == "2" else glide.ProtocolVersion.RESP3}
    if ports:
        return await glide.GlideClusterClient.create(glide.GlideClusterClientConfiguration(
            [glide.NodeAddress(host, int(ports[0]))], **common,
            advanced_config=glide.AdvancedGlideClusterClientConfiguration(connection_timeout=timeout)))
    cache = glide.ClientSideCache.create(1024, 0, server_assisted=True) if "cache" in options else None
    return await glide.GlideClient.create(glide.GlideClientConfiguration(
        [glide.NodeAddress(host, int(sys.argv[2]))], **common, client_side_cache=cache,
        advanced_config=glide.AdvancedGlideClientConfiguration(connection_timeout=timeout)))


async def run(word, *args):
    global connected
    if word in ("@connect", "@cluster"):
        ports, options = told(word, args)
        connected = await connect(ports, options)
        return "connected"
    if word == "@sentinel":
        return UNSUPPORTED
    if word == "@cancel":
        return await asyncio.wait_for(run(*args[1:]), int(args[0]) / 1000)
    if word == "@pipeline":
        batch = glide.Batch(is_atomic=False)
        for _ in range(int(args[0])):
            batch.custom_command(list(args[1:]))
        replies = await connected.exec(batch, raise_on_error=True)
        return [shown(replies[0]), shown(replies[-1]), len(replies)]
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
