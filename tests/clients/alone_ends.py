#!/usr/bin/env python3
"""alone.py holds: a suite's status is its own, and no process of a suite outlives it.

usage: alone_ends.py

Exits 0 when it does, else with a message.
"""

import os
import pathlib
import signal
import subprocess
import sys

from checks import CHECKS, check

ALONE = [sys.executable, str(pathlib.Path(__file__).with_name("alone.py"))]
# A job as RQ has it, in a session of its own; it is said which process that is.
JOB = "setsid sleep 600 & echo $!;"


def ended(seconds, script, signalled=False):
    """The status of a suite, of which nothing may be left."""
    command = [*ALONE, seconds, "sh", "-c", JOB + script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as suite:
        # None where a busy machine has not come to it.
        job = suite.stdout.readline().decode().strip()
        if signalled:
            os.kill(suite.pid, signal.SIGTERM)
        status = suite.wait()
    check("its processes have gone", not job or not os.path.exists(f"/proc/{job}"))
    return status


def main():
    check("one that passes", ended("60", ""), 0)
    check("one that fails", ended("60", "exit 3"), 3)
    check("one that crashes", ended("60", "kill -9 $$"), 128 + 9)
    check("one that hangs", ended("2", "sleep 600"), 124)
    check("one that is stopped", ended("60", "sleep 600", signalled=True), 128 + 15)
    print(f"the end of a suite: {len(CHECKS)} checks passed")


if __name__ == "__main__":
    main()
