"""Endpoints and keys of providers, and keys of clients, fetched when needed and kept for a while (RELIABILITY: keys).

A provider's are fresh for an hour, and serve for up to a day while it is down; a key that a successful fetch no longer
names is gone at once. A client's are fresh for ten minutes and serve for an hour at most: whoever takes a key back
waits no longer. An unknown key id causes at most one fetch per set and minute, for a stranger chooses it.
"""

from collections.abc import Callable
from typing import Protocol

from chalicelib.adapters.http.document_cache import CachedDocuments, Tells
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.endpoints import (
    Endpoints,
    build_discovery_request,
    lay_over,
    read_discovery_response,
    static_endpoints,
)
from chalicelib.upstream.http import HttpRequest, HttpResponse, ProviderMisbehaved
from chalicelib.upstream.jwks import build_jwks_request, read_client_jwks_response, read_jwks_response

FRESH_SECONDS = 3600
STALE_SECONDS = 86_400
CLIENT_FRESH_SECONDS = 600
CLIENT_STALE_SECONDS = 3600
CLIENT_REST_SECONDS = 10
CLIENT_MAX_BYTES = 65_536
FETCH_SECONDS = 3.0

Jwks = dict[str, list[dict[str, str]]]


class Fetches(Protocol):
    """The guarded fetcher, as this module uses it."""

    def fetch(self, request: HttpRequest, *, timeout_seconds: float = ..., max_bytes: int = ...) -> HttpResponse: ...


class ProviderDirectory:
    """Safe to share between threads; concurrent misses of one document make one fetch."""

    def __init__(self, fetcher: Fetches, clock: Tells) -> None:
        self._fetcher = fetcher
        times = {"fresh_seconds": FRESH_SECONDS, "stale_seconds": STALE_SECONDS}
        self._metadata = CachedDocuments[Endpoints](clock, **times)
        self._keys = CachedDocuments[Jwks](clock, **times)
        # Apart from the providers', so that no number of clients pushes a provider's keys out.
        self._client_keys = CachedDocuments[Jwks](
            clock,
            fresh_seconds=CLIENT_FRESH_SECONDS,
            stale_seconds=CLIENT_STALE_SECONDS,
            rest_seconds=CLIENT_REST_SECONDS,
        )

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

        found = self._metadata.get((definition.provider_id, named), fetch)
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

        return _with_kid(self._keys, jwks_uri, fetch, kid)

    def client_jwks(self, jwks_uri: str, kid: str | None) -> Jwks:
        """The keys that a client publishes, looked at again where they do not hold `kid`.

        Raises ProviderUnavailable, ProviderRefused, ProviderMisbehaved.
        """

        def fetch() -> Jwks:
            request = build_jwks_request(jwks_uri)
            answer = self._fetcher.fetch(request, timeout_seconds=FETCH_SECONDS, max_bytes=CLIENT_MAX_BYTES)
            return read_client_jwks_response(answer)

        return _with_kid(self._client_keys, jwks_uri, fetch, kid)


def _with_kid(documents: CachedDocuments[Jwks], jwks_uri: str, fetch: Callable[[], Jwks], kid: str | None) -> Jwks:
    keys = documents.get(jwks_uri, fetch)
    if kid is None or any(key.get("kid") == kid for key in keys["keys"]):
        return keys
    return documents.look_again(jwks_uri, fetch, keys)
