"""The callback of a connect link (CB-03): the same session, one claim, the provider, one batch read, then connection,
consent and the one grant that asked. It never makes a login, a session or a user.
"""

from typing import Any

from msgspec import Struct

from chalicelib.endpoints.authorization.consent.partial import find_shortfall
from chalicelib.endpoints.authorization.consent.partial_cancel import revoke_partial_connection
from chalicelib.endpoints.authorization.provider_user import derive_ids
from chalicelib.endpoints.authorization.response import connected_location
from chalicelib.endpoints.authorization.session_sign_in import find_active_session
from chalicelib.endpoints.connections.grant_update import extend_consent, extend_grant
from chalicelib.endpoints.connections.link import check_active_session
from chalicelib.endpoints.connections.link_page import show_outcome
from chalicelib.endpoints.connections.link_sign_in import claim_trip, redeem_for_link
from chalicelib.ports import Broker, Items
from chalicelib.protocol.derived_ids import derive_connection_id
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.request import Request
from chalicelib.provider_client import Provider, ProviderSignIn
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    ItemKey,
    client_item_key,
    connection_item_key,
    consent_item_key,
    grant_item_key,
    provider_item_key,
    subject_item_key,
    user_key_item_key,
)
from chalicelib.records.link import Link
from chalicelib.records.sign_in import Pending
from chalicelib.responses import Response, redirect_response
from chalicelib.revocation_marks import find_revocation_among
from chalicelib.vault.connect_links import LinkRequester, check_requester
from chalicelib.vault.connection_store import ConnectionOwner, revoke_replaced_tokens, store_connection
from chalicelib.vault.unstored_tokens import UnstoredTokens
from chalicelib.vault.user_keys import open_key_of


class LinkCallback(Struct, frozen=True, kw_only=True):
    """What comes back: the link, the decision about it, the provider, and the name that the account gets here."""

    link: Link
    pending: Pending
    provider: Provider
    brought: ProviderSignIn
    connection_id: str
    account_id: str


def finish_link(
    broker: Broker, http: Request, pending: Pending, link: Link, provider: Provider, *, code: str
) -> Response:
    """Raises PageError; before the claim nothing is stored and no code goes anywhere."""
    active_session = find_active_session(broker, http, link.client_id, grant_item_key(link.grant_id))
    asker = check_active_session(broker, link, active_session)
    claim_trip(broker, pending, link)
    with UnstoredTokens(broker, pending) as unstored:
        unstored.belong_to(link.sub)
        brought = redeem_for_link(broker, http, provider, pending, link, code=code, unstored=unstored)
        return _finish(broker, asker, pending, link, brought, unstored=unstored)


def _finish(
    broker: Broker,
    asker: LinkRequester,
    pending: Pending,
    link: Link,
    brought: ProviderSignIn,
    *,
    unstored: UnstoredTokens,
) -> Response:
    provider = brought.provider
    account_id = derive_ids(broker, provider, brought, link.client_id).account_id
    key = broker.keys.get("identity").current.secret
    connection_id = derive_connection_id(key, sub=link.sub, client_id=link.client_id, account_id=account_id)
    unstored.belong_to(link.sub, connection_id)
    decided = LinkCallback(
        link=link,
        pending=pending,
        provider=provider,
        brought=brought,
        connection_id=connection_id,
        account_id=account_id,
    )
    default = asker.consent.default_connections.get(link.provider_id, connection_id)
    found = _read_all(broker, decided, asker, default)
    asker = check_requester(broker, link, found)
    _check_decision(broker, decided, found)
    standing = found.get(connection_item_key(default))
    over = default if standing is None or standing.status == "revoked" else ""
    return _connect(broker, decided, asker, found, over=over, unstored=unstored)


def _connect(
    broker: Broker, decided: LinkCallback, asker: LinkRequester, found: Items, *, over: str, unstored: UnstoredTokens
) -> Response:
    """Connection first, then consent, then the grant: a crash in between leaves no access without consent."""
    link, provider, pending = decided.link, decided.provider, decided.pending
    sealed, subject = found.get(user_key_item_key(link.sub)), found.get(subject_item_key(link.sub))
    if sealed is None or subject is None:
        raise PageError("user_key_gone", page="link_over", status=403)
    owner = ConnectionOwner(
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
        read=found.get(connection_item_key(decided.connection_id)),
        consent=asker.consent,
        status="partial" if short.missing else "active",
        connected_at=pending.decided_at,
        is_void=lambda at: _find_end(broker, decided, at, found) is not None,
    )
    # What stands now counts: a stored set that is wider than what this time brought has been left alone.
    usable = find_shortfall(provider.definition, asker.client, allowed=pending.allowed, granted=connection.granted).left
    usable = extend_consent(
        broker,
        asker,
        connection,
        usable,
        decided_at=pending.decided_at,
        over=over,
        ended=lambda: revoke_partial_connection(broker, connection, owner.user_key),
    )
    extend_grant(broker, asker, connection, usable)
    revoke_replaced_tokens(broker, owner, provider, connection)
    broker.log.event("connected", client_id=link.client_id, provider_id=link.provider_id)
    return _answer(broker, decided, asker, connection, pending.allowed - usable)


def _answer(
    broker: Broker, decided: LinkCallback, asker: LinkRequester, connection: Connection, missing: frozenset[str]
) -> Response:
    link = decided.link
    if not link.redirect_uri:
        return show_outcome(broker, "connected_in_part" if missing else "connected", asker.client)
    return redirect_response(
        connected_location(
            broker, link.redirect_uri, link.state, connection_id=connection.connection_id, missing=missing
        )
    )


def _read_all(broker: Broker, decided: LinkCallback, asker: LinkRequester, default: str) -> Items:
    """Everything that the rest decides on, in one strongly consistent batch."""
    link = decided.link
    places: list[ItemKey[Any]] = [
        DEPLOYMENT,
        client_item_key(link.client_id),
        provider_item_key(link.provider_id),
        provider_item_key(asker.grant.provider_id),
        subject_item_key(link.sub),
        consent_item_key(link.sub, link.client_id),
        grant_item_key(link.grant_id),
        connection_item_key(decided.connection_id),
        connection_item_key(default),
        user_key_item_key(link.sub),
    ]
    return broker.store.read(*places)


def _check_decision(broker: Broker, decided: LinkCallback, found: Items) -> None:
    end = _find_end(broker, decided, decided.pending.decided_at, found)
    if end is not None:
        raise PageError(end, page="link_over", status=403)


def _find_end(broker: Broker, decided: LinkCallback, at: int, found: Items) -> str | None:
    """Which mark of this one read ends what was decided, or connected, at that time."""
    link = decided.link
    return find_revocation_among(
        broker, found, at, sub=link.sub, client_id=link.client_id, provider_id=link.provider_id
    )
