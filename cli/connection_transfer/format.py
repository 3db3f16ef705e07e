"""One connection that is imported or exported: a line of JSON or CSV with the names of docs/moving.md."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.protocol.derived_ids import is_linked_login
from chalicelib.records.subject import Subject
from cli.deployment.operations import OperationError

MAX_TOKEN_CHARACTERS = 16 * 1024
END_OF_TIME = 10**11  # the year 5138


class Moved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Tokens of one account, and their user.

    provider          provider id here
    subject           the account's stable id at the provider; issuer: its name space, if the provider has several
    user_provider, user_subject, user_issuer   the account with which the user signs in here; default: the same account
    sub, account_id   instead of these: the ids that this deployment gave to both
    scope             granted, as named by the provider, separated by spaces
    expires_at        of the access token: epoch seconds or an ISO 8601 date; none: it does not expire
    connected_at      when the user allowed it; default: now
    metadata          the values of `[metadata]` of the provider's file
    """

    provider: str
    access_token: str
    refresh_token: str = ""
    scope: str = ""
    subject: str = ""
    issuer: str = ""
    user_provider: str = ""
    user_subject: str = ""
    user_issuer: str = ""
    sub: str = ""
    account_id: str = ""
    expires_at: int | str | None = None
    connected_at: int | str | None = None
    metadata: dict[str, str] = {}
    profile: dict[str, Any] = {}
    client_id: str = ""

    def __repr__(self) -> str:
        """Never prints a token."""
        return f"Moved(provider={self.provider!r})"


class NotMoved(Exception):
    """Why a line was not imported, as a reason code of docs/moving.md."""


def read_lines(text: str) -> Iterator[tuple[int, Moved | NotMoved]]:
    """Every non-empty line, numbered from 1, of a CSV file with a header, or of JSON lines.

    Raises OperationError if it is neither.
    """
    lines = text.split("\n")  # not what else Unicode calls an end of a line: JSON has it as it is within a name
    first = next((line for line in lines if line.strip()), "")
    if not first:
        raise OperationError("the file is empty", "give one connection per line: docs/moving.md")
    if first.lstrip().startswith("{"):
        numbered = ((at, line) for at, line in enumerate(lines, 1) if line.strip())
        yield from ((at, _read(line)) for at, line in numbered)
        return
    reader = csv.DictReader(io.StringIO(text))
    unknown = set(reader.fieldnames or ()) - set(Moved.__struct_fields__)
    if unknown or "access_token" not in (reader.fieldnames or ()):
        raise OperationError(
            "its first line does not have the column names of docs/moving.md", "name the columns, or give JSON lines"
        )
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error:
        raise OperationError("a field is too long", "check the quotes in the file") from None
    for number, row in rows:
        given = {name: value for name, value in row.items() if name and value}
        if "metadata" in given:
            given["metadata"] = _object(given["metadata"])
        yield number, _read(json.dumps(given))


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _read(line: str) -> Moved | NotMoved:
    """A fault is reported as a reason code, never with the value. A null means that the other system has no value."""
    try:
        told = msgspec.json.decode(line, type=dict[str, Any])
        moved = msgspec.convert({name: value for name, value in told.items() if value is not None}, Moved)
    except msgspec.MsgspecError:
        return NotMoved("not_understood")
    tokens = (moved.access_token, moved.refresh_token)
    if not moved.access_token or any(len(one) > MAX_TOKEN_CHARACTERS or not _is_token(one) for one in tokens):
        return NotMoved("token_unusable")
    if not (moved.sub and moved.account_id) and not moved.subject:
        return NotMoved("subject_missing")
    return moved


def _is_token(text: str) -> bool:
    return all("\x20" < one < "\x7f" for one in text)


def seconds_of(told: int | str | None) -> int | None:
    """Epoch seconds of a number, or of a date with its zone. Raises NotMoved."""
    if told is None or told == "":
        return None
    try:
        seconds = _seconds(told)
    except ValueError:
        raise NotMoved("date_not_understood") from None
    if not 0 <= seconds < END_OF_TIME:
        raise NotMoved("date_not_understood")
    return seconds


def _seconds(told: int | str) -> int:
    """Raises ValueError."""
    if isinstance(told, int) or told.isdigit():
        number = int(told)
        # JavaScript writes milliseconds; read as seconds, they would be in the year 50000.
        return number // 1000 if number > 10**11 else number
    moment = datetime.fromisoformat(told)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def owner_of(login: str, subject: Subject | None, identity_key: bytes) -> str:
    """The user of a login. Raises NotMoved if the table links it to a user without the broker's signature."""
    if subject is None or not subject.linked_to:
        return login
    if not is_linked_login(identity_key, login=login, sub=subject.linked_to, mac=subject.link_mac):
        raise NotMoved("login_does_not_verify")
    return subject.linked_to
