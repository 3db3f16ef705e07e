"""The list of versions beside their folders, for the menu of every version, and the page that leads to the newest."""

import json
import shutil
from pathlib import Path

UNRELEASED = "dev"
REDIRECT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Token Broker</title>
<meta http-equiv="refresh" content="0; url={version}/index.html">
<a href="{version}/index.html">Documentation of Token Broker</a>
</html>
"""


def put_version(folder: Path, version: str, built: Path) -> Path:
    """Move a built site to its place below `folder`, and list all versions there."""
    place = folder / version
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(place, ignore_errors=True)
    shutil.move(built, place)
    write_list(folder)
    return place


def write_list(folder: Path) -> None:
    """Newest release first, then what is unreleased. The first of them is where `folder` itself leads."""
    found = sorted((path.parent.name for path in folder.glob("*/index.html")), key=_order, reverse=True)
    entries = [
        {"version": name, "title": name, "aliases": ["latest"] if place == 0 and name != UNRELEASED else []}
        for place, name in enumerate(found)
    ]
    (folder / "versions.json").write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    (folder / "index.html").write_text(REDIRECT.format(version=found[0]), encoding="utf-8")


def write_sitemap(site: Path) -> None:
    """List the pages of a built site. The menu of versions reads it, to stay on the same page.

    Addresses have to be whole there, and the theme compares only their paths: the host is nobody's.
    """
    names = ["", *sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))]
    lines = [f"<url><loc>https://docs.invalid/{name}</loc></url>" for name in names]
    head = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    (site / "sitemap.xml").write_text("\n".join([head, *lines, "</urlset>\n"]), encoding="utf-8")


def _order(name: str) -> tuple[int, ...]:
    parts = name.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else (-1,)
