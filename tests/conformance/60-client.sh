# CLIENT: names, library, INFO and LIST with their filters, KILL, REPLY, and the small ones.
# shellcheck shell=bash
bad_name='(error) ERR Client names cannot contain spaces, newlines or special characters.'
reply 'CLIENT ID' '(integer) …'
reply 'CLIENT ID x' "(error) ERR wrong number of arguments for 'client|id' command"
reply 'CLIENT GETNAME ;; CLIENT SETNAME worker-1 ;; CLIENT GETNAME ;; CLIENT SETNAME "" ;; CLIENT GETNAME' '(nil) | OK | "worker-1" | OK | (nil)'
reply 'CLIENT SETNAME worker ;; CLIENT SETNAME "two words" ;; CLIENT SETNAME "line\nbreak" ;; CLIENT GETNAME' "OK | $bad_name | $bad_name | \"worker\""
reply 'CLIENT SETNAME' "(error) ERR wrong number of arguments for 'client|setname' command"
reply 'CLIENT' "(error) ERR wrong number of arguments for 'client' command"
needs valkey reply 'CLIENT SETINFO LIB-NAME lib(a_1) ;; CLIENT SETINFO lib-ver 1.2.3 ;; CLIENT INFO' 'OK | OK | …lib-name=lib(a_1) lib-ver=1.2.3 …'
needs valkey reply 'CLIENT SETINFO lib-name "bad name"' '(error) ERR lib-name cannot contain spaces, newlines or special characters.'
needs valkey reply 'CLIENT SETINFO nosuch x' "(error) ERR Unrecognized option 'nosuch'"
needs valkey reply 'CLIENT SETINFO lib-name' "(error) ERR wrong number of arguments for 'client|setinfo' command"

# Every field, in the order of the reference.
client_line='id=… addr=… laddr=ADDR fd=… name=n1 age=… idle=0 flags=N capa= db=0 sub=0 psub=0 ssub=0 multi=-1 watch=0 qbuf=… qbuf-free=… argv-mem=… multi-mem=0 rbs=… rbp=… obl=0 oll=0 omem=0 tot-mem=… events=r cmd='
needs valkey reply 'CLIENT SETNAME n1 ;; CLIENT INFO' "OK | ${client_line}client|info user=default redir=-1 resp=2 lib-name= lib-ver= tot-net-in=… tot-net-out=… tot-cmds=…" "OK | ${client_line}client|info user=default redir=-1 resp=3 lib-name= lib-ver= tot-net-in=… tot-net-out=… tot-cmds=…"
needs valkey reply 'CLIENT SETNAME n1 ;; CLIENT LIST NAME n1' "OK | ${client_line}client|list user=default redir=-1 resp=2 …" "OK | ${client_line}client|list user=default redir=-1 resp=3 …"
needs valkey reply 'CLIENT CAPA redirect ;; CLIENT INFO' 'OK | …capa=r …'
needs valkey reply 'CLIENT CAPA nosuch ;; CLIENT INFO' 'OK | …capa= …'
needs valkey reply 'CLIENT CAPA' "(error) ERR wrong number of arguments for 'client|capa' command"
needs valkey reply 'CLIENT NO-EVICT on ;; CLIENT NO-TOUCH on ;; CLIENT INFO ;; CLIENT NO-EVICT off ;; CLIENT NO-TOUCH off ;; CLIENT INFO' 'OK | OK | …flags=eT … | OK | OK | …flags=N …'
reply 'CLIENT NO-EVICT maybe' '(error) ERR syntax error'
needs valkey reply 'CLIENT NO-TOUCH maybe' '(error) ERR syntax error'
reply 'CLIENT GETREDIR' '(integer) -1'
wire 'CLIENT TRACKINGINFO' '*6\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n' '%3\r\n$5\r\nflags\r\n~1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n'
needs valkey wire 'CLIENT HELP' '*…\r\n+CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n…+HELP\r\n+    Print this help.\r\n'

wire 'CLIENT REPLY OFF ;; PING ;; NOSUCH ;; CLIENT REPLY ON ;; PING' '+OK\r\n+PONG\r\n'
wire 'CLIENT REPLY SKIP ;; NOSUCH ;; CLIENT REPLY SKIP ;; PING 1 ;; PING 2' '$1\r\n2\r\n'
reply 'CLIENT REPLY NOSUCH' '(error) ERR syntax error'

# LIST: filters that match, that match nobody, that are wrong.  redis-cli prints this reply, even
# an error, without quotes and marks.
for filter in 'ID 999999999' 'ADDR 127.0.0.1:1' 'LADDR 127.0.0.1:1' 'NAME nosuch' 'TYPE pubsub' 'TYPE replica' 'SKIPME yes NAME n1' 'MAXAGE 100000' 'IDLE 100000' 'DB 7' 'CAPA r NAME n1' 'LIB-NAME nosuch' 'LIB-VER 0.0' 'IP 192.0.2.1' 'FLAGS P' 'NOT-TYPE normal' 'NOT-USER default' 'NAME n1 NOT-DB 0' 'NAME n1 NOT-IP 127.0.0.1' 'NAME n1 NOT-FLAGS N' 'NAME n1 NOT-NAME n1' 'NAME n1 NOT-LADDR ADDR'; do
    needs valkey reply "CLIENT SETNAME n1 ;; CLIENT LIST ${filter//ADDR ADDR/ADDR $host:$port}" 'OK'
done
for filter in 'USER default' 'LADDR ADDR' 'NAME n1' 'TYPE normal' 'SKIPME no' 'DB 0' 'FLAGS N' 'IP 127.0.0.1' 'NOT-ID 999999999' 'NOT-ADDR 127.0.0.1:1' 'NOT-LADDR 127.0.0.1:1' 'NOT-NAME n2' 'NOT-TYPE pubsub' 'NOT-DB 7' 'NOT-CAPA r' 'NOT-LIB-NAME x' 'NOT-LIB-VER x' 'NOT-IP 192.0.2.1' 'NOT-FLAGS P' 'TYPE normal DB 0 USER default'; do
    needs valkey reply "CLIENT SETNAME n1 ;; CLIENT LIST ${filter//LADDR ADDR/LADDR $host:$port}" 'OK | …name=n1 …cmd=client|list…'
done
reply 'CLIENT LIST NOSUCH' 'ERR syntax error'
reply 'CLIENT LIST TYPE' 'ERR syntax error'
reply 'CLIENT LIST TYPE nosuch' "ERR Unknown client type 'nosuch'"
needs valkey reply 'CLIENT LIST ID abc' 'ERR syntax error'
needs valkey reply 'CLIENT LIST ID 0' 'ERR client-id should be greater than 0'
needs valkey reply 'CLIENT LIST IDLE abc' 'ERR idle is not an integer or out of range'
needs valkey reply 'CLIENT LIST DB 99' 'ERR DB number should be between 0 and 15'
needs valkey reply 'CLIENT LIST DB abc' 'ERR DB is not an integer or out of range'
needs valkey reply 'CLIENT LIST CAPA z' 'ERR Unknown capa found in the provided filter: z'
needs valkey reply 'CLIENT LIST FLAGS v' 'ERR Unknown flags found in the provided filter: v'

# KILL: the old form, every filter, filters together, and oneself.
needs valkey killed 'ID @id'
needs valkey killed 'ID @id 999999999'
needs valkey killed 'ADDR @addr'
needs valkey killed 'NAME @name'
needs valkey killed 'LIB-NAME victim-lib'
needs valkey killed 'LIB-VER 7.8.9'
needs valkey killed 'DB 5'
needs valkey killed 'CAPA r'
needs valkey killed "NAME @name LADDR $host:$port"
needs valkey killed 'ID @id TYPE normal USER default SKIPME yes'
needs valkey killed 'NAME @name IP 127.0.0.1'
needs valkey killed 'NAME @name FLAGS N'
needs valkey killed 'NAME @name NOT-ID 999999999'
needs valkey killed 'NAME @name NOT-ADDR 127.0.0.1:1'
needs valkey killed 'NAME @name NOT-LADDR 127.0.0.1:1'
needs valkey killed 'NAME @name NOT-TYPE pubsub'
needs valkey killed 'NAME @name NOT-NAME other'
needs valkey killed 'NAME @name NOT-DB 6'
needs valkey killed 'NAME @name NOT-IP 192.0.2.1'
needs valkey killed 'NAME @name NOT-FLAGS P'
needs valkey killed 'NAME @name NOT-LIB-NAME other NOT-LIB-VER 0'
needs valkey spared 'ID @id TYPE pubsub'
needs valkey spared 'ID @id ADDR 127.0.0.1:1'
needs valkey spared 'ID @id MAXAGE 100000'
needs valkey spared 'ID @id IDLE 100000'
needs valkey spared 'NAME @name NOT-ID @id'
needs valkey spared 'NAME @name NOT-ADDR @addr'
needs valkey spared 'NAME @name NOT-DB 5'
needs valkey spared 'NAME @name NOT-CAPA r'
needs valkey spared 'NAME @name NOT-USER default'
needs valkey spared 'NAME @name NOT-LIB-NAME victim-lib'
needs valkey spared 'NAME @name NOT-LIB-VER 7.8.9'
needs valkey kill_check 'OK, the victim is killed' '@addr'
reply 'CLIENT KILL' "(error) ERR wrong number of arguments for 'client|kill' command"
reply 'CLIENT KILL 127.0.0.1:1' '(error) ERR No such client'
needs valkey reply 'CLIENT KILL ID abc' '(error) ERR syntax error'
reply 'CLIENT KILL ID 0' '(error) ERR client-id should be greater than 0'
reply 'CLIENT KILL ID 999999999' '(integer) 0'
reply 'CLIENT KILL TYPE nosuch' "(error) ERR Unknown client type 'nosuch'"
reply 'CLIENT KILL USER nosuchuser' "(error) ERR No such user 'nosuchuser'"
reply 'CLIENT KILL SKIPME maybe' '(error) ERR syntax error'
reply 'CLIENT KILL NOSUCH x' '(error) ERR syntax error'
reply 'CLIENT KILL ID 1 TYPE' '(error) ERR syntax error'
needs valkey reply 'CLIENT KILL MAXAGE abc' '(error) ERR maxage is not an integer or out of range'
needs valkey reply 'CLIENT KILL MAXAGE -1' '(error) ERR maxage should be greater than 0'
needs valkey wire 'CLIENT SETNAME self ;; CLIENT KILL NAME self ;; PING' '+OK\r\n:0\r\n+PONG\r\n'
needs valkey closes 'KILL of oneself replies first' 'CLIENT SETNAME self\r\nCLIENT KILL NAME self SKIPME no\r\nPING\r\n' '+OK\r\n:1\r\n'
