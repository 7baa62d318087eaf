# CONFIG (several at once, all or nothing), INFO, and the reports that tools ask for.
# shellcheck shell=bash
set_failed='(error) ERR CONFIG SET failed (possibly related to argument'
was_timeout=$(redis-cli -h "$host" -p "$port" CONFIG GET timeout | tail -1)
was_maxclients=$(redis-cli -h "$host" -p "$port" CONFIG GET maxclients | tail -1)
admin 'CONFIG SET timeout 0'
reply 'CONFIG GET timeout' '1) "timeout" | 2) "0"' '1# "timeout" => "0"'
reply 'CONFIG GET nosuch' '(empty array)' '(empty hash)'
reply 'CONFIG GET timeou? tcp-keepaliv* timeout' '1) "t…" | 2) "…" | 3) "t…" | 4) "…"' '1# "t…" => "…" | 2# "t…" => "…"'
reply 'CONFIG GET databases' '1) "databases" | 2) "16"' '1# "databases" => "16"'
reply 'CONFIG GET appendonly' '1) "appendonly" | 2) "no"' '1# "appendonly" => "no"'
reply 'CONFIG GET save' '1) "save" | 2) ""' '1# "save" => ""'
reply 'CONFIG GET requirepass' '1) "requirepass" | 2) ""' '1# "requirepass" => ""'
reply 'CONFIG GET proto-max-bulk-len' '1) "proto-max-bulk-len" | 2) "536870912"' '1# "proto-max-bulk-len" => "536870912"'
reply 'CONFIG GET port' "1) \"port\" | 2) \"…\"" "1# \"port\" => \"…\""
reply 'CONFIG GET' "(error) ERR wrong number of arguments for 'config|get' command"
wire 'CONFIG GET *' '*…\r\n$…\r\n…' '%…\r\n$…\r\n…'
reply 'CONFIG SET timeout 10 tcp-keepalive 250 ;; CONFIG GET timeout ;; CONFIG SET timeout 0 tcp-keepalive 300' 'OK | 1) "timeout" | 2) "10" | OK' 'OK | 1# "timeout" => "10" | OK'
reply 'CONFIG SET TimeOut 11 ;; CONFIG GET TIMEOUT ;; CONFIG SET timeout 0' 'OK | 1) "…" | 2) "11" | OK' 'OK | 1# "…" => "11" | OK'
reply 'CONFIG SET proto-max-bulk-len 1mb ;; CONFIG GET proto-max-bulk-len ;; CONFIG SET proto-max-bulk-len 512mb' 'OK | 1) "proto-max-bulk-len" | 2) "1048576" | OK' 'OK | 1# "proto-max-bulk-len" => "1048576" | OK'
bytes 'proto-max-bulk-len is obeyed' 'CONFIG SET proto-max-bulk-len 1mb\r\n*2\r\n$4\r\nECHO\r\n$1048577\r\n' '+OK\r\n-ERR Protocol error: invalid bulk length\r\n'
admin 'CONFIG SET proto-max-bulk-len 512mb'

# One bad parameter and none of them is set.
reply 'CONFIG SET timeout 7 nosuch x ;; CONFIG GET timeout' "(error) ERR Unknown option or number of arguments for CONFIG SET - 'nosuch' | 1) \"timeout\" | 2) \"0\"" "(error) ERR Unknown option or number of arguments for CONFIG SET - 'nosuch' | 1# \"timeout\" => \"0\""
reply 'CONFIG SET timeout 7 maxclients 0 ;; CONFIG GET timeout' "$set_failed 'maxclients') - argument must be between 1 and 4294967295 inclusive | 1) \"timeout\" | 2) \"0\"" "$set_failed 'maxclients') - argument must be between 1 and 4294967295 inclusive | 1# \"timeout\" => \"0\""
reply 'CONFIG SET timeout 7 timeout 8 ;; CONFIG GET timeout' "$set_failed 'timeout') - duplicate parameter | 1) \"timeout\" | 2) \"0\"" "$set_failed 'timeout') - duplicate parameter | 1# \"timeout\" => \"0\""
reply 'CONFIG SET timeout abc' "$set_failed 'timeout') - argument couldn't be parsed into an integer"
reply 'CONFIG SET timeout -5' "$set_failed 'timeout') - argument must be between 0 and 2147483647 inclusive"
reply 'CONFIG SET port 99999' "$set_failed 'port') - argument must be between 0 and 65535 inclusive"
reply 'CONFIG SET databases 4' "$set_failed 'databases') - can't set immutable config"
needs valkey reply 'CONFIG SET loglevel nosuch' "$set_failed 'loglevel') - argument(s) must be one of the following: debug, verbose, notice, warning, nothing"
reply 'CONFIG SET client-output-buffer-limit x' "$set_failed 'client-output-buffer-limit') - Wrong number of arguments in buffer limit configuration."
reply 'CONFIG SET timeout 7 maxclients' '(error) ERR syntax error'
reply 'CONFIG SET timeout' "(error) ERR wrong number of arguments for 'config|set' command"
reply 'CONFIG SET nosuch x' "(error) ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"
reply 'CONFIG RESETSTAT' 'OK'
reply 'CONFIG RESETSTAT x' "(error) ERR wrong number of arguments for 'config|resetstat' command"
needs valkey wire 'CONFIG HELP' '*11\r\n+CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n…+HELP\r\n+    Print this help.\r\n'
admin "CONFIG SET timeout $was_timeout maxclients $was_maxclients"

# INFO is a bulk in RESP2 and a verbatim string in RESP3.
wire 'INFO keyspace' '$12\r\n# Keyspace\r\n\r\n' '=16\r\ntxt:# Keyspace\r\n\r\n'
wire 'INFO nosuchsection' '$0\r\n\r\n' '=4\r\ntxt:\r\n'
wire 'INFO KEYSPACE nosuch' '$12\r\n# Keyspace\r\n\r\n' '=16\r\ntxt:# Keyspace\r\n\r\n'
wire 'SELECT 2 ;; SET k v ;; INFO keyspace ;; DEL k' '+OK\r\n+OK\r\n$…# Keyspace\r\ndb2:keys=1,expires=0,avg_ttl=0…\r\n:1\r\n' '+OK\r\n+OK\r\n=…txt:# Keyspace\r\ndb2:keys=1,expires=0,avg_ttl=0…\r\n:1\r\n'
info='# Server\r\n…redis_version:…process_id:…tcp_port:…uptime_in_seconds:…executable:…config_file:…\r\n# Clients\r\nconnected_clients:…maxclients:…blocked_clients:0\r\n…\r\n# Memory\r\nused_memory:…\r\n# Persistence\r\nloading:0\r\n…\r\n# Stats\r\ntotal_connections_received:…total_commands_processed:…keyspace_hits:…\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\n…\r\n# CPU\r\nused_cpu_sys:…\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n'
wire 'INFO' "\$…$info\\r\\n" "=…txt:$info\\r\\n"
needs respd wire 'INFO server' '…redis_version:7.2.4\r\n…' '…redis_version:7.2.4\r\n…'
needs respd wire 'INFO server' '…respd_version:…' '…respd_version:…'
needs respd wire 'INFO server' '…redis_mode:standalone\r\n…' '…redis_mode:standalone\r\n…'
for section in all everything default; do
    wire "INFO $section" '$…# Server\r\n…# Clients\r\n…# Memory\r\n…# Keyspace\r\n…' '=…txt:# Server\r\n…# Clients\r\n…# Memory\r\n…# Keyspace\r\n…'
done
wire 'CONFIG RESETSTAT ;; PING ;; INFO commandstats' '+OK\r\n+PONG\r\n$…# Commandstats\r\n…cmdstat_ping:calls=1,usec=…,usec_per_call=…,rejected_calls=0,failed_calls=0\r\n…' '+OK\r\n+PONG\r\n=…# Commandstats\r\n…cmdstat_ping:calls=1,usec=…,usec_per_call=…,rejected_calls=0,failed_calls=0\r\n…'
wire 'CONFIG RESETSTAT ;; NOSUCH ;; AUTH nosuchuser x ;; INFO errorstats' '…# Errorstats\r\n…errorstat_ERR:count=1\r\n…errorstat_WRONGPASS:count=1\r\n…' '…# Errorstats\r\n…errorstat_ERR:count=1\r\n…errorstat_WRONGPASS:count=1\r\n…'
wire 'CONFIG RESETSTAT ;; SET k v ;; GET k ;; GET nosuch ;; DEL k ;; INFO stats' '…keyspace_hits:1\r\nkeyspace_misses:1\r\n…' '…keyspace_hits:1\r\nkeyspace_misses:1\r\n…'
reply 'ROLE' '1) "master" | 2) (integer) 0 | 3) (empty array)'
wire 'CLUSTER INFO' '-ERR This instance has cluster support disabled\r\n'
needs respd reply 'MODULE LIST' '(empty array)'
wire 'LOLWUT' '$…\r\n…' '=…\r\ntxt:…'
reply 'SHUTDOWN NOSUCH' '(error) ERR syntax error'
reply 'SHUTDOWN SAVE NOSAVE' '(error) ERR syntax error'
reply 'SHUTDOWN ABORT' '(error) ERR No shutdown in progress.'
