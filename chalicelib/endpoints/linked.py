"""The way back of a connect link (CB-03): the same session, one claim, the provider, one batch read, then connection,
consent and the one grant that asked. It never makes a login, a session or a user.
"""

from typing import Any

from msgspec import Struct

from chalicelib.access import find_end_among, open_key_of
from chalicelib.asking import Brought, Registered
from chalicelib.custody.linking import Asker, check_asker
from chalicelib.custody.unstored_tokens import UnstoredTokens
from chalicelib.endpoints.answers import connected_location
from chalicelib.endpoints.arriving import derive_names
from chalicelib.endpoints.connecting import Owner, end_replaced, store_connection
from chalicelib.endpoints.link import check_sitting
from chalicelib.endpoints.link_page import show_outcome
from chalicelib.endpoints.link_trip import claim_trip, redeem_for_link
from chalicelib.endpoints.shortfall import find_shortfall
from chalicelib.endpoints.sitting import find_sitting
from chalicelib.endpoints.widening import widen_consent, widen_grant
from chalicelib.endpoints.withdrawing import take_back
from chalicelib.ports import Broker, Found
from chalicelib.protocol.derive import derive_connection_id
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.request import Request
from chalicelib.records.connection import Connection
from chalicelib.records.link import Link
from chalicelib.records.places import (
    DEPLOYMENT,
    Place,
    client_place,
    connection_place,
    consent_place,
    grant_place,
    provider_place,
    subject_place,
    user_key_place,
)
from chalicelib.records.sign_in import Pending
from chalicelib.replies import Reply, redirect_reply


class Decided(Struct, frozen=True, kw_only=True):
    """What comes back: the link, the decision about it, the provider, and the name that the account gets here."""

    link: Link
    pending: Pending
    provider: Registered
    brought: Brought
    connection_id: str
    account_id: str


def finish_link(
    broker: Broker, http: Request, pending: Pending, link: Link, provider: Registered, *, code: str
) -> Reply:
    """Raises PageError; before the claim nothing is stored and no code goes anywhere."""
    sitting = find_sitting(broker, http, link.client_id, grant_place(link.grant_id))
    asker = check_sitting(broker, link, sitting)
    claim_trip(broker, pending, link)
    with UnstoredTokens(broker, pending) as unstored:
        unstored.belong_to(link.sub)
        brought = redeem_for_link(broker, http, provider, pending, link, code=code, unstored=unstored)
        return _finish(broker, asker, pending, link, brought, unstored=unstored)


def _finish(
    broker: Broker, asker: Asker, pending: Pending, link: Link, brought: Brought, *, unstored: UnstoredTokens
) -> Reply:
    provider = brought.provider
    account_id = derive_names(broker, provider, brought, link.client_id).account_id
    key = broker.keys.get("identity").current.secret
    connection_id = derive_connection_id(key, sub=link.sub, client_id=link.client_id, account_id=account_id)
    unstored.belong_to(link.sub, connection_id)
    decided = Decided(
        link=link,
        pending=pending,
        provider=provider,
        brought=brought,
        connection_id=connection_id,
        account_id=account_id,
    )
    default = asker.consent.default_connections.get(link.provider_id, connection_id)
    found = _read_all(broker, decided, asker, default)
    asker = check_asker(broker, link, found)
    _check_decision(broker, decided, found)
    standing = found.get(connection_place(default))
    over = default if standing is None or standing.status == "revoked" else ""
    return _connect(broker, decided, asker, found, over=over, unstored=unstored)


def _connect(
    broker: Broker, decided: Decided, asker: Asker, found: Found, *, over: str, unstored: UnstoredTokens
) -> Reply:
    """Connection first, then consent, then the grant: a crash in between leaves no access without consent."""
    link, provider, pending = decided.link, decided.provider, decided.pending
    sealed, subject = found.get(user_key_place(link.sub)), found.get(subject_place(link.sub))
    if sealed is None or subject is None:
        raise PageError("user_key_gone", page="link_over", status=403)
    owner = Owner(
        subject=subject,
        sub=link.sub,
        client_id=link.client_id,
        connection_id=decided.connection_id,
        account_id=decided.account_id,
        user_key=open_key_of(broker, sealed),
    )
    granted = decided.brought.tokens.granted
    short = find_shortfall(provider.definition, asker.client, allowed=pending.allowed, granted=granted)
    connection = store_connection(
        broker,
        owner,
        decided.brought,
        unstored,
        read=found.get(connection_place(decided.connection_id)),
        consent=asker.consent,
        status="partial" if short.missing else "active",
        connected_at=pending.decided_at,
        is_void=lambda at: _find_end(broker, decided, at, found) is not None,
    )
    # What stands now counts: a stored set that is wider than what this time brought has been left alone.
    usable = find_shortfall(provider.definition, asker.client, allowed=pending.allowed, granted=connection.granted).left
    usable = widen_consent(
        broker,
        asker,
        connection,
        usable,
        decided_at=pending.decided_at,
        over=over,
        ended=lambda: take_back(broker, connection, owner.user_key),
    )
    widen_grant(broker, asker, connection, usable)
    end_replaced(broker, owner, provider, connection)
    broker.log.event("connected", client_id=link.client_id, provider_id=link.provider_id)
    return _answer(broker, decided, asker, connection, pending.allowed - usable)


def _answer(broker: Broker, decided: Decided, asker: Asker, connection: Connection, missing: frozenset[str]) -> Reply:
    link = decided.link
    if not link.redirect_uri:
        return show_outcome(broker, "connected_in_part" if missing else "connected", asker.client)
    return redirect_reply(
        connected_location(
            broker, link.redirect_uri, link.state, connection_id=connection.connection_id, missing=missing
        )
    )


def _read_all(broker: Broker, decided: Decided, asker: Asker, default: str) -> Found:
    """Everything that the rest decides on, in one strongly consistent batch."""
    link = decided.link
    places: list[Place[Any]] = [
        DEPLOYMENT,
        client_place(link.client_id),
        provider_place(link.provider_id),
        provider_place(asker.grant.provider_id),
        subject_place(link.sub),
        consent_place(link.sub, link.client_id),
        grant_place(link.grant_id),
        connection_place(decided.connection_id),
        connection_place(default),
        user_key_place(link.sub),
    ]
    return broker.store.read(*places)


def _check_decision(broker: Broker, decided: Decided, found: Found) -> None:
    end = _find_end(broker, decided, decided.pending.decided_at, found)
    if end is not None:
        raise PageError(end, page="link_over", status=403)


def _find_end(broker: Broker, decided: Decided, at: int, found: Found) -> str | None:
    """Which mark of this one read ends what was decided, or connected, at that time."""
    link = decided.link
    return find_end_among(broker, found, at, sub=link.sub, client_id=link.client_id, provider_id=link.provider_id)
