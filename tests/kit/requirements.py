"""Which line of tests/requirements.toml has which test, read from the source of the tests without running any.

python -m tests.kit.requirements            the counts, and the planned lines that already have a test
python -m tests.kit.requirements CODE-04    the tests of one line
python -m tests.kit.requirements --settle   take `planned` away from the lines that have a test
"""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, convert

from tests.kit import ROOT

HERE = ROOT / "tests"
LIST = HERE / "requirements.toml"


class Requirement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line. planned: why it has no test yet. open: what its tests do not cover."""

    says: str
    source: str
    planned: str | None = None
    open: str | None = None


def read_requirements(text: str | None = None) -> dict[str, Requirement]:
    """All lines, by id."""
    return convert(tomllib.loads(text if text is not None else LIST.read_text()), dict[str, Requirement])


def read_tests(folder: Path = HERE) -> tuple[dict[str, list[str]], set[str]]:
    """Requirement id -> node ids of its tests, and all node ids there are (parameters left out)."""
    by_requirement: dict[str, list[str]] = defaultdict(list)
    nodes: set[str] = set()
    for file in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(file.read_text(), str(file))
        of_module = [i for s in tree.body if _assigns_pytestmark(s) for i in _ids_in(s)]
        for node, ids in _tests_in(tree, f"{folder.name}/{file.relative_to(folder).as_posix()}", of_module):
            nodes.add(node)
            for requirement in dict.fromkeys(ids):
                by_requirement[requirement].append(node)
    return dict(by_requirement), nodes


def faults(
    requirements: dict[str, Requirement], by_requirement: dict[str, list[str]], nodes: set[str], named: dict[str, str]
) -> list[str]:
    """What is wrong, one sentence each. named: node id that something relies on -> who names it."""
    found = [
        f'{i} has no test: write one with @requirement({i!r}), or say planned = "why" in tests/requirements.toml'
        for i, line in requirements.items()
        if i not in by_requirement and line.planned is None
    ]
    found += [
        f"{i} is planned and has a test: python -m tests.kit.requirements --settle"
        for i, line in requirements.items()
        if i in by_requirement and line.planned is not None
    ]
    found += [
        f"{node} names {i}, which tests/requirements.toml does not list"
        for i, tests in by_requirement.items()
        if i not in requirements
        for node in tests
    ]
    found += [
        f"{who} names the test {node}, which does not exist"
        for node, who in named.items()
        if node.split("[", 1)[0] not in nodes
    ]
    return found


def settle(text: str, by_requirement: dict[str, list[str]]) -> str:
    """The list without the `planned` lines of what has a test by now."""
    parts = re.split(r"(?m)^(?=\[)", text)
    return "".join(
        re.sub(r"(?m)^planned = .*\n", "", part)
        if (head := re.match(r"\[([A-Z0-9-]+)\]", part)) and head[1] in by_requirement
        else part
        for part in parts
    )


def _assigns_pytestmark(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == "pytestmark" for target in statement.targets
    )


def _ids_in(tree: ast.AST) -> Iterator[str]:
    """The arguments of every call of `requirement` below a node."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name == "requirement":
            yield from (a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


def _tests_in(tree: ast.Module | ast.ClassDef, prefix: str, ids: list[str]) -> Iterator[tuple[str, list[str]]]:
    for item in tree.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name.startswith("test"):
            yield f"{prefix}::{item.name}", ids + [i for d in item.decorator_list for i in _ids_in(d)]
        elif isinstance(item, ast.ClassDef) and item.name.startswith("Test"):
            of_class = [i for d in item.decorator_list for i in _ids_in(d)]
            yield from _tests_in(item, f"{prefix}::{item.name}", ids + of_class)


def main(arguments: list[str]) -> int:
    """Print what the module's docstring says."""
    requirements, (by_requirement, _) = read_requirements(), read_tests()
    if arguments == ["--settle"]:
        LIST.write_text(settle(LIST.read_text(), by_requirement))
        requirements = read_requirements()
    elif arguments:
        for wanted in arguments:
            print(wanted, requirements[wanted].says, *by_requirement.get(wanted, ["no test"]), sep="\n  ")
        return 0
    tested = [i for i in requirements if i in by_requirement]
    planned = [i for i, line in requirements.items() if i not in by_requirement and line.planned]
    lacking = [i for i, line in requirements.items() if i not in by_requirement and not line.planned]
    print(f"{len(requirements)} requirements: {len(tested)} with tests, {len(planned)} planned, {len(lacking)} lacking")
    for title, some in (
        ("without test and not planned", lacking),
        ("planned, but tested", [i for i in tested if requirements[i].planned]),
        ("tested with something open", [i for i in tested if requirements[i].open]),
        ("not listed", sorted(set(by_requirement) - set(requirements))),
    ):
        if some:
            print(f"  {title}: {' '.join(some)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
