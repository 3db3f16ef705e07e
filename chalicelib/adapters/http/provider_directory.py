"""Fetches and caches the endpoints and keys of providers, and the keys of clients and trusted issuers.

A provider's documents are fresh for an hour, and used for up to a day while it is down. A key that a successful fetch
no longer lists is dropped at once. A client's keys are fresh for ten minutes and used for at most an hour, so a
client that revokes a key waits no longer. The same holds for the keys of trusted issuers. An unknown key id, which an
attacker can choose, causes at most one fetch per key set and minute.
"""

from collections.abc import Callable, Hashable
from typing import Protocol

from chalicelib.adapters.http.document_cache import CachedDocuments, Tells
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.issuer import Issuer
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
    """The part of the guarded fetcher that this module uses."""

    def fetch(self, request: HttpRequest, *, timeout_seconds: float = ..., max_bytes: int = ...) -> HttpResponse: ...


class ProviderDirectory:
    """Safe to share between threads; concurrent misses of one document make one fetch."""

    def __init__(self, fetcher: Fetches, clock: Tells) -> None:
        self._fetcher = fetcher
        times = {"fresh_seconds": FRESH_SECONDS, "stale_seconds": STALE_SECONDS}
        self._metadata = CachedDocuments[Endpoints](clock, **times)
        self._keys = CachedDocuments[Jwks](clock, **times)
        # Separate from the providers', so that the keys of self-registered clients cannot evict other keys.
        self._client_keys = _caller_keys(clock)
        self._issuer_keys = _caller_keys(clock)

    def endpoints(self, definition: ProviderDefinition, issuer: str | None) -> Endpoints:
        """The provider's endpoints.

        definition   with its values filled in
        issuer       the issuer that the operator set, for a file without one; else None

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
        """The provider's key set, fetched again if it does not contain `kid`.

        Raises ProviderUnavailable, ProviderRefused, ProviderMisbehaved.
        """
        jwks_uri = endpoints.jwks_uri
        if jwks_uri is None:
            raise ProviderMisbehaved("jwks_uri_missing")

        def fetch() -> Jwks:
            return read_jwks_response(self._fetcher.fetch(build_jwks_request(jwks_uri), timeout_seconds=FETCH_SECONDS))

        return _with_kid(self._keys, jwks_uri, fetch, kid)

    def client_jwks(self, jwks_uri: str, kid: str | None) -> Jwks:
        """A client's published keys, fetched again if they do not contain `kid`.

        Raises ProviderUnavailable, ProviderRefused, ProviderMisbehaved.
        """

        def fetch() -> Jwks:
            request = build_jwks_request(jwks_uri)
            answer = self._fetcher.fetch(request, timeout_seconds=FETCH_SECONDS, max_bytes=CLIENT_MAX_BYTES)
            return read_client_jwks_response(answer)

        return _with_kid(self._client_keys, jwks_uri, fetch, kid)

    def issuer_jwks(self, issuer: Issuer, kid: str | None) -> Jwks:
        """A trusted issuer's keys, fetched again if they do not contain `kid`.

        Cached by issuer and never by URL alone: two issuers with one key set stay apart, and the keys that were fetched
        before `forget-keys` are not used again (ISS-13, ISS-32).

        Raises ProviderUnavailable, ProviderRefused, ProviderMisbehaved.
        """
        if not issuer.jwks_uri:
            return {"keys": list(issuer.jwks)}

        def fetch() -> Jwks:
            request = build_jwks_request(issuer.jwks_uri)
            answer = self._fetcher.fetch(request, timeout_seconds=FETCH_SECONDS, max_bytes=CLIENT_MAX_BYTES)
            return read_jwks_response(answer)

        return _with_kid(self._issuer_keys, (issuer.issuer, issuer.jwks_uri, issuer.keys_after), fetch, kid)


def _caller_keys(clock: Tells) -> CachedDocuments[Jwks]:
    return CachedDocuments[Jwks](
        clock,
        fresh_seconds=CLIENT_FRESH_SECONDS,
        stale_seconds=CLIENT_STALE_SECONDS,
        rest_seconds=CLIENT_REST_SECONDS,
    )


def _with_kid(documents: CachedDocuments[Jwks], name: Hashable, fetch: Callable[[], Jwks], kid: str | None) -> Jwks:
    keys = documents.get(name, fetch)
    if kid is None or any(key.get("kid") == kid for key in keys["keys"]):
        return keys
    return documents.look_again(name, fetch, keys)
