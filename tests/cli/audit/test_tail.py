"""`broker tail`: a line for each decision, as it is made, from the local stack's log or from CloudWatch Logs."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.commands.tail import word_line
from cli.deployment.aws import BotoTransport
from cli.explanation.log_follow import follow_cloudwatch, follow_file
from local.package.package import ROOT
from local.stack.rotating_log import KeptLog
from tests.kit.cli.operator import Done, Operator
from tests.kit.requirement import requirement

CLIENT, GROUP = "0" * 32, "/aws/lambda/token-broker-APIHandler-7"
ID = "5b2b9f0e-6d1c-4a39-9d51-0c3a5e8f7a11"
NOW = int(time.time())
ANSWERED: dict[str, Any] = {
    "at": NOW, "event": "request", "request_id": "r-1", "route": "POST /token", "status": 200, "outcome": "answered",
    "client_id": CLIENT, "milliseconds": 9.4, "start": "cold",
}  # fmt: skip
REFUSED = {
    **ANSWERED, "request_id": ID, "status": 400, "outcome": "refused", "error": "invalid_grant",
    "reason": "code_replayed", "client_id": "1" * 32, "start": "warm",
}  # fmt: skip
ALARM = {"at": NOW, "event": "alarm", "kind": "handout_limit", "client_id": CLIENT, "limit": 3}
BETWEEN = {"at": NOW, "event": "refused", "error_id": ID, "reason": "code_replayed"}
NOTHING_DUE = {"at": NOW, "event": "jobs", "done": 0, "later": 0, "given_up": 0, "idle": 0, "KmsUnwraps": 1}
LINES = (ANSWERED, BETWEEN, REFUSED, NOTHING_DUE, ALARM)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES) + "no JSON\n")
    return path


@requirement("OPS-21")
def test_one_line_a_decision_and_a_refusal_says_how_to_have_it_explained(typed: Callable[..., Done], log: Path) -> None:
    said = typed("tail", "--log", str(log), "--once").out.splitlines()
    moment = time.strftime("%H:%M:%S", time.gmtime(NOW))
    explained = f"python3 dev.py broker explain {ID}"
    assert said == [
        f"{moment} answered POST /token 200 client {CLIENT}, 9.4 ms, cold",
        f"{moment} refused  POST /token 400 invalid_grant code_replayed client {'1' * 32}, 9.4 ms; {explained}",
        f"{moment} alarm    handout_limit client_id={CLIENT} limit=3",
    ]
    failed = {"at": NOW, "event": "refresh_failed", "request_id": ID, "provider_id": "github", "reason": "status_503"}
    assert word_line(failed) == f"{moment} refresh_failed provider_id=github reason=status_503"
    assert word_line(REFUSED, colour=True).startswith(f"{moment} \x1b[33mrefused")


@requirement("OPS-21")
def test_a_line_that_others_wrote_ends_no_watch(typed: Callable[..., Done], log: Path) -> None:
    odd = [{**ALARM, "at": at} for at in (10**400, 1e30, float("nan"), -1, "now")] + [{**ALARM, "event": ["alarm"]}]
    log.write_text("".join(json.dumps(line) + "\n" for line in (*odd, ALARM)))
    done = typed("tail", "--log", str(log), "--once")
    assert len(done.out.splitlines()) == 1 and "handout_limit" in done.out


@requirement("OPS-21")
def test_what_is_asked_for_alone(typed: Callable[..., Done], log: Path) -> None:
    def seen(*words: str) -> list[dict[str, Any]]:
        said = typed("tail", "--log", str(log), "--once", "--json", *words)
        return [json.loads(line) for line in said.out.splitlines()]

    assert seen() == [ANSWERED, REFUSED, ALARM]
    assert seen("--client", CLIENT) == [ANSWERED, ALARM]
    assert seen("--reason", "code_replayed") == [REFUSED] and seen("--reason", "handout_limit") == [ALARM]
    assert seen("--refused") == [REFUSED, ALARM] and seen("--alarms") == [ALARM]
    none = typed("tail", "--log", str(log), "--once", "--reason", "unheard")
    assert (none.code, none.out, none.err) == (0, "", "no matching lines in the last 1 minutes\n")
    typed("tail", "--log", str(log), "--reason", "two words").refused("one word")
    typed("tail", "--log", str(log.with_name("none"))).refused("is not a file")


@requirement("OPS-21")
def test_a_line_that_others_wrote_moves_no_cursor() -> None:
    evil = {**REFUSED, "reason": "\x1b[2Jx", "client_id": "\u202ea\n", "route": "\x07"}
    for line in (evil, {**ALARM, "kind": "\x1b]0;x\x07", "a\x1b": "\r"}):
        assert all(" " <= one <= "~" for one in word_line(line))


@requirement("OPS-21")
def test_a_kept_log_is_followed_over_its_exchanges_until_it_is_gone(tmp_path: Path) -> None:
    """Each pause writes one more line, whole only the second time; every few of them the file is exchanged."""
    kept, written = KeptLog(io.StringIO(), tmp_path / "serve.log", max_bytes=200), list[int]()

    def pause(seconds: float) -> None:
        if len(written) == 20:
            return kept.remove()
        text = json.dumps({"n": len(written)}) + " " * 60 + "\n"
        if len(written) % 2:
            kept.write(text)
        else:
            kept.write(text[:5])
            kept.write(text[5:])
        written.append(len(written))

    kept.write('{"n": -1}\n')
    older, newest = kept.files
    assert [line["n"] for line in follow_file(newest, older=[older], pause=pause)] == [-1, *range(20)]


@pytest.fixture
def logs(broker: Operator) -> Iterator[BotoTransport]:
    """CloudWatch Logs of the embedded AWS, with the group of a broker's function."""
    transport = BotoTransport("logs", endpoint_url=broker.environ["BROKER_ENDPOINT_URL"])
    transport.call("CreateLogGroup", {"logGroupName": GROUP})
    transport.call("CreateLogStream", {"logGroupName": GROUP, "logStreamName": "s"})
    yield transport
    transport.call("DeleteLogGroup", {"logGroupName": GROUP})


def put(logs: BotoTransport, *lines: dict[str, Any]) -> None:
    events = [{"timestamp": int(time.time() * 1000), "message": json.dumps(line)} for line in lines]
    logs.call("PutLogEvents", {"logGroupName": GROUP, "logStreamName": "s", "logEvents": events})


@requirement("OPS-21")
def test_from_cloudwatch_each_line_once(typed: Callable[..., Done], logs: BotoTransport) -> None:
    put(logs, *LINES)
    said = typed("tail", "--once", "--since", "600", "--json")
    assert [json.loads(line) for line in said.out.splitlines()] == [ANSWERED, REFUSED, ALARM]
    only = typed("tail", "--once", "--since", "600", "--client", CLIENT, "--log-group", GROUP)
    assert len(only.out.splitlines()) == 2
    coming = [{**REFUSED, "request_id": f"r-{number}"} for number in range(3)]

    def pause(seconds: float) -> None:
        if not coming:
            raise KeyboardInterrupt
        put(logs, coming.pop(0))

    found = list[str]()
    with pytest.raises(KeyboardInterrupt):
        for line in follow_cloudwatch(logs, GROUP, since=time.time() - 300, pause=pause):
            found.append(str(line.get("request_id")))
    assert found == ["r-1", "None", ID, "None", "None", "r-0", "r-1", "r-2"]


class Nameless:
    """CloudWatch Logs as ministack plays it: its events have no id."""

    def __init__(self, logs: BotoTransport) -> None:
        self._logs = logs

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._logs.call(operation, payload)
        for event in answer["events"]:
            del event["eventId"]
        return answer


def test_a_line_that_has_no_name_is_shown_once_too(logs: BotoTransport) -> None:
    put(logs, *LINES)
    pauses = iter([None] * 3)

    def pause(seconds: float) -> None:
        if next(pauses, "over") == "over":
            raise KeyboardInterrupt

    found = list[str]()
    with pytest.raises(KeyboardInterrupt):
        for line in follow_cloudwatch(Nameless(logs), GROUP, since=time.time() - 300, pause=pause):
            found.append(str(line["event"]))
    assert len(found) == len(set(map(json.dumps, LINES)))


def _hear_ctrl_c() -> None:
    """As at a terminal: what a script runs in its background is born deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@requirement("OPS-21")
def test_ctrl_c_ends_it_cleanly(log: Path) -> None:
    command = [sys.executable, "-m", "cli.main", "tail", "--log", str(log)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BROKER_")}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_ctrl_c,
    )
    assert process.stdout is not None
    before = [process.stdout.readline() for _ in range(3)]
    with log.open("a") as stream:
        stream.write(json.dumps({**ANSWERED, "route": "GET /jwks"}) + "\n")
    assert "GET /jwks" in process.stdout.readline() and len(before) == 3
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")
