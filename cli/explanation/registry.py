"""The reasons for refusals, explained for the operator: one file per group under cli/reasons/.

A reason with a variable part (`assertion_*`) is one entry. The text that replaces `*` is often a reason with its own
entry.
"""

import fnmatch
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct, convert

FOLDER = Path(__file__).parents[1] / "reasons"
PAGE = "docs/errors.md"


class Reason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One private reason.

    check    the condition that was checked and did not hold
    says     what happened        do    what to do; if empty, the group's advice applies
    attack   an honest client does not send this by accident
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
    steps    reasons in the order of their checks, if they have an order
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
    """A reason and its entry. key: of the entry; filled: the text that replaces its `*`."""

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
    """The entry with exactly this name, else the most specific family."""
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
    """The link to an entry, from the root."""
    return f"{PAGE}#{anchor_of(key)}"
