"""`dev.py deploy-rehearsal`: from release to release and back, or one of two regions lost, on an AWS played here."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cli.parser import CommandParser
from cli.progress import Progress


def main(arguments: list[str] | None = None) -> int:
    """One line for each step; 1 at the first that does not go as it should."""
    parser = CommandParser(prog="dev.py deploy-rehearsal", description=__doc__)
    parser.add_argument("--regions", action="store_true", help="two regions instead, of which one is lost")
    rehearse = rehearse_regions if parser.parse_args(arguments).regions else rehearse_releases
    from local.package.package import PackagingError
    from tests.deploy.rehearsal.previous import NotInThisClone

    with tempfile.TemporaryDirectory(prefix="broker-rehearsal-") as folder:
        try:
            rehearse(Path(folder))
        except (PackagingError, NotInThisClone) as reason:
            print(f"deploy-rehearsal: {reason}", file=sys.stderr)
            return 1
        except AssertionError as seen:
            print(f"deploy-rehearsal: this did not go as it should: {seen}", file=sys.stderr)
            raise
    return 0


def rehearse_releases(folder: Path) -> None:
    """From the previous release to this one and back."""
    from local.package.package import build_package
    from tests.deploy.rehearsal.rehearsal import STEPS, rehearsing

    with Progress("rehearsing", len(STEPS), "steps") as shown:
        shown.say("packing this release and the one before it")
        package = build_package(folder / "now.zip", arch="host")
        shown.note("starting the simulated AWS")
        with rehearsing(package, folder) as here:
            take_steps(STEPS, here, shown)


def rehearse_regions(folder: Path) -> None:
    """Two regions, of which one is lost."""
    from tests.deploy.rehearsal.regions import STEPS, two_regions

    with Progress("rehearsing", len(STEPS), "steps") as shown:
        shown.note("starting both regions")
        with two_regions(folder) as here:
            take_steps(STEPS, here, shown)


def take_steps(steps: Sequence[Callable[[Any], str]], here: Any, shown: Progress) -> None:
    """A line for each step at its end."""
    for step in steps:
        name = step.__name__.replace("_", " ")
        shown.note(name)
        seen = step(here)
        shown.advance()
        shown.say(f"{name:16} ok  {seen}")
