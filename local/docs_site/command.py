"""`dev.py docs`: build the documentation site from the Markdown of the repository.

The site needs no network and loads nothing from another host. Each version has a folder, so that an older release stays
readable: copy the whole output folder to any static host.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cli.parser import CommandParser
from cli.progress import Progress
from local.docs_site.server import serve
from local.docs_site.versions import UNRELEASED, put_version, write_sitemap
from local.virtual_environment import ROOT, make_environment

LOCK = ROOT / "requirements-docs.txt"
ENVIRONMENT = ROOT / ".venv-docs"
PORT = 8000
# Of no use here: a packed list of pages, what debugs the theme, other languages, and a page for missing pages, whose
# links are right only at the root of a host.
UNUSED = ("404.html", "sitemap.xml.gz", "assets/**/*.map", "assets/javascripts/lunr/**/*.js")


class Unbuildable(Exception):
    """What MkDocs says of the pages."""


def main(arguments: list[str] | None = None) -> int:
    """Build, and serve if asked to; 1 where a page has a fault."""
    options = build_parser().parse_args(arguments)
    try:
        built = build_version(options.out, options.version)
    except Unbuildable as fault:
        print(f"dev.py docs: {fault}", file=sys.stderr)
        return 1
    if not options.serve:
        print(f"{built / 'index.html'}\nRead it with a search: python3 dev.py docs --serve")
        return 0
    return serve(options.out, options.port, rebuild=lambda: build_version(options.out, options.version))


def build_parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="dev.py docs", description=__doc__)
    add = parser.add_argument
    add("--out", type=Path, default=ROOT / "dist" / "docs", metavar="DIR", help="folder of all versions (dist/docs)")
    add("--version", default=UNRELEASED, metavar="NAME", help=f"folder of this version ({UNRELEASED})")
    add("--serve", action="store_true", help="serve it on 127.0.0.1, and build again when a page changes")
    add("--port", type=int, default=PORT, help=f"port for --serve ({PORT}; 0: a free one)")
    return parser


def build_version(folder: Path, version: str) -> Path:
    """The folder of the site of one version. Raises Unbuildable; what was there before stays."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder) as scratch:
        built = Path(scratch, "site")
        build(built)
        return put_version(folder, version, built)


def build(target: Path) -> None:
    """Build into a folder that does not exist yet. A warning is an error. Raises Unbuildable."""
    python = make_environment(ENVIRONMENT, LOCK)
    command = [str(python), "-m", "mkdocs", "build", "--strict", "--config-file", "docs/site/mkdocs.yml"]
    # The fixed date gives the same bytes at each build.
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1", "SOURCE_DATE_EPOCH": "315532800"}
    with Progress("building the site"):
        command += ["--site-dir", str(target.resolve())]
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        # `--quiet` would hide warnings from `--strict` too.
        lines = [line for line in done.stderr.splitlines() if line and not line.startswith(("INFO", "DEBUG"))]
        raise Unbuildable("\n".join(["the site is not built:", *lines]))
    for path in (path for pattern in UNUSED for path in target.glob(pattern)):
        path.unlink()
    write_sitemap(target)
