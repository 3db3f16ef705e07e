"""What AWS's JSON becomes: blobs as bytes wherever they stand, errors by their name, nothing of what is no answer."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.adapters.aws.transport import AwsRefusal, AwsUnreachable
from cli.deployment.local_environment import use_local_credentials
from tests.kit.servers import Server, answers

Make = Callable[..., SignedTransport]


@pytest.fixture
def make() -> Iterator[Make]:
    """A transport to a server that gives one answer."""
    use_local_credentials()
    servers: list[Server] = []

    def to(status: int, body: bytes, *, service: str = "dynamodb", more: str = "") -> SignedTransport:
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode()
        servers.append(Server(answers(head + body)))
        return SignedTransport(service, endpoint_url=f"http://127.0.0.1:{servers[-1].port}")

    yield to
    for server in servers:
        server.stop()


ITEM = {
    "pk": {"S": "B"},
    "B": {"B": "AAH/"},
    "sealed": {"L": [{"B": "YQ=="}, {"M": {"B": {"B": "Yg=="}, "n": {"N": "7"}}}]},
    "flags": {"M": {"on": {"BOOL": True}, "nothing": {"NULL": True}}},
    "names": {"SS": ["a", "b"]},
}
READ = {
    **ITEM,
    "B": {"B": b"\x00\x01\xff"},
    "sealed": {"L": [{"B": b"a"}, {"M": {"B": {"B": b"b"}, "n": {"N": "7"}}}]},
}


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ({"Responses": {"broker": [ITEM], "keys": []}}, {"Responses": {"broker": [READ], "keys": []}}),
        ({"Attributes": ITEM}, {"Attributes": READ}),
        ({"Items": [ITEM, ITEM], "LastEvaluatedKey": ITEM}, {"Items": [READ, READ], "LastEvaluatedKey": READ}),
        ({"Count": 3, "UnprocessedKeys": {"broker": {"Keys": []}}},) * 2,
        ({"Plaintext": "a2V5", "KeyId": "k"}, {"Plaintext": b"key", "KeyId": "k"}),
        ({"CiphertextBlob": "bG9jaw=="}, {"CiphertextBlob": b"lock"}),
        ({}, {}),
    ],
)
def test_blobs_are_bytes_wherever_they_stand(make: Make, told: dict[str, Any], read: dict[str, Any]) -> None:
    assert make(200, json.dumps(told).encode()).call("BatchGetItem", {}) == read


def test_a_refused_condition_brings_its_item(make: Make) -> None:
    told = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "Item": ITEM}
    with pytest.raises(AwsRefusal) as refusal:
        make(400, json.dumps(told).encode()).call("PutItem", {})
    assert (refusal.value.code, refusal.value.item) == ("ConditionalCheckFailedException", READ)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"x"', b'{"Item": 3}', b'{"Item": {"a": {"B": "?"}}}', b"\xff"])
@pytest.mark.parametrize(("status", "code"), [(200, "200"), (403, "403"), (503, "500")])
def test_what_is_no_answer_of_aws_is_refused_by_its_status(make: Make, body: bytes, status: int, code: str) -> None:
    with pytest.raises(AwsRefusal) as refusal:
        make(status, body).call("BatchGetItem", {})
    assert (refusal.value.code, refusal.value.item) == (code, None)


def test_an_answer_that_was_changed_on_the_way_is_none(make: Make) -> None:
    with pytest.raises(AwsUnreachable):
        make(200, b"{}", more="x-amz-crc32: 1\r\n").call("BatchGetItem", {})
    assert make(200, b"{}", more="x-amz-crc32: 2745614147\r\n").call("BatchGetItem", {}) == {}
