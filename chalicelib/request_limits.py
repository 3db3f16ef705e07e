"""Counts each request against its caller's limit, in blocks, so that an honest caller costs no extra call (GEN-21)."""

from collections.abc import Mapping
from typing import Any

from chalicelib.ports import Broker, OverLimit
from chalicelib.protocol.errors import TooManyRequests


def count_use(broker: Broker, name: str, limit: int) -> int:
    """Count one use and return the seconds to wait; 0 within the limit. Raises StoreUnavailable, at most once per
    block."""
    outcome = broker.limiter.spend(name, limit=limit, now=broker.clock.now()) if limit else None
    return outcome.retry_after if isinstance(outcome, OverLimit) else 0


def count_client_request(broker: Broker, client_id: str) -> None:
    """Count one request of an authenticated client. Raises TooManyRequests."""
    again = count_use(broker, f"of_client#{client_id}", broker.settings.requests_per_client)
    if again:
        raise TooManyRequests("requests_of_client", retry_after=again).noting(client_id=client_id)


def count_grant_request(broker: Broker, grant_id: str, client_id: str) -> None:
    """Count one request with an access token, or browser session, of one user in one app. Raises TooManyRequests."""
    again = count_use(broker, f"of_grant#{grant_id}", broker.settings.requests_per_address)
    if again:
        raise TooManyRequests("requests_of_grant", retry_after=again).noting(client_id=client_id)


def count_token_request(broker: Broker, claims: Mapping[str, Any]) -> None:
    """Count one request with a verified access token, before anything is read for it. Raises TooManyRequests."""
    if "grant_id" in claims:
        count_grant_request(broker, claims["grant_id"], claims["client_id"])
    else:
        count_client_request(broker, claims["client_id"])
