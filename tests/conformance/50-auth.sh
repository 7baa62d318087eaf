# AUTH, requirepass and NOAUTH.  While a password is set, only bytes and redis-cli with it get in.
# shellcheck shell=bash
wrongpass='-WRONGPASS invalid username-password pair or user is disabled.\r\n'
noauth='-NOAUTH Authentication required.\r\n'
noauth_hello='-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time\r\n'

reply 'AUTH anything' '(error) ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?'
reply 'AUTH default anything' 'OK'
reply 'AUTH nosuchuser x' '(error) WRONGPASS invalid username-password pair or user is disabled.'
reply 'AUTH' "(error) ERR wrong number of arguments for 'auth' command"
reply 'AUTH a b c' '(error) ERR syntax error'

locked=yes
admin 'CONFIG SET requirepass sesame'
admin PING
for command in PING 'GET k' COMMAND 'CLIENT ID' 'CLIENT SETNAME x' 'CONFIG GET port' INFO 'SELECT 1' 'CLIENT REPLY ON'; do
    bytes "before AUTH: $command" "$command\\r\\n" "$noauth"
done
# Not even whether a command exists is told.
for command in NOSUCH GET; do
    needs valkey bytes "before AUTH: $command" "$command\\r\\n" "$noauth"
done
for command in HELLO 'HELLO 2' 'HELLO 3' 'HELLO 3 SETNAME x'; do
    needs valkey bytes "before AUTH: $command" "$command\\r\\n" "$noauth_hello"
done
bytes 'before AUTH: HELLO 4' 'HELLO 4\r\n' '-NOPROTO unsupported protocol version\r\n'
bytes 'before AUTH: HELLO 3 AUTH, wrong' 'HELLO 3 AUTH default wrong\r\nGET k\r\n' "$wrongpass$noauth"
bytes 'before AUTH: HELLO 3 AUTH, no such user' 'HELLO 3 AUTH nosuchuser sesame\r\n' "$wrongpass"
bytes 'HELLO 3 AUTH logs in, and its reply is RESP3' 'HELLO 3 AUTH default sesame SETNAME me\r\nCLIENT GETNAME\r\nGET nosuch\r\n' '%7\r\n…$2\r\nme\r\n_\r\n'
bytes 'HELLO 2 SETNAME AUTH logs in' 'HELLO 2 SETNAME me AUTH default sesame\r\nCLIENT GETNAME\r\n' '*14\r\n…$2\r\nme\r\n'
needs valkey bytes 'HELLO AUTH with a bad name does not log in' 'HELLO 3 AUTH default sesame SETNAME "a b"\r\nPING\r\n' "-ERR Client names cannot contain spaces, newlines or special characters.\\r\\n$noauth"
bytes 'AUTH, wrong password' 'AUTH wrong\r\nPING\r\n' "$wrongpass$noauth"
bytes 'AUTH, empty password' 'AUTH ""\r\n' "$wrongpass"
bytes 'AUTH, no such user' 'AUTH nosuchuser sesame\r\n' "$wrongpass"
bytes 'AUTH password' 'AUTH sesame\r\nPING\r\n' '+OK\r\n+PONG\r\n'
bytes 'AUTH user password' 'AUTH default sesame\r\nPING\r\n' '+OK\r\n+PONG\r\n'
bytes 'a failed AUTH does not undo a good one' 'AUTH sesame\r\nAUTH wrong\r\nPING\r\n' "+OK\\r\\n$wrongpass+PONG\\r\\n"
bytes 'RESET logs out' 'AUTH sesame\r\nRESET\r\nPING\r\n' "+OK\\r\\n+RESET\\r\\n$noauth"
bytes 'RESET needs no login' 'RESET\r\nPING\r\n' "+RESET\\r\\n$noauth"
closes 'QUIT needs no login' 'QUIT\r\n' '+OK\r\n'
closes 'before AUTH: at most 10 arguments' '*11\r\n' '-ERR Protocol error: unauthenticated multibulk length\r\n'
closes 'before AUTH: at most 16 KiB in one' '*1\r\n$16385\r\n' '-ERR Protocol error: unauthenticated bulk length\r\n'
bytes 'before AUTH: ten arguments may come' '*10\r\n' ''
bytes 'before AUTH: 16 KiB may come' '*1\r\n$16384\r\n' ''
# redis-cli logs in with AUTH, then says HELLO.
export REDISCLI_AUTH=sesame
reply 'PING ;; CONFIG GET requirepass' 'PONG | 1) "requirepass" | 2) "sesame"' 'PONG | 1# "requirepass" => "sesame"'
reply 'CLIENT INFO' '…user=default…resp=2…' '…user=default…resp=3…'
unset REDISCLI_AUTH
admin 'CONFIG SET requirepass ""'
locked=
reply 'PING' 'PONG'
