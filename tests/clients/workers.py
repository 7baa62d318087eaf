"""What the suites for queue libraries share: the server that they are told of, a worker process, and
waiting for what it does.

A suite has a database of its own, and its worker is a process of its own, which finds the tasks
through PYTHONPATH and the server through the environment variable SERVER_URL.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import redis

from alone import adopt_orphans, end_children
from checks import check

# How long anything may take, in seconds: long, for a busy machine. It is never waited out.
PATIENCE = 60


def server(database):
    """A connection to that database of the server on the command line (HOST PORT), which is emptied.

    A server that runs no scripts ends the suite here, with its own words.
    """
    if len(sys.argv) != 3:
        sys.exit(sys.modules["__main__"].__doc__)
    host, port = sys.argv[1:]
    url = f"redis://{f'[{host}]' if ':' in host else host}:{port}/{database}"
    os.environ["SERVER_URL"] = url
    here = os.path.dirname(os.path.abspath(__file__))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), here]))
    db = redis.Redis.from_url(url, decode_responses=True)
    try:
        check("a script", db.eval("return redis.call('PING')", 0) in (True, "PONG"))
    except redis.ResponseError as error:
        sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: the server runs no scripts: {error}")
    db.flushdb()
    return db


def has_streams(db):
    """Whether the server has streams: some libraries keep results and events in them."""
    return "xadd" in db.command_list()


@contextlib.contextmanager
def worker(*words):
    """A process of `python -m WORDS` while the block runs; the last of what it printed is told when that fails.

    The block stops it in the library's own way and waits for it; whatever is left of it is killed.
    """
    adopt_orphans()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, "-m", *words], stdout=log, stderr=log, start_new_session=True)
        try:
            yield process
        except BaseException:
            log.seek(0)
            sys.stderr.buffer.writelines(log.readlines()[-60:])
            raise
        finally:
            end_children()


def stop(process):
    """Tells a worker to stop by SIGTERM; the status it ends with."""
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE)


def until(what, want, probe):
    """Counts a check that becomes right while it is waited for: probe() gives what is there."""
    patience = time.monotonic() + PATIENCE
    while (got := probe()) != want and time.monotonic() < patience:
        time.sleep(0.02)
    check(what, got, want)
