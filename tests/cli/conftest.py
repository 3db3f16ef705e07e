"""One deployment on embedded AWS for the module, and the command as its operator types it."""

import io
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest

from chalicelib.adapters.http.guarded_fetcher import LocalTarget
from chalicelib.composition import build_broker
from chalicelib.config import read_settings
from chalicelib.routes import create_app
from cli.main import main
from local.environment import use_local_credentials
from local.fake.provider import RunningProvider
from local.fake.provider import start as start_provider
from local.stack.aws import start_aws
from local.stack.gateway import Gateway
from local.stack.resources import create_tables
from local.trial.workshop import Clock
from tests.kit import ROOT


@dataclass(frozen=True)
class Done:
    """What the command left behind; `err` without the line that says which stack it talked to, `stack`."""

    code: int
    out: str
    err: str
    stack: str = ""

    @classmethod
    def split(cls, code: int, out: str, err: str) -> "Done":
        """With the first line of `err` apart where it is that one."""
        first, _, rest = err.partition("\n")
        return cls(code, out, rest, first) if first.startswith("stack: ") else cls(code, out, err)

    @property
    def json(self) -> Any:
        """Its one document."""
        return json.loads(self.out)

    def refused(self, *words: str) -> "Done":
        """It could not be done: 1, and what to type next, without a trace."""
        assert self.code == 1, (self.out, self.err)
        said = self.err or self.out
        assert re.search(r"\n  next: .{5}|\"hint\": \".{5}", said), said
        assert "Traceback" not in said
        for word in words:
            assert word in said, said
        return self


class Operator:
    """Types `broker ...` with the deployment's settings in the environment, nothing else of the broker's in it."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def __call__(self, *words: str, typed: str = "", **environ: str | None) -> Done:
        """One command in this process, where starting costs nothing; a variable that is None is not set."""
        changed = {name: value for name, value in {**self.environ, **environ}.items() if value is not None}
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, changed, clear=True),
            mock.patch.object(sys, "stdin", io.StringIO(typed)),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                code = main(list(words))
            except SystemExit as ended:
                code = int(ended.code or 0)
        return Done.split(code, out.getvalue(), err.getvalue())

    def start(self, *words: str) -> Done:
        """One command as it is typed: a process of its own."""
        ended = subprocess.run(
            [sys.executable, "dev.py", "broker", *words], cwd=ROOT, env=self.environ, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        return Done.split(ended.returncode, ended.stdout, ended.stderr)

    def made(self, *words: str, typed: str = "", **environ: str | None) -> Any:
        """The document of a command that must succeed."""
        done = self(*words, "--json", typed=typed, **environ)
        assert (done.code, done.err) == (0, ""), (words, done.out, done.err)
        return done.json


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


SETTINGS: dict[str, str] = {}
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
