"""A broker with two providers of one kind, and somebody who is signed in at the first."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.http.connect_links import start_linkable, write_second
from tests.kit.http.stack import Parts, Stack, start_parts
from tests.kit.http.tokens import Session


@pytest.fixture(scope="session")
def parts() -> Parts:
    """Embedded AWS, gateway and demo provider."""
    return start_parts()


@pytest.fixture
def make_stack(parts: Parts, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """A broker with settings of the test's own."""
    write_second(tmp_path)

    def make(**options: object) -> Stack:
        return Stack(parts, provider_dirs=("local/providers", str(tmp_path)), **options)

    yield make
    parts.current = None
    parts.provider.faults.reset()


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """A broker with default settings."""
    return make_stack()


@pytest.fixture
def session(stack: Stack) -> Session:
    """Alice, signed in at the demo provider; the second one is switched on."""
    return start_linkable(stack)
