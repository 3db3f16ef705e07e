"""Explains one refusal from its log line and the registry of reasons, and from nothing else."""

import difflib
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from cli.explanation.registry import Known, find_reason, page_of, read_registry
from cli.invocation import as_typed

_HIDDEN = re.compile(r"\[\d+ characters\]|\[userinfo\]|\[redacted\]")
_PLAIN = re.compile(r"[\x20-\x5b\x5d-\x7e]+")  # what was escaped is not what was sent
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_NAMES = {"received": "VALUE", "missing": "SCOPE"}


def explain(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Build one document. `lines` have the same error id, and at least one of them is the refusal."""
    refused = [line for line in lines if line.get("event") == "refused"] or lines
    line, reason = refused[-1], str(refused[-1].get("reason"))
    evidence = {name: value for one in refused for name, value in _evidence(one).items()}
    known = find_reason(reason)
    document: dict[str, Any] = {
        "error_id": line.get("error_id"),
        "at": line.get("at"),
        "endpoint": evidence.get("endpoint"),
        "reason": reason,
        "told_the_client": {"error": line.get("error"), "error_id": line.get("error_id")},
        "evidence": {name: value for name, value in evidence.items() if name not in ("endpoint",)},
        "differences": compare(evidence.get("expected"), evidence.get("received")),
    }
    if known is None:
        unknown = "This reason is not in the registry: another version wrote the log."
        return {**document, "says": unknown, "path": [], "do": "Run the command from the deployed version."}
    inner = find_reason(known.filled) if known.filled else None
    return {
        **document,
        "says": " ".join([known.reason.says, *([inner.reason.says] if inner else [])]),
        "path": build_path(known),
        "do": (inner or known).reason.do or known.reason.do or known.group.do,
        "attack": known.reason.attack or bool(inner and inner.reason.attack),
        "fix": build_command(known.reason.fix, evidence),
        "by": known.group.source,
        "more": page_of(known.key),
    }


def build_path(known: Known) -> list[dict[str, str]]:
    """The checks that passed before, in order, and the one that failed; unknown checks are left out."""
    groups = read_registry()
    path = [{"check": groups[name].title, "outcome": "passed"} for name in known.group.after]
    steps = known.group.steps
    before = steps[: steps.index(known.key)] if known.key in steps else ()
    path += [{"check": known.group.reasons[key].check, "outcome": "passed"} for key in before]
    return [*path, {"check": known.reason.check, "outcome": "refused"}]


def compare(expected: Any, received: Any) -> list[dict[str, str]]:
    """Each expected text against the one received, the nearest first, with ^ under the characters that differ."""
    if not isinstance(received, str) or not expected:
        return []
    wanted = [expected] if isinstance(expected, str) else [str(one) for one in expected]
    wanted.sort(key=lambda one: -difflib.SequenceMatcher(None, one, received, autojunk=False).ratio())
    return [{"expected": one, "received": received, "marks": mark(one, received)} for one in wanted]


def mark(expected: str, received: str) -> str:
    """`^` under each character of `received` that is not as expected; one `^` behind or between if characters are
    missing.
    """
    marks = [" "] * (len(received) + 1)
    matcher = difflib.SequenceMatcher(None, expected, received, autojunk=False)
    for kind, _, _, begin, end in matcher.get_opcodes():
        if kind == "delete":
            marks[begin] = "^"
        elif kind != "equal":
            marks[begin:end] = "^" * (end - begin)
    return "".join(marks).rstrip()


def build_command(template: str, evidence: Mapping[str, Any]) -> str | None:
    """The command with its values, quoted for a shell; values missing in the log are in capitals."""
    if not template:
        return None
    values = {name: value for name, value in evidence.items() if isinstance(value, str)}
    if isinstance(evidence.get("received"), list):
        values["missing"] = " ".join(sorted(set(evidence["received"]) - set(evidence.get("expected") or ())))

    def fill(found: re.Match[str]) -> str:
        value = values.get(found[1], "")
        if not value or _HIDDEN.search(value) or not _PLAIN.fullmatch(value):
            return _NAMES.get(found[1], found[1].upper())
        return shlex.quote(value)

    return _PLACEHOLDER.sub(fill, as_typed(template))


def _evidence(line: Mapping[str, Any]) -> dict[str, Any]:
    evidence = line.get("evidence")
    return evidence if isinstance(evidence, dict) else {}
