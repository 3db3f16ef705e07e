"""The matrix as a person reads it: in a terminal, and in docs/client-libraries.md."""

import re

from tests.interop.clients.flows import FLOWS
from tests.interop.clients.libraries import Library, libraries
from tests.interop.clients.running import Row
from tests.kit import ROOT

PAGE = ROOT / "docs" / "client-libraries.md"
PLACES = {"python": "Python", "node": "Node", "browser": "in a browser"}
SIGNS = {"pass": "✓", "fail": "✗", "none": "–", "refused": "⊘", "later": "…"}
MARKED = re.compile(r"(?<=<!-- matrix -->\n).*(?=<!-- /matrix -->)", re.DOTALL)


def head() -> list[str]:
    """The first two lines of the table in the page."""
    return [f"| library | {' | '.join(flow.title for flow in FLOWS)} |", "|---|" + ":-:|" * len(FLOWS)]


def line_of(library: Library, row: Row) -> str:
    """One row of the table in the page."""
    cells = " | ".join(SIGNS[row[flow.name].state] for flow in FLOWS)
    return f"| [{library.title}]({library.documentation}) {library.version}, {PLACES[library.where]} | {cells} |"


def reasons_of(library: Library) -> list[str]:
    """One line of the list below the table: why cells of this row are `–` or `⊘`, with equal reasons together."""
    titles = dict[str, list[str]]()
    for flow in FLOWS:
        if why := library.without.get(flow.name) or library.refused.get(flow.name):
            titles.setdefault(why, []).append(flow.title)
    said = "; ".join(f"{', '.join(flows)}: {why}" for why, flows in titles.items())
    return [f"- **{library.title}**, {PLACES[library.where]}. {said}."] if said else []


def render(rows: dict[str, Row]) -> str:
    """All of the marked part of the page.

    rows   by key of the library
    """
    lines = [line_of(library, rows[library.key]) for library in libraries()]
    reasons = [line for library in libraries() for line in reasons_of(library)]
    return "\n".join([*head(), *lines, "", *reasons, ""])


def written() -> list[str]:
    """The lines of the marked part of the page as it stands."""
    (found,) = MARKED.findall(PAGE.read_text(encoding="utf-8"))
    return found.splitlines()


def write(rows: dict[str, Row]) -> None:
    """Write the page's marked part anew."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(MARKED.sub(lambda _: render(rows), text), encoding="utf-8")


def show(library: Library, row: Row) -> str:
    """One row for a terminal: what works in one line each kind, faults in full."""
    lines = [f"{library.title} {library.version}, {PLACES[library.where]}"]
    words = {"pass": "works", "none": "has no such call", "refused": "not from there", "later": "not in the broker yet"}
    for state, said in words.items():
        titles = [flow.title for flow in FLOWS if row[flow.name].state == state]
        if titles:
            lines.append(f"  {SIGNS[state]} {said:22}{', '.join(titles)}")
    for flow in FLOWS:
        if row[flow.name].state == "fail":
            lines.append(
                f"  {SIGNS['fail']} {flow.title} FAILS: " + row[flow.name].why.rstrip().replace("\n", "\n      ")
            )
    return "\n".join(lines)
