"""One deployment on embedded AWS for the module, and the command as its operator types it."""

import io
import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.composition import build_broker
from chalicelib.config import read_settings
from chalicelib.routes import create_app
from cli.deployment.local_environment import use_local_credentials
from cli.main import main
from local.fake.provider import RunningProvider
from local.fake.provider import start as start_provider
from local.stack.aws import start_aws
from local.stack.gateway import Gateway
from local.stack.resources import create_tables
from local.trial.workshop import Clock
from tests.kit import ROOT
from tests.kit.cli.operator import SETTINGS, Done, Operator


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    """The demo provider."""
    running = start_provider(0, "127.0.0.2")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def clock() -> Clock:
    """The broker's, not the command's."""
    return Clock()


@pytest.fixture(scope="module")
def gateway(provider: RunningProvider, clock: Clock) -> Iterator[Gateway]:
    """A broker process over what the operator made; built at its first request."""
    built: list[Any] = []
    targets = (LocalTarget(host="127.0.0.2", port=provider.port, address="127.0.0.2"),)

    def source() -> Any:
        if not built:
            settings, log = read_settings(SETTINGS), io.StringIO()
            built.append(build_broker(settings, local_targets=targets, log_stream=log, clock=clock))
        return built[0]

    running = Gateway(create_app(source)).start()
    yield running
    running.stop()


_numbers = itertools.count()


@pytest.fixture(scope="module")
def broker(gateway: Gateway, provider: RunningProvider) -> Iterator[Operator]:
    """Tables are there, keys are not yet."""
    aws = start_aws()
    use_local_credentials()
    number = next(_numbers)  # moto's tables belong to the process, not to its server
    create_tables(aws.endpoint_url, f"broker-cli-{number}", f"broker-cli-keys-{number}")
    SETTINGS.update(
        BROKER_TABLE=f"broker-cli-{number}",
        BROKER_KEYS_TABLE=f"broker-cli-keys-{number}",
        BROKER_ISSUER=gateway.url,
        BROKER_ENDPOINT_URL=aws.endpoint_url,
        BROKER_PROVIDER_DIRS=str(ROOT / "local" / "providers"),
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BROKER_")}
    use_local_credentials(environ)
    yield Operator({**environ, **SETTINGS})
    aws.stop()


@pytest.fixture
def typed(broker: Operator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The command with what the test has set in the environment."""
    for name in [name for name in os.environ if name.startswith("BROKER_")]:
        monkeypatch.delenv(name)
    for name, value in broker.environ.items():
        if name.startswith(("BROKER_", "AWS_")):
            monkeypatch.setenv(name, value)

    def run(*words: str) -> Done:
        capsys.readouterr()
        try:
            code = main(list(words))
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Done.split(code, *capsys.readouterr())

    return run
