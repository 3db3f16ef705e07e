"""Checks, their findings, and the score of a whole examination."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cli.invocation import as_typed
from cli.output import harmless

Severity = Literal["error", "warning", "advice"]

# What a check counts in the score: one error outweighs all advice of its group.
WEIGHTS: dict[Severity, int] = {"error": 10, "warning": 4, "advice": 1}
MAX_CHARACTERS = 300


class Skipped(Exception):
    """The check cannot tell; the text says why, and what to do about it."""


@dataclass(frozen=True)
class Source:
    """The source of a rule: a URL, or a path in this repository."""

    name: str
    link: str


@dataclass(frozen=True)
class Fault:
    """One fault, with its own fix if the check's fix is too general."""

    found: str
    fix: str | None = None


Find = Callable[[Any], Iterable[str | Fault]]


@dataclass(frozen=True)
class Check:
    """One rule. `find` yields each violation; the first sentence of its docstring is the rule."""

    name: str
    severity: Severity
    rule: str
    fix: str
    source: Source
    find: Find


@dataclass(frozen=True)
class Finding:
    """A check that found a fault; `found` is printable and short, because the server is untrusted."""

    check: Check
    found: str
    fix: str


@dataclass(frozen=True)
class Group:
    """The checks of one file, in their order in the file."""

    title: str
    checks: list[Check] = field(default_factory=list)

    def check(self, name: str, severity: Severity, *, fix: str, source: Source) -> Callable[[Find], Find]:
        """Add the function below as a check."""

        def add(find: Find) -> Find:
            rule = (find.__doc__ or "").strip().splitlines()[0]
            self.checks.append(Check(name=name, severity=severity, rule=rule, fix=fix, source=source, find=find))
            return find

        return add


@dataclass(frozen=True)
class Report:
    """The result of every check; each is in exactly one of the three.

    skipped   check -> why it could not tell
    """

    subject: str
    findings: Sequence[Finding]
    passed: Sequence[Check]
    skipped: dict[str, str]

    @property
    def score(self) -> int:
        """From 0 to 100, weighted, over the checks that were not skipped; 0 if all were skipped."""
        failed = {finding.check.name: WEIGHTS[finding.check.severity] for finding in self.findings}
        good = sum(WEIGHTS[check.severity] for check in self.passed)
        return 100 * good // max(1, good + sum(failed.values()))

    @property
    def is_well(self) -> bool:
        """True if no error was found; warnings and advice do not count."""
        return bool(self.passed) and all(finding.check.severity != "error" for finding in self.findings)


def rfc(number: int, section: str) -> Source:
    """A section of an RFC."""
    part = "appendix" if section[0].isalpha() else "section"
    return Source(f"RFC {number} {part} {section}", f"https://www.rfc-editor.org/rfc/rfc{number}#{part}-{section}")


def examine(name: str, groups: Sequence[Group], subject: Any) -> Report:
    """Run every check on the subject, in order."""
    findings: list[Finding] = []
    passed: list[Check] = []
    skipped: dict[str, str] = {}
    for check in (check for group in groups for check in group.checks):
        found: list[Fault] = []
        try:
            found.extend(one if isinstance(one, Fault) else Fault(one) for one in check.find(subject))
        except Skipped as why:
            if not found:
                skipped[check.name] = printable(as_typed(str(why)))
                continue
        faults = dict.fromkeys(found)
        for fault in faults:
            findings.append(Finding(check, printable(fault.found), printable(as_typed(fault.fix or check.fix))))
        passed += [] if found else [check]
    return Report(name, findings, passed, skipped)


def printable(text: str) -> str:
    """Safe for a terminal and short, because untrusted servers may send anything."""
    shown = harmless(text)
    return shown if len(shown) <= MAX_CHARACTERS else shown[: MAX_CHARACTERS - 3] + "..."
