"""Scopes are sets of words; a provider's id before the first colon makes one that provider's (RFC 6749 section 3.3)."""

import re
from collections.abc import Iterable

from chalicelib.protocol.errors import InvalidScope

MAX_ITEMS = 50

_ITEM = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def parse_scope(value: str | None) -> frozenset[str]:
    """Words separated by single spaces; an absent parameter is the empty set.

    Raises InvalidScope: characters outside RFC 6749 section 3.3, empty words, or more than 50 words.
    """
    if not value:
        return frozenset()
    items = value.split(" ")
    if len(items) > MAX_ITEMS:
        raise InvalidScope("scope_too_many")
    if not all(_ITEM.fullmatch(item) for item in items):
        raise InvalidScope("scope_characters")
    return frozenset(items)


def split_by_provider(scopes: Iterable[str], provider_ids: frozenset[str]) -> dict[str, frozenset[str]]:
    """Group scopes by provider id, without the prefix; the broker's own scopes are under "".

    Only the first colon separates, and only behind a known provider id: `google:https://a/b` is `https://a/b` of
    `google`, and `orders:read` is our own. Raises InvalidScope for a prefix without a scope.
    """
    sorted_out: dict[str, set[str]] = {}
    for item in scopes:
        prefix, colon, rest = item.partition(":")
        if colon and prefix in provider_ids:
            if not rest:
                raise InvalidScope("scope_prefix_without_scope")
            sorted_out.setdefault(prefix, set()).add(rest)
        else:
            sorted_out.setdefault("", set()).add(item)
    return {provider_id: frozenset(names) for provider_id, names in sorted_out.items()}


def serialize(scopes: Iterable[str]) -> str:
    """The one spelling of a set of scopes: sorted, separated by single spaces."""
    return " ".join(sorted(scopes))
