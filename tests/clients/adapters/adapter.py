"""What the Python adapters of `respd client-test` share: the loop over its lines, and how values are spelled."""

import asyncio
import json
import sys

# What run() returns for what its library cannot do.
UNSUPPORTED = object()


def shown(value):
    """A value of a library, in what JSON has: maps are lists of pairs, doubles and errors texts."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple, set, frozenset)):
        return [shown(element) for element in value]
    if isinstance(value, dict):
        return [[shown(key), shown(element)] for key, element in value.items()]
    return repr(value) if isinstance(value, float) else str(value) if isinstance(value, Exception) else value


def told(word, args):
    """The ports and the options in the arguments of @connect, @cluster and @sentinel."""
    ports = [] if word == "@connect" else args[0].split(",")
    options = args if word == "@connect" else args[1:]
    return ports, dict(zip(options[::2], options[1::2]))


def serve(run):
    """Has run(word, *args) do what each line of standard input asks for, and prints what came of it."""
    asyncio.run(answer_all(run))


async def answer_all(run):
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            value = await run(*json.loads(line))
            answer = {"unsupported": True} if value is UNSUPPORTED else {"value": value}
        except (Exception, asyncio.CancelledError) as error:
            answer = {"error": str(error), "kind": type(error).__name__}
        print(json.dumps(answer), flush=True)
