"""What scripts/bench measures: its rows, and the curves of how cost grows.

Adding a measurement is adding a line: a name, the way to measure, what the load does, what is to be
reached, and a load that runs once beforehand.
"""

from bench_measures import (
    Row,
    binary_size,
    connection_memory,
    cpu_time,
    cpu_time_of_prepared,
    hand_over,
    invalidation_time,
    latency,
    longest_wait,
    memory,
    publish_over_tls,
    start_time,
    tracked_memory,
)

# The panel of the rows that are drawn as bars.
BARS = "bars"

# What GET finds, whichever key of a hundred thousand it asks for.
STORED = "-P 16 -n 100000 SET key:{seq} xyz"


def rows() -> "list[Row]":
    """What is measured beside the curves."""
    # Counted, because a port that has been closed cannot be used again for a second.
    churn = "-n 10000 --reconnect"
    ten = range(10)
    pairs = " ".join(f"field{n} value{n}" for n in ten)
    scored = " ".join(f"{n}.5 member{n}" for n in ten)
    numbers = " ".join(f"{1000 + n}" for n in ten)
    words = " ".join(f"element{n}" for n in ten)
    fifty = " ".join(f"field{n:02} value{n:02}" for n in range(50))
    million = "-P 16 --keys 1000000"
    board = f"{million} -n 10000 ZADD board" + " {key} member:{seq}" * 100
    within = "-c 1000 GET key:{key}"
    strings = " ".join(f"key:{n:012}" for n in range(300))
    mebibytes = f"-c 1 -n 300 --size {1 << 20} SET key:{{seq}} {{value}}"
    # Twenty rules that let in what is measured with the last of them.
    patterns = " ".join(f"~app{n}:*" for n in range(9)) + " ~key:*"
    rules = f"on nopass {patterns} -@all +@read +@write +@string -@dangerous +@connection -client|kill +info"
    return [
        Row("PING -P1", cpu_time, "PING", "respd/echo <= 1.15", panel=BARS),
        Row("PING -P16", cpu_time, "-P 16 PING", "valkey/respd >= 1.5", panel=BARS),
        Row("PING -P100", cpu_time, "-P 100 PING", "valkey/respd >= 2.5"),
        Row("connect, HELLO 3 SETNAME, close", cpu_time, f"{churn} HELLO 3 SETNAME bench", "respd/echo <= 1.2"),
        # Keys and members as redis-benchmark -r 100000 draws them.
        Row("SET", cpu_time, "-P 16 SET key:{key} xyz", "valkey/respd >= 1.8", STORED, panel=BARS),
        # As a cache or a session does that is used again before it expires.
        Row("SET EX", cpu_time, "-P 16 SET key:{key} xyz EX 100", "valkey/respd >= 1.6", "-P 16 -n 100000 SET key:{seq} xyz EX 100"),
        Row("GET", cpu_time, "-P 16 GET key:{key}", "valkey/respd >= 1.8", STORED, panel=BARS),
        # Against the default user, which may do everything.
        Row("GET by a user of 20 rules", cpu_time_of_prepared, "-P 16 GET key:{key}", "respd <= 1.15", f"-n 1 -c 1 ACL SETUSER default reset {rules}"),
        Row("INCR", cpu_time, "-P 16 INCR counter:{key}", "valkey/respd >= 1.8", "-P 16 -n 100000 INCR counter:{seq}", panel=BARS),
        Row("LPUSH", cpu_time, "-P 16 LPUSH list xyz", "valkey/respd >= 1.6", panel=BARS),
        # Counted, so that there is always something to take.
        Row("LPOP", cpu_time, "-P 16 -n 1000000 LPOP list", "valkey/respd >= 1.6", "-n 20000 RPUSH list" + " xyz" * 1000),
        Row("SADD", cpu_time, "-P 16 SADD set element:{key}", "valkey/respd >= 1.6", panel=BARS),
        Row("HSET", cpu_time, "-P 16 HSET hash element:{key} xyz", "valkey/respd >= 1.6"),
        Row("ZADD", cpu_time, "-P 16 ZADD zset {key} element:{key}", "valkey/respd >= 2"),
        Row("LRANGE of 100", cpu_time, "-P 16 LRANGE list 0 99", "valkey/respd >= 2", "-n 1000 LPUSH list xyz", panel=BARS),
        Row("MSET of 10", cpu_time, "-P 16 MSET" + " key:{key} xyz" * 10, "valkey/respd >= 2"),
        Row("SET of 4 KiB", cpu_time, "-P 16 --size 4096 SET key:{key} {value}", "valkey/respd >= 1.3"),
        Row("GET of 4 KiB", cpu_time, "-P 16 GET key:{key}", "valkey/respd >= 1.3", "-P 16 -n 100000 --size 4096 SET key:{seq} {value}"),
        Row("HSET of 50 fields", cpu_time, f"-P 16 --keys 1000 HSET key:{{key}} {fifty}", "best/respd >= 1"),
        Row("HGETALL of 50 fields", cpu_time, "-P 16 --keys 1000 HGETALL key:{key}", "best/respd >= 1", f"-n 1000 HSET key:{{seq}} {fifty}", panel=BARS),
        # A leaderboard: scores that change, the ten at the top, and ten from anywhere.
        Row("ZADD in a million", cpu_time, f"{million} ZADD board {{key}} member:{{key}}", "best/respd >= 1", board, panel=BARS),
        Row("ZRANGE, top 10 of a million", cpu_time, f"{million} ZRANGE board 0 9 REV WITHSCORES", "best/respd >= 1", board, panel=BARS),
        Row("ZRANGE, 10 amid a million", cpu_time, f"{million} ZRANGE board {{key}} +inf BYSCORE LIMIT 0 10", "best/respd >= 1", board),
        # A cache: a million values of 1 KiB, of which some are asked for far more often than others.
        Row(
            "80 % GET, 20 % SET of 1 KiB",
            cpu_time,
            f"{million} --size 1024 4 GET key:{{zipf}} , SET key:{{zipf}} {{value}}",
            "best/respd >= 1",
            f"{million} --size 1024 -n 1000000 SET key:{{seq}} {{value}}",
            panel=BARS,
        ),
        # Clients that wait for each reply.
        Row("GET by 1000 clients -P1", cpu_time, "-c 1000 GET key:{key}", "best/respd >= 1", STORED, panel=BARS),
        Row("GET by 100 clients, 10,000 idle", cpu_time, "-c 100 GET key:{key}", "best/respd >= 1", STORED, idle=10000),
        Row("GET by 1000 clients -P1, 50 % within", latency, within, "best/respd >= 1", STORED, "p50", panel=BARS),
        Row("GET by 1000 clients -P1, 99 % within", latency, within, "best/respd >= 1", STORED, "p99", panel=BARS),
        Row("GET by 1000 clients -P1, 99.9 % within", latency, within, "best/respd >= 1", STORED, "p99.9", panel=BARS),
        # Fifty clients wait, each for a list of its own, and one pushes to all of them in a pipeline.
        Row("BLPOP, then RPUSH to it", hand_over, "", "valkey/respd >= 1.2", floor=False),
        # To every subscriber goes a message for each request.
        Row("PUBLISH to 1000", cpu_time, "-c 4 --listeners 1000 PUBLISH news xyz", "valkey/respd >= 2", floor=False),
        # Read by Python, which has TLS: it is slow, and no part of what is counted.
        Row("PUBLISH to 1000 over TLS", publish_over_tls, "1000", "best/respd >= 1", floor=False),
        Row("key of 16, value of 32", memory, f"-P 16 -n 500000 SET key:{{seq}} {'x' * 32}", "respd <= 110", turns=3, floor=False, panel=BARS),
        Row("hash of 10", memory, f"-P 16 -n 100000 HSET key:{{seq}} {pairs}", "valkey/respd >= 1", turns=3, floor=False, panel=BARS),
        Row("set of 10 integers", memory, f"-P 16 -n 100000 SADD key:{{seq}} {numbers}", "valkey/respd >= 1", turns=3, floor=False),
        Row("zset of 10", memory, f"-P 16 -n 100000 ZADD key:{{seq}} {scored}", "valkey/respd >= 1", turns=3, floor=False, panel=BARS),
        Row("list of 10", memory, f"-P 16 -n 100000 RPUSH key:{{seq}} {words}", "valkey/respd >= 1", turns=3, floor=False),
        # What a second client waits at most for its PING meanwhile, and in the second that follows.
        Row("wait: SET of 5 million keys", longest_wait, "-c 4 -P 16 -n 5000000 SET key:{seq} xyz", "respd <= 5", turns=2),
        Row("wait: FLUSHALL of a million", longest_wait, "-c 1 -n 1 FLUSHALL", "respd <= 5", "-P 16 -n 1000000 SET key:{seq} xyz", turns=3),
        Row("wait: a million keys expire", longest_wait, "-c 1 -n 1 PING", "respd <= 5", "-P 16 -n 1000000 SET key:{seq} xyz PX 3000", turns=3),
        Row("wait: UNLINK of a large list", longest_wait, "-c 1 -n 1 UNLINK big", "respd <= 5", "-n 1000 RPUSH big" + " {seq}" * 1000, turns=3),
        Row("wait: UNLINK of 300 strings of 1 MiB", longest_wait, f"-c 1 -n 1 UNLINK {strings}", "respd <= 5", mebibytes, turns=3),
        Row("wait: DEL of a large set", longest_wait, "-c 1 -n 1 DEL big", "respd <= 5", "-n 1000 SADD big" + " {seq}" * 1000, turns=3),
        Row("wait: SET over a large zset", longest_wait, "-c 1 -n 1 SET big x", "respd <= 5", "-n 1000 ZADD big" + " {key} {seq}" * 1000, turns=3, panel=BARS),
        Row("wait: a large hash expires", longest_wait, "-c 1 -n 1 PEXPIRE big 100", "respd <= 5", "-n 1000 HSET big" + " {seq} xyz" * 1000, turns=3),
        # A hundred clients cache the same keys: what each pair of a key and a client costs.
        Row("tracking: 100 clients, 100,000 keys", tracked_memory, "100000", "valkey/respd >= 1", turns=1, floor=False),
        Row("tracking: invalidation", invalidation_time, "2000", "valkey/respd >= 1", floor=False),
        Row("tracking: invalidation, BCAST", invalidation_time, "2000 BCAST", "valkey/respd >= 1", floor=False),
        Row("idle connection after HELLO 3", connection_memory, "-n 10000 -c 10000 HELLO 3", "respd <= 600", turns=3, panel=BARS),
        Row("start to ready", start_time, "", "respd < 10", turns=20),
        Row("binary with TLS", binary_size, "", "respd < 9", turns=1),
    ]


def curves() -> "list[Row]":
    """How cost grows with the number of clients, the pipeline, and the size of values and of collections."""
    sizes = [16, 256, 4096, 65536, 1048576]
    counts = [10**power for power in range(1, 7)]
    return [
        *curve("GET by number of clients", [1, 10, 100, 1000, 10000], "-c {x} GET key:{key}", STORED),
        *curve("GET by length of pipeline", [1, 4, 16, 64, 256, 1000], "-P {x} GET key:{key}", STORED),
        # Ten values, so that what is measured is not the memory of the machine.
        *curve("GET by bytes of value", sizes, "--keys 10 GET key:{key}", "-c 1 -n 10 --size {x} SET key:{seq} {value}"),
        *curve("SET by bytes of value", sizes, "--keys 10 --size {x} SET key:{key} {value}"),
        *curve("HGET by number of fields", counts, "-P 16 --keys {x} HGET hash {key}", "-P 16 -n {x} HSET hash {seq} xyz"),
        *curve("ZADD by number of members", counts, "-P 16 --keys {x} ZADD zset {key} {key}", "-P 16 -n {x} --keys {x} ZADD zset {key} {seq}"),
    ]


def curve(panel: str, points: "list[int]", load: str, prepare: str = "") -> "list[Row]":
    """A row for each point, which stands in the loads for `{x}`."""
    target = "best/respd >= 1"
    at = lambda text, x: text.replace("{x}", str(x))
    return [Row(f"{panel}: {x:,}", cpu_time, at(load, x), target, at(prepare, x), panel=panel, x=x) for x in points]
