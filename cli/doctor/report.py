"""Prints an examination: text for people, one JSON document for programs."""

from collections import Counter
from typing import Any

from cli.doctor.checks import Report, Severity

SIGNS: dict[Severity, str] = {"error": "ERROR  ", "warning": "warning", "advice": "advice "}


def build_document(report: Report) -> dict[str, Any]:
    """The whole report as one document."""
    return {
        "examined": report.subject,
        "score": report.score,
        "well": report.is_well,
        "findings": [
            {
                "check": finding.check.name,
                "severity": finding.check.severity,
                "rule": finding.check.rule,
                "found": finding.found,
                "fix": finding.fix,
                "source": {"name": finding.check.source.name, "link": finding.check.source.link},
            }
            for finding in report.findings
        ],
        "passed": [check.name for check in report.passed],
        "skipped": report.skipped,
    }


def build_words(report: Report) -> list[str]:
    """Lines: the most severe first, then the skipped checks, then the score."""
    lines = [f"{report.subject}", ""]
    for finding in sorted(report.findings, key=lambda finding: list(SIGNS).index(finding.check.severity)):
        check = finding.check
        lines += [f"{SIGNS[check.severity]}  {check.name}: {finding.found}", f"         {check.rule}"]
        by = dict.fromkeys((check.source.name, check.source.link))
        lines += [f"    fix  {finding.fix}", f"     by  {', '.join(by)}", ""]
    if report.skipped:
        lines += ["skipped:", *_skipped(report.skipped), ""]
    counted = Counter(finding.check.severity for finding in report.findings)
    sums = ", ".join(f"{counted[severity]} {severity}" for severity in SIGNS if counted[severity]) or "nothing found"
    return [*lines, f"score {report.score} of 100: {sums}; {len(report.passed)} checks passed"]


def _skipped(skipped: dict[str, str]) -> list[str]:
    """A line for each reason, with the checks that were skipped because of it."""
    names: dict[str, list[str]] = {}
    for name, why in skipped.items():
        names.setdefault(why, []).append(name)
    return [line for why, kept in names.items() for line in (f"  {why}:", f"    {', '.join(kept)}")]
