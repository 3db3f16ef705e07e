"""The Link header of an API (RFC 8288 section 3), as far as it says where pages of a list are."""

import string

from msgspec import Struct

from chalicelib.upstream.header_list import QUOTED_OR_ANGLED, split_list, unquote

PAGES = frozenset({"next", "prev", "previous", "first", "last", "self"})
_NAME = frozenset(string.ascii_lowercase)
_WORD = frozenset(string.ascii_letters + string.digits + "_-")
_WORDS = _WORD | {" "}


class Link(Struct, frozen=True):
    """One link: where it leads, and as what; "" where it has no relation."""

    target: str
    relation: str


def read_links(value: str) -> tuple[Link, ...] | None:
    """The links in their order; None for a header that we do not understand whole."""
    links: list[Link] = []
    for part in split_list(value, ",", brackets=QUOTED_OR_ANGLED):
        target, closed, rest = part.partition(">")
        attributes = _read_attributes(rest)
        if not (target.startswith("<") and closed) or attributes is None or set('<" \t\\') & set(target[1:]):
            return None
        links.append(Link(target=target[1:], relation=attributes.get("rel", "")))
    return tuple(links)


def _read_attributes(text: str) -> dict[str, str] | None:
    """Of the form `; name=word` or `; name="words"`; None for any other, and where a name comes twice."""
    before, *parts = split_list(text, ";")
    attributes: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        words = unquote(value)
        fits = set(words) <= (_WORD if words == value else _WORDS)
        if not (name and equals and fits) or name in attributes or not set(name) <= _NAME:
            return None
        attributes[name] = words
    return None if before else attributes
