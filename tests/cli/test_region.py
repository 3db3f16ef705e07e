"""What a terminal says of AWS: the region under either of its two names; what it lacks is said with what to type."""

import os
from collections.abc import Iterator

import pytest

from cli.deployment.aws import terminal_session
from cli.main import main


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


KEY = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}
REGION = {"AWS_REGION": "eu-west-1"}


@pytest.mark.parametrize(
    ("has", "said", "next_"),
    [
        (REGION, "this terminal has no AWS credentials", "aws sso login"),
        (KEY, "no AWS region is set", "export AWS_REGION="),
        (
            {**REGION, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE"},
            "AWS credentials of this terminal are incomplete",
            "AWS_SECRET_ACCESS",
        ),
        ({**REGION, "AWS_PROFILE": "nowhere"}, "names a profile that does not exist", "aws configure list-profiles"),
    ],
)
@pytest.mark.parametrize("words", [("client", "list"), ("jobs", "run"), ("tail", "--once")])
def test_what_a_terminal_lacks_is_said_before_aws_is_asked(
    fresh: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    has: dict[str, str],
    said: str,
    next_: str,
    words: tuple[str, ...],
) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "BROKER_"))]:
        fresh.delenv(name)
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/no"}
    for name, value in {**nothing, **has, "BROKER_ISSUER": "https://login.example"}.items():
        fresh.setenv(name, value)
    assert main(list(words)) == 1
    told = capsys.readouterr().err
    assert said in told and next_ in told.partition("next: ")[2]
