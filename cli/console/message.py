"""A request and a response of the console, without a socket."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from msgspec import Struct


class Request(Struct, frozen=True, kw_only=True):
    """One request. Header names are lowercase; a parameter that is sent twice counts once, with its last value.

    path    below the session's own path: "/clients"
    body    of a form, decoded; empty for every method but POST
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str] = {}
    form: Mapping[str, str] = {}


class Response(Struct, frozen=True, kw_only=True):
    """One response; `headers` without those that every response has."""

    status: int = 200
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def parse_pairs(text: str) -> dict[str, str]:
    """A query string or a form body. Raises ValueError: it has too many pairs, or is not UTF-8."""
    found = parse_qs(text, keep_blank_values=True, max_num_fields=50, errors="strict")
    return {name: values[-1].strip() for name, values in found.items()}
