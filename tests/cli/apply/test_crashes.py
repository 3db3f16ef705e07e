"""broker apply can be killed between any two writes, and two at once do not mix what they write."""

import hmac
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.aws.transport import Transport
from chalicelib.protocol.client_authentication import secret_hash
from cli.command_audit import run_on_record
from cli.deployment.operations import Deployment, OperationError, list_clients
from cli.main import build_parser
from tests.kit import ROOT
from tests.kit.cli.applied_file import HEAD, SECRET, WEB
from tests.kit.cli.operator import Done, Operator, deployed
from tests.kit.faults import READS, Before, ProcessDied
from tests.kit.requirement import requirement

Apply = Callable[..., Done]
API = '[resources."https://api.example"]\n'
BEFORE = f'{HEAD}{API}{WEB}[clients.old]\nname = "Old"\ndevice = true\n'
AFTER = (
    f'{HEAD.replace("us", "them")}{API}scope = "orders:read"\n[resources."https://new.example"]\n'
    f'{WEB}scope = "openid orders:read"\n[clients.server]\nname = "Server"\nauth_method = "client_secret_post"\n'
    'redirect_uri = ["https://server.example/cb"]\nmay_be_acted_by = ["tools"]\n'
    '[clients.tools]\nname = "Tools"\nauth_method = "client_secret_basic"\nacts = true\nresource = ["https://api.example"]\n'
)


class DiesAfter:
    """A table whose caller dies after this many writes have taken effect."""

    def __init__(self, inner: Transport, writes: int) -> None:
        self._inner, self.left = inner, writes

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        if operation in READS:
            return self._inner.call(operation, payload)
        if self.left == 0:
            raise ProcessDied
        self.left -= 1
        return self._inner.call(operation, payload)


def with_table(broker: Operator, wrap: Callable[[Transport], Transport]) -> Deployment:
    here = deployed(broker)
    return Deployment(here.settings, dynamodb=wrap(here.dynamodb), kms=here.kms)


def run(deployment: Deployment, file: Path, *words: str) -> Any:
    return run_on_record(deployment, build_parser().parse_args(["apply", str(file), *words]))


def dump(broker: Operator) -> list[Any]:
    """What the deployment has, without times."""
    rows = [row for kind in ("client", "provider", "resource") for row in broker.made(kind, "list")]
    return [
        {name: value for name, value in row.items() if name not in ("created_at", "revision", "secrets")}
        for row in rows
    ]


@requirement("APPLY-08")
def test_a_process_that_dies_after_any_write_is_finished_by_the_next(
    broker: Operator, apply: Apply, empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any
) -> None:
    monkeypatch.setenv("GITHUB_SECRET", SECRET)
    file, secrets = tmp_path / "after.toml", tmp_path / "secrets"
    file.write_text(AFTER)
    ends: list[Any] = []
    for writes in range(100):
        assert apply(BEFORE).code == 0
        old = next(row["client_id"] for row in broker.made("client", "list") if row["client_name"] == "Old")
        words = ("--secrets-to", str(secrets), "--delete", f"client:{old}")
        table = DiesAfter(deployed(broker).dynamodb, writes)
        try:
            run(with_table(broker, lambda _, table=table: table), file, *words)
            died = False
        except ProcessDied:
            died = True
        gone = old not in [row["client_id"] for row in broker.made("client", "list")]
        assert apply(AFTER, *(words[:2] if gone else words)).code == 0, writes
        assert apply(AFTER, "--plan").code == 0, writes
        ends.append(dump(broker))
        check_secrets(broker, secrets)
        if not died:
            break
        for kind, name in (("client", row["client_id"]) for row in broker.made("client", "list")):
            broker.made(kind, "delete", name)
    assert len(ends) > 20 and all(end == ends[0] for end in ends)


def check_secrets(broker: Operator, file: Path) -> None:
    """The last line of each client is its secret: no client has one that nobody knows."""
    here = deployed(broker)
    pepper = here.keys.get("pepper").current
    known = {row["client_id"]: row["client_secret"] for row in map(json.loads, file.read_text().splitlines())}
    confidential = [client for client in list_clients(here) if client.has_secret]
    assert len(confidential) >= 2
    for client in confidential:
        assert hmac.compare_digest(client.secrets[-1].hash, secret_hash(known[client.client_id], pepper.secret))


@requirement("APPLY-08")
def test_a_real_process_that_is_killed_leaves_what_the_next_one_finishes(
    broker: Operator, apply: Apply, empty: None, tmp_path: Path
) -> None:
    file, secrets = tmp_path / "many.toml", tmp_path / "secrets"
    text = "".join(
        f'[clients.c{number}]\nname = "C{number}"\nauth_method = "client_secret_basic"\nfor_itself = true\n'
        for number in range(15)
    )
    file.write_text(text)
    command = [sys.executable, "dev.py", "broker", "apply", str(file), "--secrets-to", str(secrets)]
    with subprocess.Popen(command, cwd=ROOT, env=broker.environ, stdout=subprocess.DEVNULL) as process:
        while len(list_clients(deployed(broker))) < 3:
            assert process.poll() is None
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    left = {client.client_id: client.created_at for client in list_clients(deployed(broker))}
    assert 3 <= len(left) < 15
    assert apply(text, "--secrets-to", str(secrets)).code == 0
    clients = {client.client_id: client.created_at for client in list_clients(deployed(broker))}
    assert len(clients) == 15 and left.items() <= clients.items(), "what was there stays, and nothing is there twice"
    check_secrets(broker, secrets)
    assert apply(text, "--plan").code == 0


@requirement("APPLY-09")
@pytest.mark.parametrize(
    ("mine", "theirs", "kind", "operation", "said"),
    [
        (WEB + 'handout = "proxy"\n', WEB + 'purpose = "Files it"\n', "CLIENT", "UpdateItem", "changed by another"),
        (WEB + 'handout = "proxy"\n', WEB + 'handout = "token"\n', "CLIENT", "UpdateItem", "changed by another"),
        (HEAD.replace("us", "me"), HEAD.replace("us", "them"), "PROVIDER", "UpdateItem", "changed by another"),
        (API + 'scope = "a"\n', API + 'scope = "b"\n', "RESOURCE", "UpdateItem", "changed by another"),
        (WEB.replace("web", "new"), WEB.replace("web", "new"), "CLIENT", "PutItem", "already exists"),
        (API.replace("api", "new"), API.replace("api", "new"), "RESOURCE", "PutItem", "already exists"),
    ],
)
def test_the_second_of_two_at_once_is_refused_and_what_the_first_wrote_stays(
    broker: Operator, apply: Apply, empty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    mine: str, theirs: str, kind: str, operation: str, said: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("GITHUB_SECRET", SECRET)
    start = HEAD + API + WEB
    broker("kill", "provider", "github", "--undo")
    assert apply(start).code == 0
    file = tmp_path / "mine.toml"
    file.write_text(mine)
    plan = json.loads(apply(mine, "--plan", "--json").out)
    pk = f"{kind}#{plan[0]['id']}"
    written: list[Any] = []

    def others_apply() -> None:
        assert apply(theirs).code == 0
        written.append(dump(broker))

    with pytest.raises(OperationError, match=said) as refused:
        run(with_table(broker, lambda table: Before(table, operation, pk, others_apply)), file)
    assert refused.value.hint == f"broker apply {file} --plan" and "0 of 1 changes" in str(refused.value)
    assert dump(broker) == written[0]
