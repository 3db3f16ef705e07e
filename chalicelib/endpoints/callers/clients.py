"""The client of a sign-in, the providers that it may use, and the deployment's revocations."""

import re
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from chalicelib.ports import Broker, Items
from chalicelib.protocol.client_document import check_document_url
from chalicelib.protocol.errors import InvalidClientMetadata, OAuthError, PageError
from chalicelib.protocol.fapi2 import find_misfit
from chalicelib.protocol.log_redaction import redact, redact_client
from chalicelib.provider_client import is_configured
from chalicelib.records.client import Client
from chalicelib.records.deployment import Deployment
from chalicelib.records.item_keys import DEPLOYMENT, ItemKey, client_item_key, is_url, provider_item_key
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.revocation import NOT_REVOKED, Revocation

OWN_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
_CLIENT_ID = re.compile(r"[0-9a-f]{32}")
T = TypeVar("T")


class ClientContext(Struct, frozen=True, kw_only=True):
    """The client's records, from a cache of at most 10 s.

    providers   provider id -> record: enabled, with values that fit its file, and allowed for this client
    """

    client: Client
    providers: dict[str, ProviderRecord]
    deployment: Deployment | None


def load_client_context(broker: Broker, client_id: str | None, *, fresh: bool = False) -> ClientContext:
    """Load the client's records: one batch read with a cold cache, none with a warm one. A refusal reads again.

    Raises PageError if the client is unknown, disabled or expired (all three look alike, AUTHZ-01), or does not fit the
    profile.
    """
    if client_id is None or not _may_be_known(broker, client_id):
        refusal = PageError("client_id_malformed", page="client_unknown")
        raise refusal.noting(expected="32 lower-case hex characters", received=redact(client_id) or "none")
    if fresh:
        return _build_context(broker, client_id, fresh=True)
    return decide_with_fresh_records(lambda again: _build_context(broker, client_id, fresh=again))


def decide_with_fresh_records(
    decide: Callable[[bool], T], refusals: type[OAuthError] | tuple[type[OAuthError], ...] = OAuthError
) -> T:
    """Decide on records from the cache; a refusal that rests on the cache reads once more, then decides.

    decide     takes whether to read past the cache
    refusals   those that may rest on it
    """
    try:
        return decide(False)
    except refusals:
        return decide(True)


def decide_for_client(
    broker: Broker, client_id: str | None, decide: Callable[[ClientContext], T], *, known: ClientContext | None = None
) -> T:
    """The same with all that takes part in a client's sign-in.

    known   the context, where it was loaded before

    Raises PageError: there is no such client, which is not asked twice.
    """
    first = known or load_client_context(broker, client_id)
    return decide_with_fresh_records(
        lambda fresh: decide(load_client_context(broker, client_id, fresh=True) if fresh else first)
    )


def load_sufficient_context(
    broker: Broker,
    client_id: str | None,
    suffices: Callable[[ClientContext], bool],
    *,
    known: ClientContext | None = None,
) -> ClientContext:
    """The context, read once more where what the cache knows does not suffice; whether it does then, the caller says.

    known   the context, where it was loaded before
    """
    context = known or load_client_context(broker, client_id)
    return context if suffices(context) else load_client_context(broker, client_id, fresh=True)


def _build_context(broker: Broker, client_id: str, *, fresh: bool) -> ClientContext:
    found = read_client_context(broker, client_id, fresh=fresh)
    client, deployment = found.get(client_item_key(client_id)), found.get(DEPLOYMENT)
    if client is None or client.is_over(broker.clock.now()) or (deployment is not None and deployment.marks.disabled):
        state = "unknown" if client is None else "disabled" if client.marks.disabled else "expired"
        state = state if client is None or client.is_over(broker.clock.now()) else "the deployment is disabled"
        refusal = PageError("client_unknown_or_over", page="client_unknown")
        raise refusal.noting(client_id=redact_client(client_id), standing=state)
    misfit = find_misfit(client, broker.settings)
    if misfit is not None:
        raise PageError(misfit, page="client_unfit").noting(client_id=redact_client(client_id))
    records = [found.get(provider_item_key(provider_id)) for provider_id in sorted(broker.catalog.ids)]
    usable = {
        record.provider_id: record
        for record in records
        if record and not record.marks.disabled and client.may_use(record.provider_id) and is_configured(broker, record)
    }
    return ClientContext(client=client, providers=usable, deployment=deployment)


def find_client(broker: Broker, client_id: str, *, fresh: bool = False) -> Client | None:
    """The client if it is registered and valid, as far as the cache knows; otherwise None."""
    if not _may_be_known(broker, client_id):
        return None
    item_key = client_item_key(client_id)
    client = broker.registry.lookup(item_key, fresh=fresh).get(item_key)
    return None if client is None or client.is_over(broker.clock.now()) else client


def read_client_context(broker: Broker, client_id: str, *, fresh: bool = False) -> Items:
    """All records for a sign-in of this client, with at most one read."""
    provider_places = [provider_item_key(provider_id) for provider_id in sorted(broker.catalog.ids)]
    # Most provider files are not enabled: if their absence were not cached, every request would read.
    off = frozenset(provider_places)
    return broker.registry.lookup(client_item_key(client_id), DEPLOYMENT, *provider_places, fresh=fresh, absence_of=off)


def _may_be_known(broker: Broker, client_id: str) -> bool:
    """True for a client id of the broker, or a URL if those are enabled; no other id is looked up (REG-06)."""
    if not is_url(client_id):
        return _CLIENT_ID.fullmatch(client_id) is not None
    try:
        check_document_url(client_id)
    except InvalidClientMetadata:
        return False
    return broker.settings.client_id_documents


def load_providers(broker: Broker) -> tuple[dict[str, ProviderRecord], Deployment | None]:
    """The enabled providers for a sign-in without an app, and the deployment's record, from the cache."""
    places = {provider_id: provider_item_key(provider_id) for provider_id in sorted(broker.catalog.ids)}
    found = broker.registry.lookup(DEPLOYMENT, *places.values(), absence_of=frozenset(places.values()))
    records = {provider_id: found.get(place) for provider_id, place in places.items()}
    usable = {
        name: one for name, one in records.items() if one and not one.marks.disabled and is_configured(broker, one)
    }
    return usable, found.get(DEPLOYMENT)


def find_switched_on(broker: Broker) -> tuple[ItemKey[ProviderRecord], ...]:
    """Item keys of the providers that have a record, as far as the cache knows; a file without one costs no read."""
    places = tuple(provider_item_key(provider_id) for provider_id in sorted(broker.catalog.ids))
    known = broker.registry.lookup(*places, absence_of=frozenset(places))
    return tuple(place for place in places if known.get(place) is not None)


def consent_time(broker: Broker, context: ClientContext, provider_id: str) -> int:
    """The time of a decision made now, after every cutoff that is known."""
    deployment = context.deployment.marks if context.deployment else NOT_REVOKED
    return time_after_cutoffs(broker, context.client.marks, context.providers[provider_id].marks, deployment)


def time_after_cutoffs(broker: Broker, *marks: Revocation) -> int:
    """The present time, or the latest of these cutoffs if it lies ahead."""
    return max([broker.clock.now(), *(mark.not_before for mark in marks if mark.not_before is not None)])
