"""Checks, counted, for the scripts that drive a server through a client library."""

import pathlib
import sys

CHECKS = []


def check(what, got, want=True):
    """Counts a check; a wrong one ends the run with what came and what should have."""
    if got != want:
        sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: {what}: got {got!r}, wanted {want!r}")
    CHECKS.append(what)
