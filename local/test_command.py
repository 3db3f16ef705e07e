"""`dev.py test`: the checks and the tests that a change waits for, and one closing line with the counts.

`--quick` is the inner loop: the checks and the tests that need no process beside them. `dev.py nightly` runs what
`dev.py test` leaves out; tests/tiers.toml says which tests, and why they may wait. Other arguments go to pytest as
they are (`dev.py test tests/unit/protocol -x -q`), and the checks are then left out. Without any, the tests run on
two processes more than there are processors, four at most, each file in one of them, those first that take longest.
"""

import os
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.check import run_tools, tell
from local.node import why_no_node

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "tests" / "requirements.toml"


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
        print(f"usage: dev.py test [--quick | PYTEST ARGUMENTS]\n\n{__doc__}")
        return 0
    if arguments in ([], ["--quick"]):
        return run_tier("quick" if arguments else "test")
    return close(run_pytest(arguments), [])


def run_tier(tier: str) -> int:
    """The checks, and the tests of one tier of tests/tiers.toml."""
    # Beside the tests: strict types alone take one processor as long as all others have to wait for the first test.
    checks = ThreadPoolExecutor(1).submit(run_tools)
    if tier == "nightly" and (missing := why_no_node()):
        print(f"left out: the client libraries of tests/interop/clients that need npm: {missing}", flush=True)
    # Two more than there are processors: much of the time a test waits for another process.
    workers = str(min(4, (os.cpu_count() or 1) + 2))
    done = run_pytest(["--tier", tier, "-n", workers, "--dist", "loadscope", "--no-loadscope-reorder"])
    return close(done, tell(checks.result()))


def run_pytest(arguments: list[str]) -> tuple[int, Counts]:
    counts = Counts()
    base = ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")]
    return int(pytest.main([*base, *arguments], plugins=[counts])), counts


def close(done: tuple[int, Counts], broken: list[str]) -> int:
    """The closing line. A failed check counts, so that the line and the exit code never disagree."""
    status, counts = done
    if broken:
        print(f"failed besides the tests: {', '.join(broken)}")
    failed = counts.failed + len(broken)
    print(f"{counts.passed} passed, {failed} failed, {counts.skipped} skipped, {planned()} planned")
    sys.stdout.flush()
    return status or (1 if broken else 0)


def planned() -> int:
    """How many requirements wait for later work, each with its reason in tests/requirements.toml."""
    return sum("planned" in line for line in tomllib.loads(REQUIREMENTS.read_text()).values())
