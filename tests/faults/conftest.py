"""A broker per test, whose provider keeps one of the profiles."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.connection_scene import PROFILES, Scene, write_profile
from tests.kit.http.stack import Parts, Stack, start_parts


@pytest.fixture(scope="session")
def parts() -> Parts:
    """Embedded AWS, gateway and demo provider."""
    return start_parts()


@pytest.fixture
def make_scene(parts: Parts, tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    """A signed-in app at a provider of some profile, behind a line on which faults can be laid."""

    def make(profile: str = "ask", **options: object) -> Scene:
        folder = tmp_path / profile
        folder.mkdir(exist_ok=True)
        write_profile(folder, PROFILES[profile])
        return Scene(lambda **more: Stack(parts, provider_dirs=(str(folder),), **more), PROFILES[profile], **options)

    yield make
    parts.current = None
    parts.provider.faults.reset()
    parts.provider.grants.clock = __import__("time").time


@pytest.fixture
def scene(make_scene: Callable[..., Scene]) -> Scene:
    """At the demo provider's own profile: it rotates, and reuse ends everything."""
    return make_scene()
