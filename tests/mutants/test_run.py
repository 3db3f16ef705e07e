"""The runner tells killed, survived, stale and broken apart, leaves the tree alone; and no mutant here is stale."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.requirements import read_requirements
from tests.mutants import run as runner
from tests.mutants.run import Mutant, mutate, read_mutants, run

CODE = "def check(n):\n    if n < 0:\n        raise ValueError\n    return n\n"
TESTS = """import pytest
from room.code import check

@pytest.mark.parametrize("n", [-1, -2])
def test_it_refuses(n):
    with pytest.raises(ValueError):
        check(n)

def test_it_answers():
    assert check(1) == 1
"""
REFUSES, ANSWERS = "tests/test_code.py::test_it_refuses", "tests/test_code.py::test_it_answers"

# The families of lines of which each is about an attack.
SECURITY = re.compile(
    "(GEN|META|AUTHZ|CONS|CB|TOK|CODE|REF|XCH|DEV|PAR|DPOP|REG|CIMD|FETCH|REV|INT|VLT|PRX|BFF|OPS)-[0-9]+"
)


def mutant(name: str, find: str, replace: str, *tests: str) -> Mutant:
    """One mutant of the small tree."""
    return Mutant(
        name=name, requirement="X-01", removes="r", file="room/code.py", find=find, replace=replace, tests=tests
    )


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one check, two tests and the runner's own files."""
    root = tmp_path / "tree"
    for name, text in {"room/__init__.py": "", "room/code.py": CODE, "tests/test_code.py": TESTS}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "tests" / "__init__.py").touch()
    mutants = root / "tests" / "mutants"
    mutants.mkdir()
    for name in ("__init__.py", "warm.py"):
        shutil.copy(runner.ROOT / "tests" / "mutants" / name, mutants / name)
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    monkeypatch.setattr(runner, "ROOT", root)
    return root


def test_killed_survived_stale_and_broken_are_told_apart(tree: Path) -> None:
    mutants = [
        mutant("killed", "if n < 0:", "if False:", REFUSES),
        mutant("survives one of two", "if n < 0:", "if False:", REFUSES, ANSWERS),
        mutant("another value passes", "if n < 0:", "if n < -1:", REFUSES + "[-2]"),
        mutant("one parameter is enough", "if n < 0:", "if n < -1:", REFUSES),
        mutant("text not there", "if n > 0:", "if False:", REFUSES),
        mutant("text there twice", "n", "m", REFUSES),
        mutant("does not import", "def check(n):", "import nothing_like_it\ndef check(n):", REFUSES),
    ]
    verdicts = {verdict.mutant.name: verdict.kind for verdict in run(mutants, jobs=1)}
    assert verdicts == {
        "killed": "killed",
        "survives one of two": "survived",
        "another value passes": "survived",
        "one parameter is enough": "killed",
        "text not there": "stale",
        "text there twice": "stale",
        "does not import": "broken",
    }
    assert (tree / "room" / "code.py").read_text() == CODE


def test_a_mutant_whose_test_fails_without_it_is_stale(tree: Path) -> None:
    (tree / "tests" / "test_code.py").write_text(TESTS.replace("check(1) == 1", "check(1) == 2"))
    (verdict,) = run([mutant("m", "return n", "return 0", ANSWERS)], jobs=1)
    assert verdict.kind == "stale"


def test_every_mutant_here_still_finds_its_text_once() -> None:
    stale = [each.name for each in read_mutants(runner.ROOT / "tests" / "mutants") if mutate(each, runner.ROOT) is None]
    assert not stale, f"the code has moved under these mutants: {', '.join(stale)}"


def test_every_test_that_a_mutant_names_exists() -> None:
    names = sorted({name for each in read_mutants(runner.ROOT / "tests" / "mutants") for name in each.tests})
    collection = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0", "-p", "no:cacheprovider", *names],
        cwd=runner.ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert re.findall("not found: .*", collection.stderr) == []
    assert collection.returncode == 0


def test_every_line_of_the_protocol_that_has_a_test_has_a_mutant() -> None:
    mutants = read_mutants(runner.ROOT / "tests" / "mutants")
    lines = {name for name, line in read_requirements().items() if SECURITY.fullmatch(name) and not line.planned}
    assert sorted(lines - {each.requirement for each in mutants}) == []
    assert len(mutants) >= 100
