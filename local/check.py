"""`dev.py check`: format, lint, strict types and the import contract, side by side, one line each."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from cli.parser import CommandParser
from cli.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
TOOLS = {
    "format": ["ruff", "format", "--check"],
    "lint": ["ruff", "check"],
    "types": ["mypy"],
    "imports": ["lint-imports", "--no-logo"],
}


class Outcome(NamedTuple):
    name: str
    passed: bool
    seconds: float
    output: str


def main(arguments: list[str]) -> int:
    CommandParser(prog="dev.py check", description=__doc__).parse_args(arguments)
    with Progress("checking", len(TOOLS), "tools") as shown:
        outcomes = run_tools(shown.advance)
    return 1 if tell(outcomes) else 0


def run_tools(ended: Callable[[], None] = lambda: None) -> list[Outcome]:
    """All of them, side by side; `ended` is called at the end of each."""

    def run(name: str) -> Outcome:
        outcome = run_tool(name)
        ended()
        return outcome

    with ThreadPoolExecutor() as pool:
        return list(pool.map(run, TOOLS))


def tell(outcomes: list[Outcome]) -> list[str]:
    """Print a line for each and what the failed ones had to say; their names."""
    for outcome in outcomes:
        print(f"{outcome.name:8} {'ok' if outcome.passed else 'FAILED':7} {outcome.seconds:5.1f} s", flush=True)
    for outcome in outcomes:
        if not outcome.passed:
            print(f"\n{outcome.name}: {' '.join(TOOLS[outcome.name])}\n{outcome.output}", flush=True)
    return [outcome.name for outcome in outcomes if not outcome.passed]


def run_tool(name: str) -> Outcome:
    program, *arguments = TOOLS[name]
    begun = time.monotonic()
    done = subprocess.run(
        [Path(sys.prefix, "bin", program), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(name, done.returncode == 0, time.monotonic() - begun, done.stdout.strip())
