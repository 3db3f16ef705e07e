"""The menu of the site, from the index in docs/README.md: its kinds are the tabs, its lines the pages."""

from typing import Any

from local.docs_site.pages import address, resolve, show_as
from local.llms import LINK

INDEX = "docs/README.md"
# Pages that another page of the index lists one by one.
BELOW = {"docs/runbooks/README.md": "docs/runbooks/", "docs/adr/README.md": "docs/adr/"}


def build_navigation(index: str, titles: dict[str, str]) -> list[dict[str, Any]]:
    """MkDocs' `nav`. `titles` has the heading of each page."""
    found: list[dict[str, Any]] = [{"Home": "README.md"}]
    kind: list[Any] = []
    for line in index.splitlines():
        if line.startswith("## "):
            kind = found_items(found, line.removeprefix("## "))
        elif line.startswith("### "):
            part: list[Any] = []
            found_items(found, "", last=True).append({line.removeprefix("### "): part})
            kind = part
        elif entry := LINK.match(line):
            page = show_as(resolve(INDEX, entry["path"]))
            kind.append({entry["title"]: [page, *list_below(page, titles)] if page in BELOW else page})
    return [*found, {"All pages": INDEX}]


def found_items(found: list[dict[str, Any]], title: str, *, last: bool = False) -> list[Any]:
    """The pages of a new kind, or of the last one."""
    if not last:
        found.append({title: []})
    items: list[Any] = next(iter(found[-1].values()))
    return items


def list_below(page: str, titles: dict[str, str]) -> list[dict[str, str]]:
    """The pages beside a page that lists them."""
    return [
        {title: name}
        for name, title in sorted(titles.items(), key=lambda pair: address(pair[0]))
        if name.startswith(BELOW[page]) and name != page
    ]
