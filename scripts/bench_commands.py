"""What `scripts/bench --commands` measures: every family of commands, a row for each command or form of it.

A row is its name, the load, and the loads that prepare it, all in the arguments of examples/load.rs: by four connections,
100 requests at once on each, of 1000 keys, and one request to prepare, where a load does not say otherwise. Each command of a
sequence counts as a request. With one connection a server goes to sleep after each hundred: of what LLEN takes then, two thirds
are the system's, which are the same for all.
"""

import hashlib

from bench_measures import Row, cpu_time

# Options of a load that does not have them.
DEFAULTS = {"-c": "4", "-P": "100", "--keys": "1000"}


def command(name: str, load: str, *prepare: str) -> Row:
    """A row of the table."""
    prepared = [with_options(line, {**DEFAULTS, "-c": "1", "-n": "1"}) for line in prepare]
    return Row(name, cpu_time, with_options(load, DEFAULTS), "best/respd >= 1", " && ".join(prepared), floor=False)


def with_options(load: str, options: "dict[str, str]") -> str:
    missing = [f"{option} {value}" for option, value in options.items() if option not in load.split()]
    return " ".join([*missing, load])


def each(form: str, numbers: range) -> str:
    """The form, once for each number."""
    return " ".join(form.format(n=n) for n in numbers)


def alternate(first: str, *commands: str) -> str:
    """A sequence that begins with a command for the connection, and is mostly the others in turn."""
    return " ; ".join([first, *commands * (99 // len(commands))])


def commands() -> "list[Row]":
    """The whole table."""
    return [
        *connections(),
        *information(),
        *transactions_and_messages(),
        *strings(),
        *keys(),
        *bits(),
        *hyperloglogs(),
        *hashes(),
        *lists(),
        *sets(),
        *sorted_sets(),
        *places(),
        *streams(),
        *scripts(),
        *payloads(),
    ]


# ---- connections and what a server says of itself ------------------------------------------------


def connections() -> "list[Row]":
    return [
        command("PING", "PING"),
        command("ECHO", "ECHO hello"),
        command("HELLO 3", "HELLO 3"),
        command("SELECT", "SELECT 0"),
        command("RESET", "RESET"),
        command("CLIENT ID", "CLIENT ID"),
        command("CLIENT INFO", "CLIENT INFO"),
        command("CLIENT LIST of 4", "CLIENT LIST"),
        command("CLIENT SETNAME", "CLIENT SETNAME bench"),
        command("CLIENT TRACKING, on and off", alternate("HELLO 3", "CLIENT TRACKING ON", "CLIENT TRACKING OFF")),
    ]


def information() -> "list[Row]":
    return [
        command("INFO", "INFO"),
        command("INFO of the server", "INFO server"),
        command("TIME", "TIME"),
        command("DBSIZE", "DBSIZE"),
        command("COMMAND", "COMMAND"),
        command("COMMAND COUNT", "COMMAND COUNT"),
        command("COMMAND INFO of GET", "COMMAND INFO get"),
        command("COMMAND DOCS", "COMMAND DOCS"),
        command("CONFIG GET of all", "CONFIG GET *"),
        command("CONFIG GET of one", "CONFIG GET maxmemory"),
        command("ACL WHOAMI", "ACL WHOAMI"),
        command("ACL LIST", "ACL LIST"),
        command("ACL CAT", "ACL CAT"),
    ]


def transactions_and_messages() -> "list[Row]":
    ten = " ; ".join(["MULTI", *["INCR counter"] * 10, "EXEC"])
    return [
        command("MULTI, SET, EXEC", "MULTI ; SET key xyz ; EXEC"),
        command("MULTI, 10 INCR, EXEC", ten),
        command("WATCH, UNWATCH", "WATCH key ; UNWATCH", "SET key xyz"),
        command("WATCH, GET, MULTI, SET, EXEC", "WATCH key ; GET key ; MULTI ; SET key xyz ; EXEC", "SET key xyz"),
        command("SUBSCRIBE, UNSUBSCRIBE", "SUBSCRIBE news ; UNSUBSCRIBE news"),
        command("PUBLISH to none", "PUBLISH news xyz"),
    ]


# ---- strings and keys ----------------------------------------------------------------------------

THOUSAND = "-n 1000 --size 32 SET key:{seq} {value}"
STRING = "--size 100 SET string {value}"


def strings() -> "list[Row]":
    # Alike in every tenth letter, and the same ten times as long.
    short = ["SET first " + "abcdefghij" * 20, "SET second " + "acegikmoqs" * 20]
    long = ["SET first " + "abcdefghij" * 200, "SET second " + "acegikmoqs" * 200]
    pairs = " key:{key} {value}" * 10
    return [
        command("SET", "--size 32 SET key:{key} {value}", THOUSAND),
        command("SET EX", "--size 32 SET key:{key} {value} EX 1000", THOUSAND),
        command("SET GET", "SET string xyz GET", STRING),
        command("SETNX of a key that is there", "SETNX string xyz", STRING),
        command("SET of 1 KiB", "--size 1024 SET key:{key} {value}"),
        command("SET of 4 KiB", "--size 4096 SET key:{key} {value}"),
        command("SET of 64 KiB", "--size 65536 SET key:{key} {value}"),
        command("GET", "GET key:{key}", THOUSAND),
        command("GET of no key", "GET nothing"),
        command("GET of 4 KiB", "GET key:{key}", "-n 1000 --size 4096 SET key:{seq} {value}"),
        command("GET of 64 KiB", "GET string", "--size 65536 SET string {value}"),
        command("GET of 1 MiB", "GET string", "--size 1048576 SET string {value}"),
        command("MGET of 10", "MGET" + " key:{key}" * 10, THOUSAND),
        command("MSET of 10", "--size 16 MSET" + pairs, THOUSAND),
        command("INCR", "INCR counter"),
        command("INCRBYFLOAT", "INCRBYFLOAT number 0.1", "SET number 1.5"),
        command("APPEND, STRLEN", "APPEND string x ; STRLEN string"),
        command("SETRANGE, GETRANGE", "SETRANGE string 10 abc ; GETRANGE string 5 20", STRING),
        command("GETSET", "GETSET string xyz", STRING),
        command("GETDEL, SET", "GETDEL string ; SET string xyz", STRING),
        command("GETEX", "GETEX string EX 100", STRING),
        command("LCS of 200", "LCS first second", *short),
        command("LCS of 2000, its length", "LCS first second LEN", *long),
    ]


def keys() -> "list[Row]":
    expiring = "SET string xyz EX 1000"
    return [
        command("SET, DEL", "SET string xyz ; DEL string"),
        command("EXISTS of 3", "EXISTS key:{key} key:{key} nothing", THOUSAND),
        command("EXPIRE", "EXPIRE key:{key} 1000", THOUSAND),
        command("TTL", "TTL string", expiring),
        command("PERSIST, EXPIRE", "PERSIST string ; EXPIRE string 1000", expiring),
        command("TYPE", "TYPE string", STRING),
        command("OBJECT ENCODING", "OBJECT ENCODING string", STRING),
        command("MEMORY USAGE", "MEMORY USAGE string", STRING),
        command("RENAME, and back", "RENAME string other ; RENAME other string", STRING),
        command("COPY", "COPY string other REPLACE", STRING),
        command("RANDOMKEY", "RANDOMKEY", THOUSAND),
        command("KEYS, 1000 of 1000", "KEYS key:*", THOUSAND),
        command("SCAN of 100", "SCAN 0 COUNT 100", THOUSAND),
        command("SCAN of 100 with a pattern", "SCAN 0 MATCH *9* COUNT 100", THOUSAND),
    ]


# ---- bits and HyperLogLogs -----------------------------------------------------------------------


def bits() -> "list[Row]":
    # 64 KiB, of which the last bit is set.
    one, other = "SETBIT one 524287 1", "SETBIT other 524287 1"
    return [
        command("SETBIT, GETBIT", "SETBIT bits 7777 1 ; GETBIT bits 7777"),
        command("BITCOUNT of 64 KiB", "BITCOUNT one", one),
        command("BITPOS in 64 KiB", "BITPOS one 1", one),
        command("BITOP AND of 64 KiB", "BITOP AND stored one other", one, other),
        command("BITOP NOT of 64 KiB", "BITOP NOT stored one", one),
        command("BITFIELD, INCRBY and GET", "BITFIELD bits INCRBY u8 100 1 GET u4 0"),
    ]


def hyperloglogs() -> "list[Row]":
    dense = ["-n 20000 PFADD one a{seq}", "-n 20000 PFADD other b{seq}"]
    return [
        command("PFADD, sparse", "--keys 100 PFADD one {key}"),
        command("PFADD, dense", "--keys 100000 PFADD one {key}", *dense),
        command("PFCOUNT, dense", "PFCOUNT one", *dense),
        command("PFCOUNT of 2, dense", "PFCOUNT one other", *dense),
        command("PFMERGE of 2, dense", "PFMERGE merged one other", *dense),
    ]


# ---- hashes --------------------------------------------------------------------------------------

TEN_FIELDS = "-n 10 --size 16 HSET hash field:{seq} {value}"
FIELDS = "-n 1000 --size 16 HSET hash field:{seq} {value}"


def hashes() -> "list[Row]":
    expiring = "HEXPIRE hash 1000 FIELDS 1 field:000000000005"
    return [
        command("HSET in 10", "--keys 10 --size 16 HSET hash field:{key} {value}", TEN_FIELDS),
        command("HGET of 10", "--keys 10 HGET hash field:{key}", TEN_FIELDS),
        command("HGETALL of 10", "HGETALL hash", TEN_FIELDS),
        command("HGETALL of 10, RESP3", alternate("HELLO 3", "HGETALL hash"), TEN_FIELDS),
        command("HSET in 1000", "--size 16 HSET hash field:{key} {value}", FIELDS),
        command("HGET of 1000", "HGET hash field:{key}", FIELDS),
        command("HMGET, 10 of 1000", "HMGET hash" + " field:{key}" * 10, FIELDS),
        command("HGETALL of 1000", "HGETALL hash", FIELDS),
        command("HKEYS of 1000", "HKEYS hash", FIELDS),
        command("HVALS of 1000", "HVALS hash", FIELDS),
        command("HEXISTS", "HEXISTS hash field:{key}", FIELDS),
        command("HINCRBY", "HINCRBY hash counter 1"),
        command("HINCRBYFLOAT", "HINCRBYFLOAT hash number 0.5"),
        command("HSET, HDEL", "HSET hash new xyz ; HDEL hash new", FIELDS),
        command("HRANDFIELD, 10 of 1000", "HRANDFIELD hash 10", FIELDS),
        command("HRANDFIELD, 100 that may repeat", "HRANDFIELD hash -100 WITHVALUES", FIELDS),
        command("HSCAN of 100", "HSCAN hash 0 COUNT 100", FIELDS),
        command("HEXPIRE", "HEXPIRE hash 1000 FIELDS 1 field:{key}", FIELDS),
        command("HTTL", "HTTL hash FIELDS 1 field:000000000005", FIELDS, expiring),
    ]


# ---- lists ---------------------------------------------------------------------------------------

ELEMENTS = "-n 1000 RPUSH list element:{seq}"


def lists() -> "list[Row]":
    many = "-n 20000 RPUSH list element:{seq}"
    numbers = "-n 1000 --keys 10000 RPUSH list {key}"
    insert = "LINSERT list BEFORE element:000000000500 new ; LREM list 1 new"
    return [
        command("LPUSH, LPOP", "LPUSH list xyz ; LPOP list"),
        command("RPUSH, LPOP of 1000", "RPUSH list xyz ; LPOP list", ELEMENTS),
        command("RPUSH of 5, LMPOP of 5", "RPUSH list 1 2 3 4 5 ; LMPOP 1 list LEFT COUNT 5", ELEMENTS),
        command("RPUSH, BLPOP", "RPUSH list xyz ; BLPOP list 1", ELEMENTS),
        command("RPUSH, LTRIM to 1000", "RPUSH list xyz ; LTRIM list -1000 -1", ELEMENTS),
        command("LMOVE to itself", "LMOVE list list LEFT RIGHT", ELEMENTS),
        command("LLEN", "LLEN list", ELEMENTS),
        command("LRANGE of 100", "LRANGE list 0 99", ELEMENTS),
        command("LRANGE of 300", "LRANGE list 0 299", ELEMENTS),
        command("LRANGE of 600", "LRANGE list 0 599", ELEMENTS),
        command("LRANGE, 100 amid 20,000", "LRANGE list 10000 10099", many),
        command("LINDEX amid 20,000", "LINDEX list 10000", many),
        command("LSET amid 20,000", "LSET list 10000 xyz", many),
        command("LINSERT, LREM amid 1000", insert, ELEMENTS),
        command("LPOS, 700 of 1000", "LPOS list element:000000000700", ELEMENTS),
        command("SORT of 1000 words", "SORT list ALPHA LIMIT 0 10", ELEMENTS),
        command("SORT of 1000 numbers", "SORT list LIMIT 0 10", numbers),
    ]


# ---- sets ----------------------------------------------------------------------------------------


def sets() -> "list[Row]":
    members = "-n 1000 SADD one member:{seq}"
    # Half of the members are in both.
    both = [members, "SADD other " + each("member:{n:012}", range(500, 1500))]
    integers = ["SADD one " + each("{n}", range(400)), "SADD other " + each("{n}", range(200, 600))]
    ten = each("member:{n:012}", range(10))
    move = "SMOVE one other member:000000000001 ; SMOVE other one member:000000000001"
    return [
        command("SADD of members that are there", "SADD one member:{key}", members),
        command("SADD, SREM", "SADD one new ; SREM one new", members),
        command("SISMEMBER", "SISMEMBER one member:{key}", members),
        command("SISMEMBER of integers", "SISMEMBER one 77", integers[0]),
        command("SMISMEMBER of 10", f"SMISMEMBER one {ten}", members),
        command("SMEMBERS of 1000", "SMEMBERS one", members),
        command("SINTER", "SINTER one other", *both),
        command("SUNION", "SUNION one other", *both),
        command("SDIFF", "SDIFF one other", *both),
        command("SINTERCARD", "SINTERCARD 2 one other", *both),
        command("SINTERCARD with itself", "SINTERCARD 2 one one", members),
        command("SINTERSTORE", "SINTERSTORE stored one other", *both),
        command("SUNIONSTORE", "SUNIONSTORE stored one other", *both),
        command("SINTER of integers", "SINTER one other", *integers),
        command("SUNION of integers", "SUNION one other", *integers),
        command("SINTERCARD of integers", "SINTERCARD 2 one other", *integers),
        command("SRANDMEMBER", "SRANDMEMBER one", members),
        command("SRANDMEMBER, 10 of 1000", "SRANDMEMBER one 10", members),
        command("SRANDMEMBER, 100 that may repeat", "SRANDMEMBER one -100", members),
        command("SPOP, SADD", "SPOP one ; SADD one member:{seq}", members),
        command("SMOVE, and back", move, *both),
        command("SSCAN of 100", "SSCAN one 0 COUNT 100", members),
    ]


# ---- sorted sets and places ----------------------------------------------------------------------


def sorted_sets() -> "list[Row]":
    twenty = "-n 20 ZADD zset {key} member:{seq}"
    thousand = "-n 1000 ZADD zset {key} member:{seq}"
    # Half of the members are in both.
    both = [thousand, "ZADD other " + each("{n}.5 member:{n:012}", range(500, 1500))]
    many = "-n 100000 --keys 100000 ZADD zset {key} member:{seq}"
    words = "-n 1000 ZADD zset 0 member:{seq}"
    ten = each("member:{n:012}", range(10))
    scores = "ZRANGE zset 0 99 WITHSCORES"
    limit = "ZRANGEBYSCORE zset 1000 +inf LIMIT 10 10"
    return [
        command("ZADD in 20", "--keys 20 ZADD zset {key} member:{key}", twenty),
        command("ZADD in 1000", "ZADD zset {key}.25 member:{key}", thousand),
        command("ZADD in 100,000", "--keys 100000 ZADD zset {key} member:{key}", many),
        command("ZADD, ZREM", "ZADD zset 5 new ; ZREM zset new", thousand),
        command("ZINCRBY", "ZINCRBY zset 1 member:{key}", thousand),
        command("ZSCORE", "ZSCORE zset member:{key}", thousand),
        command("ZMSCORE of 10", f"ZMSCORE zset {ten}", thousand),
        command("ZRANK in 100,000", "--keys 100000 ZRANK zset member:{key}", many),
        command("ZRANGE of 10", "ZRANGE zset 0 9", thousand),
        command("ZRANGE of 100 with scores", scores, thousand),
        command("ZRANGE of 100 with scores, RESP3", alternate("HELLO 3", scores), thousand),
        command("ZREVRANGE, 10 amid 100,000", "ZREVRANGE zset 50000 50009", many),
        command("ZRANGEBYSCORE, 100 of 100,000", "ZRANGEBYSCORE zset 1000 1100", many),
        command("ZRANGEBYSCORE, 10 behind 10", limit, many),
        command("ZCOUNT in 100,000", "ZCOUNT zset 1000 50000", many),
        command("ZRANGEBYLEX of 50", "ZRANGEBYLEX zset [member:000000000100 (member:000000000150", words),
        command("ZLEXCOUNT of 1000", "ZLEXCOUNT zset - +", words),
        command("ZPOPMIN, ZADD", "ZPOPMIN zset ; ZADD zset {key} member:{seq}", thousand),
        command("ZREMRANGEBYRANK of 1, ZADD", "ZREMRANGEBYRANK zset 0 0 ; ZADD zset {key} member:{seq}", thousand),
        command("ZUNION with scores", "ZUNION 2 zset other WITHSCORES", *both),
        command("ZDIFF", "ZDIFF 2 zset other", *both),
        command("ZINTERCARD", "ZINTERCARD 2 zset other", *both),
        command("ZUNIONSTORE", "ZUNIONSTORE stored 2 zset other", *both),
        command("ZINTERSTORE", "ZINTERSTORE stored 2 zset other", *both),
        command("ZRANGESTORE of 100", "ZRANGESTORE stored zset 0 99", thousand),
        command("ZRANDMEMBER, 10 of 1000", "ZRANDMEMBER zset 10", thousand),
        command("ZSCAN of 100", "ZSCAN zset 0 COUNT 100", thousand),
    ]


def places() -> "list[Row]":
    # Up to 80 degrees east and north.
    places = "-n 5000 --keys 80 GEOADD places {key}.{seq} {key}.{seq} place:{seq}"
    near = "GEOSEARCH places FROMLONLAT 15 37"
    one, other = "place:000000000002", "place:000000000005"
    return [
        command("GEOADD", "--keys 80 GEOADD places {key}.5 {key}.25 place:{key}", places),
        command("GEODIST", f"GEODIST places {one} {other}", places),
        command("GEOPOS", f"GEOPOS places {one}", places),
        command("GEOHASH", f"GEOHASH places {one}", places),
        command("GEOSEARCH, the 10 nearest", f"{near} BYRADIUS 500 km ASC COUNT 10 WITHDIST", places),
        command("GEOSEARCH in a box", f"{near} BYBOX 1000 1000 km", places),
    ]


# ---- streams -------------------------------------------------------------------------------------


def streams() -> "list[Row]":
    entries = "-n 1000 XADD stream * field value"
    group = "XGROUP CREATE stream workers 0 MKSTREAM"
    read = "XREADGROUP GROUP workers one COUNT 1 STREAMS stream >"
    job = f"DEL stream ; {group} ; XADD stream 1-1 field value ; {read} ; XACK stream workers 1-1"
    return [
        command("XADD", "XADD stream * field value"),
        command("XADD with about 1000 kept", "XADD stream MAXLEN ~ 1000 * field value"),
        command("XLEN", "XLEN stream", entries),
        command("XRANGE of 100", "XRANGE stream - + COUNT 100", entries),
        command("XREVRANGE of 10", "XREVRANGE stream + - COUNT 10", entries),
        command("XREAD of 10", "XREAD COUNT 10 STREAMS stream 0", entries),
        command("XADD, XREADGROUP", f"XADD stream * field value ; {read}", entries, group),
        command("XGROUP, XADD, XREADGROUP, XACK, DEL", job),
    ]


# ---- scripts and payloads ------------------------------------------------------------------------


def scripts() -> "list[Row]":
    release = "\"if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end\""
    get = "return redis.call('GET', KEYS[1])"
    digest = hashlib.sha1(get.encode()).hexdigest()
    library = "#!lua name=bench\nredis.register_function('first', function(keys) return redis.call('GET', keys[1]) end)"
    json = """'{"a":[1,2,3],"b":{"c":"d"}}'"""
    return [
        command("EVAL that returns 1", 'EVAL "return 1" 0'),
        command("EVAL of a GET", f'EVAL "{get}" 1 string', STRING),
        command("EVALSHA of a GET", f"EVALSHA {digest} 1 string", STRING, f'SCRIPT LOAD "{get}"'),
        command("FCALL of a GET", "FCALL first 1 string", STRING, f'FUNCTION LOAD "{library}"'),
        command("EVAL that releases no lock", f"EVAL {release} 1 lock token"),
        command("EVAL of a loop of 1000", 'EVAL "local s = 0 for i = 1, 1000 do s = s + i end return s" 0'),
        command("EVAL of 100 SETs", "EVAL \"for i = 1, 100 do redis.call('SET', KEYS[1], i) end\" 1 string"),
        command("EVAL of cjson", f'EVAL "return cjson.encode(cjson.decode(ARGV[1]))" 0 {json}'),
    ]


def payloads() -> "list[Row]":
    return [
        command("DUMP of a string", "DUMP string", STRING),
        command("DUMP of a hash of 1000", "DUMP hash", FIELDS),
    ]
