"""redis/redis-py#1720: the reply to a health check is taken for a message once the last channel is left."""

import time

import redis
from common import PORT, stage

subscriber = redis.Redis(port=PORT, health_check_interval=0.01).pubsub()
subscriber.subscribe("news")
subscriber.get_message(timeout=5)

stage("FAULT ADD slow ON UNSUBSCRIBE DO RUN THEN DELAY 50")
subscriber.unsubscribe("news")
time.sleep(0.02)
subscriber.check_health()

left = subscriber.get_message(timeout=5)
assert left["type"] == "unsubscribe", left
message = subscriber.get_message(timeout=0.5)
print("there is no message" if message is None else f"there is a message of the type {message['type']!r}")
