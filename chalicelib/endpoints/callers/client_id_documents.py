"""Clients whose id is the URL of their metadata document: fetched at first use, and stored for all processes (CIMD-02,
CIMD-04).

The client as its document described it is stored, not the document. It is fetched again when it is no longer fresh. If
its host is down, the stored client is valid until it is a day old. If the host reports that the document is gone, or
returns an invalid one, the client is refused and the stored one is no longer valid. Refusals are not stored. Nothing
here runs for registered clients.

Because an attacker can invent URLs, unknown URLs share separate limits: however many arrive, known documents are still
refreshed (CIMD-05).
"""

from msgspec.structs import replace

from chalicelib.contention import write_tries
from chalicelib.endpoints.callers.clients import read_client_context
from chalicelib.endpoints.callers.rate_limits import client_network
from chalicelib.endpoints.callers.registration_policy import open_registration_policy
from chalicelib.ports import Broker, OverLimit, Written
from chalicelib.protocol.client_document import (
    build_document_client,
    check_document_url,
    host_of_document,
    parse_client_document,
)
from chalicelib.protocol.errors import InvalidClient, OAuthError, TemporarilyUnavailable, TooManyRequests
from chalicelib.protocol.registration import RegistrationRequest
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client
from chalicelib.records.item_keys import DEPLOYMENT, client_item_key, is_url
from chalicelib.upstream.client_document import (
    MAX_BYTES,
    TIMEOUT_SECONDS,
    build_document_request,
    read_document_response,
    read_fresh_seconds,
)
from chalicelib.upstream.http import ProviderMisbehaved, ProviderUnavailable

STALE_SECONDS = 86_400
DAY = 86_400
KNOWN_FETCHES = 6  # fetches of one known document per minute; one is enough if its host responds
KNOWN_IN_ALL = 5  # limit for all known documents, as a multiple of the limit for one host
Limits = tuple[tuple[str, int], ...]  # name of the counter, uses per minute


class DocumentRefused(InvalidClient):
    """There is no usable client metadata document at that URL."""

    description = "The client_id is a URL, and there is no usable client metadata document at that URL."


def refresh_document(broker: Broker, http: Request, client_id: str, *, only_known: bool = False) -> None:
    """Update the stored client of a URL before anything is decided from it; does nothing for other ids.

    only_known   do not fetch an unknown URL, because no flow can begin here

    Raises DocumentRefused, TooManyRequests.
    """
    if not is_url(client_id) or not broker.settings.client_id_documents:
        return
    try:
        check_document_url(client_id)
    except OAuthError as error:
        raise DocumentRefused(error.reason) from None
    found = read_client_context(broker, client_id)
    known, deployment = found.get(client_item_key(client_id)), found.get(DEPLOYMENT)
    if known is None and only_known:
        return
    if _needs_nothing(known, broker.clock.now()) or (deployment is not None and deployment.marks.disabled):
        return
    broker.flights.share(client_id, lambda: _bring(broker, http, client_id))
    read_client_context(broker, client_id, fresh=True)


def _needs_nothing(known: Client | None, now: int) -> bool:
    """True if the client is fresh, or disabled by the operator and therefore not fetched."""
    if known is None:
        return False
    return known.marks.disabled or (now < known.fresh_until and not known.is_over(now))


def _bring(broker: Broker, http: Request, url: str) -> None:
    """Use what another process has stored meanwhile; otherwise fetch the document, within the limits, and store it."""
    item_key, now = client_item_key(url), broker.clock.now()
    read = broker.store.read(item_key).get(item_key)
    if _needs_nothing(read, now):
        return
    try:
        _spend(broker, _limits_of_new(broker, http, url) if read is None else _limits_of_known(broker, http, url))
        document, seconds = _fetch(broker, url)
    except DocumentRefused:
        _take_back(broker, read)
        raise
    except (ProviderUnavailable, TooManyRequests) as error:
        if read is None or read.is_over(now) or now - read.fetched_at >= STALE_SECONDS:
            if isinstance(error, TooManyRequests):
                raise
            broker.log.event("client_document_refused", client_id=url, reason=error.reason)
            raise DocumentRefused(error.reason) from None
        broker.log.event("client_document_stale", client_id=url, reason=error.reason)
        return
    _keep(broker, url, read, document, seconds)


def _limits_of_new(broker: Broker, http: Request, url: str) -> Limits:
    """Limits per minute on unknown URLs: for one address, for one host and in all, so that nobody can use the broker to
    flood a host."""
    settings = broker.settings
    return (
        (f"document#for#{client_network(http)}", settings.document_fetches_per_address),
        (f"document#from#{host_of_document(url)}", settings.document_fetches_per_host),
        ("document#all", settings.document_fetches_per_minute),
    )


def _limits_of_known(broker: Broker, http: Request, url: str) -> Limits:
    """Limits per minute on known documents: for one document, for one host, for one address, and in all."""
    for_one = broker.settings.document_fetches_per_minute
    return (
        (f"document#again#{url}", KNOWN_FETCHES),
        (f"document#known#{host_of_document(url)}", for_one),
        (f"document#known#for#{client_network(http)}", for_one),
        ("document#known#all", KNOWN_IN_ALL * for_one),
    )


def _spend(broker: Broker, limits: Limits) -> None:
    """Raises TooManyRequests."""
    for name, limit in limits:
        outcome = broker.limiter.spend(name, limit=limit, now=broker.clock.now())
        if isinstance(outcome, OverLimit):
            raise TooManyRequests("client_document_limit", retry_after=outcome.retry_after)


def _take_back(broker: Broker, read: Client | None) -> None:
    """Invalidate the stored client after its host withdrew the document. Otherwise an attacker with a withdrawn key
    could exhaust the fetch limit to use it again. A newer write by another process stays."""
    if read is not None and read.fetched_at:
        broker.store.put_document(replace(read, fetched_at=0, fresh_until=0), read=read)


def _fetch(broker: Broker, url: str) -> tuple[RegistrationRequest, int]:
    """The checked document, and for how many seconds it is fresh.

    Raises ProviderUnavailable if its host is down, and DocumentRefused if the document is gone or invalid.
    """
    request = build_document_request(url)
    try:
        response = broker.fetcher.fetch(request, timeout_seconds=TIMEOUT_SECONDS, max_bytes=MAX_BYTES)
        document = parse_client_document(read_document_response(response), open_registration_policy(broker), url=url)
    except (ProviderMisbehaved, OAuthError) as error:
        broker.log.event("client_document_refused", client_id=url, reason=error.reason)
        raise DocumentRefused(error.reason) from None
    return document, read_fresh_seconds(response)


def _keep(broker: Broker, url: str, read: Client | None, document: RegistrationRequest, seconds: int) -> None:
    """Store the client with a conditional write; retry on top of another process's or the operator's change."""
    now, life = broker.clock.now(), broker.settings.registration_unused_days * DAY
    for _ in write_tries(broker):
        client = build_document_client(read, document, url=url, now=now, seconds=seconds, life=life)
        result = broker.store.put_document(client, read=read)
        if isinstance(result, Written):
            broker.log.event("client_document_kept", client_id=url, revision=client.revision, seconds=seconds)
            return
        read = result.found
        if _needs_nothing(read, now):
            return
    raise TemporarilyUnavailable("client_document_contended")
