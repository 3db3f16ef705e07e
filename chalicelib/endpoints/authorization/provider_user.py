"""The user in a provider's response, and whether the decision is still valid, from one batch read."""

from typing import Any

from msgspec import Struct, structs

from chalicelib.endpoints.browser.urls import account_uri
from chalicelib.ports import Broker, Items
from chalicelib.protocol.derived_ids import derive_account_id, derive_connection_id, derive_sub, is_linked_login
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.grant_refusals import PAUSED
from chalicelib.provider_client import Provider, ProviderSignIn
from chalicelib.records.client import Client
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    ItemKey,
    client_item_key,
    connection_item_key,
    consent_item_key,
    provider_item_key,
    stored_request_item_key,
    subject_item_key,
    user_key_item_key,
)
from chalicelib.records.sign_in import AuthorizationRequest, Pending
from chalicelib.records.subject import Subject
from chalicelib.revocation_marks import find_revocation_among


class ProviderUser(Struct, frozen=True, kw_only=True):
    """The user's ids, derived from the provider's response without a read.

    login   the `sub` of a login whose user was never erased; `life` counts the erasures
    """

    sub: str
    account_id: str
    connection_id: str
    login: str
    life: int = 0


def derive_ids(
    broker: Broker, provider: Provider, brought: ProviderSignIn, client_id: str, *, life: int = 0
) -> ProviderUser:
    """The ids of one login."""
    key, provider_id = broker.keys.get("identity").current.secret, provider.record.provider_id
    issuer, subject = brought.identity.issuer, brought.identity.subject
    account_id = derive_account_id(key, provider_id=provider_id, issuer=issuer, subject=subject)
    login = derive_sub(key, provider_id=provider_id, issuer=issuer, subject=subject)
    sub = derive_sub(key, provider_id=provider_id, issuer=issuer, subject=subject, life=life) if life else login
    connection_id = derive_connection_id(key, sub=sub, client_id=client_id, account_id=account_id)
    return ProviderUser(sub=sub, account_id=account_id, connection_id=connection_id, login=login, life=life)


def resolve_expected_user(
    broker: Broker, provider: Provider, brought: ProviderSignIn, client_id: str, expected: str
) -> ProviderUser:
    """The user, if a certain one is expected. If the ids differ, up to two more reads find out whether the user of this
    login was erased, or whether the login is linked to another user."""
    provider_user = derive_ids(broker, provider, brought, client_id)
    if provider_user.sub == expected:
        return provider_user
    item_key = subject_item_key(provider_user.login)
    subject = broker.store.read(item_key).get(item_key)
    if subject is not None and subject.erased:
        provider_user = derive_ids(broker, provider, brought, client_id, life=subject.erased)
        item_key = subject_item_key(provider_user.sub)
        subject = broker.store.read(item_key).get(item_key)
    return follow_linked_login(broker, provider_user, subject, client_id)


def follow_linked_login(
    broker: Broker, provider_user: ProviderUser, subject: Subject | None, client_id: str
) -> ProviderUser:
    """The user to whom the broker linked this login, or the login's own user.

    Raises PageError if the link was not written by the broker.
    """
    if subject is None or not subject.linked_to or subject.marks.disabled:
        return provider_user
    key, user = broker.keys.get("identity").current.secret, subject.linked_to
    if not is_linked_login(key, login=subject.sub, sub=user, mac=subject.link_mac):
        broker.log.event("alarm", kind="login_does_not_verify", sub=user, login=subject.sub)
        raise PageError("login_does_not_verify", page="not_allowed", status=403)
    connection_id = derive_connection_id(key, sub=user, client_id=client_id, account_id=provider_user.account_id)
    return structs.replace(provider_user, sub=user, connection_id=connection_id)


def resolve_user(
    broker: Broker, pending: Pending, provider: Provider, brought: ProviderSignIn, client_id: str, *also: ItemKey[Any]
) -> tuple[ProviderUser, Items]:
    """The user, and all records for the decisions that follow, in one strongly consistent batch read. One more batch
    if the user of this login was erased: a new user starts, and earlier decisions have ended. One more if the login is
    linked to another user."""
    provider_user = derive_ids(broker, provider, brought, client_id)
    found = _read_all(broker, pending, provider_user, client_id, *also)
    first = found.get(subject_item_key(provider_user.login))
    if first is not None and first.erased and pending.decided_at >= (first.marks.not_before or 0):
        provider_user = derive_ids(broker, provider, brought, client_id, life=first.erased)
        found = _read_all(broker, pending, provider_user, client_id, *also)
    whose = follow_linked_login(broker, provider_user, found.get(subject_item_key(provider_user.sub)), client_id)
    return (
        (provider_user, found)
        if whose is provider_user
        else (whose, _read_all(broker, pending, whose, client_id, *also))
    )


def _read_all(
    broker: Broker, pending: Pending, provider_user: ProviderUser, client_id: str, *also: ItemKey[Any]
) -> Items:
    places: list[ItemKey[Any]] = [
        DEPLOYMENT,
        client_item_key(client_id),
        provider_item_key(pending.provider_id),
        subject_item_key(provider_user.sub),
        consent_item_key(provider_user.sub, client_id),
        connection_item_key(provider_user.connection_id),
        user_key_item_key(provider_user.sub),
        *also,
    ]
    if pending.stored:
        places.append(stored_request_item_key(pending.stored))
    return broker.store.read(*places)


def check_not_revoked(
    broker: Broker, pending: Pending, request: AuthorizationRequest, provider_user: ProviderUser, found: Items
) -> Client:
    """Check that the decision is still valid, and that the same user decided and signed in.

    Raises PageError; nothing is stored then.
    """
    if pending.decided_by.startswith("session:") and pending.decided_by != f"session:{provider_user.sub}":
        raise PageError("another_account_came_back", page="wrong_account", status=403)
    client = found.get(client_item_key(request.client_id))
    end = find_revocation_of(broker, pending.decided_at, provider_user, pending, found, client_id=request.client_id)
    if end == PAUSED:
        raise PageError(PAUSED, page="app_paused", status=403, link=account_uri(broker))
    if end is not None or client is None or client.revision != request.client_revision:
        raise PageError(end or "client_changed", page="sign_in_over", status=403)
    return client


def find_revocation_of(
    broker: Broker, decided_at: int, provider_user: ProviderUser, pending: Pending, found: Items, *, client_id: str
) -> str | None:
    """The cutoff in this read that voids a decision of that time; a new user has none."""
    of = {"sub": provider_user.sub, "client_id": client_id, "provider_id": pending.provider_id}
    return find_revocation_among(broker, found, decided_at, **of, first_time=True)
