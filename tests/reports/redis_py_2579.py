"""redis/redis-py#2579: after a BLPOP that is cancelled the client waits until the BLPOP is over."""

import asyncio

import redis.asyncio
from common import PORT, sent, stage


async def main():
    client = redis.asyncio.Redis(port=PORT, single_connection_client=True)
    await client.ping()

    stage("JOURNAL ON")
    stage("CLOCK FREEZE")
    task = asyncio.create_task(client.blpop("empty", timeout=10))
    await sent("BLPOP")

    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    push = asyncio.ensure_future(client.rpush("other", "x"))
    done, _ = await asyncio.wait([push], timeout=1)
    print("RPUSH is answered" if done else "RPUSH waits for the BLPOP")
    stage("CLOCK ADVANCE 10000")
    await push


asyncio.run(main())
