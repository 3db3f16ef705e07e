"""Structured lines on standard output, redacted in one place (GEN-18)."""

import re
import sys
from typing import TextIO

import msgspec

from chalicelib.ports import Clock

SECRET_NAMES = re.compile(
    r"authorization|dpop|cookie|^code$|verifier|token$|secret|assertion|^state$|user_code|password|^request$",
    re.IGNORECASE,
)
SECRET_VALUES = re.compile(
    r"tb_(?:code|refresh|device|bff|register|manage)_[\w-]+|eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?|\b[0-9a-f]{64}\b"
)
REDACTED = "[redacted]"


def redact(name: str, value: object) -> object:
    """A field as it may be written: named secrets dropped, strings that look like one of our tokens replaced."""
    if SECRET_NAMES.search(name):
        return REDACTED
    if isinstance(value, str):
        return SECRET_VALUES.sub(REDACTED, value)[:500]
    if isinstance(value, (list, tuple, frozenset)):
        return [redact(name, item) for item in value]
    if isinstance(value, dict):
        return {str(key): redact(str(key), item) for key, item in value.items()}
    return value


class JsonLog:
    """One JSON object a line."""

    def __init__(self, clock: Clock, *, stream: TextIO | None = None) -> None:
        self._clock = clock
        self._stream = stream

    def event(self, name: str, **fields: object) -> None:
        """Write one line."""
        line = {"at": self._clock.now(), "event": name, **{key: redact(key, value) for key, value in fields.items()}}
        stream = self._stream or sys.stdout
        stream.write(msgspec.json.encode(line, enc_hook=str).decode() + "\n")
        stream.flush()
