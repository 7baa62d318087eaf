"""redis/lettuce#1512: a reply comes in two reads, the second begins with '>' inside a value, and is taken for a push.

The client here is no Lettuce but a decoder of a few lines. With RULE=lettuce-6.0.0 it asks at the start of each read
whether a push has come, as the report says of that version; with RULE=resume it asks only between replies.
"""

import os
import re
import socket

from common import PORT, stage

ITEM = re.compile(rb"\$(\d+)\r\n")


class Client:
    def __init__(self, asks_in_each_read):
        self.socket = socket.create_connection(("127.0.0.1", PORT))
        self.asks_in_each_read = asks_in_each_read
        self.taken_for_push = b""

    def call(self, *words):
        parts = [b"*%d\r\n" % len(words), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)]
        self.socket.sendall(b"".join(parts))

    def read_list(self):
        """A reply that is an array of bulk strings, or what was missing when no more came."""
        reply = b""
        while True:
            head = re.match(rb"\*(\d+)\r\n", reply)
            at, values = (head.end(), []) if head else (0, [])
            while head and (item := ITEM.match(reply, at)) and len(reply) >= item.end() + int(item[1]) + 2:
                values.append(reply[item.end():item.end() + int(item[1])])
                at = item.end() + int(item[1]) + 2
            if head and len(values) == int(head[1]):
                return values
            self.socket.settimeout(1)
            try:
                read = self.socket.recv(65536)
            except TimeoutError:
                return f"{len(values)} of {head[1].decode()} values"
            if self.asks_in_each_read and read.startswith(b">"):
                self.taken_for_push += read
            else:
                reply += read


client = Client(os.environ["RULE"] == "lettuce-6.0.0")
client.call(b"RPUSH", b"list", b"one", b">two", b"three")
client.socket.recv(64)

stage("FAULT ADD cut ON LRANGE DO RUN THEN SPLIT BEFORE > PAUSE 20")
client.call(b"LRANGE", b"list", b"0", b"-1")
values = client.read_list()
print(values if isinstance(values, str) else b" ".join(values).decode())
