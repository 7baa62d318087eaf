# GET SET DEL EXISTS DBSIZE FLUSHALL in their plain form, and many of them through redis-cli --pipe.
# shellcheck shell=bash
reply 'GET k ;; SET k v ;; GET k ;; EXISTS k ;; DEL k ;; GET k' '(nil) | OK | "v" | (integer) 1 | (integer) 1 | (nil)'
reply 'SET k 1 ;; SET k 2 ;; GET k ;; DEL k' 'OK | OK | "2" | (integer) 1'
reply 'SET "" empty ;; GET "" ;; SET k "" ;; GET k ;; DEL "" k' 'OK | "empty" | OK | "" | (integer) 2'
reply 'SET "\x00\r\n" "\xff\x00" ;; GET "\x00\r\n" ;; DEL "\x00\r\n"' 'OK | "\xff\x00" | (integer) 1'
reply 'SET a 1 ;; SET b 2 ;; EXISTS a b a nosuch ;; DBSIZE ;; DEL a b a nosuch ;; DBSIZE' 'OK | OK | (integer) 3 | (integer) 2 | (integer) 2 | (integer) 0'
reply 'SET a 1 ;; SELECT 9 ;; SET b 2 ;; DBSIZE ;; FLUSHALL ;; DBSIZE ;; SELECT 0 ;; DBSIZE' 'OK | OK | OK | (integer) 1 | OK | (integer) 0 | OK | (integer) 0'
reply 'FLUSHALL ASYNC ;; FLUSHALL SYNC' 'OK | OK'
reply 'FLUSHALL NOSUCH' '(error) ERR syntax error'
reply 'SET k' "(error) ERR wrong number of arguments for 'set' command"
reply 'SET k v NOSUCH' '(error) ERR syntax error'
reply 'DEL' "(error) ERR wrong number of arguments for 'del' command"
reply 'EXISTS' "(error) ERR wrong number of arguments for 'exists' command"
reply 'DBSIZE x' "(error) ERR wrong number of arguments for 'dbsize' command"

# piped NAME WANT: what redis-cli --pipe says of the commands on stdin.
piped() { verdict "redis-cli --pipe: $1" "$2" "$(pipe_reply)"; }
piped '5000 inline commands' 'errors: 0, replies: 5000' < <(for ((i = 0; i < 5000; i++)); do printf 'SET key:%d value:%d\r\n' $i $i; done)
piped '5000 arrays' 'errors: 0, replies: 5000' < <(for ((i = 0; i < 5000; i++)); do printf '*2\r\n$3\r\nGET\r\n$8\r\nkey:%04d\r\n' $i; done)
piped 'errors among them' 'errors: 2, replies: 4' < <(printf 'PING\r\nNOSUCH\r\nGET\r\nPING\r\n')
reply 'DBSIZE ;; GET key:4999 ;; FLUSHALL' '(integer) 5000 | "value:4999" | OK' '(integer) 0 | (nil) | OK'
