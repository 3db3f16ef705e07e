"""Who is counted as one place: an IPv4 address, or the network of an IPv6 one, all of which one person has."""

import ipaddress

from chalicelib.protocol.request import Request


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
