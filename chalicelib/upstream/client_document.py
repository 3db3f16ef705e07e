"""The document at a client id URL: how it is asked for, what of the answer counts, and how long (draft section 4)."""

import json
import re
from typing import Any

from chalicelib.protocol.ascii_text import lower, trim
from chalicelib.protocol.surrogates import check_letters
from chalicelib.upstream.header_list import split_list, unquote
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderMisbehaved, ProviderUnavailable
from chalicelib.upstream.response import content_type

MAX_BYTES = 5 * 1024
TIMEOUT_SECONDS = 3.0
LEAST_SECONDS, MOST_SECONDS = 60, 86_400
MAX_CACHE_CONTROL = 1024

_SECONDS = re.compile(r"[0-9]{1,10}")


def build_document_request(url: str) -> HttpRequest:
    """A plain GET, without credentials, cookies or other values of the broker."""
    return HttpRequest(method="GET", url=url, headers={"Accept": "application/json"})


def read_document_response(response: HttpResponse) -> object:
    """The document, decoded from JSON; nothing in it is checked yet.

    Raises ProviderUnavailable for 429 and 5xx: the place may be right and is not there now.
    Raises ProviderMisbehaved for everything else but a 200 of a JSON type: what it says now is that there is none.
    """
    if response.status == 429 or response.status >= 500:
        raise ProviderUnavailable(f"client_document_status_{response.status}", sent=True)
    if response.status != 200:
        raise ProviderMisbehaved(f"client_document_status_{response.status}")
    kind = content_type(response)
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ProviderMisbehaved("client_document_not_json")
    if len(response.body) > MAX_BYTES:
        raise ProviderMisbehaved("client_document_too_large")
    try:
        document = json.loads(response.body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
        check_letters(document)
        return document
    except (ValueError, RecursionError):
        raise ProviderMisbehaved("client_document_not_json") from None


def read_fresh_seconds(response: HttpResponse) -> int:
    """How long the document may be used without asking again: what its headers say, within a minute and a day.

    Our cache is shared by all users, so `s-maxage` counts before `max-age` (RFC 9111 section 4.2.1). `Expires` is not
    looked at: it needs the other side's clock.
    """
    told = _read_directives(response.headers.get("cache-control", ""))
    if {"no-store", "no-cache", "private"} & told.keys():
        return LEAST_SECONDS
    life = next((told[name] for name in ("s-maxage", "max-age") if name in told), "")
    if not _SECONDS.fullmatch(life):
        return LEAST_SECONDS
    age = trim(response.headers.get("age", "0"))
    return min(MOST_SECONDS, max(LEAST_SECONDS, int(life) - (int(age) if _SECONDS.fullmatch(age) else 0)))


def _read_directives(header: str) -> dict[str, str]:
    """Name in lower case -> value; the first of one that is said twice. A header that is too long says nothing."""
    told: dict[str, str] = {}
    for directive in split_list(header, ",") if len(header) <= MAX_CACHE_CONTROL else ():
        name, _, value = directive.partition("=")
        told.setdefault(lower(trim(name)), unquote(trim(value)))
    return told


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object none of whose keys another parser could read otherwise."""
    if len({name.casefold() for name, _ in pairs}) != len(pairs):
        raise ValueError("a member twice")
    return dict(pairs)


def _refuse(_constant: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")
