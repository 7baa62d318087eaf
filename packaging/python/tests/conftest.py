"""The server of the fixtures is one that a test may drive."""

import pytest


@pytest.fixture(scope="session")
def respd_directives():
    return {"stage": True}
