"""A compare-and-swap write takes its number of tries from one place."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.kit import ROOT

# file -> why a fixed number of tries is right there
FIXED = {
    "chalicelib/vault/refresh_journal.py": "each try replaces another stored response, and at most three can exist",
    "chalicelib/jobs/user_erasure.py": "it waits for jobs that are running, for a time of its own",
    "chalicelib/vault/refresh.py": "the steps of one refresh, each with its own pause",
    "chalicelib/keys/rotation.py": "the steps of one rotation",
    "chalicelib/endpoints/device/device_authorization.py": "each try draws another random code",
    "cli/explanation/refusal_log.py": "pages of a log",
}


def repeat_loops(path: Path) -> Iterator[int]:
    """The lines of loops that only count: `for _ in range(...)`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        counts = isinstance(node, ast.For) and ast.unparse(node.target) == "_"
        if counts and ast.unparse(node.iter).startswith("range("):
            yield node.lineno


def test_only_the_listed_files_count_their_own_tries() -> None:
    rooms = (
        "chalicelib/endpoints",
        "chalicelib/grant_types",
        "chalicelib/vault",
        "chalicelib/jobs",
        "chalicelib/keys",
        "cli",
    )
    files = [path for room in rooms for path in sorted(ROOT.glob(f"{room}/**/*.py"))]
    found = {str(path.relative_to(ROOT)) for path in files if list(repeat_loops(path))}
    assert found == FIXED.keys()
