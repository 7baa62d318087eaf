# HELLO: its forms, what it refuses, and that a refused one changes nothing at all.
# shellcheck shell=bash
hello2='1) "server" | 2) "…" | 3) "version" | 4) "…" | 5) "proto" | 6) (integer) 2 | 7) "id" | 8) (integer) … | 9) "mode" | 10) "standalone" | 11) "role" | 12) "master" | 13) "modules" | 14) …'
hello3='1# "server" => "…" | 2# "version" => "…" | 3# "proto" => (integer) 3 | 4# "id" => (integer) … | 5# "mode" => "standalone" | 6# "role" => "master" | 7# "modules" => …'
bad_name='(error) ERR Client names cannot contain spaces, newlines or special characters.'
not_a_version='(error) ERR Protocol version is not an integer or out of range'
no_such_version='(error) NOPROTO unsupported protocol version'

reply 'HELLO' "$hello2" "$hello3"
reply 'HELLO 2' "$hello2"
reply 'HELLO 3' "$hello3"
reply 'hello 3 setname Low-er ;; CLIENT GETNAME' "$hello3 | \"Low-er\""
reply 'HELLO 3 AUTH default anything SETNAME n1 ;; CLIENT GETNAME' "$hello3 | \"n1\""
reply 'HELLO 2 SETNAME n2 AUTH default "" ;; CLIENT GETNAME' "$hello2 | \"n2\""
reply 'HELLO 3 SETNAME a SETNAME b ;; CLIENT GETNAME ;; HELLO 3 SETNAME "" ;; CLIENT GETNAME' "$hello3 | \"b\" | $hello3 | (nil)"
needs respd reply 'HELLO 2' '1) "server" | 2) "respd" | 3) "version" | 4) "7.2.4" | 5) "proto" | …'
needs respd wire 'HELLO 3' '%7\r\n$6\r\nserver\r\n$5\r\nrespd\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:…\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n'
needs respd wire 'HELLO' '*14\r\n$6\r\nserver\r\n$5\r\nrespd\r\n…$5\r\nproto\r\n:2\r\n…$7\r\nmodules\r\n*0\r\n' '%7\r\n$6\r\nserver\r\n$5\r\nrespd\r\n…$5\r\nproto\r\n:3\r\n…$7\r\nmodules\r\n*0\r\n'

reply 'HELLO 1' "$no_such_version"
reply 'HELLO 4 SETNAME x ;; CLIENT GETNAME' "$no_such_version | (nil)"
reply 'HELLO -1' "$no_such_version"
reply 'HELLO 9223372036854775807' "$no_such_version"
reply 'HELLO 9223372036854775808' "$not_a_version"
reply 'HELLO abc' "$not_a_version"
reply 'HELLO 03' "$not_a_version"
reply 'HELLO 3.0' "$not_a_version"
reply 'HELLO ""' "$not_a_version"
reply 'HELLO AUTH default x' "$not_a_version"
reply 'HELLO 3 FOO' "(error) ERR Syntax error in HELLO option 'FOO'"
reply 'HELLO 3 "foo\r\nbar"' "(error) ERR Syntax error in HELLO option 'foo  bar'"
reply 'HELLO 3 AUTH default' "(error) ERR Syntax error in HELLO option 'AUTH'"
reply 'HELLO 3 SETNAME' "(error) ERR Syntax error in HELLO option 'SETNAME'"
reply 'HELLO 3 SETNAME x y' "(error) ERR Syntax error in HELLO option 'y'"
reply 'HELLO 3 SETNAME "a b"' "$bad_name"
reply 'HELLO 3 SETNAME "a\nb"' "$bad_name"
reply 'HELLO 3 SETNAME "\xc3\xa9"' "$bad_name"
reply 'HELLO 3 AUTH nosuchuser x' '(error) WRONGPASS invalid username-password pair or user is disabled.'

# Half of it applied would be worse than none: name, protocol and user stay what they were.
reply 'CLIENT SETNAME before ;; HELLO 3 AUTH nosuchuser x SETNAME after ;; CLIENT GETNAME' 'OK | (error) WRONGPASS invalid username-password pair or user is disabled. | "before"'
needs valkey reply 'CLIENT SETNAME before ;; HELLO 3 SETNAME after AUTH default ;; CLIENT GETNAME' "OK | (error) ERR Syntax error in HELLO option 'AUTH' | \"before\""
reply 'CLIENT SETNAME before ;; HELLO 3 AUTH default x SETNAME "bad name" ;; CLIENT GETNAME' "OK | $bad_name | \"before\""
needs valkey reply 'CLIENT SETNAME before ;; HELLO 3 SETNAME after NOSUCH ;; CLIENT GETNAME' "OK | (error) ERR Syntax error in HELLO option 'NOSUCH' | \"before\""
wire 'HELLO 4 ;; GET nosuch' '-NOPROTO unsupported protocol version\r\n$-1\r\n' '-NOPROTO unsupported protocol version\r\n_\r\n'
bytes 'a refused HELLO 3 leaves RESP2' 'HELLO 3 SETNAME "a b"\r\nGET nosuch\r\n' '-ERR Client names cannot contain spaces, newlines or special characters.\r\n$-1\r\n'
bytes 'the protocol changes with HELLO, not before' 'GET nosuch\r\nHELLO 3\r\nGET nosuch\r\nHELLO 2\r\nGET nosuch\r\n' '$-1\r\n%7\r\n…_\r\n*14\r\n…$-1\r\n'
