"""docs/doctor.md has every check, as the code has it; every check is whole."""

import re

from cli.doctor.page import PAGE, PARTS, fill
from tests.kit.requirement import requirement

CHECKS = [check for groups in PARTS.values() for group in groups for check in group.checks]


@requirement("DIAG-01")
def test_the_page_has_the_checks_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert fill(page) == page, "run python -m cli.doctor.page"
    assert [check.name for check in CHECKS if f"`{check.name}`" not in page] == []


@requirement("DIAG-01")
def test_each_check_says_its_rule_its_fix_and_who_says_so() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS) > 50
    for check in CHECKS:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", check.name)
        assert check.rule.endswith(".") and check.fix and check.source.name, check.name
        assert check.source.link.startswith(("https://", "docs/")), check.name
