"""Who is counted as one place: an IPv4 address, or the network of an IPv6 one, all of which one person has; and how
often a place that proves nothing may ask, or a client that has proven itself."""

import ipaddress

from chalicelib.ports import Broker, OverLimit
from chalicelib.protocol.errors import TooManyRequests
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client

OURSELVES = "127.0.0.1"  # everybody who uses a local stack; no gateway names it


def place_of(http: Request) -> str:
    """The gateway's word on where a request comes from, as a counter's name (GEN-21)."""
    return place_of_address(http.source_ip)


def place_of_address(source_ip: str) -> str:
    """The same for an address that was noted."""
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:
        return source_ip
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, 64), strict=False).network_address)


def spend_of_place(broker: Broker, http: Request) -> None:
    """One request that anybody could send. Raises TooManyRequests; StoreUnavailable, once in a block."""
    place, limit = place_of(http), broker.settings.requests_per_address
    again = _spend(broker, f"place#{place}", limit) if place not in ("", OURSELVES) else 0
    if again:
        raise TooManyRequests("requests_of_address", retry_after=again)


def spend_of_client(broker: Broker, http: Request, client: Client) -> None:
    """One request of a client. One that has proven nothing is anybody: its flood is its sender's, not its own, or
    whoever knows its name could have it refused.

    Raises TooManyRequests; StoreUnavailable, once in a block.
    """
    if not client.is_confidential:
        spend_of_place(broker, http)
        return
    again = _spend(broker, f"of_client#{client.client_id}", broker.settings.requests_per_client)
    if again:
        raise TooManyRequests("requests_of_client", retry_after=again).noting(client_id=client.client_id)


def _spend(broker: Broker, name: str, limit: int) -> int:
    """Seconds to wait; 0 within the limit."""
    outcome = broker.limiter.spend(name, limit=limit, now=broker.clock.now()) if limit else None
    return outcome.retry_after if isinstance(outcome, OverLimit) else 0
