"""`dev.py lock`: write the hash locks from requirements-*.in, and with npm that of tests/interop/clients.

A lock holds names, versions and hashes and nothing else, so that it reads the same wherever it was written. --upgrade
takes the newest releases. --audit writes nothing: it asks the public database of known vulnerabilities about what is
locked (pip-audit, which needs the network), and fails where a release is in it or could not be asked for.
"""

import subprocess
import sys
from pathlib import Path

from cli.parser import CommandParser
from cli.progress import Progress
from local.node import FOLDER, PROJECTS, NoNode, write_lock

PIP_AUDIT = "2.10.1"
ROOT = Path(__file__).resolve().parents[2]
# What ships comes first: the development lock has to agree with it, and the local lock with that.
LOCKS = (
    *("requirements", "requirements-dev", "requirements-local"),
    *("requirements-docs", "requirements-ministack", "requirements-terraform"),
)
OPTIONS = ("--universal", "--python-version=3.11", "--generate-hashes", "--no-header", "--no-annotate", "--quiet")


def main(arguments: list[str]) -> int:
    parser = CommandParser(prog="dev.py lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest releases instead of the locked ones")
    parser.add_argument("--audit", action="store_true", help="ask whether a locked release has a known vulnerability")
    options = parser.parse_args(arguments)
    if options.audit:
        return audit()
    uv = str(Path(sys.prefix, "bin", "uv"))
    with Progress("locking", len(LOCKS) + 2, "locks") as shown:
        for name in LOCKS:
            shown.note(f"{name}.in")
            upgrade = ["--upgrade"] if options.upgrade else []
            command = [uv, "pip", "compile", *OPTIONS, *upgrade, f"{name}.in", "-o", f"{name}.txt"]
            status = subprocess.run(command, cwd=ROOT, check=False).returncode
            if status:
                return status
            shown.advance()
            shown.say(f"{name}.txt")
        try:
            for folder in (FOLDER, PROJECTS):
                shown.note(str(folder.relative_to(ROOT)))
                shown.say(str(write_lock(folder, upgrade=options.upgrade).relative_to(ROOT)))
                shown.advance()
        except NoNode as error:
            print(f"dev.py lock: the locks under tests/interop/clients/ stay as they are: {error}", file=sys.stderr)
    return 0


def audit() -> int:
    """Ask about every lock; 0 where nothing is known of any."""
    uv = str(Path(sys.prefix, "bin", "uv"))
    tool = [uv, "tool", "run", f"pip-audit=={PIP_AUDIT}", "--strict", "--no-deps", "--disable-pip"]
    worst = 0
    for name in LOCKS:
        print(f"{name}.txt:", flush=True)
        worst |= subprocess.run([*tool, "-r", f"{name}.txt"], cwd=ROOT, check=False).returncode
    return worst
