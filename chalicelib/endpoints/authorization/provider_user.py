"""The user in a provider's response, and whether the decision is still valid, from one batch read."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct, structs

from chalicelib.endpoints.authorization.pending_request import check_decision
from chalicelib.endpoints.authorization.provider_callback import RedeemedCallback
from chalicelib.ports import Broker, Items
from chalicelib.protocol.derived_ids import derive_account_id, derive_connection_id, derive_sub, is_linked_login
from chalicelib.protocol.errors import PageError
from chalicelib.provider_client import Provider, ProviderSignIn
from chalicelib.records.client import Client
from chalicelib.records.item_keys import (
    ItemKey,
    client_item_key,
    connection_item_key,
    stored_request_item_key,
    subject_item_key,
    user_key_item_key,
)
from chalicelib.records.sign_in import AuthorizationRequest, Pending
from chalicelib.records.subject import Subject
from chalicelib.revocation_marks import DecisionParties, find_revocation_among, revocation_keys


class ProviderUser(Struct, frozen=True, kw_only=True):
    """The user's ids, derived from the provider's response without a read.

    login   the `sub` of a login whose user was never erased; `life` counts the erasures
    """

    sub: str
    account_id: str
    connection_id: str
    login: str
    life: int = 0


ReadUser = Callable[[ProviderUser], Items]


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


def resolve_user(
    broker: Broker, brought: ProviderSignIn, client_id: str, read: ReadUser, *, decided_at: int | None = None
) -> tuple[ProviderUser, Items]:
    """The user behind a provider's response, and what was read for that user: one read, one more if the user of this
    login was erased, and one more if the login is linked to another user.

    decided_at   as in `resolve_login`

    Raises PageError.
    """
    login, found = resolve_login(broker, brought, client_id, read, decided_at=decided_at)
    user = _follow_linked_login(broker, login, found.get(subject_item_key(login.sub)), client_id)
    return (login, found) if user is login else (user, read(user))


def resolve_login(
    broker: Broker, brought: ProviderSignIn, client_id: str, read: ReadUser, *, decided_at: int | None = None
) -> tuple[ProviderUser, Items]:
    """The same, before a link to another user is followed.

    read         reads at least the subject of a user
    decided_at   a decision before the erasure keeps the erased user, whose revocation ends it; None: whenever it was
    """
    login = derive_ids(broker, brought.provider, brought, client_id)
    found = read(login)
    first = found.get(subject_item_key(login.login))
    if first is None or not first.erased:
        return login, found
    if decided_at is not None and decided_at < (first.marks.not_before or 0):
        return login, found
    login = derive_ids(broker, brought.provider, brought, client_id, life=first.erased)
    return login, read(login)


def resolve_expected_user(broker: Broker, brought: ProviderSignIn, client_id: str, expected: str) -> ProviderUser:
    """The user, if one is expected: nothing is read where the derived ids are that user's. Raises PageError."""
    login = derive_ids(broker, brought.provider, brought, client_id)
    if login.sub == expected:
        return login
    login, found = resolve_login(broker, brought, client_id, lambda user: broker.store.read(subject_item_key(user.sub)))
    return _follow_linked_login(broker, login, found.get(subject_item_key(login.sub)), client_id)


def _follow_linked_login(
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


def sign_in_keys(pending: Pending, user: ProviderUser, client_id: str) -> tuple[ItemKey[Any], ...]:
    """The item keys of everything that the rest of a sign-in decides on."""
    stored = (stored_request_item_key(pending.stored),) if pending.stored else ()
    return (
        *revocation_keys(DecisionParties(user.sub, client_id, pending.provider_id)),
        connection_item_key(user.connection_id),
        user_key_item_key(user.sub),
        *stored,
    )


def check_not_revoked(
    broker: Broker,
    callback: RedeemedCallback,
    request: AuthorizationRequest,
    provider_user: ProviderUser,
    found: Items,
) -> Client:
    """Check that the decision is still valid, and that the same user decided and signed in.

    Raises PageError; nothing is stored then.
    """
    pending = callback.pending
    if pending.decided_by.startswith("session:") and pending.decided_by != f"session:{provider_user.sub}":
        raise PageError("another_account_came_back", page="wrong_account", status=403)
    parties = DecisionParties(provider_user.sub, request.client_id, pending.provider_id)
    end = find_revocation_among(found, parties, pending.decided_at, now=callback.now, first_time=True)
    return check_decision(broker, request, found.get(client_item_key(request.client_id)), end, page="sign_in_over")
