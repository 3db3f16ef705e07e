"""The list of requirements and the tests agree, both ways."""

from pathlib import Path

import pytest

from tests.kit.requirements import Requirement, faults, read_requirements, read_tests, settle
from tests.mutants.run import read_mutants

LISTED = {"CODE-04": Requirement(says="s", source="s")}


def test_each_requirement_has_a_test_or_is_honestly_planned() -> None:
    requirements, (by_requirement, nodes) = read_requirements(), read_tests()
    named = {node: f"mutant {mutant.name}" for mutant in read_mutants() for node in mutant.tests}
    found = faults(requirements, by_requirement, nodes, named)
    found += [
        f"mutant {mutant.name} names {mutant.requirement}, which is not listed"
        for mutant in read_mutants()
        if mutant.requirement not in requirements
    ]
    assert not found, "\n".join(found)


def test_no_line_is_lost() -> None:
    families = [i.rsplit("-", 1)[0] for i in read_requirements() if "-" in i]
    assert len(families) >= 159
    assert {name: families.count(name) for name in ("GEN", "AUTHZ", "CODE", "REF", "TOK")} == {
        "GEN": 26, "AUTHZ": 17, "CODE": 8, "REF": 10, "TOK": 11,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "named", "fault"),
    [
        ("def test_a(): ...", {}, "CODE-04 has no test"),
        ("@requirement('CODE-04')\ndef test_a(): ...", {}, None),
        ("class TestA:\n  @pytest.mark.requirement('CODE-04')\n  def test_a(self): ...", {}, None),
        ("pytestmark = [requirement('CODE-04')]\ndef test_a(): ...", {}, None),
        ("@requirement('CODE-04')\ndef helper(): ...", {}, "CODE-04 has no test"),
        ("@requirement('CODE-04', 'CODE-99')\ndef test_a(): ...", {}, "names CODE-99"),
        ("@requirement('CODE-04')\ndef test_a(): ...", {"X/test_x.py::test_b": "m"}, "does not exist"),
        ("@requirement('CODE-04')\ndef test_a(): ...", {"X/test_x.py::test_a[1]": "m"}, None),
    ],
)
def test_a_missing_an_unknown_and_a_misnamed_test_are_found(
    tmp_path: Path, source: str, named: dict[str, str], fault: str | None
) -> None:
    folder = tmp_path / "X"
    folder.mkdir()
    (folder / "test_x.py").write_text(source)
    found = faults(LISTED, *read_tests(folder), named)
    assert found == [] if fault is None else len(found) == 1 and fault in found[0]


def test_a_line_that_is_planned_and_tested_is_one_of_both() -> None:
    planned = {"CODE-04": Requirement(says="s", source="s", planned="later")}
    assert faults(planned, {}, set(), {}) == []
    assert len(faults(planned, {"CODE-04": ["X/test_x.py::test_a"]}, {"X/test_x.py::test_a"}, {})) == 1


def test_a_planned_line_settles_when_its_test_comes() -> None:
    text = '[A-01]\nsays = "a"\nplanned = "x"\n\n[B-01]\nsays = "b"\nplanned = "y"\n'
    assert settle(text, {"A-01": ["t"]}) == '[A-01]\nsays = "a"\n\n[B-01]\nsays = "b"\nplanned = "y"\n'
