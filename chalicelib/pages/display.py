"""Makes names and hosts from outside safe to look at. Templates escape them; this module removes visual tricks."""

import re
import unicodedata
from collections.abc import Container
from urllib.parse import urlsplit

_PRINTABLE = re.compile(r"[!-~]+")

NAME_LIMIT = 80
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def read_name(value: str, *, limit: int = NAME_LIMIT) -> str:
    """A name on one line, without control, bidirectional and invisible characters, at most `limit` characters.

    Stacked combining marks are cut to two, so that a name cannot paint over its neighbours.
    """
    # Most names are plain ASCII and need no cleaning; a page calls this a dozen times.
    plain = value if value.isascii() and value.isprintable() else _without_tricks(value)
    words = " ".join(plain.split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def _without_tricks(value: str) -> str:
    shown: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", value):
        category = unicodedata.category(character)
        if category.startswith("Z") or character in "\t\r\n":
            character = " "
        elif category.startswith("C"):
            continue
        marks = marks + 1 if category.startswith("M") else 0
        if marks <= 2:
            shown.append(character)
    return "".join(shown)


def read_initial(value: str) -> str:
    """The first letter or digit of a name, in capitals; a dot if there is none."""
    return next((character.upper() for character in read_name(value) if character.isalnum()), "·")


def read_initials(value: str) -> str:
    """The first letters of a name's first two words, in capitals: "AN" for Acme Notes; one letter for one word."""
    words = [word for word in read_name(value).split() if any(map(str.isalnum, word))]
    return "".join(read_initial(word) for word in words[:2]) or "·"


def read_letters(value: str, taken: Container[str] = ()) -> str:
    """Two letters of a name: its first, and the next one that makes a pair which is not taken."""
    letters = [character for character in read_name(value) if character.isalnum()]
    if not letters:
        return "·"
    pairs = [letters[0].upper() + character.lower() for character in letters[1:]]
    return next((pair for pair in pairs if pair not in taken), pairs[0] if pairs else letters[0].upper())


def read_host(value: str) -> str:
    """A host in ASCII: an internationalised one as `xn--`, so that letters of other scripts cannot pose as Latin."""
    host = read_name(value, limit=253)
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host.encode("ascii", "backslashreplace").decode("ascii")


def read_link(uri: str | None) -> str | None:
    """The URI if a link may lead there: https, or http on loopback. None for all others (javascript:, data:)."""
    if uri is None or not is_printable(uri):
        return None
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return None
    if not host or parts.username is not None:
        return None
    return uri if parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK) else None


def read_link_host(uri: str) -> str:
    """The host of a link, with its port if there is one."""
    return read_host(urlsplit(uri).netloc)


def is_printable(uri: str) -> bool:
    """True for a URI of visible ASCII: nothing that a header, an attribute or a meta refresh could read as its end."""
    return _PRINTABLE.fullmatch(uri) is not None
