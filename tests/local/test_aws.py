"""The embedded AWS: made as infra/ says, atomic under threads, ended cleanly, found from another terminal."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cli.deployment.running_stack import find_running
from local.stack import aws as local_aws
from local.stack.resources import DEFINITION, EndpointRefused, call_endpoint, create_key, create_tables
from tests.kit import ROOT

pytestmark = pytest.mark.timeout(60)
SIGNED = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"


@pytest.fixture(scope="module")
def aws() -> Iterator[local_aws.EmbeddedAws]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))
        running = local_aws.start_aws()
        yield running
        running.stop()


def test_tables_are_those_of_the_deployment(aws: local_aws.EmbeddedAws) -> None:
    defined = json.loads(DEFINITION.read_text())["Resources"]["BrokerTable"]["Properties"]
    table = call_endpoint(aws.endpoint_url, "dynamodb", "DescribeTable", {"TableName": "broker"})["Table"]
    assert table["KeySchema"] == defined["KeySchema"]
    assert table["GlobalSecondaryIndexes"][0]["IndexName"] == "by_sub"
    lifetime = call_endpoint(aws.endpoint_url, "dynamodb", "DescribeTimeToLive", {"TableName": "broker-keys"})
    assert lifetime["TimeToLiveDescription"]["AttributeName"] == "purge_at"


def test_creating_twice_changes_nothing(aws: local_aws.EmbeddedAws) -> None:
    before = call_endpoint(aws.endpoint_url, "kms", "DescribeKey", {"KeyId": "alias/broker"})
    create_tables(aws.endpoint_url)
    create_key(aws.endpoint_url)
    assert call_endpoint(aws.endpoint_url, "kms", "DescribeKey", {"KeyId": "alias/broker"}) == before


def test_the_handler_is_wrapped_once(aws: local_aws.EmbeddedAws) -> None:
    from moto.dynamodb.responses import DynamoHandler

    wrapped = DynamoHandler.call_action
    local_aws.serialise_dynamodb()
    assert DynamoHandler.call_action is wrapped


def test_moto_looks_once_for_a_service_and_what_it_can_do(
    aws: local_aws.EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_endpoint(aws.endpoint_url, "dynamodb", "DescribeTable", {"TableName": "broker"})
    looked: list[object] = []
    monkeypatch.setattr("moto.backends.list_of_moto_modules", lambda: looked.append("folders") or [])
    monkeypatch.setattr("inspect.getmembers", lambda *_args, **_named: looked.append("members") or [])
    call_endpoint(aws.endpoint_url, "dynamodb", "DescribeTable", {"TableName": "broker"})
    assert looked == []


def test_one_of_many_conditional_updates_wins(aws: local_aws.EmbeddedAws) -> None:
    key = {"pk": {"S": "RACE#1"}, "sk": {"S": "#"}}

    def advance(generation: int) -> bool:
        values = {":old": {"N": str(generation)}, ":new": {"N": str(generation + 1)}}
        update = {
            "TableName": "broker",
            "Key": key,
            "UpdateExpression": "SET generation = :new",
            "ConditionExpression": "generation = :old",
            "ExpressionAttributeValues": values,
        }
        try:
            call_endpoint(aws.endpoint_url, "dynamodb", "UpdateItem", update)
        except EndpointRefused as refusal:
            assert refusal.code == "ConditionalCheckFailedException"
            return False
        return True

    item = {**key, "generation": {"N": "0"}}
    call_endpoint(aws.endpoint_url, "dynamodb", "PutItem", {"TableName": "broker", "Item": item})
    with ThreadPoolExecutor(8) as threads:
        for generation in range(30):
            assert sum(threads.map(advance, [generation] * 8)) == 1


def test_calls_are_counted_by_operation(aws: local_aws.EmbeddedAws) -> None:
    before = aws.calls["DescribeTable"]
    call_endpoint(aws.endpoint_url, "dynamodb", "DescribeTable", {"TableName": "broker"})
    assert aws.calls["DescribeTable"] == before + 1


def test_a_connection_is_kept_even_where_moto_fails_and_ended_by_what_is_no_request(aws: local_aws.EmbeddedAws) -> None:
    kept = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=10)
    for operation in ("ListTables", "DescribeTable", "ListTables"):  # moto stumbles over the second: no table
        kept.request("POST", "/", "{}", {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Authorization": SIGNED})
        answer = kept.getresponse()
        assert (answer.status, answer.will_close) == (200 if operation == "ListTables" else 500, False)
        answer.read()
    kept.close()
    with socket.create_connection(("127.0.0.1", aws.port), timeout=10) as other:
        other.sendall(b"nonsense\r\n\r\n")
        assert other.makefile("rb").read().startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_of_its_own_is_found_and_ends_cleanly(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "local.stack.aws", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        assert line["ready"] is True
        call_endpoint(line["endpoint_url"], "dynamodb", "DescribeTable", {"TableName": "broker-keys"})
        running = find_running()
        assert running is not None
        process.send_signal(number)
        try:
            assert process.wait(10) == 0
        finally:
            process.kill()
    assert not (ROOT / ".state" / "running" / f"{process.pid}.json").exists()


def test_a_taken_port_is_said() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))
        command = [sys.executable, "-m", "local.stack.aws", "--port", "1", "--json"]
        taken = local_aws.EmbeddedAws()
        command[4] = str(taken.port)
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
        taken.stop()
    assert result.returncode == 2
    assert "--port 0" in result.stderr
