"""An embedded AWS for the tests of the store."""

import os
from collections.abc import Iterator

import pytest

from local.stack.aws import start_aws
from tests.kit.store_scene import boto


@pytest.fixture(scope="session")
def endpoint_url() -> Iterator[str]:
    """Both tables and the key on loopback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))
        running = start_aws()
        yield running.endpoint_url
        running.stop()


@pytest.fixture(scope="session")
def transport(endpoint_url: str) -> object:
    """The real transport to it."""
    made = boto(endpoint_url)
    made.prepare()
    return made
