"""The checks in docs/doctor.md, written from the checks: `python -m cli.doctor.page`."""

import sys
from pathlib import Path

from cli.doctor.checks import Group
from cli.doctor.deployment import GROUPS as DEPLOYMENT_GROUPS
from cli.doctor.deployment import NETWORK_GROUPS
from cli.doctor.server import GROUPS as SERVER_GROUPS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "doctor.md"
PARTS = {"deployment": (*DEPLOYMENT_GROUPS, *NETWORK_GROUPS), "server": SERVER_GROUPS}


def fill(page: str) -> str:
    """The page with current checks; each part is between two markers with its name."""
    for name, groups in PARTS.items():
        begin, end = f"<!-- checks: {name} -->\n", f"<!-- end: {name} -->"
        before, _, rest = page.partition(begin)
        page = before + begin + build_lists(groups) + end + rest.partition(end)[2]
    return page


def build_lists(groups: tuple[Group, ...]) -> str:
    """One list for each group."""
    lines = []
    for group in groups:
        lines += ["", f"#### {group.title}", ""]
        lines += [
            f"- [`{check.name}`]({_link(check.source.link)}) ({check.severity}): {check.rule}" for check in group.checks
        ]
    return "\n".join([*lines, "", ""])


def _link(link: str) -> str:
    """The link relative to the page's folder."""
    return link.removeprefix("docs/")


def main() -> int:
    """Write the page."""
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
