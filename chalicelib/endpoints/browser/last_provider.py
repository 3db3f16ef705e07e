"""The provider that this browser used last, for a page that names it."""

from chalicelib.endpoints.browser.cookies import read_provider
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request


def last_provider_name(broker: Broker, http: Request) -> str:
    """Its name; "" if the browser sends none, or one without a provider file. Unverified: it may only be shown."""
    definition = broker.catalog.get(read_provider(broker, http))
    return definition.display_name if definition else ""
