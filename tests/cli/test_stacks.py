"""Several stacks on one machine: a command says which one it talks to, and talks to the one that is named."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.deployment import running_stack
from cli.deployment.running_stack import RunningStack
from tests.kit.cli.operator import Operator
from tests.kit.requirement import requirement

NO_BROKER = {"BROKER_TABLE": None, "BROKER_KEYS_TABLE": None, "BROKER_ISSUER": None, "BROKER_ENDPOINT_URL": None,
             "BROKER_PROVIDER_DIRS": None}  # fmt: skip


@pytest.fixture
def stacks(broker: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[RunningStack]]:
    """Two demos and a served broker over the same tables, of which the one that started last comes first."""
    monkeypatch.setattr(running_stack, "FOLDER", tmp_path / "running")
    endpoint = broker.environ["BROKER_ENDPOINT_URL"]
    named = {name: broker.environ[name] for name in ("BROKER_TABLE", "BROKER_KEYS_TABLE")}
    kept: list[RunningStack] = []
    processes: list[subprocess.Popen[bytes]] = []
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        for at, (kind, server) in enumerate((("demo", one), ("serve", two))):
            processes.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
            issuer = f"http://127.0.0.1:{server.getsockname()[1]}"
            stack = RunningStack(
                kind=kind, endpoint_url=endpoint, issuer=issuer, settings=named, pid=processes[-1].pid,
                started_at=float(at),
            )  # fmt: skip
            kept.append(stack.__enter__())
        yield kept
    for process in processes:
        process.kill()
        process.wait()


def port(stack: RunningStack) -> str:
    return str(stack.issuer).rpartition(":")[2]


@requirement("RUN-08")
def test_a_command_says_which_stack_it_talks_to_and_how_to_name_another(
    broker: Operator, stacks: list[RunningStack]
) -> None:
    demo, served = stacks
    said = broker("client", "list", **NO_BROKER)
    assert (said.code, said.stack) == (0, f"stack: serve {served.issuer} (1 of 2; --stack demo)")
    for words in (["client", "list", "--stack", "demo"], ["--stack", port(demo), "client", "list"]):
        assert broker(*words, **NO_BROKER).stack == f"stack: demo {demo.issuer} (2 of 2; --stack serve)"
    assert broker("client", "list", "--json", **NO_BROKER).stack == ""
    assert broker("client", "list").stack == f"stack: {broker.environ['BROKER_ISSUER']} (BROKER_ISSUER)"


@requirement("RUN-08")
@pytest.mark.parametrize("name", ["kind", "port", "pid", "issuer"])
def test_a_stack_is_chosen_by_what_the_list_shows(broker: Operator, stacks: list[RunningStack], name: str) -> None:
    demo, _ = stacks
    named = {"kind": "demo", "port": port(demo), "pid": str(demo.pid), "issuer": str(demo.issuer)}[name]
    rows = broker.made("stacks", "--stack", named, **NO_BROKER)
    assert [(row["kind"], row["chosen"]) for row in rows] == [("serve", False), ("demo", True)]
    assert {row["issuer"] for row in rows} == {stack.issuer for stack in stacks}


@requirement("RUN-08")
def test_a_name_that_is_no_stack_or_several_is_refused(broker: Operator, stacks: list[RunningStack]) -> None:
    broker("client", "list", "--stack", "deom", **NO_BROKER).refused("--stack demo")
    broker("client", "list", "--stack", "demo").refused("so does --stack")
    twin = RunningStack(kind="demo", endpoint_url=None, issuer=stacks[1].issuer, pid=os.getpid())
    with twin:
        broker("client", "list", "--stack", "demo", **NO_BROKER).refused("several stacks", f"--stack {port(stacks[0])}")
    assert json.dumps(broker.made("stacks", **NO_BROKER))


@requirement("RUN-08")
def test_an_error_is_explained_from_the_log_of_whichever_stack_refused(
    broker: Operator, stacks: list[RunningStack], tmp_path: Path
) -> None:
    error_id = "0f3c1d2e-1111-4222-8333-444455556666"
    line = {"at": 1, "event": "refused", "error": "e", "reason": "parameter_missing", "error_id": error_id}
    (tmp_path / "demo.log").write_text(json.dumps(line) + "\n")
    stacks[0].log.append(str(tmp_path / "demo.log"))
    stacks[0].__enter__()
    assert broker.made("explain", error_id, **NO_BROKER)["reason"] == "parameter_missing"
    broker("explain", error_id, "--stack", "serve", **NO_BROKER).refused()
