"""Cells, tables and pages of tables, as templates draw them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from cli.console.message import Request
from cli.console.pages import label, link, moment, show

PER_PAGE = 50
Kind = Literal["", "mono", "tag", "ok", "care", "stop"]
Fact = tuple[str, "Cell"]
Link = tuple[str, str]  # path, text
Action = tuple[str, str, bool]  # path, text, whether it ends something


class Cell(Struct, frozen=True, kw_only=True):
    """One value; `href` is a path of the console."""

    text: str
    href: str = ""
    kind: Kind = ""


class Table(Struct, frozen=True, kw_only=True):
    """Rows of cells, the first of which names the row.

    empty, hint      what to say without rows, and the command to start with
    previous, next   paths of other pages; "" for none
    place            "51 to 100 of 321"
    """

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    empty: str = "None."
    hint: str = ""
    previous: str = ""
    next: str = ""
    place: str = ""


def count(number: int, thing: str) -> str:
    """`1 client`, `1,200 clients`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def act(slug: str, said: str, *, ends: bool = False, **about: str) -> Action:
    """A link to the form of an action."""
    return link("actions", slug, **about), said, ends


def text(value: Any) -> Cell:
    """A value as it is."""
    return Cell(text=show(value))


def mono(value: Any, href: str = "") -> Cell:
    """An id, an address or a scope."""
    return Cell(text=show(value), href=href, kind="mono")


def at(value: str | None) -> Cell:
    """A time."""
    return Cell(text=moment(value))


def yes(value: Any, said: str, kind: Kind = "tag") -> Cell:
    """A tag if it is so, else nothing."""
    return Cell(text=said, kind=kind) if value else Cell(text="-")


def facts(row: Mapping[str, Any], *names: str, monospaced: Iterable[str] = ()) -> list[Fact]:
    """The members of a row that have a value, with their labels."""
    given = [name for name in names if row.get(name) not in (None, "", [], {})]
    return [(label(name), fact(name, row[name], name in monospaced)) for name in given]


def fact(name: str, value: Any, is_mono: bool) -> Cell:
    """A member of a row; a time is shown as one."""
    if name.endswith(("_at", "_by", "_before")) and isinstance(value, str) and value.endswith("Z"):
        return at(value)
    return mono(value) if is_mono else text(value)


def page_of(table: Table, request: Request) -> Table:
    """One page of the rows; `page` of the query says which."""
    total, asked = len(table.rows), request.query.get("page", "1")
    last = max(1, -(-total // PER_PAGE))
    page = min(int(asked), last) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
    start = (max(page, 1) - 1) * PER_PAGE
    rows = table.rows[start : start + PER_PAGE]
    return Table(
        caption=table.caption,
        columns=table.columns,
        rows=rows,
        empty=table.empty,
        hint=table.hint,
        previous=_page(request, page - 1) if page > 1 else "",
        next=_page(request, page + 1) if page < last else "",
        place=f"{start + 1} to {start + len(rows)} of {total}" if rows else "",
    )


def matching(rows: Iterable[Mapping[str, Any]], q: str, *names: str) -> list[Mapping[str, Any]]:
    """The rows that have the words of a search in one of these members."""
    wanted = q.casefold()
    return [row for row in rows if not wanted or any(wanted in str(row.get(name, "")).casefold() for name in names)]


def _page(request: Request, number: int) -> str:
    segments = [part for part in request.path.split("/") if part]
    return link(*segments, **dict(request.query) | {"page": str(number)})
