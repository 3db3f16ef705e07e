"""Renders values to HTML, in one language. Templates, style sheet and messages are read for the first page."""

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from chalicelib.pages import sentence
from chalicelib.pages.developer import mark_difference
from chalicelib.pages.display import read_initial, read_initials, read_letters, read_link, read_name
from chalicelib.pages.headers import OURS, style_sheet
from chalicelib.pages.language import DEFAULT, direction_of, read_sections
from chalicelib.pages.page import Page
from chalicelib.pages.theme import Theme
from chalicelib.protocol.images import data_uri

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).with_name("templates")
# Marks the place of one browser's value in a cached page.
_HOLE, _HOLE_IN_JSON = "\x00", rb"\u0000"


def render(page: Page, language: str = DEFAULT, *, theme: Theme = OURS) -> str:
    """The whole document; send it with `page_headers`."""
    if not page.hole:
        return _render(page, language, theme)
    known = msgspec.json.encode(msgspec.structs.replace(page, **{page.hole: _HOLE}))
    if known.count(_HOLE_IN_JSON) != 1:  # a name from outside contains the mark, so the page cannot be cached
        return _render(page, language, theme)
    return _keep(type(page), known, language, theme).replace(_HOLE, _escape(getattr(page, page.hole)))


@lru_cache(256)
def _keep(kind: type[Page], known: bytes, language: str, theme: Theme) -> str:
    """Render and cache a page without the value of one browser; the key is everything else that it shows."""
    return _render(msgspec.json.decode(known, type=kind), language, theme)


def _render(page: Page, language: str, theme: Theme) -> str:
    from markupsafe import Markup

    return (
        _environment()
        .get_template(page.template)
        .render(
            page=page,
            theme=theme,
            style=Markup(style_sheet(theme)),  # noqa: S704 - our own, and checked colours; its hash is in the policy
            language=language,
            direction=direction_of(language),
            text=read_sections(language, *page.words),
            frame=read_sections(language, "frame"),
            own=read_sections(language, "own_scope"),
            developer=read_sections(language, "developer"),
        )
    )


@lru_cache(128)
def embed_image(file: str) -> str:
    """A checked file as the value of `src`; read for the first page that shows it."""
    return data_uri(Path(file).read_bytes())


def _escape(value: str) -> str:
    from markupsafe import escape

    return str(escape(value))


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"fill": sentence.fill, "name": sentence.isolate_name, "english": sentence.in_english}
    environment.filters |= {"host": sentence.isolate_host, "link": read_link, "link_host": sentence.isolate_link_host}
    environment.filters["differing"] = mark_difference
    environment.filters |= {"counted": pass_context(sentence.counted)}
    environment.filters |= {"clock": pass_context(sentence.clock), "date": pass_context(sentence.date)}
    environment.filters["used"] = pass_context(sentence.used)
    environment.globals |= {"plain": read_name, "initial": read_initial, "initials": read_initials}
    environment.globals |= {"letters": read_letters, "image": embed_image}
    environment.globals["icons"] = environment.get_template("icons.html").module
    return environment
