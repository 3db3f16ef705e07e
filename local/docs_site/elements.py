"""HTML as a tree of elements, in which MkDocs checks links and numbers headings."""

from html.parser import HTMLParser
from xml.etree import ElementTree

VOID = frozenset({"br", "col", "hr", "img", "input", "source", "wbr"})


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = ElementTree.Element("div")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = ElementTree.SubElement(self._open[-1], tag, {name: value or "" for name, value in attrs})
        if tag not in VOID:
            self._open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        ElementTree.SubElement(self._open[-1], tag, {name: value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if self._open[-1].tag != tag:
            raise ValueError(f"</{tag}> ends no element that is open: <{self._open[-1].tag}> is")
        self._open.pop()

    def handle_data(self, data: str) -> None:
        parent = self._open[-1]
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + data
        else:
            parent.text = (parent.text or "") + data

    def finish(self) -> ElementTree.Element:
        self.close()
        if len(self._open) > 1:
            raise ValueError(f"<{self._open[-1].tag}> is not closed")
        return self.root


def parse_html(html: str) -> ElementTree.Element:
    """The tree of a piece of HTML, inside one `div`. Raises ValueError where elements overlap or stay open."""
    builder = _Builder()
    builder.feed(html)
    return builder.finish()


def make(tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
    """One element; a trailing underscore of a name is dropped, as in `class_`."""
    element = ElementTree.Element(
        tag, {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    )
    element.text = text
    return element
