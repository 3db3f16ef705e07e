"""The permissions of a role, from its policy: which items it reads and writes, which keysets it decrypts."""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

from msgspec import Struct

from chalicelib.records.keyset import Purpose

READS = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan")
WRITES = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem")
OPENS, WRAPS = ("kms:Decrypt",), ("kms:Encrypt", "kms:GenerateDataKey")
LOGS = ("logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartQuery")
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


class Role(Struct, frozen=True, kw_only=True):
    """One function, or the operator, with the permissions of its policy.

    reads, writes   patterns of leading keys in the table `broker`; "*": all
    keys            it can read users' keys, in the table without backups; `destroys`: it can overwrite them
    opens           keysets that KMS decrypts for it; `wraps`: it can create keys
    logs            it can read the log
    """

    name: str
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    keys: bool = False
    destroys: bool = False
    opens: frozenset[str] = frozenset()
    wraps: bool = False
    logs: bool = False

    def may_read(self, kind: str) -> bool:
        """True if it can read items of this kind."""
        return any(fnmatchcase(f"{kind}#", pattern) for pattern in self.reads)

    def may_write(self, kind: str) -> bool:
        """True if it can write items of this kind."""
        return any(fnmatchcase(f"{kind}#", pattern) for pattern in self.writes)


def read_roles(checkout: Path) -> list[Role]:
    """The API function, every scheduled one, the operator: from the policy files of the deployment.

    Raises OSError, ValueError.
    """
    config = json.loads((checkout / ".chalice" / "config.json").read_text())
    files = {"API function": checkout / ".chalice" / config["iam_policy_file"]}
    for name, function in config.get("lambda_functions", {}).items():
        files[f"function {name}"] = checkout / ".chalice" / function["iam_policy_file"]
    files["operator"] = checkout / "infra" / "operator-policy.json"
    return [read_role(name, json.loads(file.read_text())) for name, file in files.items()]


def read_role(name: str, policy: Mapping[str, Any]) -> Role:
    """The sum of its statements. Only Allow is read, because the project's policies use nothing else."""
    reads, writes, opens = set[str](), set[str](), set[str]()
    keys = destroys = wraps = logs = False
    for statement in policy["Statement"]:
        if statement["Effect"] != "Allow":
            continue
        actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
        tables = {table for resource in resources for table in _tables(resource)}
        leading = _condition(statement, "dynamodb:LeadingKeys") or ["*"]
        if "broker" in tables:
            reads |= set(leading) if _any(actions, READS) else set()
            writes |= set(leading) if _any(actions, WRITES) else set()
        keys |= "broker-keys" in tables and _any(actions, READS)
        destroys |= "broker-keys" in tables and _any(actions, WRITES)
        if _any(actions, OPENS):
            opens |= set(_condition(statement, "kms:EncryptionContext:purpose") or PURPOSES)
        wraps |= _any(actions, WRAPS)
        logs |= _any(actions, LOGS)
    more: dict[str, Any] = {"keys": keys, "destroys": destroys, "wraps": wraps, "logs": logs}
    return Role(name=name, reads=frozenset(reads), writes=frozenset(writes), opens=frozenset(opens), **more)


def _any(actions: list[str], names: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, action) for action in actions for name in names)


def _tables(resource: Any) -> tuple[str, ...]:
    """Which table; an index has only keys."""
    arn = json.dumps(resource).rstrip('}"]')
    if arn.endswith(("*", "table/*")) and ":table/broker" not in arn:
        return () if ":log-group:" in arn or ":kms:" in arn else ("broker", "broker-keys")
    return ("broker-keys",) if arn.endswith("/broker-keys") else ("broker",) if arn.endswith("/broker") else ()


def _condition(statement: Mapping[str, Any], key: str) -> list[str]:
    return [value for found in _conditions(statement, key) for value in found]


def _conditions(statement: Mapping[str, Any], key: str) -> Iterator[list[str]]:
    for operator in statement.get("Condition", {}).values():
        if key in operator:
            yield _listed(operator[key])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
