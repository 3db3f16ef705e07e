"""The layout of tests/: no module imports a test module, and folders stay small."""

import ast
import subprocess
from collections import Counter
from pathlib import PurePosixPath

import pytest

from tests.kit import ROOT

MOST_FOLDERS = 15
MOST_FILES = 20


def list_modules() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "tests/*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split()


def is_test(module: str) -> bool:
    """Fixtures in a conftest.py come by their names, so nothing imports it either."""
    name = module.rsplit(".", 1)[-1]
    return name.startswith("test_") or name == "conftest"


def imported_tests(path: str, source: str) -> set[str]:
    """The test modules and conftest modules that this module imports."""
    package = path.removesuffix(".py").split("/")
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base, *(f"{base}.{name.name}" for name in node.names if not is_test(base))}
    return {name for name in found if name.startswith("tests.") and is_test(name)}


def test_no_module_imports_a_test_module() -> None:
    paths = list_modules()
    assert len(paths) > 500
    assert [f"{path}: {name}" for path in paths for name in imported_tests(path, (ROOT / path).read_text())] == []


def test_no_folder_is_added_and_none_grows_large() -> None:
    folders = Counter(str(PurePosixPath(path).parent) for path in list_modules())
    assert {folder: files for folder, files in folders.items() if files > MOST_FILES} == {}
    assert len({path.split("/")[1] for path in list_modules() if path.count("/") > 1}) <= MOST_FOLDERS


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from tests.http.logout.test_logout import end", {"tests.http.logout.test_logout"}),
        ("from tests.http.logout import test_logout", {"tests.http.logout.test_logout"}),
        ("from .test_logout import end", {"tests.http.logout.test_logout"}),
        ("from tests.cli.conftest import Operator", {"tests.cli.conftest"}),
        ("import tests.http.logout.test_logout", {"tests.http.logout.test_logout"}),
        ("from tests.kit.http.stack import Stack", set()),
    ],
)
def test_an_import_is_found_however_it_is_written(source: str, names: set[str]) -> None:
    assert imported_tests("tests/http/logout/test_backchannel.py", source) == names
