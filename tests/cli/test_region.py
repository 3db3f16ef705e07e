"""The region that an operator exports under either of its two names is the one that is asked."""

from collections.abc import Iterator

import pytest

from cli.aws import terminal_session


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A terminal that says no region yet."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    terminal_session.cache_clear()
    yield monkeypatch
    terminal_session.cache_clear()


@pytest.mark.parametrize(
    "said",
    [
        {"AWS_REGION": "eu-west-1"},
        {"AWS_DEFAULT_REGION": "eu-west-1"},
        {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-2"},
    ],
)
def test_either_name_is_heard_and_the_one_of_the_aws_cli_first(fresh: pytest.MonkeyPatch, said: dict[str, str]) -> None:
    for name, region in said.items():
        fresh.setenv(name, region)
    assert terminal_session().get_config_variable("region") == "eu-west-1"
