"""Endpoints and keys of providers, fetched when needed and kept for a while (RELIABILITY: keys).

Fresh for an hour. When a provider is down, what was fetched last serves for up to a day; a key that a successful fetch
no longer names is gone at once. An unknown key id causes at most one fetch per provider and minute, for a stranger
chooses it.
"""

from collections.abc import Callable
from threading import Lock
from typing import Generic, Protocol, TypeVar

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.endpoints import (
    Endpoints,
    build_discovery_request,
    lay_over,
    read_discovery_response,
    static_endpoints,
)
from chalicelib.upstream.http import (
    HttpRequest,
    HttpResponse,
    ProviderMisbehaved,
    ProviderRefused,
    ProviderUnavailable,
)
from chalicelib.upstream.jwks import build_jwks_request, read_jwks_response

FRESH_SECONDS = 3600
STALE_SECONDS = 86_400
RETRY_SECONDS = 60
MAX_KEPT = 256
FETCH_SECONDS = 3.0

Jwks = dict[str, list[dict[str, str]]]
Value = TypeVar("Value")


class Fetches(Protocol):
    """The guarded fetcher, as this module uses it."""

    def fetch(self, request: HttpRequest, *, timeout_seconds: float = ..., max_bytes: int = ...) -> HttpResponse: ...


class Tells(Protocol):
    """A clock in whole epoch seconds."""

    def now(self) -> int: ...


class _Kept(Generic[Value]):
    """One document: when it came, and when it was last asked for."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.value: Value | None = None
        self.fetched_at = 0
        self.tried_at = 0


class ProviderDirectory:
    """Safe to share between threads; concurrent misses of one document make one fetch."""

    def __init__(self, fetcher: Fetches, clock: Tells) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._lock = Lock()
        self._metadata: dict[tuple[str, str], _Kept[Endpoints]] = {}
        self._keys: dict[str, _Kept[Jwks]] = {}

    def endpoints(self, definition: ProviderDefinition, issuer: str | None) -> Endpoints:
        """Where the provider's endpoints are.

        definition   with its values filled in
        issuer       as the operator named it, for a file that names none; else None

        Raises ProviderUnavailable, ProviderRefused, ProviderMisbehaved.
        """
        named = definition.issuer or issuer
        if named is None:
            raise ProviderMisbehaved("issuer_not_configured")
        if not definition.discovery:
            return static_endpoints(definition)

        def fetch() -> Endpoints:
            return read_discovery_response(
                definition, named, self._fetcher.fetch(build_discovery_request(named), timeout_seconds=FETCH_SECONDS)
            )

        found = self._fresh(self._place(self._metadata, (definition.provider_id, named)), fetch)
        return lay_over(definition, found)

    def jwks(self, definition: ProviderDefinition, endpoints: Endpoints, kid: str | None) -> Jwks:
        """The provider's key set, looked at again where it does not hold `kid`.

        Raises ProviderUnavailable, ProviderRefused, ProviderMisbehaved.
        """
        jwks_uri = endpoints.jwks_uri
        if jwks_uri is None:
            raise ProviderMisbehaved("jwks_uri_missing")

        def fetch() -> Jwks:
            return read_jwks_response(self._fetcher.fetch(build_jwks_request(jwks_uri), timeout_seconds=FETCH_SECONDS))

        kept = self._place(self._keys, jwks_uri)
        keys = self._fresh(kept, fetch)
        if kid is None or any(key.get("kid") == kid for key in keys["keys"]):
            return keys
        return self._again(kept, fetch, keys)

    def _place(self, places: "dict[Key, _Kept[Value]]", key: "Key") -> "_Kept[Value]":
        with self._lock:
            if key not in places and len(places) >= MAX_KEPT:
                places.pop(next(iter(places)))
            return places.setdefault(key, _Kept())

    def _fresh(self, kept: _Kept[Value], fetch: Callable[[], Value]) -> Value:
        """What is kept while it is fresh; else what a fetch brings; else, with the provider down, what is kept."""
        with kept.lock:
            now = self._clock.now()
            if kept.value is not None and now - kept.fetched_at < FRESH_SECONDS:
                return kept.value
            usable = kept.value is not None and now - kept.fetched_at < STALE_SECONDS
            if usable and kept.value is not None and now - kept.tried_at < RETRY_SECONDS:
                return kept.value
            kept.tried_at = now
            try:
                kept.value = fetch()
            except (ProviderUnavailable, ProviderRefused, ProviderMisbehaved):
                if usable and kept.value is not None:
                    return kept.value
                raise
            kept.fetched_at = now
            return kept.value

    def _again(self, kept: _Kept[Value], fetch: Callable[[], Value], known: Value) -> Value:
        """One more look before the hour is over, at most one a minute."""
        with kept.lock:
            now = self._clock.now()
            if kept.value is not None and kept.value is not known:
                return kept.value  # somebody else has just looked
            if now - kept.tried_at < RETRY_SECONDS:
                return known
            kept.tried_at = now
            try:
                kept.value = fetch()
            except (ProviderUnavailable, ProviderRefused, ProviderMisbehaved):
                return known
            kept.fetched_at = now
            return kept.value


Key = TypeVar("Key")
