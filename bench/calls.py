"""A fixed part: the same calls to AWS through a bare boto3 client.

`python -m bench.calls` prints its figures against the embedded AWS in another process.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3

from bench.clock import Meter, middle

Key = tuple[str, str, str]  # table, pk, sk


@dataclass(frozen=True)
class Call:
    """One call as a step made it."""

    operation: str
    payload: dict[str, Any]

    def written(self) -> Iterator[Key]:
        """The items that it writes."""
        item = self.payload.get("Item") or self.payload.get("Key")
        if item is not None:
            yield self.payload["TableName"], item["pk"]["S"], item["sk"]["S"]


class BareCalls:
    """Repeats calls through a client of its own; what they wrote is put back between two rounds, unmeasured."""

    def __init__(self, endpoint_url: str, calls: Iterable[Call], before: dict[Key, dict[str, Any]]) -> None:
        self._client = boto3.client("dynamodb", endpoint_url=endpoint_url)
        self._restoring = boto3.client("dynamodb", endpoint_url=endpoint_url)
        self._calls = [(getattr(self._client, snake(call.operation)), call.payload) for call in calls]
        self._written = dict.fromkeys(key for call in calls for key in call.written())
        self._before = before

    def restore(self) -> None:
        """The items as they stood before the step."""
        for table, pk, sk in self._written:
            item = self._before.get((table, pk, sk))
            if item is None:
                self._restoring.delete_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": sk}})
            else:
                self._restoring.put_item(TableName=table, Item=item)

    def run(self) -> None:
        """All of them once, in order."""
        for method, payload in self._calls:
            method(**payload)


def snapshot(endpoint_url: str, tables: Iterable[str]) -> dict[Key, dict[str, Any]]:
    """Every item of the tables."""
    client = boto3.client("dynamodb", endpoint_url=endpoint_url)
    found = {}
    for table in tables:
        for page in client.get_paginator("scan").paginate(TableName=table):
            found.update({(table, item["pk"]["S"], item["sk"]["S"]): item for item in page["Items"]})
    return found


def snake(operation: str) -> str:
    """BatchGetItem -> batch_get_item."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()


def main() -> int:
    """Print the cost of one call of each kind that a refresh makes."""
    from cli.deployment.local_environment import use_local_credentials
    from tests.deploy.package.neighbours import start_neighbours

    use_local_credentials()
    key = {"pk": {"S": "GRANT#sample"}, "sk": {"S": "#"}}
    item = {**key, **{f"attribute_{number}": {"S": "v" * 40} for number in range(20)}}
    update = {
        "TableName": "broker",
        "Key": key,
        "UpdateExpression": "SET attribute_1 = :v",
        "ConditionExpression": "attribute_2 = :old AND attribute_3 = :old",
        "ExpressionAttributeValues": {":v": {"S": "w" * 40}, ":old": {"S": "v" * 40}},
        "ReturnValues": "ALL_NEW",
    }
    samples: dict[str, dict[str, Any]] = {
        "PutItem": {"TableName": "broker", "Item": item},
        "BatchGetItem": {"RequestItems": {"broker": {"Keys": [key], "ConsistentRead": True}}},
        "UpdateItem": update,
    }
    neighbours = start_neighbours(callback="https://login.example.com/callback/demo")
    for operation, payload in samples.items():
        bare = BareCalls(neighbours.endpoint_url, [Call(operation, payload)], {})
        rounds = []
        for _ in range(100):
            with Meter() as meter:
                bare.run()
            rounds.append(meter.microseconds)
        print(f"boto3, {operation}: {middle(rounds):.0f} us CPU")
    neighbours.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
