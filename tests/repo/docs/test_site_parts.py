"""What the documentation site is made of: tabs, addresses, menu and versions."""

import json
import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest

from local.docs_site.elements import parse_html
from local.docs_site.navigation import INDEX, build_navigation
from local.docs_site.pages import address, follow, show_as
from local.docs_site.tabs import LANGUAGES, fold_tabs
from local.docs_site.versions import put_version
from tests.kit.markdown import ROOT, blocks, links, pages, read
from tests.kit.requirement import requirement


def fold(html: str) -> str:
    root = parse_html(html)
    fold_tabs(root)
    return ElementTree.tostring(root, encoding="unicode", method="html")


def block(label: str, code: str) -> str:
    return f'<p><strong>{label}</strong></p>\n<div class="highlight"><pre><code>{code}</code></pre></div>\n'


@requirement("DOC-11")
def test_the_same_step_in_several_languages_becomes_tabs() -> None:
    html = fold(
        f"<p>Do it:</p>{block('JavaScript', 'a()')}{block('Python', 'b()')}{block('curl', 'c')}<p>Then this.</p>"
    )
    assert html.count('<div class="tabbed-block">') == html.count('type="radio"') == 3
    assert html.index(">JavaScript</label>") < html.index(">Python</label>") < html.index(">a()<") < html.index(">c<")
    assert html.startswith("<div><p>Do it:</p>") and html.endswith("<p>Then this.</p></div>")
    assert html.count('checked="checked"') == 1 and "<strong>" not in html


@requirement("DOC-11")
@pytest.mark.parametrize(
    "html",
    [
        block("curl", "alone"),
        block("Warning", "a") + block("Note", "b"),
        block("Python", "a") + "<p>Text between.</p>" + block("curl", "b"),
        "<p><strong>Python</strong></p><p>no code</p><p><strong>curl</strong></p><p>no code</p>",
        "<p>Some <strong>Python</strong></p>" + block("curl", "b"),
    ],
)
def test_other_blocks_stay_as_they_are(html: str) -> None:
    assert fold(html) == f"<div>{html}</div>"


@requirement("DOC-11")
def test_pages_with_tabs_show_the_languages_in_one_order() -> None:
    for page in pages():
        found = [
            line.strip("*")
            for line in read(page).splitlines()
            if line.strip("*") in LANGUAGES and line.startswith("**")
        ]
        assert found in ([], ["JavaScript", "Python", "curl"]), page
        assert len(blocks(page)) >= len(found)


@requirement("DOC-11")
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("README.md", "index.html"),
        ("docs/README.md", "documentation.html"),
        ("docs/deploy.md", "deploy.html"),
        ("docs/adr/README.md", "adr/index.html"),
        ("docs/pictures/live.png", "pictures/live.png"),
        ("SECURITY.md", "security-policy.html"),
        ("infra/alarms.toml.md", "source/infra/alarms.toml.html"),
        (".chalice/files.md", "source/chalice/files.html"),
        ("chalicelib/providers/files.md", "source/chalicelib/providers/files.html"),
    ],
)
def test_a_page_keeps_its_address(name: str, place: str) -> None:
    assert address(name) == place


@requirement("DOC-11")
@pytest.mark.parametrize(
    ("page", "link", "there"),
    [
        ("docs/deploy.md", "keys.md#rotate", "keys.md#rotate"),
        ("docs/deploy.md", "https://example.com/a.toml", "https://example.com/a.toml"),
        ("docs/deploy.md", "#here", "#here"),
        ("docs/deploy.md", "gone.md#here", "gone.md#here"),
        ("docs/observing.md", "../infra/alarms.toml", "../infra/alarms.toml.md"),
        ("README.md", "chalicelib/providers/", "chalicelib/providers/files.md"),
        ("README.md", "docs/adr/", "docs/adr/README.md"),
        ("docs/endpoints.md", "../chalicelib/openapi.json", "../chalicelib/openapi.json"),
    ],
)
def test_a_link_to_a_source_file_leads_to_a_page_that_shows_it(page: str, link: str, there: str) -> None:
    assert follow(page, link) == there


@requirement("DOC-11")
def test_the_menu_has_every_page_of_the_index() -> None:
    menu = build_navigation(read(INDEX), {page: page for page in pages()})
    assert [next(iter(tab)) for tab in menu] == ["Home", "Tutorial", "How to", "Reference", "Explanation", "All pages"]
    listed = json.dumps(menu)
    missing = [page for page in pages() if page.startswith("docs/") and f'"{page}"' not in listed]
    assert missing == []
    assert show_as("docs/adr") == "docs/adr/README.md"


@requirement("DOC-11")
def test_the_versions_are_listed_newest_first(tmp_path: Path) -> None:
    for version in ("0.9.0", "dev", "0.10.0"):
        built = tmp_path / "built"
        built.mkdir()
        (built / "index.html").write_text(version)
        put_version(tmp_path / "docs", version, built)
    versions = json.loads((tmp_path / "docs" / "versions.json").read_text())
    assert [(one["version"], one["aliases"]) for one in versions] == [
        ("0.10.0", ["latest"]),
        ("0.9.0", []),
        ("dev", []),
    ]
    assert "url=0.10.0/index.html" in (tmp_path / "docs" / "index.html").read_text()
    assert (tmp_path / "docs" / "0.9.0" / "index.html").read_text() == "0.9.0"


@requirement("DOC-11")
@pytest.mark.parametrize("html", ["<b>", "<b><i></b></i>", "</b>"])
def test_html_that_does_not_nest_is_refused(html: str) -> None:
    with pytest.raises(ValueError):
        parse_html(html)


def test_the_tree_of_a_page_is_its_html() -> None:
    html = '<div><h1 id="a">A &amp; b</h1>text<br>more <code>&lt;x&gt;</code> end</div>'
    assert ElementTree.tostring(parse_html(html)[0], encoding="unicode", method="html") == html


@requirement("DOC-11")
def test_every_diagram_is_drawn_by_its_script_and_says_what_it_shows() -> None:
    drawn = runpy.run_path(str(ROOT / "docs" / "pictures" / "diagrams.py"))["PICTURES"]
    assert {path.name for path in (ROOT / "docs" / "pictures").glob("*.svg")} == drawn.keys()
    for name, draw in drawn.items():
        text = (ROOT / "docs" / "pictures" / name).read_text(encoding="utf-8")
        assert text == draw(), "run docs/pictures/diagrams.py"
        root = ElementTree.fromstring(text)
        title = root.find("{http://www.w3.org/2000/svg}title")
        assert title is not None and title.text and root.get("role") == "img"
        assert "prefers-color-scheme:dark" in text and "http" not in text.replace("http://www.w3.org/2000/svg", "")
        assert any(f"pictures/{name}" in link for page in pages() for link in links(page))


@requirement("DOC-11")
def test_the_readme_the_site_and_the_hosted_pages_have_one_mark() -> None:
    mark = read("docs/site/files/mark.svg")
    shapes = re.findall(r' d="([^"]+)"', mark)
    (brand,) = [line for line in read("chalicelib/pages/templates/icons.html").splitlines() if "macro brand()" in line]
    assert len(shapes) == 2 and all(f'd="{shape}"' in brand for shape in shapes)
    assert "docs/site/files/mark.svg" in links("README.md")
    assert "logo: mark.svg" in read("docs/site/mkdocs.yml") and "favicon: mark.svg" in read("docs/site/mkdocs.yml")
