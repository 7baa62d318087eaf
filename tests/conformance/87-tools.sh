# The tools that people point at a server: the modes of redis-cli, redis-benchmark, and what metrics
# exporters and browsers of keys send when they connect.
# shellcheck shell=bash

# tool NAME WANT LINES OPTION...: what redis-cli prints with these options: its lines that match LINES
# (an extended regular expression), sorted, for keys come in any order.
tool() {
    local name=$1 want=$2 lines=$3 text
    shift 3
    skipping "redis-cli $name" && return
    text=$(timeout $patience redis-cli -h "$host" -p "$port" "$@" 2>&1 </dev/null | grep -E "$lines" | sort) || true
    verdict "redis-cli $name" "$want" "${text//$'\n'/ | }"
}

# hears MODE COMMANDS WANT: what redis-cli prints, in both protocols, in a MODE that listens while others
# send COMMANDS, of which the last says END.
hears() {
    local mode=$1 commands=$2 want=$3 protocol got deadline
    for protocol in 2 3; do
        skipping "RESP$protocol redis-cli $mode" && continue
        # shellcheck disable=SC2086  # the words of the mode
        redis-cli -h "$host" -p "$port" "-$protocol" --no-raw $mode >"$work/heard" 2>&1 &
        listener_pid=$! deadline=$((SECONDS + patience))
        # It listens from when CLIENT LIST shows it.
        while ((SECONDS < deadline)); do
            [[ $(redis-cli -h "$host" -p "$port" CLIENT LIST) != *" cmd=${mode%% *} "* ]] || break
            sleep 0.02
        done
        cli <<<"${commands// ;; /$'\n'}" >/dev/null
        while ((SECONDS < deadline)); do
            ! grep -q END "$work/heard" || break
            sleep 0.02
        done
        { kill "$listener_pid" && wait "$listener_pid"; } 2>/dev/null || true
        listener_pid=''
        got=$(sed -e 's/^ *//' -e '/^$/d' "$work/heard")
        verdict "RESP$protocol redis-cli $mode" "$want" "${got//$'\n'/ | }"
    done
}

cli >/dev/null <<<'MSET str:1 one str:2 "as long as three"
RPUSH list a b c
HSET hash f 1 g 2
ZADD zset 1 a
SADD set a b'
tool '--scan' 'hash | list | set | str:1 | str:2 | zset' . --scan
tool '--scan --pattern' 'str:1 | str:2' . --scan --pattern 'str:*'
tool '--bigkeys' '1 hashs with 2 fields … | 1 lists with 3 items … | 1 sets with 2 members … | 1 zsets with 1 members … | 2 strings with 19 bytes (33.33%…' '^[1-9]' --bigkeys
tool '--memkeys' '1 hashs with … bytes … | 1 lists with … bytes … | 1 sets with … bytes … | 1 zsets with … bytes … | 2 strings with … bytes …' '^[1-9]' --memkeys
tool '--json' '{"f":"1","g":"2"}' . -3 --json HGETALL hash
tool '--csv' '"a","b","c"' . --csv LRANGE list 0 -1
tool '-x' OK . -x SET from-stdin
tool '-n of no database' 'SELECT 99 failed: ERR DB index is out of range | …' . -n 99 GET str:1
tool '-a with a wrong password' 'AUTH failed: WRONGPASS invalid username-password pair or user is disabled.' AUTH --user nobody -a wrong PING
tool '-r' '1 | 2 | 3' . -r 3 INCR counter
tool '--latency' '…,…,…,…' . --latency --csv
tool '--cluster info' "…not configured as a cluster node…" 'ERR' --cluster info "$host:$port"
tool '--hotkeys without LFU' '' '^hot key' --hotkeys
was_policy=$(redis-cli -h "$host" -p "$port" CONFIG GET maxmemory-policy | tail -1)
admin 'CONFIG SET maxmemory-policy allkeys-lfu'
admin 'SET hot 1'
cli <<<"$(times $'GET hot\n' 100)" >/dev/null
tool '--hotkeys' '…keyname: "hot"…' '^hot key' --hotkeys
admin "CONFIG SET maxmemory-policy $was_policy"


hears monitor 'SET watched "two words" ;; ECHO END' 'OK | …… [0 …] "COMMAND" "DOCS" | …[0 …] "SET" "watched" "two words" | …[0 …] "ECHO" "END"'
hears 'subscribe one two' 'PUBLISH one hello ;; PUBLISH two END' 'Reading messages… | 1) "subscribe" | 2) "one" | 3) (integer) 1 | 1) "subscribe" | 2) "two" | 3) (integer) 2 | 1) "message" | 2) "one" | 3) "hello" | 1) "message" | 2) "two" | 3) "END"'
hears 'psubscribe n*' 'PUBLISH news END' 'Reading messages… | 1) "psubscribe" | 2) "n*" | 3) (integer) 1 | 1) "pmessage" | 2) "n*" | 3) "news" | 4) "END"'

# After a kill redis-cli connects again.
needs valkey reply 'CLIENT SETNAME gone ;; CLIENT KILL NAME gone SKIPME no ;; PING ;; PING' 'OK | (integer) 1 | Error: … | PONG'

# redis-benchmark ends at the first error. A line of headings, then one for each test.
tests=$(timeout $patience redis-benchmark -h "$host" -p "$port" -n 1000 -c 20 --csv 2>&1 | grep -c '^"[A-Z].*,"[0-9.]*"$') || true
verdict 'redis-benchmark: the whole default suite' yes "$( ((tests >= 20)) && echo yes || echo "$tests tests")"

# What redis_exporter, RedisInsight and their like ask, where no other file here does.
admin 'SET str:1 one'
wire 'INFO ALL' '$…\r\n# Server\r\n…# Commandstats\r\n…# Keyspace\r\ndb0:keys=…,expires=…,avg_ttl=…\r\n' '=…\r\ntxt:# Server\r\n…# Commandstats\r\n…# Keyspace\r\ndb0:keys=…'
wire 'LATENCY LATEST' '*…' '*…'
wire 'LATENCY HISTOGRAM get' '*2\r\n$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:…\r\n$14\r\nhistogram_usec\r\n*…' '%1\r\n$3\r\nget\r\n%2\r\n$5\r\ncalls\r\n:…\r\n$14\r\nhistogram_usec\r\n%…'
wire 'MEMORY STATS' '*…$14\r\npeak.allocated\r\n:…' '%…$14\r\npeak.allocated\r\n:…'
reply 'MEMORY USAGE str:1 SAMPLES 0 ;; MEMORY USAGE nosuch' '(integer) … | (nil)'
reply 'SCAN 0 TYPE string COUNT 1000 MATCH str:*' '1) "0" | 2) 1) "str:…" | 2) "str:…"'
reply 'OBJECT FREQ str:1' '(error) ERR An LFU maxmemory policy is not selected, access frequency not tracked.…'
reply 'OBJECT IDLETIME str:1 ;; OBJECT ENCODING str:1' '(integer) … | "embstr"'
reply 'ACL WHOAMI' '"default"'
reply 'CLUSTER INFO ;; CLUSTER NODES' 'ERR This instance has cluster support disabled | ERR This instance has cluster support disabled'
reply 'SLOWLOG LEN ;; PUBSUB NUMPAT' '(integer) … | (integer) 0'
reply 'SENTINEL MASTERS' "(error) ERR unknown command 'SENTINEL', with args beginning with: 'MASTERS'"
