"""Writes a configuration file: every value on one line, in TOML 1.0."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def write_table(heading: str, table: Mapping[str, Any], comments: tuple[str, ...] = ()) -> Iterator[str]:
    """The lines of one table, with an empty line before it."""
    yield ""
    yield from (f"# {comment}" for comment in comments)
    yield f"[{heading}]"
    yield from (f"{write_key(name)} = {write_value(value)}" for name, value in table.items())


def write_key(name: str) -> str:
    """A key, in quotation marks where it needs them."""
    return name if _BARE.fullmatch(name) else write_value(name)


def write_value(value: Any) -> str:
    """A value. A JSON string is a TOML string, if every character but printable ASCII is escaped."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{write_key(name)} = {write_value(one)}" for name, one in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(write_value, value)) + "]"
    return _write_text(value) if isinstance(value, str) else str(value)


def _write_text(text: str) -> str:
    """TOML has no surrogates: a character beyond the first plane is written as it is."""
    return "".join(one if one.isprintable() and one not in '"\\' else json.dumps(one)[1:-1] for one in text).join('""')
