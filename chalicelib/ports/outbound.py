"""Requests from the broker to other hosts."""

from typing import Any, Protocol

from chalicelib.records.issuer import Issuer
from chalicelib.upstream.endpoints import Endpoints
from chalicelib.upstream.http import HttpRequest, HttpResponse


class Fetcher(Protocol):
    """The only way for the broker to send requests to other hosts (FETCH-01)."""

    def fetch(self, request: HttpRequest, *, timeout_seconds: float = 8.0, max_bytes: int = 262144) -> HttpResponse:
        """Raises ProviderUnavailable."""


class Directory(Protocol):
    """A provider's endpoints and keys, and a client's keys, cached."""

    def endpoints(self, definition: Any, issuer: str | None) -> Endpoints:
        """Raises ProviderUnavailable."""

    def jwks(self, definition: Any, endpoints: Endpoints, kid: str | None) -> dict[str, Any]:
        """Raises ProviderUnavailable."""

    def client_jwks(self, jwks_uri: str, kid: str | None) -> dict[str, Any]:
        """A client's published keys, fetched again if `kid` is not among them.

        Raises ProviderUnavailable, ProviderRefused, ProviderMisbehaved.
        """

    def issuer_jwks(self, issuer: Issuer, kid: str | None) -> dict[str, Any]:
        """A trusted issuer's keys, fetched again if `kid` is not among them. Raises the same."""


class Breaker(Protocol):
    """Stops requests to a provider that fails most of them."""

    def retry_at(self, provider_id: str, now: int) -> int:
        """When requests are allowed again, epoch seconds; 0 if they are allowed now."""

    def note(self, provider_id: str, *, worked: bool, now: int) -> None:
        """Record the outcome of one request."""
