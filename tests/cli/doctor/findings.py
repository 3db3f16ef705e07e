"""The checks of a server, and the names of those that found a fault."""

from cli.doctor.checks import Report
from cli.doctor.server import GROUPS

CHECKS = {check.name: check for group in GROUPS for check in group.checks}


def names(report: Report) -> set[str]:
    return {finding.check.name for finding in report.findings}
