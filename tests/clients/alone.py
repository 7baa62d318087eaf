#!/usr/bin/env python3
"""Runs a command in a session of its own, and leaves no process of it behind.

usage: alone.py SECONDS COMMAND [ARGUMENT...]

What the command starts is ended with it, sessions of their own included (each job of RQ runs in
one): orphans come to this process, which adopts them (PR_SET_CHILD_SUBREAPER, Linux). So a server
that a suite has left hears of no client of that suite any more. SIGTERM ends all of it.
Exit status: that of the command, 124 when it took longer than SECONDS, 128 + N after signal N.
"""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """From now on a descendant that loses its parent becomes a child of this process."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def children():
    """The process ids of the children of this process."""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            # PID (NAME) STATE PARENT ...: the name may hold anything.
            if int(stat.read_text(errors="replace").rpartition(")")[2].split()[1]) == os.getpid():
                yield int(stat.parent.name)


def end_children():
    """Kills the children, and theirs, who come here as orphans, until none is left."""
    with contextlib.suppress(ChildProcessError):
        while True:
            for child in children():
                os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    adopt_orphans()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True)
        status = child.wait(float(sys.argv[1]))
    except subprocess.TimeoutExpired:
        print(f"alone.py: not done after {sys.argv[1]} s: {' '.join(sys.argv[2:])}", file=sys.stderr)
        status = 124
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        end_children()
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
