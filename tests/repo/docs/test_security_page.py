"""docs/security.md: every row of its tables names a test that there is, and no line of either standard is left out."""

import re
from functools import cache

import pytest

from local.package.package import ROOT
from tests.kit.requirement import requirement
from tests.kit.requirements import read_tests

PAGE = (ROOT / "docs" / "security.md").read_text()
RFC_9700 = [
    "2.1", "2.1.1", "2.1.2", "2.2.1", "2.2.2", "2.3", "2.4", "2.5", "2.6", *(f"4.{number}" for number in range(1, 18)),
]  # fmt: skip
# How many lines each section of the two chapters has.
ASVS = {"9.1": 3, "9.2": 4, "10.1": 2, "10.2": 3, "10.3": 5, "10.4": 16, "10.5": 5, "10.6": 2, "10.7": 3}
LINES = [f"{section}.{number}" for section, count in ASVS.items() for number in range(1, count + 1)]


@cache
def nodes() -> set[str]:
    """All tests there are."""
    return read_tests()[1]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below this heading."""
    part = re.split(r"(?m)^## ", PAGE.split(f"## {heading}", 1)[1], maxsplit=1)[0]
    return [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")][1:]


@requirement("AUD-06")
@pytest.mark.parametrize(("heading", "lines"), [("RFC 9700", RFC_9700), ("OWASP ASVS 5.0", LINES), ("Threats", None)])
def test_each_row_names_a_test_that_there_is(heading: str, lines: list[str] | None) -> None:
    table = rows(heading)
    assert lines is None or [row[0] for row in table] == lines
    named = [re.findall(r"`(tests/[^`]+::[^`]+)`", row[-1]) for row in table]
    assert all(named) and len(table) >= 10
    assert [node for found in named for node in found if node not in nodes()] == []


@requirement("AUD-06")
def test_what_does_not_hold_by_itself_says_what_makes_it_hold() -> None:
    held = {row[0]: row[1] for row in rows("OWASP ASVS 5.0")}
    assert set(held.values()) == {"yes", "by profile", "not here"}
    by_profile = [line for line, how in held.items() if how == "by profile"]
    assert by_profile == ["10.3.5", "10.4.13", "10.4.14", "10.4.16"]
    assert all("`fapi2`" in row[2] for row in rows("OWASP ASVS 5.0") if row[0] in by_profile)
