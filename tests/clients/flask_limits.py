#!/usr/bin/env python3
"""Flask-Limiter on a running server: a web application whose routes may be called so many times in a
fixed window, in a moving one (a log of the calls) and in a sliding one (two counters).

usage: flask_limits.py HOST PORT

Exits 0 when the right calls were refused, else with a message. Database 10 is flushed.
"""

import os
import time

import flask
import flask_limiter
import limits
import redis
from importlib.metadata import version

from checks import CHECKS, check
from workers import server, until

STRATEGIES = ("fixed-window", "moving-window", "sliding-window-counter")


def application(strategy):
    """One whose limits are kept under the strategy's own name; its callers are told by a header."""
    app = flask.Flask(strategy)
    limiter = flask_limiter.Limiter(
        lambda: flask.request.headers.get("Caller", "ann"),
        app=app,
        storage_uri=os.environ["SERVER_URL"],
        strategy=strategy,
        key_prefix=strategy,
        headers_enabled=True,
        default_limits=["100 per hour"],
        # Without these a server that fails would let every call pass, or count them in this process.
        swallow_errors=False,
        in_memory_fallback_enabled=False,
    )

    @app.get("/dear")
    @limiter.limit("5 per hour")
    def dear():
        return "dear"

    @app.get("/short")
    @limiter.limit("2 per second")
    def short():
        return "short"

    @app.get("/heavy")
    @limiter.limit("10 per hour", cost=lambda: int(flask.request.args["cost"]))
    def heavy():
        return "heavy"

    @app.get("/both")
    @limiter.limit("3 per hour; 1 per day", override_defaults=True)
    def both():
        return "both"

    @app.get("/free")
    @limiter.exempt
    def free():
        return "free"

    return app, limiter


def calls(db, strategy):
    app, limiter = application(strategy)
    client = app.test_client()

    def get(path, caller="ann"):
        return client.get(path, headers={"Caller": caller})

    def codes(path, times, caller="ann"):
        return [get(path, caller).status_code for _ in range(times)]

    first = get("/dear")
    left = [first.headers[f"X-RateLimit-{what}"] for what in ("Limit", "Remaining")]
    check(f"{strategy}: the first", (first.status_code, first.text, left), (200, "dear", ["5", "4"]))
    check("five may, the sixth may not", codes("/dear", 6), [200] * 4 + [429] * 2)
    refused = get("/dear")
    check("how many are left", refused.headers["X-RateLimit-Remaining"], "0")
    check("when it may again", 0 < int(refused.headers["Retry-After"]) <= 3601)
    check("others may", codes("/dear", 1, "bob"), [200])
    check("at any cost", [get(f"/heavy?cost={cost}").status_code for cost in (4, 7, 6, 1)], [200, 429, 200, 429] if strategy != "fixed-window" else [200, 429, 429, 429])
    check("two limits", codes("/both", 2), [200, 429])
    check("none", codes("/free", 120), [200] * 120)
    check("for all routes", codes("/free", 1, "cid") + codes("/nowhere", 1, "cid"), [200, 404])
    keys = db.keys(f"*{strategy}*")
    check("its keys end", keys != [] and all(0 < db.ttl(key) <= 2 * 86_400 for key in keys))
    until("a short one", [200, 200, 429], lambda: codes("/short", 3))
    until("may again", [200], lambda: codes("/short", 1))
    limiter.reset()
    return app


def storage(db):
    """What the web application has not asked for."""
    kept = limits.storage.storage_from_string(os.environ["SERVER_URL"])
    moving = limits.strategies.MovingWindowRateLimiter(kept)
    many = limits.parse("12000 per hour")
    before = time.time()
    check("more than Lua unpacks at once", moving.hit(many, "all", cost=12_000), True)
    check("no more", moving.hit(many, "all"), False)
    (window,) = [moving.get_window_stats(many, "all")]
    check("its window", (window.remaining, before + 3590 < window.reset_time < before + 3700), (0, True))
    fixed = limits.strategies.FixedWindowRateLimiter(kept)
    for number in range(50):
        fixed.hit(limits.parse("1 per hour"), f"caller {number}")
    check("their keys", len(db.keys("LIMITS:*")), 51)
    check("all are forgotten", (kept.reset(), db.keys("LIMITS:*")), (51, []))


def main():
    db = server(10)
    for strategy in STRATEGIES:
        calls(db, strategy)
    db.flushdb()
    storage(db)
    db.flushdb()
    names = " ".join(f"{name} {version(name)}" for name in ("Flask-Limiter", "limits"))
    print(f"{names} with redis-py {redis.__version__}: {len(CHECKS)} checks passed")


if __name__ == "__main__":
    main()
