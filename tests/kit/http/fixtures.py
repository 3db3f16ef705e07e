"""A broker per test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.http.documents import Site
from tests.kit.http.proxied import Api, Proxied, start_proxied
from tests.kit.http.stack import Parts, Stack, start_parts


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


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API of a provider, shared by all tests of a process."""
    found = Api(tmp_path_factory.mktemp("api"))
    yield found
    found.stop()


@pytest.fixture
def proxied(make_stack: Callable[..., Stack], api: Api, tmp_path: Path) -> Proxied:
    """A broker whose demo provider has an API under a name of its own."""
    return start_proxied(make_stack, api, tmp_path)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site of apps that describe themselves, shared by all tests of a process."""
    found = Site(tmp_path_factory.mktemp("site"))
    yield found
    found.stop()
