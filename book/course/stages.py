r"""The open course as rows: what each stage sends, and what it expects.

`scripts/course HOST:PORT` plays them against a server. A stage is a conversation, a line a step; every stage begins with
new connections, which open when they are first named. A stage uses only commands of those before it and its own.

    # ECHO takes one argument.              what the steps below it are about
    a sends: ECHO "two words"               client a sends a request: an array of bulk strings
    a sends: PING ;; PING                   two requests, in one write
    a sends the bytes: "PING\r\n"           these bytes, as they are
    a sends in pieces: PING                 the request, every byte a segment (also: sends the bytes in pieces)
    a sends 10000 times: ECHO {n:05}        in one write; {n} counts from 1
    a gets:  "+PONG\r\n"                    one reply, these bytes; … in it stands for any bytes
    a gets:  "+OK\r\n" ;; ":1\r\n"          two replies
    a gets:  ":9\r\n" or ":10\r\n"          one reply, either
    a gets:  ":<id>\r\n"                    <id> stands for any bytes the first time, for the same ones afterwards
    a gets 10000 times: "$5\r\n{n:05}\r\n"
    a is closed                             the server hangs up, without a byte more
    a hears nothing                         no byte comes for a while
    all wait: 0.2                           seconds

Strings are quoted as redis-cli does it: \r \n \t \" \\ \xff. {x*1000} stands for a thousand times x.
"""

from dataclasses import dataclass

# Where a stage is explained: the chapters of the book.
CHAPTERS = {
    "bytes": ("Forty bytes", "book/src/01-forty-bytes.md"),
    "sixty": ("A server in sixty lines", "book/src/02-a-server-in-sixty-lines.md"),
    "pieces": ("Requests in pieces", "book/src/03-requests-in-pieces.md"),
    "dialects": ("Replies in two dialects", "book/src/04-replies-in-two-dialects.md"),
    "row": ("A command is a row", "book/src/05-a-command-is-a-row.md"),
    "gates": ("The gates, in order", "book/src/06-the-gates-in-order.md"),
    "loop": ("The loop", "book/src/07-the-loop.md"),
    "time": ("Time as an argument", "book/src/08-time-as-an-argument.md"),
    "waiting": ("Waiting", "book/src/09-waiting.md"),
    "listeners": ("Many listeners", "book/src/10-many-listeners.md"),
    "collections": ("Collections", "book/src/11-collections.md"),
    "hostile": ("Hostile clients", "book/src/14-hostile-clients.md"),
}


@dataclass(frozen=True)
class Stage:
    """One stage: its name, the key of its chapter, its steps, and what to tell a learner who fails in it."""

    name: str
    chapter: str
    steps: str
    hint: str
    # Steps that put the server back, made whether the stage passed or not; their replies do not matter.
    after: str = ""


STAGES = [
    Stage(
        "PING",
        "bytes",
        r"""
        # A request is an array of bulk strings; the reply is a simple string: a plus, the text, CR LF.
        a sends the bytes: "*1\r\n$4\r\nPING\r\n"
        a gets:  "+PONG\r\n"
        # The connection stays open for the next request.
        a sends: PING
        a gets:  "+PONG\r\n"
        """,
        "Listen, accept, read, and write +PONG and CR LF for each request. Do not close the connection afterwards.",
    ),
    Stage(
        "ECHO",
        "sixty",
        r"""
        # A bulk string is a dollar, its length in bytes, CR LF, the bytes, CR LF.
        a sends: ECHO hello
        a gets:  "$5\r\nhello\r\n"
        # Its length says where it ends: it may hold spaces, and it may be empty.
        a sends: ECHO "two words"
        a gets:  "$9\r\ntwo words\r\n"
        a sends: ECHO ""
        a gets:  "$0\r\n\r\n"
        # Names of commands are read without regard to case.
        a sends: echo again
        a gets:  "$5\r\nagain\r\n"
        # PING with a text replies with that text.
        a sends: PING hello
        a gets:  "$5\r\nhello\r\n"
        """,
        "Read the request by its lengths: *2 announces two bulk strings, and each $n announces n bytes and a CR LF.",
    ),
    Stage(
        "several requests at once",
        "sixty",
        r"""
        # What one read returns may be many requests; each has a reply, in the order of the requests.
        a sends: PING ;; ECHO one ;; ECHO two ;; PING
        a gets:  "+PONG\r\n" ;; "$3\r\none\r\n" ;; "$3\r\ntwo\r\n" ;; "+PONG\r\n"
        # Several clients at once: one that is silent does not keep others waiting.
        b sends: ECHO b
        b gets:  "$1\r\nb\r\n"
        a sends: ECHO a
        a gets:  "$1\r\na\r\n"
        """,
        "A connection is a stream: keep what follows the first request, and go on until no whole request is left. "
        "A read that waits for one client must not keep another waiting: a thread each, or a loop over all sockets.",
    ),
    Stage(
        "requests in pieces",
        "pieces",
        r"""
        # One request in many segments: every byte may come alone.
        a sends in pieces: ECHO "in pieces"
        a gets:  "$9\r\nin pieces\r\n"
        # While half a request of a is there, b is served.
        a sends the bytes: "*2\r\n$4\r\nECHO\r\n$11\r\nhalf"
        b sends: PING
        b gets:  "+PONG\r\n"
        # The second half of one request, and the first of the next.
        a sends the bytes: " a text\r\n*1\r\n$4\r"
        a gets:  "$11\r\nhalf a text\r\n"
        a sends the bytes: "\nPING\r\n"
        a gets:  "+PONG\r\n"
        """,
        "Each client has a buffer of its own: append what was read, and take a request out only when all of it is there. "
        "What is incomplete waits in the buffer for the next read.",
    ),
    Stage(
        "inline requests",
        "pieces",
        r"""
        # What does not begin with * is a line of words, as from nc or telnet.
        a sends the bytes: "PING\r\n"
        a gets:  "+PONG\r\n"
        # One space or several are between words.
        a sends the bytes: "ECHO   hello \r\n"
        a gets:  "$5\r\nhello\r\n"
        # A line may end with LF alone, and an empty one is no request.
        a sends the bytes: "\r\n\nPING\n"
        a gets:  "+PONG\r\n"
        # Both forms in one stream, in pieces.
        a sends the bytes in pieces: "ECHO inline\r\n*2\r\n$4\r\nECHO\r\n$5\r\narray\r\n"
        a gets:  "$6\r\ninline\r\n" ;; "$5\r\narray\r\n"
        """,
        "Look at the first byte of each request: a * begins an array; anything else is a line, to be split at spaces.",
    ),
    Stage(
        "errors",
        "row",
        r"""
        # A command that is not known is an error: a minus, the text, CR LF. The connection stays.
        a sends: NOSUCH one two
        a gets:  "-ERR unknown command…\r\n"
        a sends: PING
        a gets:  "+PONG\r\n"
        # ECHO takes one argument, no fewer and no more.
        a sends: ECHO
        a gets:  "-ERR wrong number of arguments for 'echo' command\r\n"
        a sends: ECHO one two
        a gets:  "-ERR wrong number of arguments for 'echo' command\r\n"
        # An error is one reply among the others.
        a sends: PING ;; ECHO ;; ECHO well
        a gets:  "+PONG\r\n" ;; "-ERR wrong number of arguments for 'echo' command\r\n" ;; "$4\r\nwell\r\n"
        """,
        "Keep the arity of each command beside its name, and compare before you call it: then no command has to look itself. "
        "A wrong request is answered by an error; only a broken one closes the connection.",
    ),
    Stage(
        "SET and GET",
        "row",
        r"""
        # DEL replies with the number of keys that it removed.
        a sends: DEL course:a course:b
        a gets:  ":…\r\n"
        # A key that is not there is the null bulk string, which has no bytes and no second CR LF.
        a sends: GET course:a
        a gets:  "$-1\r\n"
        a sends: SET course:a one
        a gets:  "+OK\r\n"
        a sends: GET course:a
        a gets:  "$3\r\none\r\n"
        # Every client sees the same keys.
        b sends: SET course:a two
        b gets:  "+OK\r\n"
        a sends: GET course:a
        a gets:  "$3\r\ntwo\r\n"
        # Names of keys are read with regard to case.
        a sends: GET COURSE:A
        a gets:  "$-1\r\n"
        # NX sets only what is not there, XX only what is there.
        a sends: SET course:a three NX ;; SET course:b three XX ;; SET course:b three nx
        a gets:  "$-1\r\n" ;; "$-1\r\n" ;; "+OK\r\n"
        a sends: SET course:a one BADWORD
        a gets:  "-ERR syntax error\r\n"
        a sends: EXISTS course:a course:b course:a course:nosuch
        a gets:  ":3\r\n"
        a sends: DEL course:a course:b course:nosuch
        a gets:  ":2\r\n"
        """,
        "One dictionary for all clients. Null in RESP2 is $-1, not an empty bulk string. Options come in any case.",
    ),
    Stage(
        "values are bytes",
        "bytes",
        r"""
        # CR LF within a value is not its end.
        a sends: SET course:a "line\r\nline\r\n"
        a gets:  "+OK\r\n"
        a sends: GET course:a
        a gets:  "$12\r\nline\r\nline\r\n\r\n"
        # Zero bytes, and bytes that are no text in any encoding, in values and in keys.
        a sends: SET "course:\x00\xff" "\x00\x01\xfe\xff"
        a gets:  "+OK\r\n"
        a sends: GET "course:\x00\xff"
        a gets:  "$4\r\n\x00\x01\xfe\xff\r\n"
        # Lengths count bytes, not characters: this is one letter of two bytes.
        a sends: ECHO "\xc3\xa9"
        a gets:  "$2\r\n\xc3\xa9\r\n"
        # A value that no single read returns.
        a sends: SET course:a {x*1000000}
        a gets:  "+OK\r\n"
        a sends: GET course:a
        a gets:  "$1000000\r\n{x*1000000}\r\n"
        a sends: DEL course:a "course:\x00\xff"
        a gets:  ":2\r\n"
        """,
        "Keep bytes, never text: no decoding, no splitting at CR LF inside a bulk string. "
        "Lengths are those of the bytes.",
    ),
    Stage(
        "protocol errors",
        "hostile",
        r"""
        # After *1 comes a dollar. What is not RESP is answered by an error, and the connection ends.
        a sends the bytes: "*1\r\n+PING\r\n"
        a gets:  "-ERR Protocol error…\r\n"
        a is closed
        # Lengths that cannot be. The requests before them are answered.
        b sends the bytes: "*1\r\n$4\r\nPING\r\n*99999999999\r\n"
        b gets:  "+PONG\r\n" ;; "-ERR Protocol error: invalid multibulk length\r\n"
        b is closed
        c sends the bytes: "*1\r\n$-7\r\n"
        c gets:  "-ERR Protocol error: invalid bulk length\r\n"
        c is closed
        d sends the bytes: "*2\r\n$4\r\nECHO\r\n$9999999999999\r\n"
        d gets:  "-ERR Protocol error: invalid bulk length\r\n"
        d is closed
        # An array of no elements is no request, and no error.
        e sends the bytes: "*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n"
        e gets:  "+PONG\r\n"
        """,
        "Where a frame is broken nothing tells where the next one begins: say so, send what is in the buffer, close. "
        "Compare each length with a limit (1024 * 1024 elements, 512 MB) before you reserve anything for it.",
    ),
    Stage(
        "HELLO",
        "dialects",
        r"""
        # A connection begins in RESP2, where HELLO replies with an array of names and values in turn.
        a sends: HELLO
        a gets:  "*…$6\r\nserver\r\n…$5\r\nproto\r\n:2\r\n…"
        # HELLO 3 changes the dialect: its own reply is a map, %n and n pairs.
        a sends: HELLO 3
        a gets:  "%…$6\r\nserver\r\n…$5\r\nproto\r\n:3\r\n…"
        # RESP3 has a null of its own.
        a sends: GET course:nosuch
        a gets:  "_\r\n"
        # The dialect is the connection's: b stays with RESP2.
        b sends: GET course:nosuch
        b gets:  "$-1\r\n"
        # There is no RESP4; a refusal changes nothing.
        a sends: HELLO 4
        a gets:  "-NOPROTO…\r\n"
        a sends: GET course:nosuch
        a gets:  "_\r\n"
        a sends: HELLO 2 ;; GET course:nosuch
        a gets:  "*…$5\r\nproto\r\n:2\r\n…" ;; "$-1\r\n"
        """,
        "Let commands return values (null, map, text), and write bytes in one place, which knows the client's dialect. "
        "HELLO tells server, version, proto, id, mode, role, modules.",
    ),
    Stage(
        "names and ids of clients",
        "row",
        r"""
        # A client without a name has the null bulk string.
        a sends: CLIENT GETNAME
        a gets:  "$-1\r\n"
        a sends: CLIENT SETNAME ann
        a gets:  "+OK\r\n"
        a sends: CLIENT GETNAME
        a gets:  "$3\r\nann\r\n"
        # A name has no spaces.
        a sends: CLIENT SETNAME "an n"
        a gets:  "-ERR Client names cannot contain spaces…\r\n"
        # An id stays the same, and no other connection has it.
        a sends: CLIENT ID ;; CLIENT ID
        a gets:  ":<id>\r\n" ;; ":<id>\r\n"
        b sends: CLIENT KILL ID <id>
        b gets:  ":1\r\n"
        a is closed
        b sends: CLIENT KILL ID <id>
        b gets:  ":0\r\n"
        # Subcommands are errors of their own.
        b sends: CLIENT NOSUCH
        b gets:  "-ERR unknown subcommand 'NOSUCH'…\r\n"
        """,
        "Count connections from 1 and never give an id twice. CLIENT KILL ID ends another client, so a registry by id is "
        "needed that every client can reach.",
    ),
    Stage(
        "SELECT",
        "row",
        r"""
        # Databases are numbered, and each has keys of its own.
        a sends: SELECT 1 ;; DEL course:a ;; SELECT 0 ;; SET course:a zero ;; SELECT 1 ;; GET course:a
        a gets:  "+OK\r\n" ;; ":…\r\n" ;; "+OK\r\n" ;; "+OK\r\n" ;; "+OK\r\n" ;; "$-1\r\n"
        a sends: SET course:a one
        a gets:  "+OK\r\n"
        # The selection is the connection's; a new one has database 0.
        b sends: GET course:a
        b gets:  "$4\r\nzero\r\n"
        a sends: GET course:a ;; DEL course:a ;; SELECT 0 ;; GET course:a
        a gets:  "$3\r\none\r\n" ;; ":1\r\n" ;; "+OK\r\n" ;; "$4\r\nzero\r\n"
        # A refusal changes nothing.
        a sends: SELECT 99999 ;; SELECT x ;; DEL course:a
        a gets:  "-ERR DB index is out of range\r\n" ;; "-ERR …\r\n" ;; ":1\r\n"
        """,
        "The keys are a list of dictionaries; the client has the number of the one that it uses.",
    ),
    Stage(
        "EXPIRE and TTL",
        "time",
        r"""
        # TTL is -2 of a key that is not there, -1 of one that stays.
        a sends: DEL course:a ;; TTL course:a ;; EXPIRE course:a 100
        a gets:  ":…\r\n" ;; ":-2\r\n" ;; ":0\r\n"
        a sends: SET course:a one ;; TTL course:a ;; EXPIRE course:a 100 ;; TTL course:a
        a gets:  "+OK\r\n" ;; ":-1\r\n" ;; ":1\r\n" ;; ":100\r\n" or ":99\r\n" or ":98\r\n"
        # PERSIST takes the time away, and so does SET without a time of its own.
        a sends: PERSIST course:a ;; TTL course:a ;; SET course:a one EX 100 ;; SET course:a two ;; TTL course:a
        a gets:  ":1\r\n" ;; ":-1\r\n" ;; "+OK\r\n" ;; "+OK\r\n" ;; ":-1\r\n"
        # When the time has come the key is not there, for any command.
        a sends: SET course:a one PX 50
        a gets:  "+OK\r\n"
        all wait: 0.15
        a sends: GET course:a ;; EXISTS course:a ;; TTL course:a ;; DEL course:a
        a gets:  "$-1\r\n" ;; ":0\r\n" ;; ":-2\r\n" ;; ":0\r\n"
        # A time that is past removes the key at once.
        a sends: SET course:a one ;; EXPIRE course:a -1 ;; EXISTS course:a
        a gets:  "+OK\r\n" ;; ":1\r\n" ;; ":0\r\n"
        a sends: SET course:a one EX 0
        a gets:  "-ERR invalid expire time in 'set' command\r\n"
        """,
        "Keep a deadline in milliseconds beside the key, and look at it wherever a key is looked up: one function for all. "
        "A timer that removes keys is only for the memory.",
    ),
    Stage(
        "INCR",
        "row",
        r"""
        # A key that is not there counts as 0; the reply is the integer after the change.
        a sends: DEL course:n ;; INCR course:n ;; INCRBY course:n 10 ;; DECR course:n ;; GET course:n
        a gets:  ":…\r\n" ;; ":1\r\n" ;; ":11\r\n" ;; ":10\r\n" ;; "$2\r\n10\r\n"
        # A value that is no integer stays as it is.
        a sends: SET course:n ten ;; INCR course:n ;; GET course:n
        a gets:  "+OK\r\n" ;; "-ERR value is not an integer or out of range\r\n" ;; "$3\r\nten\r\n"
        # Spaces and leading zeros make no integer.
        a sends: SET course:n " 1" ;; INCR course:n ;; SET course:n 01 ;; INCR course:n
        a gets:  "+OK\r\n" ;; "-ERR value is not an integer or out of range\r\n" ;; "+OK\r\n"
        a gets:  "-ERR value is not an integer or out of range\r\n"
        # Integers have 64 bits, and do not wrap.
        a sends: SET course:n 9223372036854775807 ;; INCR course:n ;; DECR course:n ;; INCRBY course:n x
        a gets:  "+OK\r\n" ;; "-ERR increment or decrement would overflow\r\n" ;; ":9223372036854775806\r\n"
        a gets:  "-ERR value is not an integer or out of range\r\n"
        # The time at which a key expires stays.
        a sends: SET course:n 1 EX 100 ;; INCR course:n ;; PERSIST course:n ;; DEL course:n
        a gets:  "+OK\r\n" ;; ":2\r\n" ;; ":1\r\n" ;; ":1\r\n"
        """,
        "One strict function reads integers for every command: digits, a minus perhaps, nothing around them, and 64 bits.",
    ),
    Stage(
        "lists",
        "collections",
        r"""
        # RPUSH adds at the tail, LPUSH at the head, one after another; the reply is the length.
        a sends: DEL course:l ;; RPUSH course:l b c ;; LPUSH course:l a z ;; LLEN course:l
        a gets:  ":…\r\n" ;; ":2\r\n" ;; ":4\r\n" ;; ":4\r\n"
        # An array is a star, the number of its elements, CR LF, and the elements.
        a sends: LRANGE course:l 0 -1
        a gets:  "*4\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"
        # Both ends of a range belong to it; negative ones count from the tail; what is beyond is cut off.
        a sends: LRANGE course:l 1 2 ;; LRANGE course:l -1 100 ;; LRANGE course:l 3 1
        a gets:  "*2\r\n$1\r\na\r\n$1\r\nb\r\n" ;; "*1\r\n$1\r\nc\r\n" ;; "*0\r\n"
        a sends: LPOP course:l ;; RPOP course:l ;; LPOP course:l 2
        a gets:  "$1\r\nz\r\n" ;; "$1\r\nc\r\n" ;; "*2\r\n$1\r\na\r\n$1\r\nb\r\n"
        # A list without elements is not there.
        a sends: EXISTS course:l ;; LPOP course:l ;; LLEN course:l ;; LRANGE course:l 0 -1
        a gets:  ":0\r\n" ;; "$-1\r\n" ;; ":0\r\n" ;; "*0\r\n"
        """,
        "After every command that takes elements away, remove the key whose collection is empty: one place for all types.",
    ),
    Stage(
        "the wrong type",
        "collections",
        r"""
        # A key has one type; a command for another one is an error, and changes nothing.
        a sends: DEL course:l course:s ;; RPUSH course:l a ;; SET course:s one
        a gets:  ":…\r\n" ;; ":1\r\n" ;; "+OK\r\n"
        a sends: GET course:l ;; INCR course:l ;; RPUSH course:s a ;; LRANGE course:s 0 -1
        a gets:  "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
        a gets:  "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
        a gets:  "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
        a gets:  "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
        a sends: TYPE course:l ;; TYPE course:s ;; TYPE course:nosuch
        a gets:  "+list\r\n" ;; "+string\r\n" ;; "+none\r\n"
        # SET takes the place of any type.
        a sends: SET course:l one ;; TYPE course:l ;; DEL course:l course:s
        a gets:  "+OK\r\n" ;; "+string\r\n" ;; ":2\r\n"
        """,
        "Look a key up by the type that the command needs; the look-up itself raises WRONGTYPE.",
    ),
    Stage(
        "BLPOP",
        "waiting",
        r"""
        # Where there is an element, BLPOP replies at once: the key and the element.
        a sends: DEL course:l course:m ;; RPUSH course:l one ;; BLPOP course:m course:l 0
        a gets:  ":…\r\n" ;; ":1\r\n" ;; "*2\r\n$8\r\ncourse:l\r\n$3\r\none\r\n"
        # Where there is none the client waits, and others are served.
        a sends: BLPOP course:l course:m 0
        a hears nothing
        c sends: BLPOP course:l 0
        c hears nothing
        b sends: PING
        b gets:  "+PONG\r\n"
        # The client that has waited longest is served first. An element that was taken is not in the list.
        b sends: RPUSH course:l two
        b gets:  ":1\r\n"
        a gets:  "*2\r\n$8\r\ncourse:l\r\n$3\r\ntwo\r\n"
        c hears nothing
        b sends: LLEN course:l ;; LPUSH course:l x y ;; LRANGE course:l 0 -1
        b gets:  ":0\r\n" ;; ":2\r\n"
        c gets:  "*2\r\n$8\r\ncourse:l\r\n$1\r\ny\r\n"
        b gets:  "*1\r\n$1\r\nx\r\n"
        # Requests behind one that waits are answered after it.
        a sends: BLPOP course:m 0 ;; PING
        a hears nothing
        b sends: RPUSH course:m z ;; DEL course:l
        b gets:  ":1\r\n" ;; ":1\r\n"
        a gets:  "*2\r\n$8\r\ncourse:m\r\n$1\r\nz\r\n" ;; "+PONG\r\n"
        # When its time is over the reply is the null array.
        a sends: BLPOP course:l 0.2
        a hears nothing
        a gets:  "*-1\r\n"
        # A client that has left does not get an element.
        a sends: BLPOP course:l 0
        a hears nothing
        a leaves
        all wait: 0.05
        b sends: RPUSH course:l last ;; LPOP course:l
        b gets:  ":1\r\n" ;; "$4\r\nlast\r\n"
        """,
        "Keep a queue of waiting clients for each key. Do not sleep and look again: the command that adds an element serves "
        "the queue, after it has made its own reply.",
    ),
    Stage(
        "hashes",
        "collections",
        r"""
        # HSET replies with the number of fields that are new.
        a sends: DEL course:h ;; HSET course:h name Ada born 1815 ;; HSET course:h name "Ada L." town London
        a gets:  ":…\r\n" ;; ":2\r\n" ;; ":1\r\n"
        a sends: HGET course:h name ;; HGET course:h nosuch ;; HLEN course:h ;; HEXISTS course:h born
        a gets:  "$6\r\nAda L.\r\n" ;; "$-1\r\n" ;; ":3\r\n" ;; ":1\r\n"
        # A field without a value.
        a sends: HSET course:h name
        a gets:  "-ERR wrong number of arguments for 'hset' command\r\n"
        a sends: HSET course:h name Ada born
        a gets:  "-ERR wrong number of arguments for 'hset' command\r\n"
        a sends: HMGET course:h born nosuch ;; HINCRBY course:h born 1
        a gets:  "*2\r\n$4\r\n1815\r\n$-1\r\n" ;; ":1816\r\n"
        # In RESP2 all of it is one flat array.
        a sends: HDEL course:h name town nosuch ;; HGETALL course:h
        a gets:  ":2\r\n" ;; "*2\r\n$4\r\nborn\r\n$4\r\n1816\r\n"
        # A hash without fields is not there.
        a sends: HDEL course:h born ;; EXISTS course:h ;; HGETALL course:h
        a gets:  ":1\r\n" ;; ":0\r\n" ;; "*0\r\n"
        """,
        "HSET has an arity of at least 4, and its pairs must be whole: the second check is the command's own.",
    ),
    Stage(
        "sets",
        "collections",
        r"""
        # SADD replies with the number of members that are new.
        a sends: DEL course:s course:t ;; SADD course:s a b a ;; SADD course:s b c ;; SCARD course:s
        a gets:  ":…\r\n" ;; ":2\r\n" ;; ":1\r\n" ;; ":3\r\n"
        a sends: SISMEMBER course:s a ;; SISMEMBER course:s x ;; SADD course:t c d
        a gets:  ":1\r\n" ;; ":0\r\n" ;; ":2\r\n"
        # A key that is not there is an empty set.
        a sends: SINTER course:s course:t ;; SINTER course:s course:nosuch ;; SUNION course:nosuch course:nosuch
        a gets:  "*1\r\n$1\r\nc\r\n" ;; "*0\r\n" ;; "*0\r\n"
        # Members have no order.
        a sends: SREM course:s a x ;; SMEMBERS course:s ;; SDIFF course:s course:t
        a gets:  ":1\r\n" ;; "*2\r\n$1\r\nb\r\n$1\r\nc\r\n" or "*2\r\n$1\r\nc\r\n$1\r\nb\r\n" ;; "*1\r\n$1\r\nb\r\n"
        a sends: SREM course:s b c ;; EXISTS course:s ;; DEL course:t
        a gets:  ":2\r\n" ;; ":0\r\n" ;; ":1\r\n"
        """,
        "A set of bytes is what your language has. What needs care: a member that is named twice counts once.",
    ),
    Stage(
        "sorted sets",
        "collections",
        r"""
        # Members are in the order of their scores, and where scores are equal in that of their bytes.
        a sends: DEL course:z ;; ZADD course:z 2 b 10 c 2 a ;; ZRANGE course:z 0 -1
        a gets:  ":…\r\n" ;; ":3\r\n" ;; "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"
        # A member has one score: ZADD changes it, and counts only what is new.
        a sends: ZADD course:z 1.5 c 7 d ;; ZCARD course:z ;; ZRANK course:z a ;; ZRANK course:z nosuch
        a gets:  ":1\r\n" ;; ":4\r\n" ;; ":1\r\n" ;; "$-1\r\n"
        # In RESP2 a score is a bulk string: the shortest one that is read as the same number.
        a sends: ZRANGE course:z 0 1 WITHSCORES ;; ZSCORE course:z d ;; ZSCORE course:z nosuch
        a gets:  "*4\r\n$1\r\nc\r\n$3\r\n1.5\r\n$1\r\na\r\n$1\r\n2\r\n" ;; "$1\r\n7\r\n" ;; "$-1\r\n"
        a sends: ZRANGE course:z 2 (7 BYSCORE ;; ZRANGE course:z -inf +inf BYSCORE ;; ZRANGE course:z 0 0 REV
        a gets:  "*2\r\n$1\r\na\r\n$1\r\nb\r\n" ;; "*4\r\n$1\r\nc\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nd\r\n"
        a gets:  "*1\r\n$1\r\nd\r\n"
        # One wrong score, and nothing is added.
        a sends: ZADD course:z 1 e x f ;; ZINCRBY course:z 0.5 c ;; ZSCORE course:z e
        a gets:  "-ERR value is not a valid float\r\n" ;; "$1\r\n2\r\n" ;; "$-1\r\n"
        a sends: ZREM course:z a b c d e ;; EXISTS course:z
        a gets:  ":4\r\n" ;; ":0\r\n"
        """,
        "A dictionary from member to score, and an order beside it, of pairs (score, member). Check all arguments before "
        "the first change. Whole scores are written without a point.",
    ),
    Stage(
        "types of RESP3",
        "dialects",
        r"""
        # In RESP2, once more, to compare.
        a sends: DEL course:h course:s course:z course:l ;; HSET course:h f v ;; SADD course:s m ;; ZADD course:z 1.5 m
        a gets:  ":…\r\n" ;; ":1\r\n" ;; ":1\r\n" ;; ":1\r\n"
        a sends: HGETALL course:h ;; SMEMBERS course:s ;; ZSCORE course:z m
        a gets:  "*2\r\n$1\r\nf\r\n$1\r\nv\r\n" ;; "*1\r\n$1\r\nm\r\n" ;; "$3\r\n1.5\r\n"
        a sends: HELLO 3
        a gets:  "%…"
        # A map: %, the number of pairs, and the pairs.
        a sends: HGETALL course:h ;; HGETALL course:nosuch
        a gets:  "%1\r\n$1\r\nf\r\n$1\r\nv\r\n" ;; "%0\r\n"
        # A set: ~ and its members.
        a sends: SMEMBERS course:s
        a gets:  "~1\r\n$1\r\nm\r\n"
        # A double: a comma and the number.
        a sends: ZSCORE course:z m ;; ZADD course:z inf top ;; ZSCORE course:z top
        a gets:  ",1.5\r\n" ;; ":1\r\n" ;; ",inf\r\n"
        # Members with their scores are pairs.
        a sends: ZRANGE course:z 0 0 WITHSCORES
        a gets:  "*1\r\n*2\r\n$1\r\nm\r\n,1.5\r\n"
        # One null for all: of a bulk string, of an array, of a double.
        a sends: HGET course:h nosuch ;; ZSCORE course:z nosuch ;; LPOP course:l ;; BLPOP course:l 0.01
        a gets:  "_\r\n" ;; "_\r\n" ;; "_\r\n" ;; "_\r\n"
        # Errors, texts and integers are as in RESP2.
        a sends: PING ;; GET course:h ;; DEL course:h course:s course:z
        a gets:  "+PONG\r\n" ;; "-WRONGTYPE …\r\n" ;; ":3\r\n"
        """,
        "The command says what its value is (a map, a set, a double); the writer alone knows how each dialect spells it.",
    ),
    Stage(
        "MULTI and EXEC",
        "gates",
        r"""
        # Between MULTI and EXEC commands are queued; EXEC replies with an array of their replies.
        a sends: DEL course:n course:l ;; MULTI ;; INCR course:n ;; PING
        a gets:  ":…\r\n" ;; "+OK\r\n" ;; "+QUEUED\r\n" ;; "+QUEUED\r\n"
        # Nothing has happened yet.
        b sends: EXISTS course:n
        b gets:  ":0\r\n"
        a sends: EXEC
        a gets:  "*2\r\n:1\r\n+PONG\r\n"
        # DISCARD forgets the queue.
        a sends: MULTI ;; INCR course:n ;; DISCARD ;; GET course:n
        a gets:  "+OK\r\n" ;; "+QUEUED\r\n" ;; "+OK\r\n" ;; "$1\r\n1\r\n"
        # An error while they run does not stop the others.
        a sends: MULTI ;; RPUSH course:n a ;; INCR course:n ;; EXEC
        a gets:  "+OK\r\n" ;; "+QUEUED\r\n" ;; "+QUEUED\r\n"
        a gets:  "*2\r\n-WRONGTYPE Operation against a key holding the wrong kind of value\r\n:2\r\n"
        # An error while they are queued makes EXEC refuse.
        a sends: MULTI ;; NOSUCH ;; INCR course:n ;; EXEC ;; GET course:n
        a gets:  "+OK\r\n" ;; "-ERR unknown command…\r\n" ;; "+QUEUED\r\n"
        a gets:  "-EXECABORT Transaction discarded because of previous errors.\r\n" ;; "$1\r\n2\r\n"
        a sends: EXEC ;; DISCARD ;; MULTI ;; MULTI ;; DISCARD
        a gets:  "-ERR EXEC without MULTI\r\n" ;; "-ERR DISCARD without MULTI\r\n" ;; "+OK\r\n" ;; "-ERR …\r\n"
        a gets:  "+OK\r\n"
        # Nothing waits inside EXEC.
        a sends: MULTI ;; BLPOP course:l 0 ;; DEL course:n ;; EXEC
        a gets:  "+OK\r\n" ;; "+QUEUED\r\n" ;; "+QUEUED\r\n" ;; "*2\r\n*-1\r\n:1\r\n"
        """,
        "Put the gates that every command passes in one list: is it known, is its arity right, is it to be queued. Only "
        "then is it called. A gate that refuses inside MULTI marks the transaction.",
    ),
    Stage(
        "WATCH",
        "gates",
        r"""
        # A watched key that another client has changed makes EXEC reply with the null array.
        a sends: SET course:a one ;; WATCH course:a
        a gets:  "+OK\r\n" ;; "+OK\r\n"
        b sends: SET course:a two
        b gets:  "+OK\r\n"
        a sends: MULTI ;; SET course:a three ;; EXEC ;; GET course:a
        a gets:  "+OK\r\n" ;; "+QUEUED\r\n" ;; "*-1\r\n" ;; "$3\r\ntwo\r\n"
        # EXEC has ended the watch, whatever it replied.
        a sends: MULTI ;; SET course:a three ;; EXEC
        a gets:  "+OK\r\n" ;; "+QUEUED\r\n" ;; "*1\r\n+OK\r\n"
        # What was only read, or is another key, is no change.
        a sends: WATCH course:a
        a gets:  "+OK\r\n"
        b sends: GET course:a ;; SET course:b x ;; DEL course:b
        b gets:  "$5\r\nthree\r\n" ;; "+OK\r\n" ;; ":1\r\n"
        a sends: MULTI ;; PING ;; EXEC
        a gets:  "+OK\r\n" ;; "+QUEUED\r\n" ;; "*1\r\n+PONG\r\n"
        # UNWATCH and DISCARD end it too.
        a sends: WATCH course:a ;; UNWATCH
        a gets:  "+OK\r\n" ;; "+OK\r\n"
        b sends: DEL course:a
        b gets:  ":1\r\n"
        a sends: MULTI ;; WATCH course:a ;; PING ;; DISCARD
        a gets:  "+OK\r\n" ;; "-ERR …\r\n" ;; "+QUEUED\r\n" ;; "+OK\r\n"
        """,
        "Every change to a key goes through one function, which marks the clients that watch it. EXEC looks at the mark only.",
    ),
    Stage(
        "channels in RESP2",
        "listeners",
        r"""
        # SUBSCRIBE confirms each channel, with the number of subscriptions.
        a sends: SUBSCRIBE course:one course:two
        a gets:  "*3\r\n$9\r\nsubscribe\r\n$10\r\ncourse:one\r\n:1\r\n"
        a gets:  "*3\r\n$9\r\nsubscribe\r\n$10\r\ncourse:two\r\n:2\r\n"
        a sends: PSUBSCRIBE course:o*
        a gets:  "*3\r\n$10\r\npsubscribe\r\n$9\r\ncourse:o*\r\n:3\r\n"
        # PUBLISH replies with the number of receivers: of a, by the channel and by the pattern.
        b sends: PUBLISH course:one hello ;; PUBLISH course:nosuch hello
        b gets:  ":2\r\n" ;; ":0\r\n"
        a gets:  "*3\r\n$7\r\nmessage\r\n$10\r\ncourse:one\r\n$5\r\nhello\r\n"
        a gets:  "*4\r\n$8\r\npmessage\r\n$9\r\ncourse:o*\r\n$10\r\ncourse:one\r\n$5\r\nhello\r\n"
        # In RESP2 a reply could be taken for a message: only a few commands are allowed, and PING is an array.
        a sends: GET course:a ;; PING
        a gets:  "-ERR Can't execute 'get': only …\r\n" ;; "*2\r\n$4\r\npong\r\n$0\r\n\r\n"
        # Without names all channels are left.
        a sends: UNSUBSCRIBE course:two ;; UNSUBSCRIBE ;; PUNSUBSCRIBE
        a gets:  "*3\r\n$11\r\nunsubscribe\r\n$10\r\ncourse:two\r\n:2\r\n"
        a gets:  "*3\r\n$11\r\nunsubscribe\r\n$10\r\ncourse:one\r\n:1\r\n"
        a gets:  "*3\r\n$12\r\npunsubscribe\r\n$9\r\ncourse:o*\r\n:0\r\n"
        # Then every command is allowed again.
        a sends: PING ;; UNSUBSCRIBE
        a gets:  "+PONG\r\n" ;; "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"
        b sends: PUBLISH course:one bye
        b gets:  ":0\r\n"
        """,
        "A table from channel to clients, one from pattern to clients, and in each client the names that it has: the count "
        "in a confirmation is of channels and patterns together.",
    ),
    Stage(
        "channels in RESP3",
        "listeners",
        r"""
        # In RESP3 messages and confirmations are pushes: > in the place of *.
        a sends: HELLO 3 ;; SUBSCRIBE course:one
        a gets:  "%…" ;; ">3\r\n$9\r\nsubscribe\r\n$10\r\ncourse:one\r\n:1\r\n"
        b sends: PUBLISH course:one hello
        b gets:  ":1\r\n"
        a gets:  ">3\r\n$7\r\nmessage\r\n$10\r\ncourse:one\r\n$5\r\nhello\r\n"
        # A push cannot be taken for a reply: every command is allowed, and PING is as ever.
        a sends: GET course:nosuch ;; PING
        a gets:  "_\r\n" ;; "+PONG\r\n"
        # A client that publishes to itself hears it after the reply or before it.
        a sends: UNSUBSCRIBE course:one ;; PUBLISH course:one bye
        a gets:  ">3\r\n$11\r\nunsubscribe\r\n$10\r\ncourse:one\r\n:0\r\n" ;; ":0\r\n"
        # A client that has left is no receiver.
        a sends: SUBSCRIBE course:one
        a gets:  ">3\r\n$9\r\nsubscribe\r\n$10\r\ncourse:one\r\n:1\r\n"
        a leaves
        all wait: 0.05
        b sends: PUBLISH course:one bye
        b gets:  ":0\r\n"
        """,
        "Make a push a type of value beside the array; RESP2 writes it as an array. The gate for subscribers is for RESP2.",
    ),
    Stage(
        "a slow reader",
        "loop",
        r"""
        # Ten thousand requests in one write.
        a sends 10000 times: ECHO {n:05}
        a gets 10000 times:  "$5\r\n{n:05}\r\n"
        # Replies of 20 MB to a client that does not read them: others are served meanwhile.
        a sends: SET course:a {x*2000}
        a gets:  "+OK\r\n"
        c sends 10000 times: GET course:a
        b sends: PING
        b gets:  "+PONG\r\n"
        all wait: 0.2
        b sends: PING
        b gets:  "+PONG\r\n"
        # And nothing is lost.
        c gets 10000 times:  "$2000\r\n{x*2000}\r\n"
        c sends: DEL course:a
        c gets:  ":1\r\n"
        """,
        "A write that waits keeps all others waiting, and one that does not wait takes only a part. Put replies into a buffer "
        "for each client, write what the socket takes, and go on when it is writable again.",
    ),
    Stage(
        "AUTH",
        "gates",
        r"""
        # A password for new connections; the one that sets it stays as it is.
        a sends: CONFIG SET requirepass course-secret ;; PING
        a gets:  "+OK\r\n" ;; "+PONG\r\n"
        # A new one has to say it first: every other command is refused, also in RESP3.
        b sends: PING ;; GET course:a ;; HELLO 3
        b gets:  "-NOAUTH Authentication required.\r\n" ;; "-NOAUTH Authentication required.\r\n"
        b gets:  "-NOAUTH HELLO must be called with the client already authenticated…\r\n"
        b sends: AUTH wrong ;; PING ;; AUTH course-secret ;; PING
        b gets:  "-WRONGPASS…\r\n" ;; "-NOAUTH Authentication required.\r\n" ;; "+OK\r\n" ;; "+PONG\r\n"
        # HELLO can say it too.
        c sends: HELLO 3 AUTH default wrong ;; HELLO 3 AUTH default course-secret ;; PING
        c gets:  "-WRONGPASS…\r\n" ;; "%…$5\r\nproto\r\n:3\r\n…" ;; "+PONG\r\n"
        # Without a password nothing is asked.
        a sends: CONFIG SET requirepass ""
        a gets:  "+OK\r\n"
        d sends: PING ;; AUTH one
        d gets:  "+PONG\r\n" ;; "-ERR AUTH <password> called without any password configured…\r\n"
        """,
        "One gate in front of every command: is the client known? AUTH and HELLO pass it. Until then a client has no user.",
        after="""
        z sends: AUTH course-secret
        z sends: CONFIG SET requirepass ""
        """,
    ),
    Stage(
        "users and their rights",
        "gates",
        r"""
        # A user: a name, a password, patterns of keys, commands.
        a sends: ACL SETUSER course-ann on >secret ~course:* +get +set +acl|whoami
        a gets:  "+OK\r\n"
        a sends: ACL WHOAMI
        a gets:  "$7\r\ndefault\r\n"
        b sends: AUTH course-ann wrong ;; AUTH course-ann secret ;; ACL WHOAMI
        b gets:  "-WRONGPASS…\r\n" ;; "+OK\r\n" ;; "$10\r\ncourse-ann\r\n"
        # What is within its rights, a command that is not, and a key that is not.
        b sends: SET course:a one ;; GET course:a ;; DEL course:a ;; GET other:a
        b gets:  "+OK\r\n" ;; "$3\r\none\r\n" ;; "-NOPERM …'del'…\r\n" ;; "-NOPERM …key…\r\n"
        # A right can be taken away while the user is there, and a user can be turned off.
        a sends: ACL SETUSER course-ann -set off
        a gets:  "+OK\r\n"
        b sends: SET course:a two
        b gets:  "-NOPERM …'set'…\r\n"
        c sends: AUTH course-ann secret
        c gets:  "-WRONGPASS…\r\n"
        # With the user its connections end.
        a sends: DEL course:a ;; ACL DELUSER course-ann ;; ACL DELUSER course-ann
        a gets:  ":1\r\n" ;; ":1\r\n" ;; ":0\r\n"
        b is closed
        """,
        "The gate has the user, the row of the command, and the keys that the row finds among the arguments. "
        "A client refers to its user, so that a change is seen at once.",
        after="""
        z sends: ACL DELUSER course-ann
        """,
    ),
    Stage(
        "RESET",
        "gates",
        r"""
        # RESET makes the connection as it was when it came: the dialect, the database, the name, the queue.
        a sends: HELLO 3 ;; SELECT 1 ;; CLIENT SETNAME ann ;; MULTI ;; SET course:a one
        a gets:  "%…" ;; "+OK\r\n" ;; "+OK\r\n" ;; "+OK\r\n" ;; "+QUEUED\r\n"
        b sends: SET course:a zero
        b gets:  "+OK\r\n"
        a sends: RESET
        a gets:  "+RESET\r\n"
        a sends: CLIENT GETNAME ;; GET course:a ;; EXEC ;; GET course:nosuch
        a gets:  "$-1\r\n" ;; "$4\r\nzero\r\n" ;; "-ERR EXEC without MULTI\r\n" ;; "$-1\r\n"
        # And it leaves all channels, without a word on each.
        a sends: SUBSCRIBE course:one ;; RESET ;; PING
        a gets:  "*3\r\n$9\r\nsubscribe\r\n$10\r\ncourse:one\r\n:1\r\n" ;; "+RESET\r\n" ;; "+PONG\r\n"
        b sends: PUBLISH course:one bye ;; DEL course:a
        b gets:  ":0\r\n" ;; ":1\r\n"
        """,
        "Keep all that a connection has been told in one place, so that RESET can make it anew; the id stays.",
    ),
    Stage(
        "CLIENT REPLY",
        "listeners",
        r"""
        # OFF: nothing is replied, not even to itself. ON replies again.
        a sends: CLIENT REPLY OFF ;; SET course:a one ;; NOSUCH ;; CLIENT REPLY ON ;; GET course:a
        a gets:  "+OK\r\n" ;; "$3\r\none\r\n"
        # SKIP: nothing for itself and for the next one.
        a sends: CLIENT REPLY SKIP ;; DEL course:a ;; EXISTS course:a
        a gets:  ":0\r\n"
        a sends: CLIENT REPLY OFF ;; PING
        a hears nothing
        # Others are not concerned.
        b sends: PING
        b gets:  "+PONG\r\n"
        """,
        "Commands run as ever; what they reply is dropped in the one place in which replies are written.",
    ),
    Stage(
        "COMMAND",
        "row",
        r"""
        a sends: COMMAND COUNT
        a gets:  ":…\r\n"
        # What a client may ask of a command: its name, its arity, flags, where its keys are.
        a sends: COMMAND INFO get
        a gets:  "*1\r\n*…\r\n$3\r\nget\r\n:2\r\n*…\r\n:1\r\n:1\r\n:1\r\n…"
        # A negative arity is a minimum.
        a sends: COMMAND INFO DEL nosuch
        a gets:  "*2\r\n*…\r\n$3\r\ndel\r\n:-2\r\n*…\r\n:1\r\n:-1\r\n:1\r\n…-1\r\n"
        # The keys of a request, as a proxy would ask for them.
        a sends: COMMAND GETKEYS SET course:a one ;; COMMAND GETKEYS DEL course:a course:b
        a gets:  "*1\r\n$8\r\ncourse:a\r\n" ;; "*2\r\n$8\r\ncourse:a\r\n$8\r\ncourse:b\r\n"
        a sends: COMMAND GETKEYS PING
        a gets:  "-ERR …\r\n"
        """,
        "If a command is a row (name, arity, flags, first key, last key, step, function), then COMMAND "
        "only prints the table.",
    ),
    Stage(
        "INFO",
        "listeners",
        r"""
        # One text of sections: a heading, lines of name:value, CR LF after each.
        a sends: INFO
        a gets:  "$…\r\n# Server\r\n…\r\n# Clients\r\n…\r\n"
        a sends: INFO server ;; INFO CLIENTS
        a gets:  "$…\r\n# Server\r\n…redis_version:…\r\n" ;; "$…\r\n# Clients\r\n…connected_clients:…\r\n"
        # The keys of each database that has some.
        a sends: SET course:a one ;; INFO keyspace ;; DEL course:a
        a gets:  "+OK\r\n" ;; "$…\r\n# Keyspace\r\n…db0:keys=…,expires=…\r\n" ;; ":1\r\n"
        # A section that is not there is an empty text.
        a sends: INFO nosuch
        a gets:  "$0\r\n\r\n"
        """,
        "Clients look into INFO for redis_version; tools for the rest. Sections are asked for in any case.",
    ),
    Stage(
        "tracking",
        "listeners",
        r"""
        # A client that keeps what it has read is told when that changes: by a push, so in RESP3.
        a sends: DEL course:a course:b ;; HELLO 3 ;; CLIENT TRACKING ON ;; GET course:a
        a gets:  ":…\r\n" ;; "%…" ;; "+OK\r\n" ;; "_\r\n"
        b sends: SET course:a one
        b gets:  "+OK\r\n"
        a gets:  ">2\r\n$10\r\ninvalidate\r\n*1\r\n$8\r\ncourse:a\r\n"
        # Once: until it has read the key again. And not of keys that it has not read.
        b sends: SET course:a two ;; SET course:b two
        b gets:  "+OK\r\n" ;; "+OK\r\n"
        a sends: GET course:a
        a gets:  "$3\r\ntwo\r\n"
        b sends: DEL course:a course:b
        b gets:  ":2\r\n"
        a gets:  ">2\r\n$10\r\ninvalidate\r\n*1\r\n$8\r\ncourse:a\r\n"
        # A key that expires has changed.
        b sends: SET course:a one PX 100
        b gets:  "+OK\r\n"
        a sends: GET course:a
        a gets:  "$3\r\none\r\n" or "_\r\n"
        all wait: 0.15
        b sends: GET course:a
        b gets:  "$-1\r\n"
        a gets:  ">2\r\n$10\r\ninvalidate\r\n*1\r\n$8\r\ncourse:a\r\n"
        # OFF ends it.
        a sends: GET course:a ;; CLIENT TRACKING OFF
        a gets:  "_\r\n" ;; "+OK\r\n"
        b sends: SET course:a one ;; DEL course:a
        b gets:  "+OK\r\n" ;; ":1\r\n"
        a sends: PING
        a gets:  "+PONG\r\n"
        """,
        "Remember for each key which clients have read it; the function through which every change goes tells them and "
        "forgets them.",
    ),
]
