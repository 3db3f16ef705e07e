"""Provider tokens and API calls for backends, from a Token Broker: docs/python-client.md."""

from token_broker_client.broker import TokenBroker
from token_broker_client.cache import ProviderToken
from token_broker_client.errors import BrokerError, ConnectionNeeded, NewTokenNeeded, Refused, Unavailable

__all__ = [
    "BrokerError",
    "ConnectionNeeded",
    "NewTokenNeeded",
    "ProviderToken",
    "Refused",
    "TokenBroker",
    "Unavailable",
]
