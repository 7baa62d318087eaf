"""A respd server for a program or a test: a server for RESP, the Redis protocol.

    import respd

    with respd.start(maxmemory="100mb") as server:
        client = server.client()        # redis-py, where it is installed
        client.set("greeting", "hello")

The server has a port of its own and a folder of its own, keeps nothing, and ends with the block, or with this
process, however that ends. For pytest there are the fixtures `respd` and `respd_server`.
"""

from respd._server import Server, StartError, binary, start
from respd._stage import Entry, Journal, Stage, StageError

__all__ = ["Entry", "Journal", "Server", "Stage", "StageError", "StartError", "binary", "start"]
