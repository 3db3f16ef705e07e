"""A stack that answers on loopback: what the doctor sees of it through AWS and over the network."""

import json
import os
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.records.item_keys import SWEEP
from chalicelib.records.sweep import Sweep
from chalicelib.routes.schedule import run_once
from cli.deployment.operations import Deployment, init_keysets, set_provider
from cli.doctor.deployment import NETWORK_GROUPS
from cli.main import main
from local.stack.resources import create_tables
from tests.cli.doctor.world import DAY, SECRET
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement


@pytest.fixture
def local(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A broker that answers on loopback, and its operator's environment."""
    settings = stack.settings
    for name in [name for name in os.environ if name.startswith("BROKER_")]:
        monkeypatch.delenv(name)
    for name in ("issuer", "table", "keys_table", "endpoint_url"):
        monkeypatch.setenv(f"BROKER_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("BROKER_PROVIDER_DIRS", "local/providers")
    run_once(stack.broker)
    return stack


def doctor(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = main(["doctor", "--json", *words])
    return code, json.loads(capsys.readouterr().out)


@requirement("DIAG-03")
def test_a_local_stack_has_nothing_to_be_found(local: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = doctor(capsys)
    assert (code, document["findings"], document["score"]) == (0, [], 100)
    network = {check.name for group in NETWORK_GROUPS for check in group.checks}
    assert network <= set(document["passed"])
    assert set(document["skipped"].values()) == {"this is a local stack"}
    assert not network & set(doctor(capsys, "--no-network")[1]["passed"])


@requirement("DIAG-03")
@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"BROKER_ISSUER": "http://127.0.0.1:9"}, {"issuer-answers", "issuer-callbacks"}),
        ({"BROKER_CLIENT_ID_DOCUMENTS": "true"}, {"issuer-metadata"}),
        ({"BROKER_TABLE": "another"}, {"issuer-keys"}),
        ({"BROKER_TABLE": "nowhere"}, {"tables-exist"}),
        ({"BROKER_THEME": "/nowhere.toml"}, {"settings-theme"}),
        ({"BROKER_PROVIDER_DIRS": "/nowhere"}, {"providers-files"}),
    ],
)
def test_an_issuer_that_is_another_is_found(
    local: Stack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environ: dict[str, str],
    expected: set[str],
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    if environ.get("BROKER_TABLE") == "another":
        create_tables(str(local.settings.endpoint_url), "another")
        other = Deployment(replace(local.settings, table="another"))
        init_keysets(other)
        other.put(SWEEP, Sweep(due_at=other.clock.now() + DAY))
        issuer = local.provider.url
        set_provider(other, "demo", client_id="ours", client_secret=SECRET, issuer=issuer)
    code, document = doctor(capsys)
    assert {finding["check"] for finding in document["findings"]} == expected
    assert code == (0 if expected == {"issuer-metadata"} else 1)
    assert SECRET not in json.dumps(document)
