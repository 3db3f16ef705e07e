"""Stored authorization requests, values that are used once, and counters."""

from typing import Protocol

from chalicelib.ports.outcomes import Refused, Written
from chalicelib.records.link import ConnectClaim
from chalicelib.records.small_items import StoredRequest, UsedOnce


class RequestStore(Protocol):
    """Authorization requests that the browser does not carry (RFC 9126)."""

    def put_stored_request(self, request_id: str, stored: StoredRequest) -> None:
        """Store a request that the browser does not carry, under a fresh random id."""

    def open_stored_request(
        self, request_id: str, *, client_id: str, browser: str, now: int, bound_until: int, expires_at: int
    ) -> Written[StoredRequest] | Refused[StoredRequest]:
        """Bind a client's pushed request to the first browser that opens it; that browser may open it again.

        bound_until, expires_at   set by the first opening; opening it again changes neither
        """


class SingleUseStore(Protocol):
    """Values that are accepted once, and access tokens that are accepted no longer."""

    def claim_once(self, mark: str, *, now: int, expires_at: int) -> Written[UsedOnce] | Refused[UsedOnce]:
        """Insert if absent or expired: of any number of uses of one value, exactly one is Written.

        mark         a hash over the kind of value, its owner and its `jti`
        expires_at   until when the value would be accepted again, clock skew included
        """

    def claim_connect(self, claim_id: str, *, purge_at: int) -> Written[ConnectClaim] | Refused[ConnectClaim]:
        """Insert if absent: of any number of callbacks of one link, exactly one is Written."""

    def put_revoked_token(self, jti: str, *, expires_at: int) -> None:
        """Record that an access token is revoked, until it expires."""


class CounterStore(Protocol):
    """Counters of the rate limits."""

    def count(self, key: str, *, amount: int, window_ends_at: int) -> int:
        """Add atomically to a counter of one window; returns the sum."""
