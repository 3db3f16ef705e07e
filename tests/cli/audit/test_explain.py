"""`broker explain`, wherever the line may be: a file, a pipe, the running stack, CloudWatch Logs; and its commands."""

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.deployment import running_stack
from cli.deployment.aws import BotoTransport
from cli.deployment.running_stack import RunningStack
from cli.explanation.explanation import build_command, explain, mark
from cli.explanation.refusal_log import find_in_cloudwatch
from local.stack.rotating_log import KeptLog
from tests.kit.cli.operator import Done, Operator
from tests.kit.requirement import requirement

ID = "0f3c1d2e-1111-4222-8333-444455556666"
APP = "https://app.example/callback"
LINE = {
    "at": 1700000000, "event": "refused", "error": "invalid_scope", "reason": "scope_not_registered_for_client",
    "error_id": ID, "evidence": {"endpoint": "GET /authorize", "client_id": "0" * 32, "expected": ["openid"],
                                 "received": ["a:b", "openid"]},
}  # fmt: skip
OTHER = {**LINE, "error_id": "another-id-1", "reason": "parameter_missing"}
LOG = "no json\n{broken\n[1]\n" + json.dumps(OTHER) + "\n2026-01-01T00:00:00 " + json.dumps(LINE) + "\n"


@pytest.fixture(scope="module", autouse=True)
def initialised(broker: Operator) -> None:
    broker.made("init")


@requirement("OPS-08")
def test_from_a_file_or_a_pipe(typed: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log").write_text(LOG)
    plain = typed("explain", ID, "--log", str(tmp_path / "log"))
    assert (plain.code, plain.err) == (0, "")
    assert "--add-scope=a:b" in plain.out and "2023-11-14 22:13:20 UTC" in plain.out
    assert "docs/errors.md#scope_not_registered_for_client" in plain.out
    monkeypatch.setattr("sys.stdin", io.StringIO(LOG))
    assert typed("explain", ID, "--log", "-", "--json").json["reason"] == LINE["reason"]


@requirement("OPS-08")
def test_what_is_not_there_says_what_to_type_next(typed: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "log").write_text(LOG)
    typed("explain", "0" * 32, "--log", str(tmp_path / "log")).refused("no refusal")
    typed("explain", "$(id)", "--log", str(tmp_path / "log")).refused("not a valid error id")
    typed("explain", ID, "--log", str(tmp_path / "none")).refused("cannot be read")
    typed("explain", ID).refused("no log group")


@requirement("OPS-08")
def test_from_the_running_stack(
    typed: Callable[..., Done], broker: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_stack, "FOLDER", tmp_path / "running")
    for name in broker.environ:
        if name.startswith("BROKER_"):
            monkeypatch.delenv(name, raising=False)
    kept = KeptLog(io.StringIO(), tmp_path / "serve.log", max_bytes=100)
    kept.write(json.dumps(LINE) + "\n")
    kept.write(json.dumps(OTHER) + "\n")
    issuer, endpoint = broker.environ["BROKER_ISSUER"], broker.environ["BROKER_ENDPOINT_URL"]
    files = list(map(str, kept.files))
    with RunningStack(kind="serve", endpoint_url=endpoint, issuer=issuer, log=files):
        for error_id in (ID, "another-id-1"):
            found = _without_settings(monkeypatch, broker, error_id)
            assert found == 0, error_id
    kept.remove()
    assert not any(path.exists() for path in kept.files)


def _without_settings(monkeypatch: pytest.MonkeyPatch, broker: Operator, error_id: str) -> int:
    from cli.main import main

    return main(["explain", error_id])


def test_the_kept_log_is_bounded_and_goes_on_where_it_went(tmp_path: Path) -> None:
    stream = io.StringIO()
    kept = KeptLog(stream, tmp_path / "x" / "serve.log", max_bytes=1000)
    for number in range(200):
        assert kept.write(f"line {number:04}\n") == 10
    kept.flush()
    assert len(stream.getvalue()) == 2000
    text = "".join(path.read_text() for path in kept.files)
    assert text.endswith("line 0199\n") and len(text) <= 2100


@pytest.fixture
def logs(broker: Operator) -> Iterator[BotoTransport]:
    """CloudWatch Logs of the embedded AWS, with one group of a broker."""
    transport = BotoTransport("logs", endpoint_url=broker.environ["BROKER_ENDPOINT_URL"])
    for group in ("/aws/lambda/token-broker-APIHandler-7", "/aws/lambda/token-broker-Jobs-7"):
        transport.call("CreateLogGroup", {"logGroupName": group})
        transport.call("CreateLogStream", {"logGroupName": group, "logStreamName": "s"})
    now = int(time.time() * 1000)
    events = [{"timestamp": now - 1000 + number, "message": text} for number, text in enumerate(LOG.splitlines())]
    place = {"logGroupName": "/aws/lambda/token-broker-APIHandler-7", "logStreamName": "s"}
    transport.call("PutLogEvents", {**place, "logEvents": events})
    yield transport
    for group in ("/aws/lambda/token-broker-APIHandler-7", "/aws/lambda/token-broker-Jobs-7"):
        transport.call("DeleteLogGroup", {"logGroupName": group})


@requirement("OPS-08")
def test_from_cloudwatch(typed: Callable[..., Done], logs: BotoTransport) -> None:
    assert typed("explain", ID, "--json").json["reason"] == LINE["reason"]
    assert typed("explain", ID, "--log-group", "/aws/lambda/token-broker-APIHandler-7").code == 0
    typed("explain", ID, "--log-group", "/aws/lambda/token-broker-Jobs-7").refused("no refusal")
    logs.call("CreateLogGroup", {"logGroupName": "/aws/lambda/token-broker2-APIHandler-8"})
    typed("explain", ID).refused("several", "--log-group")
    logs.call("DeleteLogGroup", {"logGroupName": "/aws/lambda/token-broker2-APIHandler-8"})


@requirement("OPS-08")
def test_every_page_is_looked_at_until_the_refusal_is_there() -> None:
    asked: list[object] = []

    class Pages:
        def call(self, operation: str, payload: dict[str, object]) -> dict[str, object]:
            asked.append(payload.get("nextToken"))
            if len(asked) < 3:
                return {"events": [], "nextToken": f"t{len(asked)}"}
            return {"events": [{"message": json.dumps(LINE)}], "nextToken": "more"}

    class Deployed:
        settings = None

    found = find_in_cloudwatch(Deployed(), ID, group="g", days=1, logs=Pages())  # type: ignore[arg-type]
    assert [line["error_id"] for line in found] == [ID] and asked == [None, "t1", "t2"]


@requirement("OPS-08")
def test_a_command_is_safe_to_paste_and_never_repeats_what_was_hidden() -> None:
    evil = {"client_id": "0" * 32, "received": "https://a.example/$(id)`id`'"}
    assert "'\"'\"'" in str(build_command("x --add-redirect-uri={received}", evil))
    for hidden in ("https://[userinfo]@a.example", "[14 characters]", "https://a.example/\\u0430"):
        assert build_command("x {received}", {"received": hidden}) == "x VALUE"
    assert build_command("", evil) is None


@requirement("OPS-08")
@pytest.mark.parametrize(
    ("received", "marks"),
    [
        (APP, ""),
        (APP + "/", " " * 28 + "^"),
        (APP[:-1], " " * 27 + "^"),
        (APP.replace("https", "http"), "    ^"),
        ("https://app.example/Callback", " " * 20 + "^"),
    ],
)
def test_the_differing_characters_are_marked(received: str, marks: str) -> None:
    assert mark(APP, received) == marks


@requirement("OPS-08")
def test_a_line_that_others_wrote_moves_no_cursor(typed: Callable[..., Done], tmp_path: Path) -> None:
    evil = {
        **LINE,
        "reason": "\x1b[2Jx",
        "evidence": {"endpoint": "\x1b]0;x\x07", "received": "\u202ea\x1b", "a\x1b": 1},
    }
    (tmp_path / "log").write_text(json.dumps(evil) + "\n")
    said = typed("explain", ID, "--log", str(tmp_path / "log"))
    assert said.code == 0 and all(" " <= one <= "~" or one == "\n" for one in said.out)
    assert "another version" in explain([evil])["says"]


@requirement("OPS-08", "AUTHZ-05")
def test_the_commands_that_it_names_change_what_they_say(broker: Operator, typed: Callable[..., Done]) -> None:
    client = broker.made("client", "create", "--name", "X", "--redirect-uri", APP)
    update = ("client", "update", client["client_id"])
    changed = broker.made(*update, f"--add-redirect-uri={APP}/2", "--add-scope=demo:notes:read")
    assert changed["redirect_uris"] == [APP, APP + "/2"] and "demo:notes:read" in changed["scope"].split()
    assert changed["revision"] == client["revision"] + 1
    device = "urn:ietf:params:oauth:grant-type:device_code"
    more = broker.made(*update, f"--add-grant-type={device}", f"--remove-redirect-uri={APP}/2", "--remove-scope=email")
    assert device in more["grant_types"] and more["redirect_uris"] == [APP] and "email" not in more["scope"].split()
    for words in (
        ["--add-redirect-uri=javascript:alert(1)"], ["--add-redirect-uri=http://app.example/"], ["--add-scope=a\\b"],
        ["--remove-redirect-uri=https://nobody.example/"], ["--add-grant-type=client_credentials"],
        ["--add-grant-type=urn:ietf:params:oauth:grant-type:token-exchange"], [f"--remove-redirect-uri={APP}"],
    ):  # fmt: skip
        typed(*update, *words).refused()
    assert typed("client", "show", client["client_id"], "--json").json == more
