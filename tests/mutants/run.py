"""Takes security checks out, one at a time, and sees that the test named for it fails.

    python -m tests.mutants.run                 all of tests/mutants/*.toml
    python -m tests.mutants.run --only NAME     those whose name contains NAME
    python -m tests.mutants.run --list          names, requirements and files

The tree itself is never touched: each job works in a copy of its own. A mutant is *killed* when every test it names
fails, *survived* when one passes, *stale* when its text is not there exactly once (or its tests fail without it), and
*broken* when the tests could not run at all: an import error proves nothing. Exit 0 only when all are killed.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from msgspec import Struct, convert

from cli.deployment.local_environment import use_local_credentials
from cli.parser import CommandParser
from cli.progress import Progress
from tests.kit import ROOT

SECONDS, LONG_SECONDS = 180, 1800
# Of npm's packages one folder is enough for all.
SHARED = Path("tests/interop/clients/node_modules")
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".*_cache", "__pycache__", "build", "dist", "*.zip", "*.png", SHARED.name
)


class Mutant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One check taken out. removes: what, in words. tests: node ids, each of which must fail."""

    name: str
    requirement: str
    removes: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]


class Verdict(Struct, frozen=True, kw_only=True):
    """What became of a mutant. kind: killed, survived, stale or broken."""

    mutant: Mutant
    kind: str
    detail: str = ""
    seconds: float = 0.0


def read_mutants(folder: Path = ROOT / "tests" / "mutants") -> list[Mutant]:
    """All mutants of all files, named by their table headers."""
    tables = [(n, t) for file in sorted(folder.glob("*.toml")) for n, t in tomllib.loads(file.read_text()).items()]
    names = [name for name, _ in tables]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two mutants have one name: {sorted(twice)}")
    return [convert({"name": name, **table}, Mutant) for name, table in tables]


def mutate(mutant: Mutant, root: Path) -> str | None:
    """The changed text of the file, or None when the mutant is stale."""
    file = root / mutant.file
    text = file.read_text() if file.exists() else ""
    if text.count(mutant.find) != 1 or mutant.find == mutant.replace:
        return None
    changed = text.replace(mutant.find, mutant.replace)
    if mutant.file.endswith(".py"):
        ast.parse(changed, mutant.file)
    return changed


class Copy:
    """A copy of the tree with a warm process in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT, root, ignore=NOT_COPIED, symlinks=True)
        if (ROOT / SHARED).exists():
            (root / SHARED).symlink_to(ROOT / SHARED)
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(root), "COLUMNS": "400"}
        use_local_credentials(environment)
        self._warm = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.warm"],
            cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._ask()

    def run_tests(self, nodes: list[str], seconds: float = SECONDS) -> tuple[set[str], str]:
        """The node ids that failed, and why the run itself could not be had ("" when it could)."""
        code, output = json.loads(self._ask(json.dumps([nodes, seconds])))
        if code is None:
            return set(), "no end within the time"
        # A line of a captured log begins with its level and more than one space.
        failed, errors = (set(re.findall(rf"(?m)^{kind} (\S.*?)(?: - .*)?$", output)) for kind in ("FAILED", "ERROR"))
        # A fixture may object too to what made a test fail; what it alone objects to says nothing of the test.
        if code not in (0, 1) or errors - failed:
            return set(), "\n".join(output.strip().splitlines()[-6:])
        return failed, ""

    def close(self) -> None:
        """End the process; its folder goes with the rest."""
        if self._warm.stdin is not None:
            self._warm.stdin.close()
        self._warm.wait(10)

    def _ask(self, line: str | None = None) -> str:
        if self._warm.stdin is None or self._warm.stdout is None:
            raise RuntimeError("the warm process has no pipes")
        if line is not None:
            self._warm.stdin.write(line + "\n")
            self._warm.stdin.flush()
        if not (answer := self._warm.stdout.readline()):
            raise RuntimeError(f"the warm process in {self.root} has ended")
        return answer


def judge(mutant: Mutant, copy: Copy, failing_without: set[str]) -> Verdict:
    """Apply one mutant in a copy, run its tests, and put the file back as it was."""
    began = time.monotonic()
    if failing := [node for node in mutant.tests if covers(node, failing_without)]:
        return Verdict(mutant=mutant, kind="stale", detail=f"fails without the mutant: {' '.join(failing)}")
    changed = mutate(mutant, copy.root)
    if changed is None:
        return Verdict(mutant=mutant, kind="stale", detail=f"the text is not there exactly once: {mutant.file}")
    file = copy.root / mutant.file
    kept = (file.read_bytes(), file.stat())
    try:
        file.write_text(changed)
        failed, broken = copy.run_tests(list(mutant.tests))
    finally:
        file.write_bytes(kept[0])
        os.utime(file, ns=(kept[1].st_atime_ns, kept[1].st_mtime_ns))
    seconds = time.monotonic() - began
    passing = [node for node in mutant.tests if not covers(node, failed)]
    kind = "broken" if broken else "survived" if passing else "killed"
    return Verdict(mutant=mutant, kind=kind, detail=broken or " ".join(passing), seconds=seconds)


def covers(node: str, failed: set[str]) -> bool:
    """True where the node, or one of its parameters, is among the failed."""
    return any(f == node or f.startswith(node + "[") for f in failed)


def run(mutants: list[Mutant], jobs: int) -> list[Verdict]:
    """Judge all, `jobs` at a time."""
    free: SimpleQueue[Copy] = SimpleQueue()
    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as folder,
        ThreadPoolExecutor(jobs) as pool,
        Progress("mutants", len(mutants)) as shown,
    ):
        shown.note("the named tests without a mutant")
        copies = list(pool.map(lambda number: Copy(Path(folder) / str(number)), range(jobs)))
        try:
            for copy in copies:
                free.put(copy)
            failing, broken = _run_as_they_are(
                copies, sorted({node for mutant in mutants for node in mutant.tests}), pool
            )
            if broken:
                shown.say(f"The named tests do not run as they are:\n{broken}")
                return [Verdict(mutant=mutant, kind="broken", detail="not tried") for mutant in mutants]
            shown.note("")
            return list(pool.map(lambda mutant: _one(mutant, free, failing, shown), mutants))
        finally:
            for copy in copies:
                copy.close()


def _run_as_they_are(copies: list[Copy], nodes: list[str], pool: ThreadPoolExecutor) -> tuple[set[str], str]:
    """Run every named test without any mutant, spread over the copies by file; as `Copy.run_tests`."""
    files = sorted({node.split("::")[0] for node in nodes})
    shares = [
        [node for node in nodes if files.index(node.split("::")[0]) % len(copies) == n] for n in range(len(copies))
    ]
    asked = [
        pool.submit(copy.run_tests, share, LONG_SECONDS) for copy, share in zip(copies, shares, strict=True) if share
    ]
    results = [each.result() for each in asked]
    return set().union(*(failed for failed, _ in results)), "\n".join(broken for _, broken in results if broken)


def _one(mutant: Mutant, free: SimpleQueue[Copy], failing: set[str], shown: Progress) -> Verdict:
    copy = free.get()
    try:
        verdict = judge(mutant, copy, failing)
    finally:
        free.put(copy)
    shown.advance()
    shown.say(f"{verdict.kind:8} {mutant.requirement:8} {mutant.name}  {verdict.seconds:.1f} s")
    return verdict


def main(arguments: list[str]) -> int:
    """Run, report, and say by the exit code whether all were killed."""
    parser = CommandParser(prog="dev.py mutants", description="Take each check out and see its test fail.")
    parser.add_argument("--only", metavar="NAME", help="mutants whose name contains this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="how many at once (default: processors)")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    options = parser.parse_args(arguments)
    mutants = [m for m in read_mutants() if not options.only or options.only in m.name]
    if not mutants:
        print(f"dev.py mutants: no name contains '{options.only}'; --list shows them", file=sys.stderr)
        return 2
    if options.list:
        for mutant in mutants:
            print(f"{mutant.requirement:8} {mutant.name}: {mutant.removes}  ({mutant.file})")
        return 0
    began = time.monotonic()
    verdicts = run(mutants, max(1, min(options.jobs, len(mutants))))
    counts = {kind: [v for v in verdicts if v.kind == kind] for kind in ("killed", "survived", "stale", "broken")}
    for kind in ("survived", "stale", "broken"):
        for verdict in counts[kind]:
            print(f"\n{kind}: {verdict.mutant.name} ({verdict.mutant.removes})\n  {verdict.detail}")
    summary = ", ".join(f"{len(some)} {kind}" for kind, some in counts.items())
    print(f"\n{len(verdicts)} mutants: {summary}; {time.monotonic() - began:.0f} s")
    return 0 if verdicts and len(counts["killed"]) == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
