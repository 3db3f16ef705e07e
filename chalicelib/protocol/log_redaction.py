"""The details of a rejected request that may be logged: never a credential, even if it was sent in the wrong parameter.

Words are shown. A run of characters that could be a secret is replaced by its length, unless the registration
contains it. Everything is bounded and printable ASCII.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

Evidence = Mapping[str, str | tuple[str, ...]]
NOTHING: Evidence = MappingProxyType({})

MAX_TEXT = 300
MAX_ITEMS = 12
LONGEST_WORD = 32
SHORTEST_SECRET = 10
SHORTEST_IN_QUERY = 4  # what follows a question mark is where codes and tokens stand

_RUN = re.compile(r"[^\s:/.?&#@\[\]]+", re.ASCII)
_USERINFO = re.compile(r"(?<=//)[^/?#]*@")
_GENERATED_ID = re.compile(r"[0-9a-f]{32}")


def freeze(values: Mapping[str, str | Iterable[str] | None]) -> Evidence:
    """Values that may be logged: sets are sorted, long lists are cut, None is left out."""
    frozen: dict[str, str | tuple[str, ...]] = {}
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, str):
            frozen[name] = _printable(value)[:MAX_TEXT]
            continue
        items = sorted(value) if isinstance(value, (set, frozenset)) else list(value)
        frozen[name] = tuple(_printable(item)[:MAX_TEXT] for item in items[:MAX_ITEMS])
    return MappingProxyType(frozen)


def redact(received: str | None, known: Iterable[str] = ()) -> str | None:
    """A received word, URI or list of words, as far as it cannot be a secret.

    known   values of the registration: text that occurs in them is shown
    """
    if received is None:
        return None
    words = {word for text in known for word in _RUN.findall(text)}
    text = _USERINFO.sub("[userinfo]@", received[: 2 * MAX_TEXT])
    place, mark, rest = _cut(text)
    shown = _RUN.sub(lambda run: _show(run[0], words, SHORTEST_SECRET), place)
    return shown + mark + _RUN.sub(lambda run: _show_pair(run[0], words), rest)


def redact_all(received: Iterable[str], known: Iterable[str] = ()) -> tuple[str, ...]:
    """The same of each, sorted."""
    known = tuple(known)
    return tuple(sorted(redact(one, known) or "" for one in received))


def redact_client(client_id: str | None) -> str | None:
    """A client id, if it has the form of one; anything else as a received word."""
    if client_id is not None and _GENERATED_ID.fullmatch(client_id):
        return client_id
    return redact(client_id)


def _cut(text: str) -> tuple[str, str, str]:
    """Before the first ? or #, that mark, and what follows it."""
    found = re.search(r"[?#]", text)
    return (text, "", "") if found is None else (text[: found.start()], found[0], text[found.end() :])


def _show_pair(run: str, known: set[str]) -> str:
    name, equals, value = run.partition("=")
    if run in known:
        return run
    return _show(name, known, SHORTEST_SECRET) + equals + _show(value, known, SHORTEST_IN_QUERY)


def _show(run: str, known: set[str], shortest: int) -> str:
    if run in known or not _may_be_secret(run, shortest):
        return run
    return f"[{len(run)} characters]"


def _may_be_secret(run: str, shortest: int) -> bool:
    if len(run) > LONGEST_WORD:
        return True
    letters, digits = any(map(str.isalpha, run)), any(map(str.isdigit, run))
    mixed_case = run.lower() != run != run.upper()
    if len(run) >= shortest and (digits or shortest == SHORTEST_IN_QUERY):
        return True
    return letters and mixed_case and len(run) >= 2 * SHORTEST_SECRET


def _printable(text: str) -> str:
    """Nothing that a terminal or a reader of logs would take for something else."""
    return "".join(one if " " <= one <= "~" else one.encode("unicode_escape").decode() for one in text)
