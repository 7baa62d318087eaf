#!/usr/bin/env python3
"""redis-py against a running server.

usage: redis_py.py HOST PORT PROTOCOL [UNIX_SOCKET]

PROTOCOL is 2 or 3. Exits 0 when all went well, else with a message. The server must have no
password; one is set and taken away again. Keys of databases 0 and 3 are written and flushed.
"""

import asyncio
import sys

from checks import CHECKS, check


def error_of(call, *args, **options):
    """The text of the error that the call ends with, '' when it does not."""
    import redis

    try:
        call(*args, **options)
    except redis.RedisError as error:
        return str(error)
    return ""


def text(value):
    """The same with every bytes in it decoded: what redis-py decodes differs with the protocol."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return [text(v) for v in value]
    return value.decode() if isinstance(value, bytes) else value


def smoke(host, port, protocol, unix_socket=None):
    import redis
    import redis.backoff
    import redis.retry

    def connect(**options):
        return redis.Redis(host=host, port=port, **{"protocol": protocol, **options})

    check("connect with defaults", redis.Redis(host=host, port=port).ping())

    client = connect(client_name="smoke")
    info = client.client_info()
    check("protocol negotiated", int(info["resp"]), protocol)
    check("client name", info["name"], "smoke")
    mine = [c for c in client.client_list() if c["id"] == str(client.client_id())]
    check("lib-name in CLIENT LIST", mine[0]["lib-name"].split("(")[0], "redis-py")
    check("lib-ver in CLIENT LIST", mine[0]["lib-ver"], redis.__version__)

    client.flushall()
    check("SET", client.set("greeting", "hello"))
    check("GET", client.get("greeting"), b"hello")
    check("GET of nothing", client.get("nothing"), None)
    check("EXISTS", client.exists("greeting", "nothing"), 1)
    check("DBSIZE", client.dbsize(), 1)
    check("DEL", client.delete("greeting", "nothing"), 1)
    check("ECHO", client.echo("back"), b"back")
    check("TIME", len(client.time()), 2)

    every_byte = bytes(range(256)) * 300
    check("binary SET", client.set(b"\x00\r\n", every_byte))
    check("binary GET", client.get(b"\x00\r\n"), every_byte)
    check("decoded", connect(decode_responses=True).set("ö", "ü") and connect(decode_responses=True).get("ö"), "ü")

    pipe = client.pipeline(transaction=False)
    for i in range(500):
        pipe.set(f"key:{i}", i).get(f"key:{i}")
    replies = pipe.execute()
    check("pipeline of 1000", (len(replies), replies[0], replies[-1]), (1000, True, b"499"))
    pipe = client.pipeline(transaction=False)
    pipe.get("key:1").execute_command("NOSUCH").get("key:2")
    replies = pipe.execute(raise_on_error=False)
    check("an error within a pipeline", [replies[0], type(replies[1]).__name__, replies[2]], [b"1", "ResponseError", b"2"])

    check("unknown command", error_of(client.execute_command, "NOSUCH", "a"), "unknown command 'NOSUCH', with args beginning with: 'a' ")
    check("wrong arity", error_of(client.execute_command, "GET"), "wrong number of arguments for 'get' command")

    in_three = connect(db=3)
    in_three.set("only", "here")
    check("SELECT", (in_three.get("only"), client.get("only")), (b"here", None))
    check("INFO keyspace", client.info("keyspace")["db3"]["keys"], 1)

    info = client.info()
    check("INFO", [type(info["redis_version"]), info["role"], info["loading"], info["tcp_port"]], [str, "master", 0, int(port)])
    check("INFO commandstats", client.info("commandstats")["cmdstat_get"]["calls"] > 0)
    check("CONFIG GET", client.config_get("databases"), {"databases": "16"})
    check("CONFIG GET, several", sorted(client.config_get("time*", "maxclients")), ["maxclients", "timeout"])
    check("CONFIG SET", client.config_set("timeout", 300) and client.config_get("timeout"), {"timeout": "300"})
    check("CONFIG SET back", client.config_set("timeout", 0))
    check("CONFIG SET of nonsense", error_of(client.config_set, "nosuch", "x"), "Unknown option or number of arguments for CONFIG SET - 'nosuch'")

    commands = client.command()
    check("COMMAND", (commands["get"]["arity"], commands["get"]["first_key_pos"], len(commands)), (2, 1, client.command_count()))
    check("COMMAND INFO", text([i and i[:2] for i in client.execute_command("COMMAND INFO", "get", "nosuch")]), [["get", 2], None])
    check("COMMAND LIST", "get" in text(client.command_list()))
    check("COMMAND GETKEYS", text(client.command_getkeys("DEL", "a", "b")), ["a", "b"])
    check("COMMAND GETKEYSANDFLAGS", [[k, *sorted(flags)] for k, flags in text(client.command_getkeysandflags("SET", "k", "v"))], [["k", "OW", "update"]])
    docs = client.execute_command("COMMAND DOCS", "get")
    check("COMMAND DOCS", b"get" in docs)

    # A connection that is killed under the client: it opens another one and goes on.
    before = client.client_id()
    check("CLIENT KILL", connect().client_kill_filter(_id=before), 1)
    check("reconnects after CLIENT KILL", client.ping() and client.client_id() > before)
    check("keeps its name over that", text(client.client_getname()), "smoke")

    check("two connections", [text(c.client_getname()) for c in (connect(client_name="a"), connect(client_name="b"))], ["a", "b"])
    check("TRACKINGINFO", bool(client.client_trackinginfo()))
    if protocol == 3:
        caching(connect)
    check("asyncio", asyncio.run(over_asyncio(host, port, protocol)), b"1")
    publish_and_subscribe(connect)
    blocking(connect)
    scripts(connect, protocol)
    functions(connect)
    if unix_socket:
        check("unix socket", redis.Redis(unix_socket_path=unix_socket, protocol=protocol).ping())

    # One connection from before stays logged in and takes the password away again.
    admin = connect(single_connection_client=True)
    admin.config_set("requirepass", "sesame")
    try:
        check("password and name", text(connect(password="sesame", client_name="me").client_getname()), "me")
        check("user and password", connect(username="default", password="sesame").ping())
        # redis-py would try again, slowly: a refused login is a ConnectionError to it.
        once = {"retry": redis.retry.Retry(redis.backoff.NoBackoff(), 0)}
        check("wrong password", error_of(connect(password="wrong", **once).ping), "invalid username-password pair or user is disabled.")
        # In RESP3 the handshake's HELLO is what is refused, in RESP2 the command itself.
        refused = error_of(connect(**once).ping)
        check("no password", "Authentication required" in refused or "HELLO must be called" in refused)
    finally:
        admin.config_set("requirepass", "")
    check("open again", connect().ping())
    client.flushall()
    return redis.__version__


def publish_and_subscribe(connect):
    client, listener = connect(decode_responses=True), connect(decode_responses=True).pubsub()

    def heard(count):
        messages = [listener.get_message(timeout=120) or {} for _ in range(count)]
        return [(m.get("type"), m.get("pattern"), m.get("channel"), m.get("data")) for m in messages]

    listener.subscribe("news", "weather")
    listener.psubscribe("n*")
    listener.ssubscribe("shard")
    check("confirmations", heard(4), [("subscribe", None, "news", 1), ("subscribe", None, "weather", 2), ("psubscribe", None, "n*", 3), ("ssubscribe", None, "shard", 1)])
    check("PUBLISH", [client.publish("news", "hello"), client.publish("sports", "hello"), client.spublish("shard", "hello")], [2, 0, 1])
    check("messages", heard(3), [("message", None, "news", "hello"), ("pmessage", "n*", "news", "hello"), ("smessage", None, "shard", "hello")])
    check("PUBSUB", [client.pubsub_channels(), client.pubsub_numsub("news"), client.pubsub_numpat()], [["news", "weather"], [("news", 1)], 1])
    listener.unsubscribe()
    listener.punsubscribe()
    listener.sunsubscribe()
    check("no more", heard(4), [("unsubscribe", None, "news", 2), ("unsubscribe", None, "weather", 1), ("punsubscribe", None, "n*", 0), ("sunsubscribe", None, "shard", 0)])

    client.config_set("notify-keyspace-events", "KEA")
    listener.psubscribe("__key*@0__:*")
    heard(1)
    client.set("noticed", 1)
    check("keyspace events", heard(2), [("pmessage", "__key*@0__:*", "__keyspace@0__:noticed", "set"), ("pmessage", "__key*@0__:*", "__keyevent@0__:set", "noticed")])
    client.config_set("notify-keyspace-events", "")

    # A listener whose connection is killed opens another one and subscribes again.
    client.client_kill_filter(_type="pubsub")
    check("subscribes again", heard(1), [("psubscribe", None, "__key*@0__:*", 1)])
    listener.close()
def scripts(connect, protocol):
    client = connect()
    client.script_flush()
    client.set("scripted", "its value")
    script = client.register_script("return {KEYS[1], ARGV[1], tonumber(ARGV[2]), false, redis.call('GET', KEYS[1])}")
    want = [b"scripted", b"x", 7, None, b"its value"]
    check("a script, not known yet", script(keys=["scripted"], args=["x", 7.9]), want)
    check("SCRIPT EXISTS", client.script_exists(script.sha, "0" * 40), [True, False])
    check("EVALSHA", client.evalsha(script.sha, 1, "scripted", "x", 7), want)
    together = client.pipeline()
    script(keys=["scripted"], args=["y", 8], client=together)
    check("within a pipeline", together.get("scripted").execute(), [[b"scripted", b"y", 8, None, b"its value"], b"its value"])
    check("EVALSHA of nothing", error_of(client.evalsha, "0" * 40, 0), "No matching script.")
    check("an error of its own", error_of(client.eval, "return redis.error_reply('MINE no such luck')", 0), "MINE no such luck")
    check("one that it catches", client.eval("return redis.pcall('INCR', KEYS[1])['err']", 1, "scripted"), b"ERR value is not an integer or out of range")
    check("EVAL_RO", client.eval_ro("return redis.call('GET', KEYS[1])", 1, "scripted"), b"its value")
    check("EVAL_RO that writes", "Write commands are not allowed" in error_of(client.eval_ro, "return redis.call('DEL', KEYS[1])", 1, "scripted"))
    check("a map", client.eval("redis.setresp(3) return {map={a=1}}", 0), {b"a": 1} if protocol == 3 else [b"a", 1])
    check("SCRIPT KILL of nothing", error_of(client.script_kill), "NOTBUSY No scripts in execution right now.")


def functions(connect):
    client = connect(decode_responses=True)
    client.function_flush()
    code = """#!lua name=counts
    redis.register_function('more', function(keys, args) return redis.call('INCRBY', keys[1], args[1]) end)
    redis.register_function{function_name='now', callback=function(keys) return redis.call('GET', keys[1]) end, flags={'no-writes'}}"""
    check("FUNCTION LOAD", client.function_load(code), "counts")
    check("FCALL", [client.fcall("more", 1, "count", 5), client.fcall("more", 1, "count", 2)], [5, 7])
    check("FCALL_RO", client.fcall_ro("now", 1, "count"), "7")
    check("FCALL_RO that writes", error_of(client.fcall_ro, "more", 1, "count", 5), "Can not execute a script with write flag using *_ro command.")
    check("loaded again", error_of(client.function_load, code), "Library 'counts' already exists")
    # A map in RESP3, a flat list in RESP2.
    check("FUNCTION LIST", str(client.function_list(withcode=True)).count("register_function"), 2)
    kept = connect().function_dump()
    check("gone", (client.function_delete("counts"), error_of(client.fcall, "more", 1, "count", 5)), (True, "Function not found"))
    check("restored", (connect().function_restore(kept), client.fcall_ro("now", 1, "count")), (True, "7"))
    check("FUNCTION FLUSH", (client.function_flush(), client.function_list()), (True, []))


def caching(connect):
    """redis-py's client-side cache: what it has read it keeps, until the server says that it changed."""
    from redis.cache import CacheConfig, CacheKey
    from redis.connection import CacheProxyConnection

    writer = connect()
    # It trusts only what calls itself redis 7.4; the protocol of 7.2 is the same.
    hello = writer.execute_command("HELLO")
    CacheProxyConnection.DEFAULT_SERVER_NAME = text(hello[b"server"])
    CacheProxyConnection.MIN_ALLOWED_VERSION = text(hello[b"version"])
    cached = connect(cache_config=CacheConfig())
    cache = cached.get_cache()
    key = CacheKey(command="GET", redis_keys=("cached",), redis_args=("GET", "cached"))
    for value in (b"1", b"2"):
        writer.set("cached", value)
        while (got := cached.get("cached")) != value:
            check("an old value is the one of before", got, b"1")
        check("a read is kept", cache.get(key).cache_value, value)
    reads = writer.info("commandstats")["cmdstat_get"]["calls"]
    check("what is kept is not read again", [cached.get("cached") for _ in range(10)], [b"2"] * 10)
    check("nothing was asked", writer.info("commandstats")["cmdstat_get"]["calls"], reads)
    check("INFO knows of it", [writer.info(part)[field] for part, field in (("clients", "tracking_clients"), ("stats", "tracking_total_keys"))], [1, 1])
    writer.flushall()
    while cached.get("cached") is not None:
        pass
    check("a flush empties it", cache.get(key) is None or cache.get(key).cache_value is None)
    cached.close()


def blocking(connect):
    """Calls that wait, and a worker that takes jobs off a queue with BLMOVE, so that none is lost."""
    import threading

    client = connect()
    client.delete("jobs", "taken", "done")
    check("BLPOP in vain", client.blpop("jobs", timeout=0.01), None)
    check("BLMOVE in vain", client.blmove("jobs", "taken", 0.01), None)
    check("BZPOPMIN in vain", client.bzpopmin("jobs", timeout=0.01), None)

    def work():
        worker = connect()
        while (job := worker.blmove("jobs", "taken", 120)) != b"stop":
            worker.rpush("done", job.upper())
            worker.lrem("taken", 1, job)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for number in range(200):
        client.rpush("jobs", f"job {number}")
    done = sorted(text(client.blpop("done", timeout=120)[1]) for _ in range(200))
    client.rpush("jobs", *["stop"] * len(workers))
    for worker in workers:
        worker.join(120)
    check("every job is done once", done, sorted(f"JOB {number}" for number in range(200)))
    check("nothing is left", (client.llen("jobs"), text(client.lrange("taken", 0, -1))), (0, ["stop"] * 3))
    client.delete("taken")


def run(*arguments):
    """The smoke, with an error of the client told in one line."""
    import redis

    try:
        return smoke(*arguments)
    except redis.RedisError as error:
        sys.exit(f"redis-py: after {', '.join(CHECKS[-1:]) or 'nothing'}: {type(error).__name__}: {error}")


async def over_asyncio(host, port, protocol):
    import redis.asyncio

    async with redis.asyncio.Redis(host=host, port=port, protocol=protocol) as client:
        await asyncio.gather(*(client.set("shared", 1) for _ in range(10)))
        return await client.get("shared")


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    # redis-py takes the C reader when it finds it; hiredis_py.py covers that one.
    sys.modules["hiredis"] = None
    protocol = int(sys.argv[3])
    version = run(sys.argv[1], int(sys.argv[2]), protocol, *sys.argv[4:])
    print(f"redis-py {version}, RESP{protocol}: {len(CHECKS)} checks passed")


if __name__ == "__main__":
    main()
