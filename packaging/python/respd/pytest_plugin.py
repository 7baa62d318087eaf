"""Fixtures for pytest, which finds them by itself.

`respd_server` is a server for all tests of a run, `respd` the same one, emptied before the test. A test file or
`conftest.py` that wants other directives says so:

    @pytest.fixture(scope="session")
    def respd_directives():
        return {"maxmemory": "10mb", "stage": True}

With `"stage": True` a test drives the server by `respd.stage`; what it has staged ends with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from respd._server import Server, start


@pytest.fixture(scope="session")
def respd_directives() -> dict[str, Any]:
    """The directives of `respd_server`, to be overridden."""
    return {}


@pytest.fixture(scope="session")
def respd_server(respd_directives: dict[str, Any]) -> Iterator[Server]:
    """A respd server for all tests of the run."""
    with start(**respd_directives) as server:
        yield server


@pytest.fixture
def respd(respd_server: Server) -> Iterator[Server]:
    """A respd server without any key, and with nothing staged."""
    respd_server.flush()
    yield respd_server
    if respd_server._staged:
        respd_server.stage.reset()
