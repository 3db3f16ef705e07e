"""URLs of the broker's own pages, and the host that a page shows."""

from urllib.parse import urlsplit

from chalicelib.ports import Broker


def issuer_host(broker: Broker) -> str:
    """The broker's host, as in the address bar."""
    return urlsplit(broker.settings.issuer).netloc


def issuer_path(broker: Broker) -> str:
    """The path before those of the broker's pages; "" for most issuers."""
    return urlsplit(broker.settings.issuer).path


def device_uri(broker: Broker) -> str:
    """The URL of the page where a device's code is entered."""
    return broker.settings.issuer + "/device"


def account_uri(broker: Broker) -> str:
    """The URL of a user's own page."""
    return broker.settings.issuer + "/account"


def account_path(broker: Broker) -> str:
    """The same, as a path for the broker's own pages."""
    return urlsplit(account_uri(broker)).path


def host_of(uri: str) -> str:
    """The host of a redirect target, for the page that leaves the broker's site."""
    return urlsplit(uri).netloc or uri.partition(":")[0]
