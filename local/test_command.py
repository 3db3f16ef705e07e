"""`dev.py test`: the checks and every test, and one closing line with the counts.

Arguments go to pytest as they are (`dev.py test tests/protocol -x -q`), and the checks are then left out. Without any,
the tests run on two processes more than there are processors, four at most, each file in one of them, those first that
take longest.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.check import run_tools, tell
from local.node import why_no_node
from tests.requirements import read_requirements

ROOT = Path(__file__).resolve().parent.parent


class Counts:
    """A pytest plugin that keeps the numbers of pytest's own summary, parallel runs included."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        count = {kind: len(reports) for kind, reports in terminalreporter.stats.items()}
        self.passed = count.get("passed", 0) + count.get("xpassed", 0)
        self.failed = count.get("failed", 0) + count.get("error", 0)
        self.skipped = count.get("skipped", 0) + count.get("xfailed", 0)


def main(arguments: list[str]) -> int:
    if arguments in (["-h"], ["--help"]):
        print(f"usage: dev.py test [PYTEST ARGUMENTS]\n\n{__doc__}")
        return 0
    # Beside the tests: strict types alone take one processor as long as all others have to wait for the first test.
    checks = ThreadPoolExecutor(1).submit(list if arguments else run_tools)
    if not arguments and (missing := why_no_node()):
        print(f"left out: the client libraries of tests/clients that need npm: {missing}", flush=True)
    counts = Counts()
    # Two more than there are processors: much of the time a test waits for another process.
    chosen = arguments or [
        "-n",
        str(min(4, (os.cpu_count() or 1) + 2)),
        "--dist",
        "loadscope",
        "--no-loadscope-reorder",
    ]
    status = int(pytest.main(["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), *chosen], plugins=[counts]))
    broken = tell(checks.result())
    if broken:
        print(f"failed besides the tests: {', '.join(broken)}")
    # A failed check counts, so that the line and the exit code never disagree.
    failed = counts.failed + len(broken)
    print(f"{counts.passed} passed, {failed} failed, {counts.skipped} skipped, {planned()} planned")
    sys.stdout.flush()
    return status or (1 if broken else 0)


def planned() -> int:
    """How many requirements wait for later work, each with its reason in tests/requirements.toml."""
    return sum(line.planned is not None for line in read_requirements().values())
