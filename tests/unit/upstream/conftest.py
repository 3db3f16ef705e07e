"""A provider of its own for each test module, reached through the real fetcher."""

import pytest

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.providers.catalog import load_catalog
from local.fake.profile.profile_server import RunningProfile
from local.fake.provider import start
from tests.unit.upstream.relying_party import CALLBACK, SECRET, relying


@pytest.fixture(scope="module")
def running():
    provider = start()
    provider.add_client("broker", SECRET, [CALLBACK])
    yield provider
    provider.stop()


@pytest.fixture
def provider(running):
    running.requests.clear()
    yield running
    running.faults.reset()


@pytest.fixture
def demo(provider):
    """Us at an OpenID provider."""
    target = LocalTarget(host="127.0.0.1", port=provider.port, address="127.0.0.1")
    return relying(provider, load_catalog("local/providers").get("demo"), target)


@pytest.fixture(scope="module")
def running_github():
    """GitHub's file, played at its own hosts; it answers errors with a status of 200."""
    player = RunningProfile(load_catalog().get("github"))
    player.faults.normal["errors_as_200"] = True
    player.faults.reset()
    player.add_client("broker", SECRET, [CALLBACK])
    yield player
    player.stop()


@pytest.fixture
def github(running_github):
    """Us at GitHub, as its file says it is."""
    running_github.requests.clear()
    yield relying(running_github, running_github.definition, *running_github.targets)
    running_github.faults.reset()
