"""`dev.py nightly`: the long forms. The tests that `dev.py test` leaves out, then fuzz, soak and mutants.

tests/tiers.toml says which tests wait for this run, and why they may.
"""

import subprocess
import sys
from pathlib import Path

from cli.parser import CommandParser
from local.test_command import run_tier

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """0 where every part ended well. Every part runs, whatever the others found."""
    parser = CommandParser(prog="dev.py nightly", description=__doc__)
    parser.add_argument("--minutes", default="30", help="how long fuzz and soak take each (default: 30)")
    minutes = ("--minutes", parser.parse_args(arguments).minutes)
    failed = ["tests"] if run_tier("nightly") else []
    for name, *options in (("fuzz", *minutes), ("soak", *minutes), ("mutants",)):
        print(f"nightly: {name}", flush=True)
        if subprocess.run([sys.executable, str(ROOT / "dev.py"), name, *options], check=False).returncode:
            failed.append(name)
    print(f"nightly: failed: {', '.join(failed)}" if failed else "nightly: all parts passed", flush=True)
    return 1 if failed else 0
