"""Every call that a function makes of AWS, as it leaves its adapter, and what a policy allows, in the same words.

A door of its own stands for each function before the AWS of this machine: what comes through is written down and passed
on as it is, signature and all. What Lambda itself does for a function, write its log, comes through no door.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from tests.deploy.rehearsal.door import Door, Headers, Sent

SERVICES = {"DynamoDB_20120810": "dynamodb", "TrentService": "kms", "Logs_20140328": "logs"}

DENIED = b'{"__type": "AccessDeniedException", "message": "this door denies it"}'


class Right(NamedTuple):
    """One action on one resource, and what of it: in a call the very key or purpose, in a policy a pattern.

    resource   `table/NAME`, `table/NAME/index/NAME`, `key/*` or `log-group:...`
    what       leading key of the items, or purpose of the encryption context; empty where neither is
    """

    action: str
    resource: str
    what: str = ""


class Recorder(Door):
    """Writes down what comes through.

    made      what came through
    allowed   what a policy allows, conditions and all; anything else is denied here. None: the door asks nothing
    """

    allowed: Collection[Right] | None = None

    def __init__(self, endpoint_url: str) -> None:
        self.made: set[Right] = set()
        super().__init__(endpoint_url)

    def _allows(self, asked: Collection[Right]) -> bool:
        return self.allowed is None or all(any(is_covered(one, right) for right in self.allowed) for one in asked)

    def answer(self, method: str, target: str, headers: Headers, body: bytes) -> Sent:
        """Write down and ask."""
        called = next((value for name, value in headers if name.lower() == "x-amz-target"), "")
        if called:
            service, _, operation = called.partition(".")
            asked = set(rights_of_call(SERVICES[service], operation, json.loads(body)))
            self.made |= asked
            if not self._allows(asked):
                return 400, [("Content-Type", "application/x-amz-json-1.0")], DENIED
        return self.pass_on(method, target, headers, body)


def rights_of_call(service: str, operation: str, payload: Mapping[str, Any]) -> Iterator[Right]:
    """What a caller has to be allowed for one call."""
    action = f"{service}:{operation}"
    if service == "kms":
        yield Right(action, "key/*", payload["EncryptionContext"]["purpose"])
    elif service == "logs":
        yield Right(action, f"log-group:{payload.get('logGroupName', '*')}")
    elif operation == "BatchGetItem":
        for table, asked in payload["RequestItems"].items():
            yield from (Right(action, f"table/{table}", key["pk"]["S"]) for key in asked["Keys"])
    else:
        index = f"/index/{payload['IndexName']}" if "IndexName" in payload else ""
        item = payload.get("Key") or payload.get("Item") or {}
        what = item["pk"]["S"] if item else _queried(payload) if not index else ""
        yield Right(action, f"table/{payload['TableName']}{index}", what)


def _queried(payload: Mapping[str, Any]) -> str:
    """The leading key of a query: the value that `pk` has to equal; empty for a scan."""
    condition = str(payload.get("KeyConditionExpression", ""))
    for term in condition.split(" AND "):
        name, _, value = (part.strip() for part in term.partition("="))
        if payload.get("ExpressionAttributeNames", {}).get(name, name) == "pk":
            return str(payload["ExpressionAttributeValues"][value]["S"])
    return ""


def rights_of_policy(policy: Mapping[str, Any]) -> dict[Right, str]:
    """Everything that a policy allows, one by one, and the Sid of the statement that does."""
    return {
        Right(action, resource, what): statement["Sid"]
        for statement in policy["Statement"]
        for action in _listed(statement["Action"])
        for resource in map(_plain, _listed(statement["Resource"]))
        for what in _conditions(statement)
    }


def _conditions(statement: Mapping[str, Any]) -> list[str]:
    condition = statement.get("Condition", {})
    keys = condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
    purposes = condition.get("StringEquals", {}).get("kms:EncryptionContext:purpose")
    return _listed(keys or purposes or "*")


def _plain(arn: str) -> str:
    """Without partition, region and account."""
    return arn.split(":", 5)[-1] if arn.startswith("arn:") else "log-group:*" if arn == "*" else arn


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def is_covered(call: Right, allowed: Right) -> bool:
    """True where a policy's line is about this call."""
    return call.action == allowed.action and all(
        fnmatchcase(one, pattern) for one, pattern in ((call.resource, allowed.resource), (call.what, allowed.what))
    )
