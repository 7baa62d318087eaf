"""redis/redis-py#2499: a time-out in the middle of a message loses what has been read of it."""

import asyncio

import redis.asyncio
from common import PORT, stage


async def main():
    client = redis.asyncio.Redis(port=PORT, client_name="subscriber")
    subscriber = client.pubsub()
    await subscriber.subscribe("news")
    await subscriber.get_message(timeout=5)

    stage(r"SEND NAME subscriber '*3\r\n$7\r\nmessage\r\n'")
    assert await subscriber.get_message(timeout=0.1) is None
    stage(r"SEND NAME subscriber '$4\r\nnews\r\n$5\r\nhello\r\n'")

    message = await subscriber.get_message(timeout=1)
    whole = {"type": "message", "pattern": None, "channel": b"news", "data": b"hello"}
    print("the message is whole" if message == whole else f"there is a message of the type {message['type']!r}")


asyncio.run(main())
