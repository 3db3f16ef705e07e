"""The `broker` command as its operator types it, and what it printed."""

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest import mock

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.config import read_settings
from cli.deployment.operations import Deployment
from cli.main import main
from tests.kit import ROOT
from tests.kit.faults import Fault, FaultyTransport


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


SETTINGS: dict[str, str] = {}


def deployed(broker: Operator, *struck: Fault) -> Deployment:
    """The deployment of the command, perhaps with faults before its table."""
    settings = read_settings({name: value for name, value in broker.environ.items() if name.startswith("BROKER_")})
    table, kms = (SignedTransport(name, endpoint_url=settings.endpoint_url) for name in ("dynamodb", "kms"))
    return Deployment(settings, dynamodb=FaultyTransport(table, *struck), kms=kms)
