"""Everything that a thief of tables and logs would have, and a search in it for a secret in any usual spelling."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.kit.http.stack import Stack

Rows = dict[str, list[dict[str, Any]]]


def read_tables(stack: Stack) -> Rows:
    """Every item of both tables."""
    found: Rows = {}
    for table in (stack.settings.table, stack.settings.keys_table):
        answer = stack.deployment.dynamodb.call("Scan", {"TableName": table, "ConsistentRead": True})
        assert "LastEvaluatedKey" not in answer
        found[table] = answer["Items"]
    return found


def restore_table(stack: Stack, rows: Rows, table: str) -> None:
    """One table as a backup has it, over what stands there."""
    for item in rows[table]:
        stack.deployment.dynamodb.call("PutItem", {"TableName": table, "Item": item})


def as_bytes(value: Any) -> Iterator[bytes]:
    """Every text and every byte string in a value, however deep."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, str):
        yield value.encode()
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from as_bytes(name)
            yield from as_bytes(inner)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from as_bytes(inner)


def haystack(stack: Stack) -> bytes:
    """Both tables and the log; what is base64 or JSON inside of them unpacked too."""
    texts = [*as_bytes(read_tables(stack)), stack.log.getvalue().encode()]
    for line in stack.log.getvalue().splitlines():
        texts += as_bytes(json.loads(line))
    return b"\0".join([*texts, *(opened for text in texts for opened in _unpacked(text))])


def _unpacked(text: bytes) -> Iterator[bytes]:
    for decode in (base64.b64decode, base64.urlsafe_b64decode):
        try:
            yield decode(text + b"=" * (-len(text) % 4))
        except ValueError:
            continue


def spellings(secret: bytes) -> set[bytes]:
    """Raw, hexadecimal, percent-encoded, escaped in JSON, and base64 at each of its three alignments."""
    text = secret.decode("latin-1")
    found = {secret, secret.hex().encode(), secret.hex().upper().encode(), quote(secret, safe="").encode()}
    found.add(json.dumps(text)[1:-1].encode())
    found.add("".join(f"%{byte:02x}" for byte in secret).encode())
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * shift + secret)
            # The first and the last characters also hold bits of what stands beside the secret.
            found.add(encoded[0 if shift == 0 else 4 : (len(secret) + shift) // 3 * 4])
    return found


def search(hay: bytes, secrets: dict[str, bytes | str]) -> list[str]:
    """Names of the secrets that are found."""
    found = []
    for name, secret in secrets.items():
        raw = secret.encode() if isinstance(secret, str) else secret
        assert len(raw) >= 12, f"{name} is too short to be looked for"
        if any(spelling in hay for spelling in spellings(raw)):
            found.append(name)
    return found
