"""The documentation site is built without a warning, and every page of it holds together."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

from local.docs_site.command import build_version
from local.docs_site.pages import address
from tests.kit.markdown import blocks, pages
from tests.kit.repo.clone import clone
from tests.kit.requirement import requirement


class Reference(NamedTuple):
    """What one element of a page points to."""

    tag: str
    url: str


class BuiltPage(HTMLParser):
    """A page of the built site: what it links to and loads, and its anchors."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.references: list[Reference] = []
        self.anchors: set[str] = set()
        self.text = file.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := named.get(name))}
        self.references += [Reference(tag, value) for name in ("href", "src", "srcset") if (value := named.get(name))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_version(tmp_path_factory.mktemp("docs"), "dev")


@pytest.fixture(scope="module")
def built(site: Path) -> dict[str, BuiltPage]:
    return {path.relative_to(site).as_posix(): BuiltPage(path) for path in site.rglob("*.html")}


@requirement("DOC-11")
def test_every_page_is_built(built: dict[str, BuiltPage]) -> None:
    assert sorted({address(page) for page in pages()} - built.keys()) == []


@requirement("DOC-01", "DOC-11")
def test_every_link_and_anchor_of_the_site_leads_somewhere(site: Path, built: dict[str, BuiltPage]) -> None:
    broken = []
    for name, page in built.items():
        for _, url in page.references:
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                continue
            target = (site / name).parent.joinpath(unquote(parts.path)).resolve() if parts.path else site / name
            if not target.is_file():
                broken.append(f"{name}: {url}")
            elif parts.fragment and target.suffix == ".html":
                there = built[target.relative_to(site).as_posix()]
                if unquote(parts.fragment) not in there.anchors:
                    broken.append(f"{name}: {url}")
    assert broken == []


@requirement("DOC-11")
def test_no_page_loads_anything_from_another_host(site: Path, built: dict[str, BuiltPage]) -> None:
    for name, page in built.items():
        loaded = [url for tag, url in page.references if tag != "a" and urlsplit(url).netloc]
        assert loaded == [], name
    for path in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", path.read_text(encoding="utf-8")) == [], path
    # The theme fetches Mermaid from another host, for a diagram alone.
    assert not any("mermaid" in block.language for page in pages() for block in blocks(page))


@requirement("DOC-11")
def test_a_search_reads_every_page_and_no_source(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"].partition("#")[0] or "index.html" for entry in index["docs"]}
    assert sorted({address(page) for page in pages()} - found) == []
    assert [place for place in found if place.startswith("source/")] == []


@requirement("DOC-11")
def test_every_block_of_a_page_is_one_on_the_site(built: dict[str, BuiltPage]) -> None:
    for page in pages():
        shown = built[address(page)].text.count('<div class="highlight">')
        assert shown >= len(blocks(page)), page


@requirement("DOC-01", "DOC-11")
def test_a_broken_link_or_anchor_stops_the_build_and_is_named(tmp_path: Path) -> None:
    page = clone(tmp_path / "a clone") / "docs" / "keys.md"
    page.write_text(page.read_text() + "\n[gone](gone.md), [no heading](vault.md#nothing)\n")
    out = tmp_path / "out"
    command = [sys.executable, "dev.py", "docs", "--out", str(out)]
    done = subprocess.run(command, cwd=page.parents[1], capture_output=True, text=True, timeout=200)
    assert done.returncode == 1 and done.stdout == ""
    said = [line.partition("contains a link ")[2] for line in done.stderr.splitlines() if line.startswith("WARNING")]
    assert [line.partition(",")[0] for line in said] == ["'gone.md'", "'vault.md#nothing'"]
    assert "Traceback" not in done.stderr and not any(out.iterdir())
