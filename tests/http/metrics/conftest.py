"""The parts of the tests of flows, and one run of everything that is counted."""

from collections.abc import Callable

import pytest

from tests.http.metrics.busy import be_busy
from tests.kit.http.fixtures import make_stack, parts
from tests.kit.http.stack import Parts, Stack

__all__ = ["make_stack", "parts"]


@pytest.fixture(scope="module")
def busy(parts: Parts) -> Stack:
    """A broker that all that is counted has happened to, once; read its log, and leave it alone."""
    return be_busy(parts)


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """A broker with default settings."""
    return make_stack()
