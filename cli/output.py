"""Prints results: aligned text for people, one JSON document for programs. A secret is shown only when it was just
created.
"""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from chalicelib.records.provider import ProviderRecord
from chalicelib.records.resource import Resource
from cli.invocation import PROGRAM, as_typed

Row = Mapping[str, Any]

# Members of a row that tell the operator what to type.
ADVICE = ("instead", "lasts", "next", "undo")


@dataclass(frozen=True)
class Listing:
    """Rows, and a closing sentence for people."""

    rows: Sequence[Row]
    said: str


@dataclass(frozen=True)
class Partly:
    """Rows of which some failed, and what is left to do; the command exits with 1."""

    rows: Sequence[Row]
    left: str


@dataclass(frozen=True)
class Lines:
    """Many rows: for programs one JSON object per line."""

    rows: Sequence[Row]


@dataclass(frozen=True)
class Report:
    """Text for people, rows for programs, and the exit code."""

    rows: Sequence[Row]
    text: str
    code: int = 0


class Summary(dict[str, Any]):
    """Text for people, one row for programs."""

    def __init__(self, row: Row, *, text: str) -> None:
        super().__init__(row)
        self.text = text


def log_stream() -> TextIO:
    """Where the broker's log lines go: to standard error if it is redirected, nowhere at a terminal."""
    return open(os.devnull, "w", encoding="utf-8") if sys.stderr.isatty() else sys.stderr


def tell_rest(document: Any) -> int:
    """Print on standard error what is left to do; returns the exit code."""
    if isinstance(document, Report):
        return document.code
    if not isinstance(document, Partly):
        return 0
    print(f"{PROGRAM}: {as_typed(document.left)}", file=sys.stderr)
    return 1


def show(document: Any, *, as_json: bool) -> None:
    """Print a row, or a list of rows."""
    if isinstance(document, Lines):
        if not as_json:
            return _show_rows(document.rows)
        for row in document.rows:
            print(json.dumps(_type(row)))
    elif isinstance(document, Partly):
        show(document.rows, as_json=as_json)
    elif isinstance(document, Report):
        print(json.dumps(_type(document.rows), indent=2) if as_json else as_typed(document.text))
    elif isinstance(document, Summary) and not as_json:
        print(as_typed(document.text))
    elif isinstance(document, Listing):
        show(document.rows, as_json=as_json)
        if not as_json:
            print(as_typed(document.said))
    elif as_json:
        print(json.dumps(_type(document), indent=2))
    elif isinstance(document, Mapping):
        _show_row(document)
    else:
        _show_rows(document)


def provider_row(provider_id: str, display_name: str, record: ProviderRecord | None) -> dict[str, Any]:
    """A provider file, and whether the provider is enabled."""
    return {
        "provider_id": provider_id,
        "display_name": display_name,
        "switched_on": record is not None and not record.marks.disabled,
        "client_id": record.client_id if record else None,
        "secret": bool(record and not record.public),
        "issuer": record.issuer if record else None,
    }


def resource_row(resource: Resource) -> dict[str, Any]:
    """One API of the team."""
    return {
        "audience": resource.audience,
        "scope": " ".join(sorted(resource.scopes)),
        "token_seconds": resource.token_seconds,
        "created_at": date(resource.created_at),
    }


def _type(rows: Any) -> Any:
    """The same row or rows, with the commands in advice as they are typed here."""
    if isinstance(rows, Mapping):
        return {name: as_typed(said) if name in ADVICE and said else said for name, said in rows.items()}
    return [_type(row) for row in rows] if isinstance(rows, list) else rows


def _show_row(row: Row) -> None:
    row = _type(row)
    width = max(map(len, row), default=0)
    for name, value in row.items():
        print(f"{name:<{width}}  {_words(value)}")


def _show_rows(rows: Sequence[Row]) -> None:
    if not rows:
        print("none")
        return
    rows = _type(list(rows))
    names = [name for name in rows[0] if any(_words(row[name]) != "-" for row in rows)]
    table = [names, *([_words(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(names))]
    for line in table:
        print("  ".join(f"{word:<{width}}" for word, width in zip(line, widths, strict=True)).rstrip())


def _words(value: Any) -> str:
    if value is None or value == [] or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_words(one) for one in value)
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_words(one)}" for name, one in value.items() if one is not None)
    return harmless(str(value))


def harmless(text: str) -> str:
    """A provider chooses its scope names: control characters are removed."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def date(seconds: int | None) -> str | None:
    """A time in UTC, for people."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else None
