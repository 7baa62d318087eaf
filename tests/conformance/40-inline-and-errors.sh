# Inline commands, empty requests, and every protocol error with the text of the reference.
# shellcheck shell=bash
bytes 'inline' 'PING\r\n' '+PONG\r\n'
bytes 'inline, LF alone' 'PING\n' '+PONG\r\n'
bytes 'inline, spaces and tabs' '  PING \t spaced \r\n' '$6\r\nspaced\r\n'
bytes 'inline, double quotes and escapes' 'ECHO "\\x41\\n\\r\\t\\a\\b\\\\\\"\\q"\r\n' '$9\r\nA\n\r\t\x07\x08\\"q\r\n'
bytes 'inline, single quotes' "ECHO 'it\\\\'s \\\\n'\\r\\n" "\$7\\r\\nit's \\\\n\\r\\n"
bytes 'inline, empty argument' 'ECHO ""\r\n' '$0\r\n\r\n'
bytes 'inline, bytes over 127' 'ECHO \xc3\xa9\xfe\r\n' '$3\r\n\xc3\xa9\xfe\r\n'
bytes 'inline and arrays mixed' 'PING\r\n*1\r\n$4\r\nPING\r\nECHO x\r\n' '+PONG\r\n+PONG\r\n$1\r\nx\r\n'
bytes 'empty lines get no reply' '\r\n\r\n\n   \r\nPING\r\n' '+PONG\r\n'
bytes '*0, *-1, *-10 get no reply' '*0\r\n*-1\r\n*-10\r\n*1\r\n$4\r\nPING\r\n' '+PONG\r\n'
bytes 'an unknown inline command' 'NOSUCH a b\r\n' "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' \\r\\n"
bytes 'types of replies are no requests' '%1\r\n~1\r\n' "-ERR unknown command '%1', with args beginning with: \\r\\n-ERR unknown command '~1', with args beginning with: \\r\\n"
bytes 'binary arguments' '*2\r\n$4\r\nECHO\r\n$6\r\n\x00\r\n$\xff*\r\n' '$6\r\n\x00\r\n$\xff*\r\n'
bytes 'an inline request of almost 64 KiB' "ECHO $(times a 65000)\r\n" '$65000\r\n…'

# refused NAME SENT TEXT: the error, and then the end of the connection.
refused() { closes "$1" "$2" "-ERR Protocol error: $3\\r\\n"; }
refused 'unbalanced double quote' 'ECHO "abc\r\n' 'unbalanced quotes in request'
refused 'unbalanced single quote' "ECHO 'abc\\r\\n" 'unbalanced quotes in request'
refused 'too long inline request' "$(times a 66000)" 'too big inline request'
refused 'count not a number' '*abc\r\n' 'invalid multibulk length'
refused 'count empty' '*\r\n' 'invalid multibulk length'
refused 'count with a sign' '*+1\r\n$4\r\nPING\r\n' 'invalid multibulk length'
refused 'count with a leading zero' '*01\r\n$4\r\nPING\r\n' 'invalid multibulk length'
refused 'count with a space' '* 1\r\n' 'invalid multibulk length'
refused 'count over 2^31' '*2147483648\r\n' 'invalid multibulk length'
refused 'count over 2^63' '*99999999999999999999\r\n' 'invalid multibulk length'
refused 'count of 70000 digits' "*$(times 1 70000)" 'too big mbulk count string'
refused 'no bulk: text' '*1\r\nPING\r\n' "expected '\$', got 'P'"
refused 'no bulk: empty line' '*1\r\n\r\n' "expected '\$', got ' '"
refused 'no bulk: nested array' '*1\r\n*1\r\n$4\r\nPING\r\n' "expected '\$', got '*'"
refused 'bulk length not a number' '*1\r\n$abc\r\n' 'invalid bulk length'
refused 'bulk length negative' '*1\r\n$-1\r\n' 'invalid bulk length'
refused 'bulk length empty' '*1\r\n$\r\n' 'invalid bulk length'
refused 'bulk length with a sign' '*1\r\n$+4\r\nPING\r\n' 'invalid bulk length'
refused 'bulk length over the limit' '*1\r\n$4294967296\r\n' 'invalid bulk length'
refused 'bulk length over 2^63' '*1\r\n$99999999999999999999\r\n' 'invalid bulk length'
refused 'bulk length of 70000 digits' "*1\r\n\$$(times 1 70000)" 'too big bulk count string'
needs valkey refused 'bulk not ended by CRLF' '*2\r\n$4\r\nECHO\r\n$3\r\nabcdef\r\n' 'invalid CRLF in request'
closes 'the error comes after the replies owed, and drops the rest' 'PING\r\n*x\r\nPING\r\n' '+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n'
closes 'RESP3 does not change errors' 'HELLO 3\r\n*1\r\n$-7\r\n' '%7\r\n…-ERR Protocol error: invalid bulk length\r\n'

# A browser made to talk to us must not get a command through.
closes 'POST is cut off' 'POST / HTTP/1.1\r\nHost: x\r\n\r\nSET browser was-here\r\n' ''
closes 'Host: is cut off' 'GET / HTTP/1.1\r\nHost: x\r\n\r\nSET browser was-here\r\n' '…'
reply 'EXISTS browser' '(integer) 0'
