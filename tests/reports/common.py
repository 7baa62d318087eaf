"""What the reports of redis-py have in common: the server's address, and how it is told what goes wrong."""

import asyncio
import shlex
import sys

import redis

PORT = int(sys.argv[1])

#: Rounds of the event loop: more than a client's task takes from the bytes in the socket to the wait for the reply.
ROUNDS_OF_A_SEND = 50

#: A client that drives the stage, beside those that are looked at.
driver = redis.Redis(port=PORT, client_name="driver")


def stage(line):
    """A line of docs/stage.md. Quotes are the shell's, so that escapes in '...' reach the server as they are."""
    return driver.execute_command("STAGE", *shlex.split(line))


async def sent(command):
    """Returns when some client has sent the command once and waits for its reply. The journal must be on."""
    await asyncio.to_thread(stage, f"JOURNAL WAIT {command} COUNT 1 TIMEOUT 5000")
    # The server may have it before the client's task is out of its `send`, where Python 3.11 can lose a cancellation.
    for _ in range(ROUNDS_OF_A_SEND):
        await asyncio.sleep(0)
