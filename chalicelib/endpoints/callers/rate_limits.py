"""Rate limits per network (an IPv4 address, or the IPv6 /64 of one customer) for unauthenticated requests, and per
client for authenticated ones."""

import ipaddress

from chalicelib.ports import Broker
from chalicelib.protocol.errors import TooManyRequests
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client
from chalicelib.request_limits import count_client_request, count_grant_request, count_use

OURSELVES = "127.0.0.1"  # every user of a local stack; no gateway reports it


def client_network(http: Request) -> str:
    """The network of the address that the gateway reports, as a counter's name (GEN-21)."""
    return network_of_address(http.source_ip)


def network_of_address(source_ip: str) -> str:
    """The network of a recorded address."""
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:
        return source_ip
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, 64), strict=False).network_address)


def count_network_request(broker: Broker, http: Request) -> None:
    """Count one unauthenticated request. Raises TooManyRequests; StoreUnavailable, at most once per block."""
    network, limit = client_network(http), broker.settings.requests_per_address
    again = count_use(broker, f"place#{network}", limit) if network not in ("", OURSELVES) else 0
    if again:
        raise TooManyRequests("requests_of_address", retry_after=again)


def count_session_request(broker: Broker, http: Request) -> None:
    """Count one request of an app's page for its browser session; without one, for its address.

    Raises TooManyRequests; StoreUnavailable, at most once per block.
    """
    from chalicelib.endpoints.browser.bff_cookie import read_session

    session = read_session(broker, http, http.path.get("client_id", ""))
    if session is None:
        count_network_request(broker, http)
    else:
        count_grant_request(broker, session.handle.grant_id, session.client_id)


def count_sender_request(broker: Broker, http: Request, client: Client) -> None:
    """Count one request of a client. A public client proves nothing, so its requests count for the sender's address:
    otherwise an attacker who knows the client id could exhaust the client's limit.

    Raises TooManyRequests; StoreUnavailable, at most once per block.
    """
    if client.is_confidential:
        count_client_request(broker, client.client_id)
    else:
        count_network_request(broker, http)
