#!/usr/bin/env python3
"""A small application on a running server, in the ways that people use one: a cache, a queue, a
leaderboard, rate limiters, sessions, places, a stock that several sell from, news.

usage: application.py HOST PORT PROTOCOL

PROTOCOL is 2 or 3. Exits 0 when every part did its work, else with a message. Keys of database 0
are flushed. Nothing in it knows which server it talks to.
"""

import json
import sys
import threading
import time

import redis

from checks import CHECKS, check


def cache(db):
    """Pages that are dear to make, kept for a minute; a read keeps them for another."""
    made = []

    def page(path):
        if (found := db.getex(f"page:{path}", ex=60)) is None:
            found = f"<h1>{path}</h1>"
            made.append(path)
            db.set(f"page:{path}", found, ex=60)
        return found

    check("the same page", [page(p) for p in ("/", "/about", "/", "/about")], ["<h1>/</h1>", "<h1>/about</h1>"] * 2)
    check("is made once", made, ["/", "/about"])
    check("and kept for a while", 0 < db.ttl("page:/") <= 60)
    db.set("page:/old", "x", px=5)
    while db.exists("page:/old"):
        time.sleep(0.001)
    check("a page that is too old", (db.get("page:/old"), db.ttl("page:/old"), page("/old")), (None, -2, "<h1>/old</h1>"))
    check("only one makes it", [db.set("making:/new", who, nx=True, px=600_000) for who in "ab"], [True, None])
    check("several at once", db.mget("page:/", "page:/none", "page:/about"), ["<h1>/</h1>", None, "<h1>/about</h1>"])
    check("all pages", sorted(db.scan_iter("page:*", count=2, _type="string")), ["page:/", "page:/about", "page:/old"])
    check("a part is thrown away", db.unlink(*db.scan_iter("page:*")), 3)


def queue(db, connect):
    """Orders, taken by three workers as they come, with what each is busy with on a list of its own."""
    def work(name):
        mine = connect()
        while (order := mine.blmove("orders", f"busy:{name}", 120, "LEFT", "RIGHT")) != "close":
            with mine.pipeline() as together:
                together.hset("order:" + json.loads(order)["id"], "state", "shipped")
                together.lrem(f"busy:{name}", 1, order).rpush("shipped", order)
                together.execute()

    workers = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for worker in workers:
        worker.start()
    for number in range(100):
        db.hset(f"order:{number}", mapping={"state": "new", "pieces": number})
        db.rpush("orders", json.dumps({"id": str(number)}))
    shipped = [json.loads(db.blpop(["shipped"], 120)[1])["id"] for _ in range(100)]
    db.rpush("orders", *["close"] * 3)
    for worker in workers:
        worker.join(120)
    check("every order is shipped once", sorted(shipped, key=int), [str(n) for n in range(100)])
    check("as it says", {db.hget(f"order:{n}", "state") for n in range(100)}, {"shipped"})
    check("and the queue is empty", db.llen("orders"), 0)


def leaderboard(db):
    def top(first, last):
        # A tuple or a list, as the protocol would have it.
        return [tuple(row) for row in db.zrevrange("board", first, last, withscores=True)]

    db.zadd("board", {"ann": 310, "bob": 250, "cid": 310.5, "dot": 90})
    check("the best", top(0, 2), [("cid", 310.5), ("ann", 310.0), ("bob", 250.0)])
    check("a good game", db.zincrby("board", 225.25, "dot"), 315.25)
    check("who is where", (db.zrevrank("board", "dot"), db.zrank("board", "bob"), db.zscore("board", "ann")), (0, 0, 310.0))
    check("only if it is better", db.zadd("board", {"ann": 300, "bob": 320}, gt=True, ch=True), 1)
    check("around one of them", top(0, -1), [("bob", 320.0), ("dot", 315.25), ("cid", 310.5), ("ann", 310.0)])
    check("within a range", db.zrange("board", 311, "+inf", byscore=True), ["dot", "bob"])
    db.zadd("board:friday", {"ann": 1, "eve": 1000})
    check("the week", db.zunionstore("board:week", {"board": 1, "board:friday": 2}), 5)
    check("its best", [tuple(row) for row in db.zrevrange("board:week", 0, 0, withscores=True)], [("eve", 2000.0)])
    check("the last is out", db.zremrangebyrank("board", 0, 0) and db.zrange("board", 0, -1), ["cid", "dot", "bob"])


def rate_limiters(db):
    """At most five calls: in a fixed minute by a counter, in any minute by a log of them."""
    def fixed(user):
        with db.pipeline() as both:
            calls, _ = both.incr(f"calls:{user}").expire(f"calls:{user}", 60, nx=True).execute()
        return calls <= 5

    check("five may, the sixth may not", [fixed("ann") for _ in range(7)], [True] * 5 + [False] * 2)
    check("it ends", 0 < db.ttl("calls:ann") <= 60)
    check("others may", fixed("bob"))

    def sliding(user, now):
        key = f"log:{user}"
        with db.pipeline() as all_of_it:
            all_of_it.zremrangebyscore(key, 0, now - 60).zadd(key, {f"call at {now}": now})
            count = all_of_it.zcard(key).expire(key, 60).execute()[2]
        return count <= 5

    check("five within a minute", [sliding("ann", now) for now in (0.5, 10, 20, 30, 40, 50)], [True] * 5 + [False])
    check("a minute later", [sliding("ann", now) for now in (61, 111)], [False, True])


def sessions(db):
    """What is known of a visitor, some of it for a short time only."""
    check("a new one", db.hset("session:1", mapping={"user": "ann", "token": "s3cret", "hits": 0}), 3)
    db.expire("session:1", 1800)
    check("fields that end sooner", db.hexpire("session:1", 1000, "token", "nosuch"), [1, -2])
    check("how soon", [-2 < left <= 1000 for left in db.httl("session:1", "token", "user")], [True, True])
    check("a hit", [db.hincrby("session:1", "hits", 1) for _ in range(3)], [1, 2, 3])
    check("all of it", db.hgetall("session:1"), {"user": "ann", "token": "s3cret", "hits": "3"})
    db.hpexpire("session:1", 5, "token")
    while db.hexists("session:1", "token"):
        time.sleep(0.001)
    check("the rest", db.hgetall("session:1"), {"user": "ann", "hits": "3"})
    check("its own time goes on", 30 < db.ttl("session:1") <= 1800)
    check("visitors of a day", [db.pfadd("visitors", *people) for people in (["ann", "bob"], ["ann"])], [1, 0])
    check("how many", db.pfcount("visitors"), 2)
    check("days they came", [db.setbit("came:ann", day, 1) for day in (0, 1, 5)] + [db.bitcount("came:ann")], [0, 0, 0, 3])


def places(db):
    db.geoadd("cafes", (13.3777, 52.5163, "gate", 13.4094, 52.5208, "tower", 2.2945, 48.8584, "eiffel"))
    check("nearby", db.geosearch("cafes", longitude=13.38, latitude=52.52, radius=1, unit="km"), ["gate"])
    found = db.geosearch("cafes", member="gate", width=10, height=10, unit="km", sort="ASC", withdist=True)
    check("in a box, nearest first", [(name, round(distance, 1)) for name, distance in found], [("gate", 0.0), ("tower", 2.2)])
    check("how far", round(db.geodist("cafes", "gate", "eiffel", unit="km")), 879)
    check("where", [tuple(round(n, 3) for n in db.geopos("cafes", "tower")[0]), db.geohash("cafes", "tower")[0][:6]], [(13.409, 52.521), "u33dc1"])
    check("it is a sorted set", (db.type("cafes"), db.zrem("cafes", "eiffel"), db.zcard("cafes")), ("zset", 1, 2))


def stock(db, connect):
    """Sellers who look before they sell: WATCH lets none sell what another has sold."""
    db.set("stock", 50)

    def sell():
        mine, sold = connect(), 0
        def one(transaction):
            nonlocal sold
            left = int(transaction.get("stock"))
            transaction.multi()
            if left > 0:
                transaction.decr("stock")
            sold = left > 0
        while True:
            mine.transaction(one, "stock")
            if not sold:
                return
            mine.incr("sold")

    sellers = [threading.Thread(target=sell) for _ in range(4)]
    for seller in sellers:
        seller.start()
    for seller in sellers:
        seller.join(120)
    check("all is sold, and no more", db.mget("stock", "sold"), ["0", "50"])
    tags = {"ann": ["red", "blue"], "bob": ["blue", "green"]}
    for name, likes in tags.items():
        db.sadd(f"likes:{name}", *likes)
    check("what both like", db.sinter("likes:ann", "likes:bob"), {"blue"})
    db.lpush("names", "bob", "ann")
    db.mset({"age:ann": 30, "age:bob": 20})
    check("sorted by something else", db.sort("names", by="age:*", get=["#", "age:*"]), ["bob", "20", "ann", "30"])


def news(db, connect):
    """Readers of one channel, each of whom hears all of it in order."""
    readers = [connect().pubsub(ignore_subscribe_messages=False) for _ in range(3)]
    for reader in readers:
        reader.subscribe("news")
        check("is heard from", reader.get_message(timeout=120)["type"], "subscribe")
    check("how many listen", [db.publish("news", str(n)) for n in range(50)], [3] * 50)
    for reader in readers:
        heard = [reader.get_message(timeout=120)["data"] for _ in range(50)]
        check("all of it", heard, [str(n) for n in range(50)])
        reader.close()


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    host, port, protocol = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

    def connect():
        return redis.Redis(host=host, port=port, protocol=protocol, decode_responses=True)

    db = connect()
    db.flushall()
    cache(db)
    queue(db, connect)
    leaderboard(db)
    rate_limiters(db)
    sessions(db)
    places(db)
    stock(db, connect)
    news(db, connect)
    db.flushall()
    print(f"a small application, RESP{protocol}: {len(CHECKS)} checks passed")


if __name__ == "__main__":
    main()
