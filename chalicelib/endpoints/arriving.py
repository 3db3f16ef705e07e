"""Who has come back from a provider, and whether what was decided still counts: one batch read, every mark in it."""

from typing import Any

from msgspec import Struct, structs

from chalicelib.access import find_end_among
from chalicelib.asking import Brought, Registered
from chalicelib.endpoints.answers import account_uri
from chalicelib.ports import Broker, Found
from chalicelib.protocol.derive import derive_account_id, derive_connection_id, derive_sub, is_linked_login
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.grants import PAUSED
from chalicelib.records.client import Client
from chalicelib.records.places import (
    DEPLOYMENT,
    Place,
    client_place,
    connection_place,
    consent_place,
    provider_place,
    stored_request_place,
    subject_place,
    user_key_place,
)
from chalicelib.records.sign_in import AuthorizationRequest, Pending
from chalicelib.records.subject import Subject


class Arrival(Struct, frozen=True, kw_only=True):
    """Who has come back, by names derived from the provider's word; nothing is looked up for them.

    login   the `sub` of a login whose user was never erased; `life` counts the erasures
    """

    sub: str
    account_id: str
    connection_id: str
    login: str
    life: int = 0


def derive_names(broker: Broker, provider: Registered, brought: Brought, client_id: str, *, life: int = 0) -> Arrival:
    """What one login is called here."""
    key, provider_id = broker.keys.get("identity").current.secret, provider.record.provider_id
    issuer, subject = brought.identity.issuer, brought.identity.subject
    account_id = derive_account_id(key, provider_id=provider_id, issuer=issuer, subject=subject)
    login = derive_sub(key, provider_id=provider_id, issuer=issuer, subject=subject)
    sub = derive_sub(key, provider_id=provider_id, issuer=issuer, subject=subject, life=life) if life else login
    connection_id = derive_connection_id(key, sub=sub, client_id=client_id, account_id=account_id)
    return Arrival(sub=sub, account_id=account_id, connection_id=connection_id, login=login, life=life)


def name_expected(broker: Broker, provider: Registered, brought: Brought, client_id: str, expected: str) -> Arrival:
    """Who it is, where somebody is expected: at one read more, or two, the user of this login may have been erased
    and be somebody else now, and the login may be a further one of another user's."""
    arrival = derive_names(broker, provider, brought, client_id)
    if arrival.sub == expected:
        return arrival
    place = subject_place(arrival.login)
    subject = broker.store.read(place).get(place)
    if subject is not None and subject.erased:
        arrival = derive_names(broker, provider, brought, client_id, life=subject.erased)
        place = subject_place(arrival.sub)
        subject = broker.store.read(place).get(place)
    return follow_link(broker, arrival, subject, client_id)


def follow_link(broker: Broker, arrival: Arrival, subject: Subject | None, client_id: str) -> Arrival:
    """Whose login it is, where the broker linked it to another user's: that user.

    Raises PageError where the link is not the broker's.
    """
    if subject is None or not subject.linked_to or subject.marks.disabled:
        return arrival
    key, user = broker.keys.get("identity").current.secret, subject.linked_to
    if not is_linked_login(key, login=subject.sub, sub=user, mac=subject.link_mac):
        broker.log.event("alarm", kind="login_does_not_verify", sub=user, login=subject.sub)
        raise PageError("login_does_not_verify", page="not_allowed", status=403)
    connection_id = derive_connection_id(key, sub=user, client_id=client_id, account_id=arrival.account_id)
    return structs.replace(arrival, sub=user, connection_id=connection_id)


def find_arrival(
    broker: Broker, pending: Pending, provider: Registered, brought: Brought, client_id: str, *also: Place[Any]
) -> tuple[Arrival, Found]:
    """Who it is, and everything that the rest decides on in one strongly consistent batch; one batch more where the
    user of this login was erased and comes back as somebody else (what was decided before that ended with it), and one
    where it is a further login of another user."""
    arrival = derive_names(broker, provider, brought, client_id)
    found = _read_all(broker, pending, arrival, client_id, *also)
    first = found.get(subject_place(arrival.login))
    if first is not None and first.erased and pending.decided_at >= (first.marks.not_before or 0):
        arrival = derive_names(broker, provider, brought, client_id, life=first.erased)
        found = _read_all(broker, pending, arrival, client_id, *also)
    whose = follow_link(broker, arrival, found.get(subject_place(arrival.sub)), client_id)
    return (arrival, found) if whose is arrival else (whose, _read_all(broker, pending, whose, client_id, *also))


def _read_all(broker: Broker, pending: Pending, arrival: Arrival, client_id: str, *also: Place[Any]) -> Found:
    places: list[Place[Any]] = [
        DEPLOYMENT,
        client_place(client_id),
        provider_place(pending.provider_id),
        subject_place(arrival.sub),
        consent_place(arrival.sub, client_id),
        connection_place(arrival.connection_id),
        user_key_place(arrival.sub),
        *also,
    ]
    if pending.stored:
        places.append(stored_request_place(pending.stored))
    return broker.store.read(*places)


def check_marks(
    broker: Broker, pending: Pending, request: AuthorizationRequest, arrival: Arrival, found: Found
) -> Client:
    """What was decided must still count, and who came back must be who decided.

    Raises PageError; nothing is stored then.
    """
    if pending.decided_by.startswith("session:") and pending.decided_by != f"session:{arrival.sub}":
        raise PageError("another_account_came_back", page="wrong_account", status=403)
    client = found.get(client_place(request.client_id))
    end = find_end_of(broker, pending.decided_at, arrival, pending, found, client_id=request.client_id)
    if end == PAUSED:
        raise PageError(PAUSED, page="app_paused", status=403, link=account_uri(broker))
    if end is not None or client is None or client.revision != request.client_revision:
        raise PageError(end or "client_changed", page="sign_in_over", status=403)
    return client


def find_end_of(
    broker: Broker, decided_at: int, arrival: Arrival, pending: Pending, found: Found, *, client_id: str
) -> str | None:
    """The cutoff in this one read that ends what was decided then; a user who has never been here has none."""
    of = {"sub": arrival.sub, "client_id": client_id, "provider_id": pending.provider_id}
    return find_end_among(broker, found, decided_at, **of, first_time=True)
