"""Clients that are named by the URL of their document: fetched when somebody arrives with it, kept for all processes
(CIMD-02, CIMD-04).

What is kept is the client as its document described it, not the document. It is asked for again when it is no longer
fresh. Where its place is down the last one serves until it is a day old; where its place says that it is gone, or shows
one that is no good, nobody arrives with it, and the last one serves no more. Refusals are not kept. Nothing here runs
for a client that is registered.

Anybody can make up URLs, so those never seen before share limits of their own: however many come, what is known is
still read again (CIMD-05).
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
KNOWN_FETCHES = 6  # of one known document a minute: one is enough where its place answers
KNOWN_IN_ALL = 5  # all known documents together are fetched so many times as often as those of one host
Limits = tuple[tuple[str, int], ...]  # name of the counter, uses a minute


class DocumentRefused(InvalidClient):
    """There is no document at that URL now by which its client could be known."""

    description = "The client_id is a URL, and what stands there is not a client metadata document that can be used."


def refresh_document(broker: Broker, http: Request, client_id: str, *, only_known: bool = False) -> None:
    """Bring what is kept of a URL up to date, before anything is decided from it; for other ids nothing is done.

    only_known   nobody is asked for a URL that was never here: nothing can begin where this is said

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
    """Fresh; or switched off by the operator, so that nobody is asked for it."""
    if known is None:
        return False
    return known.marks.disabled or (now < known.fresh_until and not known.is_over(now))


def _bring(broker: Broker, http: Request, url: str) -> None:
    """What another process has kept meanwhile counts; else the document is fetched, within the limits, and kept."""
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
    """So many URLs never seen before a minute for one address, from one host and in all: we are nobody's means to flood
    another."""
    settings = broker.settings
    return (
        (f"document#for#{client_network(http)}", settings.document_fetches_per_address),
        (f"document#from#{host_of_document(url)}", settings.document_fetches_per_host),
        ("document#all", settings.document_fetches_per_minute),
    )


def _limits_of_known(broker: Broker, http: Request, url: str) -> Limits:
    """So many fetches a minute of one document, of all that are known of one host, for one address, and in all."""
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
    """What its place has taken back does not serve again when that place is down or asked too often: else whoever holds
    a key that was withdrawn had only to ask often. Where another process has written meanwhile, that stands."""
    if read is not None and read.fetched_at:
        broker.store.put_document(replace(read, fetched_at=0, fresh_until=0), read=read)


def _fetch(broker: Broker, url: str) -> tuple[RegistrationRequest, int]:
    """What the document says, checked, and for how many seconds it is fresh.

    Raises ProviderUnavailable: its place is down. Raises DocumentRefused: it is gone, or no good.
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
    """One conditional write; where another process was faster, or the operator threw a switch, on top of that."""
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
