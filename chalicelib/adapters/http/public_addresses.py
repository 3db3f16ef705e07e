"""The addresses that an outgoing request may reach: global unicast, and none that embeds another address.

Copied from the IANA special-purpose registries, because the standard library's tables differ between versions.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_SPECIAL_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared address space; a cloud's metadata service is here
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's wire server, on a public address
        "169.254.0.0/16",  # link-local: instance metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID and other protocol assignments
        "2001:db8::/32",
        "2002::/16",  # 6to4: carries a v4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
# The one NAT64 prefix that legitimate IPv6-only networks use (RFC 6052 section 2.1, RFC 6147).
_NAT64 = IPv6Network("64:ff9b::/96")


def is_global_unicast(address: IPv4Address | IPv6Address) -> bool:
    """Whether a request may go there. Never v4-mapped, v4-compatible, 6to4 or Teredo; NAT64 counts as its v4
    address."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_global_unicast(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _GLOBAL_V6 and not any(address in network for network in _SPECIAL_V6)
