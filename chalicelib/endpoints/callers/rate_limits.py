"""Who is counted as one place: an IPv4 address, or the network of an IPv6 one, all of which one person has; and how
often a place that proves nothing may ask, or a client that has proven itself."""

import ipaddress

from chalicelib.ports import Broker
from chalicelib.protocol.errors import TooManyRequests
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client
from chalicelib.request_limits import count_client_request, count_grant_request, count_use

OURSELVES = "127.0.0.1"  # everybody who uses a local stack; no gateway names it


def client_network(http: Request) -> str:
    """The gateway's word on where a request comes from, as a counter's name (GEN-21)."""
    return network_of_address(http.source_ip)


def network_of_address(source_ip: str) -> str:
    """The same for an address that was noted."""
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:
        return source_ip
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, 64), strict=False).network_address)


def count_network_request(broker: Broker, http: Request) -> None:
    """One request that anybody could send. Raises TooManyRequests; StoreUnavailable, once in a block."""
    place, limit = client_network(http), broker.settings.requests_per_address
    again = count_use(broker, f"place#{place}", limit) if place not in ("", OURSELVES) else 0
    if again:
        raise TooManyRequests("requests_of_address", retry_after=again)


def count_session_request(broker: Broker, http: Request) -> None:
    """One request of a page of an app, which counts for its browser session; without one, for its address.

    Raises TooManyRequests; StoreUnavailable, once in a block.
    """
    from chalicelib.endpoints.browser.bff_cookie import read_session

    session = read_session(broker, http, http.path.get("client_id", ""))
    if session is None:
        count_network_request(broker, http)
    else:
        count_grant_request(broker, session.handle.grant_id, session.client_id)


def count_sender_request(broker: Broker, http: Request, client: Client) -> None:
    """One request of a client. One that has proven nothing is anybody: its flood is its sender's, not its own, or
    whoever knows its name could have it refused.

    Raises TooManyRequests; StoreUnavailable, once in a block.
    """
    if client.is_confidential:
        count_client_request(broker, client.client_id)
    else:
        count_network_request(broker, http)
