"""redis-py over TLS: usage tls.py PORT. Certificates are those of tests/tls/."""

import os
import ssl
import sys
import threading

import redis

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tls")


def path(name):
    return os.path.join(folder, name)


def connect(**options):
    settings = dict(
        host="localhost", port=int(sys.argv[1]), ssl=True, ssl_ca_certs=path("ca.crt"),
        ssl_certfile=path("ann.crt"), ssl_keyfile=path("ann.key"), ssl_check_hostname=True,
    )
    return redis.Redis(**{**settings, **options})


for protocol in (2, 3):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        client = connect(protocol=protocol, ssl_min_version=version)
        assert client.acl_whoami() in ("ann", b"ann")
        client.flushall()
        with client.pipeline(transaction=True) as pipe:
            assert pipe.set("a", "1").incr("a").execute() == [True, 2]
        with client.pipeline(transaction=False) as pipe:
            for n in range(10_000):
                pipe.rpush("list", n)
            assert pipe.execute() == list(range(1, 10_001))
        subscriber = client.pubsub()
        subscriber.subscribe("news")
        assert subscriber.get_message(timeout=10)["type"] == "subscribe"
        assert client.publish("news", "hello") == 1
        assert subscriber.get_message(timeout=10)["data"] == b"hello"
        subscriber.close()

client = connect()
large = os.urandom(1 << 20) * 100
client.set("large", large)
assert client.get("large") == large, "100 MiB each way"

clients = [threading.Thread(target=lambda: [connect().incr("count") for _ in range(20)]) for _ in range(8)]
[thread.start() for thread in clients]
[thread.join() for thread in clients]
assert client.get("count") == b"160"

for options in (dict(ssl_certfile=None, ssl_keyfile=None), dict(ssl_certfile=path("stranger.crt"), ssl_keyfile=path("stranger.key"))):
    try:
        connect(**options).ping()
        raise SystemExit("who shows no good certificate is served")
    except redis.exceptions.ConnectionError:
        pass
print("redis-py", redis.__version__, "over TLS: passed")
