"""The state of `demo` and `serve`: what was acknowledged is there after a kill at any moment."""

import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from local.browser import Browser, query_of
from local.stack.aws import start_aws
from local.stack.journal import journal as journal_file
from local.stack.journal.journal import Change, Journal, StateDamaged, StateTaken, forget
from local.stack.resources import EndpointRefused, call_endpoint
from tests.kit import ROOT
from tests.kit.requirement import requirement

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@contextmanager
def started(state: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A command of dev.py with its state in a folder; killed at the end, if it still runs."""
    environ = {**os.environ, "TOKEN_BROKER_STATE": str(state)}
    command = [sys.executable, "dev.py", *words, "--json"]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def clients_of(endpoint_url: str) -> set[str]:
    found = call_endpoint(endpoint_url, "dynamodb", "Scan", {"TableName": "broker", "ConsistentRead": True})
    return {item["pk"]["S"].partition("#")[2] for item in found["Items"] if item["pk"]["S"].startswith("CLIENT#")}


def register_until_killed(issuer: str, acknowledged: list[str]) -> None:
    host = issuer.removeprefix("http://")
    document = json.dumps({"redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"})
    try:
        while True:
            connection = http.client.HTTPConnection(host, timeout=10)
            connection.request("POST", "/register", document, {"Content-Type": "application/json"})
            response = connection.getresponse()
            told = json.loads(response.read())
            assert response.status == 201, told
            acknowledged.append(told["client_id"])
    except (OSError, http.client.HTTPException, ValueError):
        return  # killed


def read_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


@requirement("RUN-12")
def test_every_registration_that_was_acknowledged_survives_a_kill_in_the_middle_of_writes(tmp_path: Path) -> None:
    limits = ("registration_per_address", "registration_per_day", "requests_per_address")
    words = ["serve", "--port", str(free_port()), "--open-registration"]
    words += [word for name in limits for word in ("--set", f"{name}=100000")]
    acknowledged: list[str] = []
    keys: list[Any] = []
    for round_ in range(3):
        with started(tmp_path, *words) as (process, told):
            assert set(acknowledged) <= clients_of(told["endpoint_url"]), f"lost before round {round_}"
            keys.append(read_json(f"{told['issuer']}/jwks"))
            before = len(acknowledged)
            writers = [
                threading.Thread(target=register_until_killed, args=(told["issuer"], acknowledged)) for _ in range(3)
            ]
            for writer in writers:
                writer.start()
            while len(acknowledged) < before + 15:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            for writer in writers:
                writer.join()
    with started(tmp_path, *words) as (_, told):
        assert set(acknowledged) <= clients_of(told["endpoint_url"])
        assert len(acknowledged) >= 45
        assert keys[0] == keys[1] == keys[2] == read_json(f"{told['issuer']}/jwks"), "the same keys decrypt"
    with started(tmp_path, *words, "--fresh") as (_, told):
        assert clients_of(told["endpoint_url"]) == set()
        assert read_json(f"{told['issuer']}/jwks") != keys[0]


def sign_in(told: dict[str, Any], client_id: str, provider: str, scope: str) -> dict[str, Any]:
    verifier, redirect_uri = "v" * 43, f"{told['app']}/callback"
    asked = {
        "response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "state": "s" * 16,
        "scope": scope, "provider": provider, "code_challenge_method": "S256", "nonce": "n" * 16,
        "code_challenge": urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("="),
    }  # fmt: skip
    browser = Browser()
    leaving = browser.submit(browser.get(f"{told['issuer']}/authorize?{urlencode(asked)}"), "decision", "allow")
    back = browser.get(browser.submit(browser.get(leaving.location), "decision", "alice").location)
    return browser.post_form(f"{told['issuer']}/token", [
        ("grant_type", "authorization_code"), ("code", query_of(back.location)["code"]), ("code_verifier", verifier),
        ("redirect_uri", redirect_uri), ("client_id", client_id),
    ]).json()  # fmt: skip


@requirement("RUN-12")
def test_a_connection_of_the_demo_works_after_a_kill_and_its_simulated_provider_knows_it(tmp_path: Path) -> None:
    with started(tmp_path, "demo", "--provider", "github") as (_, told):
        config = read_json(f"{told['app']}/config.json")
        held = sign_in(told, config["client_id"], "github", config["scope"])
    with started(tmp_path, "demo") as (_, told):
        again = read_json(f"{told['app']}/config.json")
        assert [each["id"] for each in again["providers"]] == ["github"], "the same providers, without naming them"
        assert again["client_id"] == config["client_id"]
        app = Browser()
        renewed = app.post_form(f"{told['issuer']}/token", [
            ("grant_type", "refresh_token"), ("refresh_token", held["refresh_token"]),
            ("client_id", config["client_id"]),
        ]).json()  # fmt: skip
        bearer = f"Bearer {renewed['access_token']}"
        assert "alice" in app.get(f"{told['issuer']}/proxy/github/user", Authorization=bearer).text
        clients = clients_of(read_running(tmp_path)["endpoint_url"])
        assert len(clients) == 2, "the app is not registered again at each start"


def read_running(state: Path) -> dict[str, Any]:
    """The stack that started last: a killed one leaves its file behind."""
    found = [json.loads(path.read_text()) for path in (state / "running").glob("*.json")]
    return max(found, key=lambda stack: float(stack["started_at"]))


@requirement("RUN-12")
def test_a_second_demo_starts_empty_and_leaves_the_state_of_the_first_alone(tmp_path: Path) -> None:
    with started(tmp_path, "demo"), started(tmp_path, "demo", "--fresh") as (second, _):
        assert second.poll() is None
        assert (tmp_path / "data" / "demo" / "journal.jsonl").stat().st_size > 1000


@requirement("RUN-12")
def test_an_item_that_this_version_cannot_read_stops_the_demo_and_names_fresh(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "data" / "demo")
    kept.record([change("CLIENT#1", 1)])
    kept.close()
    environ = {**os.environ, "TOKEN_BROKER_STATE": str(tmp_path)}
    command = [sys.executable, "dev.py", "demo"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--fresh starts empty" in done.stderr


@requirement("RUN-12")
def test_nobody_else_may_read_the_state(tmp_path: Path) -> None:
    with started(tmp_path, "demo"):
        data = tmp_path / "data" / "demo"
        assert data.stat().st_mode & 0o077 == 0
        assert (data / "journal.jsonl").stat().st_mode & 0o077 == 0


@requirement("RUN-12")
def test_the_simulated_aws_alone_finds_its_state_on_the_same_port_and_stores_none_on_any(tmp_path: Path) -> None:
    words = ["aws", "--port", str(free_port())]
    with started(tmp_path, *words) as (_, told):
        item = change("CLIENT#stored", 1).item
        call_endpoint(told["endpoint_url"], "dynamodb", "PutItem", {"TableName": "broker", "Item": item})
        key = key_of(told["endpoint_url"])
    with started(tmp_path, *words) as (_, told):
        assert clients_of(told["endpoint_url"]) == {"stored"} and key_of(told["endpoint_url"]) == key
    with started(tmp_path, *words, "--fresh") as (_, told):
        assert clients_of(told["endpoint_url"]) == set()
    with started(tmp_path, "aws") as (_, told):
        assert [path.name for path in (tmp_path / "data").iterdir()] == [f"aws-{words[2]}"]


def key_of(endpoint_url: str) -> str:
    told = call_endpoint(endpoint_url, "kms", "DescribeKey", {"KeyId": "alias/broker"})
    return str(told["KeyMetadata"]["KeyId"])


@requirement("RUN-12")
def test_half_a_line_at_the_end_is_dropped_and_the_next_write_stands_alone(folder: Path) -> None:
    first = Journal(folder)
    first.record([change("a", 1)])
    first.record([change("b", 1)])
    first.close()
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    second = Journal(folder)
    assert set(pks(second)) == {"a"}
    second.record([change("c", 1)])
    second.close()
    assert set(pks(Journal(folder))) == {"a", "c"}


@requirement("RUN-12")
def test_a_line_that_cannot_be_read_stops_the_start_and_names_fresh(folder: Path) -> None:
    first = Journal(folder)
    first.record([change("a", 1)])
    first.close()
    path = folder / "journal.jsonl"
    path.write_bytes(b"{broken\n" + path.read_bytes())
    with pytest.raises(StateDamaged, match=re.escape("line 1") + ".*--fresh"):
        Journal(folder)


@requirement("RUN-12")
def test_only_one_process_has_a_folder_and_forgets_it_only_alone(folder: Path) -> None:
    first = Journal(folder)
    first.record([change("a", 1)])
    with pytest.raises(StateTaken):
        Journal(folder)
    with pytest.raises(StateTaken):
        forget(folder)
    first.close()
    forget(folder)
    assert list(pks(Journal(folder))) == []


@requirement("RUN-12")
def test_a_journal_that_grows_is_compacted_and_says_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_file, "COMPACT_BYTES", 2_000)
    first = Journal(folder)
    for number in range(200):
        first.record([change("a", number), change(f"b{number % 5}", number)])
    assert (folder / "journal.jsonl").stat().st_size < 5_000
    first.close()
    again = Journal(folder).contents.items["broker"]
    assert {item["pk"]["S"]: item["n"]["N"] for item in again.values()} == {
        "a": "199", "b0": "195", "b1": "196", "b2": "197", "b3": "198", "b4": "199",
    }  # fmt: skip


@requirement("RUN-12")
def test_an_item_that_dynamodb_would_have_deleted_is_not_restored(folder: Path) -> None:
    first = Journal(folder)
    first.record([change("old", 1, purge_at=1), change("young", 1, purge_at=10**11)])
    first.close()
    assert set(pks(Journal(folder))) == {"young"}


@requirement("RUN-12")
def test_after_half_a_write_nothing_more_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, real = Journal(folder), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:10]))
    with pytest.raises(OSError, match="completely"):
        first.record([change("a", 1)])
    monkeypatch.setattr(os, "write", real)
    with pytest.raises(OSError, match="Bad file"):
        first.record([change("b", 1)])


@requirement("RUN-12")
def test_the_journal_says_what_the_tables_hold_after_each_kind_of_write(folder: Path) -> None:
    kept = Journal(folder)
    aws = start_aws(table="stored-1", keys_table="stored-keys-1", journal=kept)
    try:
        write_in_every_way(aws.endpoint_url)
        told = call_endpoint(aws.endpoint_url, "dynamodb", "Scan", {"TableName": "stored-1"})["Items"]
        assert sorted(told, key=str) == sorted(kept.contents.items["stored-1"].values(), key=str)
        assert {item["pk"]["S"]: item["n"]["N"] for item in told} == {"a": "3", "new": "1", "e": "1"}
        key = call_endpoint(aws.endpoint_url, "kms", "DescribeKey", {"KeyId": "alias/broker"})["KeyMetadata"]["KeyId"]
        assert [each["id"] for each in kept.contents.keys if "alias/broker" in each["aliases"]] == [key]
        made = call_endpoint(aws.endpoint_url, "kms", "CreateKey", {})["KeyMetadata"]["KeyId"]
        assert made in [each["id"] for each in kept.contents.keys]
    finally:
        aws.stop()


def write_in_every_way(endpoint_url: str) -> None:
    def call(operation: str, **payload: Any) -> None:
        call_endpoint(endpoint_url, "dynamodb", operation, payload)

    def put(pk: str, number: int) -> dict[str, Any]:
        return {"TableName": "stored-1", "Item": change(pk, number).item}

    def named(pk: str) -> dict[str, Any]:
        return {"TableName": "stored-1", "Key": change(pk, 0).key}

    one = {":one": {"N": "1"}}
    counted = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": one}
    for pk in ("a", "b", "c"):
        call("PutItem", **put(pk, 1))
    call("UpdateItem", **named("a"), **counted)
    call("UpdateItem", **named("new"), **counted)
    call("DeleteItem", **named("b"))
    with pytest.raises(EndpointRefused):
        call("PutItem", **put("a", 9), ConditionExpression="attribute_not_exists(pk)")
    call("TransactWriteItems", TransactItems=[
        {"Put": put("d", 1)}, {"Update": {**named("a"), **counted}}, {"Delete": named("c")},
        {"ConditionCheck": {**named("new"), "ConditionExpression": "attribute_exists(pk)"}},
    ])  # fmt: skip
    requests = [{"PutRequest": {"Item": change("e", 1).item}}, {"DeleteRequest": {"Key": change("d", 0).key}}]
    call("BatchWriteItem", RequestItems={"stored-1": requests})


def change(pk: str, number: int, **more: int) -> Change:
    key = {"pk": {"S": pk}, "sk": {"S": "#"}}
    numbers = {name: {"N": str(value)} for name, value in {"n": number, **more}.items()}
    return Change("broker", key, {**key, **numbers})


def pks(opened: Journal) -> Iterator[str]:
    for items in opened.contents.items.values():
        yield from (item["pk"]["S"] for item in items.values())


def test_a_demo_in_one_process_stores_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cli.deployment import running_stack
    from local.demo.demo import start_demo

    monkeypatch.setattr(running_stack, "FOLDER", tmp_path / "running")
    stack = start_demo(io.StringIO(), free_ports=True)
    stack.stop()
    assert list(tmp_path.iterdir()) == []
