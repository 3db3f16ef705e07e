"""The fixtures: `broker`, one process for all tests, whose providers behave again after each."""

from collections.abc import Iterator

import pytest

from token_broker_testing.running import RunningBroker, start


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("token_broker_settings", "settings of the broker, KEY=VALUE a line", type="linelist", default=[])
    parser.addini("token_broker_providers", "provider files to simulate too, one a line", type="linelist", default=[])


@pytest.fixture(scope="session")
def _running_token_broker(pytestconfig: pytest.Config) -> Iterator[RunningBroker]:
    settings, providers = (pytestconfig.getini(f"token_broker_{name}") for name in ("settings", "providers"))
    with start(settings, providers) as running:
        yield running


@pytest.fixture
def broker(_running_token_broker: RunningBroker) -> Iterator[RunningBroker]:
    """A broker with two providers, demo and calendar; alice and bob have an account at both."""
    yield _running_token_broker
    _running_token_broker.reset()
