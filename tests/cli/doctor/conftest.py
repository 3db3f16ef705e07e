"""The broker of the flow tests, as a server to be examined."""

from collections.abc import Iterator

import pytest

from tests.cli.doctor.bad_server import BadServer
from tests.kit.http.fixtures import make_stack, parts, stack

__all__ = ["make_stack", "parts", "stack"]


@pytest.fixture(scope="module")
def bad() -> Iterator[BadServer]:
    """One server for all; each test switches its own faults on."""
    server = BadServer()
    yield server
    server.stop()
