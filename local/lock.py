"""`dev.py lock`: write the hash locks from the requirements-*.in files; --upgrade takes the newest releases.

A lock holds names, versions and hashes and nothing else, so that it reads the same wherever it was written.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What ships comes first: the development lock has to agree with it.
LOCKS = ("requirements", "requirements-dev", "requirements-ministack")
OPTIONS = ("--universal", "--python-version=3.11", "--generate-hashes", "--no-header", "--no-annotate", "--quiet")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="dev.py lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest releases instead of the locked ones")
    options = parser.parse_args(arguments)
    uv = str(Path(sys.prefix, "bin", "uv"))
    for name in LOCKS:
        upgrade = ["--upgrade"] if options.upgrade else []
        command = [uv, "pip", "compile", *OPTIONS, *upgrade, f"{name}.in", "-o", f"{name}.txt"]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        if status:
            return status
        print(f"{name}.txt")
    return 0
