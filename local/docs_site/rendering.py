"""Renders a page as a code host does: GitHub's Markdown, and its names of headings.

MkDocs renders with Python-Markdown, which reads lists and blocks inside of them in another way. This extension leaves
Python-Markdown its trees (MkDocs checks links and anchors in them) and lets markdown-it build them.
"""

import re
from xml.etree.ElementTree import Element, ElementTree

from markdown import Markdown
from markdown.extensions import Extension
from markdown.util import AMP_SUBSTITUTE
from markdown_it import MarkdownIt
from mkdocs.exceptions import BuildError
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from local.docs_site.elements import parse_html
from local.docs_site.pages import follow
from local.docs_site.tabs import fold_tabs

LEXERS = {"hcl": "terraform", "sh": "bash", "": "text"}
# How a block without a language begins, and the language in which it is coloured.
BEGINNINGS = (
    (("{", "["), "json"),
    (("GET /", "POST /", "PUT /", "DELETE /", "http://", "https://"), "text"),
    (
        (
            "python3 ",
            "curl ",
            "npm ",
            "npx ",
            "pip ",
            "cd ",
            "broker ",
            "token-broker",
            "aws ",
            "export ",
            "terraform ",
        ),
        "bash",
    ),
)


def colour(text: str, language: str, _: str = "") -> str:
    """The HTML of a block of code."""
    if not language:
        language = next((name for starts, name in BEGINNINGS if text.lstrip().startswith(starts)), "text")
    lexer = get_lexer_by_name(LEXERS.get(language, language), stripnl=False)
    formatter: HtmlFormatter[str] = HtmlFormatter(cssclass="highlight", wrapcode=True)
    return highlight(text, lexer, formatter).strip()


def build_parser() -> MarkdownIt:
    """GitHub's dialect, as far as the pages use it."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.add_render_rule(
        "fence", lambda _, tokens, place, *rest: colour(tokens[place].content, tokens[place].info.strip())
    )
    parser.add_render_rule("code_block", lambda _, tokens, place, *rest: colour(tokens[place].content, ""))
    return parser


def name_heading(title: str, _: str = "-") -> str:
    """The anchor that a code host gives to a heading."""
    return re.sub(r"[^\w -]", "", title.strip().lower()).replace(" ", "-")


class CodeHostMarkdown(Extension):
    """Python-Markdown with another parser. `page` is the path of the page in the repository."""

    page = ""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Replace what reads Markdown; what works on trees stays."""
        for name in ("html_block", "fenced_code_block"):
            md.preprocessors.deregister(name)
        for name in ("inline", "prettify", "unescape"):
            md.treeprocessors.deregister(name)
        parser = build_parser()
        md.parser.parseDocument = lambda lines: ElementTree(self._build(self._render(parser, "\n".join(lines))))

    def _render(self, parser: MarkdownIt, text: str) -> str:
        try:
            return parser.render(text)
        except ClassNotFound as fault:  # an unknown language of a block
            raise BuildError(f"{self.page}: {fault}") from fault

    def _build(self, html: str) -> Element:
        root = _parse(self.page, html)
        fold_tabs(root)
        for element in root.iter():
            if element.tag == "a" and "href" not in element.attrib:
                element.tag = "span"  # a place to link to; MkDocs knows it by its id
            for name in ("href", "src"):
                if name in element.attrib:
                    element.set(name, follow(self.page, element.attrib[name]))
            element.text, element.tail = _keep(element.text), _keep(element.tail)
        return root


def _keep(text: str | None) -> str:
    """Text that the serializer shows as it is: without this, `&lt;` in an example would become `<`."""
    return re.sub(r"&(?=#?\w+;)", f"{AMP_SUBSTITUTE}amp;", text or "")


def list_links(page: str, text: str) -> list[str]:
    """Where the links and pictures of a page lead."""
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    elements = _parse(page, html).iter()
    return [value for element in elements for name in ("href", "src") if (value := element.get(name))]


def _parse(page: str, html: str) -> Element:
    try:
        return parse_html(html)
    except ValueError as fault:
        raise BuildError(f"{page}: {fault}") from fault
