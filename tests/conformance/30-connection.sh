# PING ECHO TIME SELECT QUIT RESET, and how unknown commands and wrong arities are worded.
# shellcheck shell=bash
reply 'PING' 'PONG'
reply 'ping hello' '"hello"'
reply 'PING "" ;; PING "\x00\xff\r\n"' '"" | "\x00\xff\r\n"'
reply 'PING a b' "(error) ERR wrong number of arguments for 'ping' command"
reply 'ECHO "two words"' '"two words"'
reply 'ECHO' "(error) ERR wrong number of arguments for 'echo' command"
reply 'TIME' '1) "1…" | 2) "…"'
reply 'TIME now' "(error) ERR wrong number of arguments for 'time' command"
wire 'PING "\x00\xff\r\n"' '$4\r\n\x00\xff\r\n\r\n'

reply 'SELECT 3 ;; SET k in3 ;; SELECT 0 ;; GET k ;; SELECT 3 ;; GET k ;; DEL k' 'OK | OK | OK | (nil) | OK | "in3" | (integer) 1'
reply 'SELECT 16' '(error) ERR DB index is out of range'
reply 'SELECT -1' '(error) ERR DB index is out of range'
needs valkey reply 'SELECT abc' '(error) ERR value is not an integer or out of range'
needs valkey reply 'SELECT 4294967296' '(error) ERR value is out of range, value must between -2147483648 and 2147483647'
reply 'SELECT' "(error) ERR wrong number of arguments for 'select' command"

wire 'NOSUCH' "-ERR unknown command 'NOSUCH', with args beginning with: \\r\\n"
wire 'NOSUCH a b' "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' \\r\\n"
wire 'NOSUCH "with space" "" "a\r\nb"' "-ERR unknown command 'NOSUCH', with args beginning with: 'with space' '' 'a  b' \\r\\n"
wire '"no\r\nsuch"' "-ERR unknown command 'no  such', with args beginning with: \\r\\n"
wire "NOSUCH $(times x 200)" "-ERR unknown command 'NOSUCH', with args beginning with: '$(times x 128)' \\r\\n"
reply 'GET' "(error) ERR wrong number of arguments for 'get' command"
reply 'CONFIG' "(error) ERR wrong number of arguments for 'config' command"
reply 'CLIENT NOSUCH a' "(error) ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP."
reply 'CONFIG "bad\r\nsub"' "(error) ERR unknown subcommand 'bad  sub'. Try CONFIG HELP."

bytes 'QUIT answers, closes, and drops what follows' 'PING\r\nQUIT\r\nPING\r\n' '+PONG\r\n+OK\r\n'
closes 'QUIT hangs up by itself' 'QUIT\r\n' '+OK\r\n'
closes 'QUIT as an array' '*1\r\n$4\r\nquit\r\n' '+OK\r\n'

# RESET: protocol, db, name, flags go back; the library's name and version stay.
reset_before='name=somebody … flags=eT …db=2 …resp=3 lib-name=mylib lib-ver=1.0…'
reset_after='name= … flags=N …db=0 …resp=2 lib-name=mylib lib-ver=1.0…'
needs valkey wire 'HELLO 3 SETNAME somebody ;; SELECT 2 ;; CLIENT NO-EVICT on ;; CLIENT NO-TOUCH on ;; CLIENT SETINFO lib-name mylib ;; CLIENT SETINFO lib-ver 1.0 ;; CLIENT INFO ;; RESET ;; CLIENT INFO' "%7…${reset_before}+RESET\\r\\n\$…$reset_after"
wire 'CLIENT SETNAME x ;; RESET ;; GET nosuch ;; CLIENT GETNAME' '+OK\r\n+RESET\r\n$-1\r\n$-1\r\n'
wire 'CLIENT REPLY ON ;; CLIENT REPLY SKIP ;; PING dropped ;; PING kept' '+OK\r\n$4\r\nkept\r\n'
wire 'CLIENT REPLY OFF ;; PING ;; RESET ;; PING' '+RESET\r\n+PONG\r\n'
reply 'RESET now' "(error) ERR wrong number of arguments for 'reset' command"

# Replies to what was sent before the peer closed its half are owed all the same.
bytes 'a half-closed peer gets its replies' 'SET half closed\r\nGET half\r\nDEL half\r\n' '+OK\r\n$6\r\nclosed\r\n:1\r\n'
bytes 'half-closed in the middle of a request: no effect' '*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$5\r\nva' ''
reply 'EXISTS half' '(integer) 0'
bytes 'three hundred commands in one write' "$(times '*1\r\n$4\r\nPING\r\n' 300)" "$(times '+PONG\r\n' 300)"
