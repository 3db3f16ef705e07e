"""`dev.py deploy-rehearsal`: package and template on an AWS of this machine, from release to release and back."""

import argparse
import sys
import tempfile
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """One line for each step; 1 at the first that does not go as it should."""
    parser = argparse.ArgumentParser(prog="dev.py deploy-rehearsal", description=__doc__)
    parser.parse_args(arguments)
    from local.package import PackagingError, build_package
    from tests.package.previous import NotInThisClone
    from tests.package.rehearsal import STEPS, rehearsing

    with tempfile.TemporaryDirectory(prefix="broker-rehearsal-") as folder:
        try:
            say("packing this release and the one before it")
            package = build_package(Path(folder) / "now.zip", arch="host")
            with rehearsing(package, Path(folder)) as here:
                for step in STEPS:
                    say(f"{step.__name__.replace('_', ' '):16} ok  {step(here)}")
        except (PackagingError, NotInThisClone) as reason:
            print(f"deploy-rehearsal: {reason}", file=sys.stderr)
            return 1
        except AssertionError as seen:
            print(f"deploy-rehearsal: this did not go as it should: {seen}", file=sys.stderr)
            raise
    return 0


def say(line: str) -> None:
    """At once, since a step takes its time."""
    print(line, flush=True)
