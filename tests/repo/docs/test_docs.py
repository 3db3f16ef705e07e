"""The documentation holds together: every link leads somewhere, every page is in the index, machines find it too."""

import posixpath
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from local.llms import INDEX, PLACE, build
from tests.kit.markdown import ROOT, anchors, links, pages, read
from tests.kit.requirement import requirement

PAGES = pages()
KINDS = ("Tutorial", "How to", "Reference", "Explanation")


@requirement("DOC-01")
@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for link in links(page):
        parts = urlsplit(link)
        if parts.scheme or link.startswith("//"):
            assert parts.scheme in ("https", "mailto") or parts.hostname in ("127.0.0.1", "localhost"), link
            continue
        target = (
            posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path))) if parts.path else page
        )
        assert not target.startswith("..") and (ROOT / target).exists(), f"{page}: {link}"
        if parts.fragment and target.endswith(".md"):
            assert parts.fragment in anchors(target), f"{page}: {link} names no heading of {target}"


@requirement("DOC-01")
def test_every_page_is_in_the_index_once() -> None:
    listed = [posixpath.normpath(f"docs/{link}") for link in links("docs/README.md")]
    assert sorted(set(listed)) == sorted(listed)
    wanted = {page for page in PAGES if re.fullmatch(r"docs/(?:[a-z0-9-]+|conformance/README)\.md", page)}
    assert sorted(wanted - set(listed)) == [], "add a line to docs/README.md, then run python -m local.llms"


@requirement("DOC-01")
def test_the_index_has_four_kinds_and_says_what_each_page_is_for() -> None:
    index = read("docs/README.md")
    assert tuple(re.findall(r"^## (.+)$", index, re.MULTILINE)) == KINDS
    assert [
        line for line in index.splitlines() if line.startswith("- ") and not re.match(r"- \[.+\]\(.+\): .+\.$", line)
    ] == []


@requirement("DOC-02")
def test_llms_txt_is_that_index() -> None:
    wanted = build(INDEX.read_text(encoding="utf-8"), read("README.md"))
    assert PLACE.read_text(encoding="utf-8") == wanted, "run python -m local.llms"
    paths = re.findall(r"\]\(([^)]+)\)", wanted)
    assert len(paths) > 30 and [path for path in paths if not (ROOT / path).is_file()] == []
    assert wanted.splitlines()[0].startswith("# ") and wanted.splitlines()[2].startswith("> ")


@pytest.mark.parametrize(
    ("text", "broken"),
    [("[a](there.md)", True), ("[a](b.md#two-words)", False), ("[a](b.md#one)", True), ("`[a](there.md)`", False)],
)
def test_a_link_to_nowhere_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, broken: bool) -> None:
    (tmp_path / "a.md").write_text(text)
    (tmp_path / "b.md").write_text("## Two `words`\n")
    monkeypatch.setattr("tests.kit.markdown.ROOT", tmp_path)
    monkeypatch.setattr("tests.repo.docs.test_docs.ROOT", tmp_path)
    if broken:
        with pytest.raises(AssertionError):
            test_every_link_leads_somewhere("a.md")
    else:
        test_every_link_leads_somewhere("a.md")
