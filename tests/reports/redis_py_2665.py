"""redis/redis-py#2665: a read that is cancelled leaves its reply for the next command of the connection."""

import asyncio

import redis.asyncio
from common import PORT, sent, stage


async def main():
    client = redis.asyncio.Redis(port=PORT, single_connection_client=True)
    await client.mset({"one": "1", "two": "2"})

    stage("JOURNAL ON")
    stage("FAULT ADD slow ON GET TIMES 1 DO RUN THEN DELAY 100")
    task = asyncio.create_task(client.get("one"))
    await sent("GET")

    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    two = await client.get("two")
    print("the reply is its own" if two == b"2" else f"GET two is {two.decode()}")


asyncio.run(main())
