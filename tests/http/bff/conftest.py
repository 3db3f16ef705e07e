"""A broker, an API of the team's own, and an app whose pages use it with a cookie."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.http.bff.scene import App, start_app
from tests.kit.http.fixtures import api, make_stack, parts, proxied, stack
from tests.kit.http.proxied import Api
from tests.kit.http.stack import Stack

__all__ = ["api", "make_stack", "parts", "proxied", "stack"]


@pytest.fixture
def app(make_stack: Callable[..., Stack], api: Api, tmp_path: Path) -> App:
    """Nobody has signed in to it yet."""
    return start_app(make_stack, api, tmp_path)
