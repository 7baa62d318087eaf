# Every type of reply in both protocols, byte for byte, through DEBUG PROTOCOL.
# shellcheck shell=bash
needs debug wire 'DEBUG PROTOCOL string' '$11\r\nHello World\r\n'
needs debug wire 'DEBUG PROTOCOL integer' ':12345\r\n'
needs debug wire 'DEBUG PROTOCOL double' '$5\r\n3.141\r\n' ',3.141\r\n'
needs debug wire 'DEBUG PROTOCOL null' '$-1\r\n' '_\r\n'
needs debug wire 'DEBUG PROTOCOL array' '*3\r\n:0\r\n:1\r\n:2\r\n'
needs debug wire 'DEBUG PROTOCOL set' '*3\r\n:0\r\n:1\r\n:2\r\n' '~3\r\n:0\r\n:1\r\n:2\r\n'
needs debug wire 'DEBUG PROTOCOL map' '*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n' '%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n'
needs debug wire 'DEBUG PROTOCOL attrib' '$39\r\nSome real reply following the attribute\r\n' '|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$39\r\nSome real reply following the attribute\r\n'
# A push goes out after the reply of the command that causes it.
needs valkey needs debug wire 'DEBUG PROTOCOL push' '-ERR RESP2 is not supported by this command\r\n' '$40\r\nSome real reply following the push reply\r\n>2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n'
needs debug wire 'DEBUG PROTOCOL verbatim' '$25\r\nThis is a verbatim\nstring\r\n' '=29\r\ntxt:This is a verbatim\nstring\r\n'
needs debug wire 'DEBUG PROTOCOL true' ':1\r\n' '#t\r\n'
needs debug wire 'DEBUG PROTOCOL false' ':0\r\n' '#f\r\n'
needs debug wire 'DEBUG PROTOCOL bignum' '$37\r\n1234567999999999999999999999999999999\r\n' '(1234567999999999999999999999999999999\r\n'
needs debug wire 'DEBUG PROTOCOL map ;; DEBUG PROTOCOL null ;; PING' '*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n$-1\r\n+PONG\r\n' '%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n_\r\n+PONG\r\n'
needs debug reply 'DEBUG PROTOCOL map' '1) (integer) 0 | 2) (integer) 0 | 3) (integer) 1 | 4) (integer) 1 | 5) (integer) 2 | 6) (integer) 0' '1# (integer) 0 => (false) | 2# (integer) 1 => (true) | 3# (integer) 2 => (false)'
needs debug reply 'DEBUG PROTOCOL set' '1) (integer) 0 | 2) (integer) 1 | 3) (integer) 2' '1~ (integer) 0 | 2~ (integer) 1 | 3~ (integer) 2'
needs debug reply 'DEBUG PROTOCOL double ;; DEBUG PROTOCOL STRING' '"3.141" | "Hello World"' '(double) 3.141 | "Hello World"'
needs debug reply 'DEBUG PROTOCOL nosuchtype' '(error) ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false'
needs debug reply 'DEBUG PROTOCOL' "(error) ERR unknown subcommand or wrong number of arguments for 'PROTOCOL'. Try DEBUG HELP."
needs debug reply 'DEBUG NOSUCH' "(error) ERR unknown subcommand or wrong number of arguments for 'NOSUCH'. Try DEBUG HELP."
needs debug reply 'DEBUG ERROR "MY error"' '(error) MY error'
needs debug reply 'DEBUG SLEEP 0' 'OK'
needs valkey needs debug wire 'DEBUG HELP' '*…\r\n+DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n…+HELP\r\n+    Print this help.\r\n'
reply 'DEBUG' "(error) ERR wrong number of arguments for 'debug' command"
wire 'GET nosuch' '$-1\r\n' '_\r\n'
wire 'COMMAND INFO nosuch' '*1\r\n$-1\r\n' '*1\r\n_\r\n'
wire 'CONFIG GET nosuch' '*0\r\n' '%0\r\n'
wire 'CLIENT INFO' '$…\r\nid=…\n\r\n' '=…\r\ntxt:id=…\n\r\n'
