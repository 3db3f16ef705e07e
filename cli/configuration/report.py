"""What a plan and an apply print: what differs, and what the file does not name."""

from collections.abc import Iterable, Mapping
from typing import Any

from cli.configuration.steps import Step
from cli.output import harmless

_SIGNS = {"create": "+", "update": "~", "delete": "-"}


def describe_rows(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """One row for each thing, for programs."""
    return [
        {
            "change": step.change,
            "kind": step.kind,
            "name": step.name,
            "id": step.thing,
            "fields": {name: {"from": before, "to": after} for name, (before, after) in step.fields.items()},
            "notes": step.notes,
        }
        for step in steps
        if step.shown
    ]


def describe_text(steps: Iterable[Step]) -> list[str]:
    """The same for people."""
    lines: list[str] = []
    for step in steps:
        if step.shown:
            lines.append(f"{_SIGNS[step.change]} {harmless(step.title)}")
            lines += _field_lines(step.fields)
            lines += [f"    ({harmless(note)})" for note in step.notes]
    return lines


def describe_unlisted(unlisted: Iterable[tuple[str, str]]) -> list[str]:
    """The things that the file does not name, each with the word that deletes it."""
    found = [f"  --delete {harmless(word)}" + ("" if word.endswith(f":{name}") else f"   {harmless(name)}")
             for word, name in unlisted]  # fmt: skip
    return ["", "Not in the file, and left alone unless you add:", *found] if found else []


def _field_lines(fields: Mapping[str, tuple[Any, Any]]) -> Iterable[str]:
    width = max(map(len, fields), default=0)
    for name, (before, after) in fields.items():
        yield f"    {name:<{width}}  {harmless(_say(before, after))}"


def _say(before: Any, after: Any) -> str:
    if before is None:
        return _plain(after)
    if isinstance(before, list) or (isinstance(before, str) and " " in f"{before}{after}"):
        old, new = _parts(before), _parts(after)
        changed = [f"+ {one}" for one in new if one not in old] + [f"- {one}" for one in old if one not in new]
        return "  ".join(changed)
    return f"{_plain(before)} -> {_plain(after)}"


def _parts(value: Any) -> list[str]:
    return value.split(" ") if isinstance(value, str) and value else list(map(_plain, value or ()))


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    if isinstance(value, dict):
        return str(value.get("kid") or "a public key")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else str(value)
