"""What a release may change in stored records, so that it and the one before it read each other's items."""

import re

LINE = re.compile(r"(?P<record>\w+\.\w+)\.(?P<attribute>\w+): (?P<type>.+?)(?P<default> = default)?")
Records = dict[str, dict[str, tuple[str, bool]]]
"""Record -> attribute -> (type, has a default)."""


def read_records(text: str) -> Records:
    """Lines of describe.py."""
    found: Records = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        assert match is not None, line
        has_default = match["default"] is not None
        found.setdefault(match["record"], {})[match["attribute"]] = (match["type"], has_default)
    return found


def find_breaks(previous: Records, now: Records, allowed: dict[str, str]) -> list[str]:
    """What either release could not read of the other, one sentence each.

    allowed   record.attribute -> why a change of its type breaks nothing
    """
    found = []
    for record in previous.keys() & now.keys():
        before, after = previous[record], now[record]
        found += [
            f"{record}.{name} is new and has no default: items of the previous release have none of it"
            for name in after.keys() - before.keys()
            if not after[name][1]
        ]
        found += [
            f"{record}.{name} is gone, and the previous release cannot read an item without it: "
            "give it a default now, and take it away in the next release"
            for name in before.keys() - after.keys()
            if not before[name][1]
        ]
        found += [
            f"{record}.{name} was {before[name][0]} and is {after[name][0]}: the previous release reads it too"
            for name in before.keys() & after.keys()
            if before[name][0] != after[name][0] and f"{record}.{name}" not in allowed
        ]
        found += [
            f"{record}.{name} has lost its default: empty values are left out of items"
            for name in before.keys() & after.keys()
            if before[name][1] and not after[name][1]
        ]
    return sorted(found)
