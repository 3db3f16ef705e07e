"""A broker per test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.flow.stack import Parts, Stack, start_parts


@pytest.fixture(scope="session")
def parts() -> Parts:
    """Embedded AWS, gateway and demo provider."""
    return start_parts()


@pytest.fixture
def make_stack(parts: Parts) -> Iterator[Callable[..., Stack]]:
    """A broker with settings or transports of the test's own; the last one made answers."""

    def make(**options: Any) -> Stack:
        return Stack(parts, **options)

    yield make
    parts.current = None
    parts.provider.faults.reset()


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """A broker with default settings."""
    return make_stack()
