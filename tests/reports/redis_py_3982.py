"""redis/redis-py#3982: get_message(timeout=...) waits for ever when only the beginning of a message has come."""

import os
import sys
import threading

import redis
from common import PORT, stage

subscriber = redis.Redis(port=PORT, client_name="subscriber").pubsub()
subscriber.subscribe("news")
subscriber.get_message(timeout=5)

stage(r"SEND NAME subscriber '*3\r\n$7\r\nmess'")

message = []
waiting = threading.Thread(target=lambda: message.append(subscriber.get_message(timeout=0.1)), daemon=True)
waiting.start()
waiting.join(2)
print("it returns in time" if message else "it waits for ever")
# The thread may wait yet.
sys.stdout.flush()
os._exit(0)
