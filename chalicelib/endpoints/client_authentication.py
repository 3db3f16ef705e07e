"""Who asks, proven: the first step of every endpoint that clients call (RFC 6749 section 2.3, TOK-02 to TOK-09)."""

from chalicelib.endpoints.counting import place_of
from chalicelib.ports import Broker
from chalicelib.protocol.client_authentication import (
    PresentedClient,
    check_method,
    parse_client_credentials,
    verify_secret,
)
from chalicelib.protocol.errors import InvalidClient, TooManyRequests
from chalicelib.protocol.request import Request
from chalicelib.protocol.single import Parameters
from chalicelib.records.client import Client
from chalicelib.records.places import DEPLOYMENT, client_place

WINDOW_SECONDS = 900


def authenticate_client(broker: Broker, http: Request, parameters: Parameters) -> Client:
    """The client, by its registered method and only that.

    From the cache of at most 10 s; a refusal reads once more. Failures are counted per address, and from the limit on
    only what fails is told to wait: a right credential is never refused for the failures of others.

    Raises InvalidClient, InvalidRequest, TooManyRequests.
    """
    presented = parse_client_credentials(http, parameters)
    try:
        return _authenticate(broker, presented, fresh=False)
    except InvalidClient:
        pass
    try:
        return _authenticate(broker, presented, fresh=True)
    except InvalidClient as error:
        _count_failure(broker, http)
        raise error from None


def _authenticate(broker: Broker, presented: PresentedClient, *, fresh: bool) -> Client:
    place = client_place(presented.client_id)
    found = broker.registry.lookup(place, DEPLOYMENT, fresh=fresh)
    client, deployment, now = found.get(place), found.get(DEPLOYMENT), broker.clock.now()
    if presented.method != "none" or client is None or client.is_confidential:
        peppers = {version: key.secret for version, key in broker.keys.get("pepper").versions.items()}
        verify_secret(client, presented, peppers, now)
    if client is None or client.is_over(now):
        raise InvalidClient("client_unknown_or_over")
    if deployment is not None and deployment.marks.disabled:
        raise InvalidClient("deployment_disabled")
    check_method(client, presented)
    return client


def _count_failure(broker: Broker, http: Request) -> None:
    """Atomic under any concurrency; the address is the gateway's word (GEN-21)."""
    now = broker.clock.now()
    ends_at = now - now % WINDOW_SECONDS + WINDOW_SECONDS
    failures = broker.store.count(f"auth#{place_of(http)}", amount=1, window_ends_at=ends_at)
    if failures > broker.settings.failed_authentications_per_address:
        raise TooManyRequests("too_many_failed_authentications", retry_after=ends_at - now)
