"""Why the broker refuses, in words for the operator: one file per group of reasons under cli/reasons/.

A reason whose end or beginning is filled in (`assertion_*`) is one entry; what stands for the `*` often is a reason
with an entry of its own.
"""

import fnmatch
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct, convert

FOLDER = Path(__file__).parent / "reasons"
PAGE = "docs/errors.md"


class Reason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One private reason.

    check    what was looked at, as a statement that did not hold
    says     what happened        do    what to do about it; the group's where it is empty
    attack   nobody who means well sends this by accident alone
    fix      a command; {name} is filled from the evidence
    """

    check: str
    says: str
    do: str = ""
    attack: bool = False
    fix: str = ""


class Group(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reasons that belong together.

    order    of the page        after   groups whose checks come before these
    steps    reasons in the order of their checks, as far as they have one
    source   where the rules come from
    """

    order: int
    title: str
    endpoints: str
    source: str
    do: str
    reasons: dict[str, Reason]
    after: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


class Known(Struct, frozen=True, kw_only=True):
    """A reason with its place. key: its entry; filled: what stands for the `*` of it."""

    key: str
    group_id: str
    group: Group
    reason: Reason
    filled: str = ""


@cache
def read_registry() -> Mapping[str, Group]:
    """Group id -> group, in the order of the page."""
    groups = {path.stem: convert(tomllib.loads(path.read_text("utf-8")), Group) for path in FOLDER.glob("*.toml")}
    return dict(sorted(groups.items(), key=lambda item: item[1].order))


def find_reason(reason: str) -> Known | None:
    """The entry of that very name, else of the family that says most of it."""
    entries = [(key, group_id) for group_id, group in read_registry().items() for key in group.reasons]
    fitting = [entry for entry in entries if entry[0] == reason]
    fitting = fitting or [entry for entry in entries if "*" in entry[0] and fnmatch.fnmatchcase(reason, entry[0])]
    if not fitting:
        return None
    key, group_id = max(fitting, key=lambda entry: len(entry[0]))
    group = read_registry()[group_id]
    before, star, after = key.partition("*")
    filled = reason.removeprefix(before).removesuffix(after) if star else ""
    return Known(key=key, group_id=group_id, group=group, reason=group.reasons[key], filled=filled)


def anchor_of(key: str) -> str:
    """The anchor of an entry on the page."""
    return key.replace("*", "x")


def page_of(key: str) -> str:
    """Where the page speaks of an entry, from the root."""
    return f"{PAGE}#{anchor_of(key)}"
