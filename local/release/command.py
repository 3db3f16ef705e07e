"""`dev.py release`: build all of a release into one folder, without publishing anything.

`--dry-run` checks the tree, then builds the deployment packages with their bills of materials, the wheel, the packages
for apps, the documentation, the notes and the checksums. `--prepare` writes a version and its section of the changelog,
for you to commit. docs/releasing.md says how to publish.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from cli.parser import CommandParser
from local.docs_site.command import Unbuildable
from local.package.package import ROOT, PackagingError
from local.release.artifacts import build_release, check_replaceable, replace_folder
from local.release.changelog import UNRELEASED, find_section, move_unreleased
from local.release.readiness import Refused, check_clean, check_readiness
from local.release.versions import FORM, REPEATED, SOURCE, write_version


def main(arguments: list[str] | None = None) -> int:
    """Build or prepare; 1 with the next step where something is in the way."""
    options = build_parser().parse_args(arguments)
    try:
        if options.prepare:
            print(prepare(ROOT, options.prepare))
        else:
            print(rehearse(options.out))
    except (Refused, PackagingError, Unbuildable) as fault:
        print(f"dev.py release: {fault}", file=sys.stderr)
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="dev.py release", description=__doc__)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--dry-run", action="store_true", help="build everything, and publish nothing")
    kind.add_argument(
        "--prepare", metavar="VERSION", help="state this version, and name the unreleased changes after it"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the release (dist/release-VERSION)")
    return parser


def rehearse(out: Path | None) -> str:
    """Build the release of this commit; returns the list of its files. Raises Refused, PackagingError."""
    version = check_readiness(ROOT)
    folder = out or ROOT / "dist" / f"release-{version}"
    check_replaceable(folder)
    with tempfile.TemporaryDirectory(prefix="broker-release-") as scratch:
        built = Path(scratch, "release")
        built.mkdir()
        files = build_release(ROOT, built, version)
        listed = [f"  {file.name}  {file.stat().st_size:,} bytes" for file in files]
        replace_folder(built, folder)
    check_clean(ROOT)
    return "\n".join([f"Token Broker {version}, in {folder}:", *listed, "Nothing is published; see docs/releasing.md."])


def prepare(root: Path, version: str) -> str:
    """Write the version and the changelog's section; returns the next step. Raises Refused."""
    if not FORM.fullmatch(version):
        raise Refused(f"'{version}' is no version; it must be three numbers, such as 0.2.0")
    check_clean(root)
    place = root / "CHANGELOG.md"
    text = place.read_text(encoding="utf-8")
    if find_section(text, version) is None:
        if not find_section(text, UNRELEASED):
            raise Refused(f"CHANGELOG.md has nothing under '## {UNRELEASED}': describe what changed first")
        place.write_text(move_unreleased(text, version), encoding="utf-8")
    write_version(root, version)
    changed = " ".join((SOURCE, *REPEATED, place.name))
    return f"Read the changes, then: git add {changed} && git commit -m 'Release {version}'"
