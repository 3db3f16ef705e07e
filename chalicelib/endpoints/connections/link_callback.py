"""The callback of a connect link (CB-03): the same session, one claim, the provider, one batch read, then connection,
consent and the grant that requested it. It never creates a login, a session or a user."""

from typing import Any

from msgspec import Struct

from chalicelib.endpoints.authorization.consent.partial import find_shortfall
from chalicelib.endpoints.authorization.consent.partial_cancel import revoke_partial_connection
from chalicelib.endpoints.authorization.consent.session_sign_in import find_active_session
from chalicelib.endpoints.authorization.new_user import make_user_key
from chalicelib.endpoints.authorization.provider_callback import ProviderCallback, RedeemedCallback
from chalicelib.endpoints.authorization.provider_user import derive_ids
from chalicelib.endpoints.authorization.response import connected_location
from chalicelib.endpoints.connections.grant_update import extend_consent, extend_grant
from chalicelib.endpoints.connections.link import check_active_session
from chalicelib.endpoints.connections.link_page import show_outcome
from chalicelib.endpoints.connections.link_sign_in import claim_link_state
from chalicelib.ports import Broker, Items
from chalicelib.protocol.derived_ids import derive_connection_id
from chalicelib.protocol.errors import PageError
from chalicelib.provider_client import Provider
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import (
    ItemKey,
    connection_item_key,
    provider_item_key,
    subject_item_key,
    user_key_item_key,
)
from chalicelib.records.link import Link
from chalicelib.records.sign_in import Pending
from chalicelib.records.small_items import UserKey
from chalicelib.responses import Response, redirect_response
from chalicelib.revocation_marks import DecisionParties, find_revocation_among, revocation_keys
from chalicelib.vault.connect_links import LinkRequester, check_requester, requester_keys
from chalicelib.vault.connection_store import ConnectionOwner, revoke_replaced_tokens, store_connection
from chalicelib.vault.user_keys import open_key_of


class LinkReturn(Struct, frozen=True, kw_only=True):
    """A user's return from a provider for a connect link, with everything that the rest needs.

    connection_id, account_id   derived from the provider's response
    requester                   the grant that requested the link, from `found`
    found                       one strongly consistent read of every relevant item
    """

    callback: RedeemedCallback
    link: Link
    connection_id: str
    account_id: str
    requester: LinkRequester
    found: Items

    @property
    def pending(self) -> Pending:
        """The decision, from the browser's cookie."""
        return self.callback.pending

    @property
    def provider(self) -> Provider:
        """The provider, with the metadata of its response."""
        return self.callback.brought.provider


def claim_link(broker: Broker, callback: ProviderCallback) -> LinkRequester:
    """The grant that requested the link, for the one callback that continues.

    Raises PageError if the session is no longer the link's user's, or another callback was first.
    """
    link = callback.link
    active_session = find_active_session(broker, callback.http, link.client_id, *requester_keys(link))
    requester = check_active_session(broker, link, active_session)
    claim_link_state(broker, callback)
    return requester


def finish_link(broker: Broker, callback: RedeemedCallback, requester: LinkRequester) -> Response:
    """One batch read, then connection, consent and grant. Raises PageError if anything has been revoked meanwhile."""
    returned, default = _read_return(broker, callback, requester)
    end = _find_end(returned, callback.pending.decided_at)
    if end is not None:
        raise PageError(end, page="link_over", status=403)
    standing = returned.found.get(connection_item_key(default))
    over = default if standing is None or standing.status == "revoked" else ""
    return _connect(broker, returned, _find_owner(broker, returned), over=over)


def _read_return(broker: Broker, callback: RedeemedCallback, requester: LinkRequester) -> tuple[LinkReturn, str]:
    """The return, and the id of the present default connection. Checks the requester again."""
    link, brought = requester.link, callback.brought
    account_id = derive_ids(broker, brought.provider, brought, link.client_id).account_id
    key = broker.keys.get("identity").current.secret
    connection_id = derive_connection_id(key, sub=link.sub, client_id=link.client_id, account_id=account_id)
    callback.unstored.belong_to(link.sub, connection_id)
    default = requester.consent.default_connections.get(link.provider_id, connection_id)
    found = _read_all(broker, requester, connection_id, default)
    returned = LinkReturn(
        callback=callback,
        link=link,
        connection_id=connection_id,
        account_id=account_id,
        requester=check_requester(broker, link, found),
        found=found,
    )
    return returned, default


def _find_owner(broker: Broker, returned: LinkReturn) -> ConnectionOwner:
    """The link's user, with that user's key. A user who came through a trusted issuer may have no key yet.

    Raises PageError if the user was erased.
    """
    link, found = returned.link, returned.found
    own, subject = found.get(user_key_item_key(link.sub)), found.get(subject_item_key(link.sub))
    if subject is None or (own is None and not link.origin):
        raise PageError("user_key_gone", page="link_over", status=403)
    sealed = own or UserKey(sub=link.sub, sealed=make_user_key(broker, link.sub))
    return ConnectionOwner(
        subject=subject,
        sub=link.sub,
        client_id=link.client_id,
        connection_id=returned.connection_id,
        account_id=returned.account_id,
        user_key=open_key_of(broker, sealed),
    )


def _connect(broker: Broker, returned: LinkReturn, owner: ConnectionOwner, *, over: str) -> Response:
    """Store the connection, then the consent, then the grant: a crash in between leaves no access without consent."""
    pending, provider, requester = returned.pending, returned.provider, returned.requester
    granted = returned.callback.brought.tokens.granted
    short = find_shortfall(provider.definition, requester.client, allowed=pending.allowed, granted=granted)
    connection = store_connection(
        broker,
        owner,
        returned.callback.brought,
        returned.callback.unstored,
        read=returned.found.get(connection_item_key(returned.connection_id)),
        consent=requester.consent,
        status="partial" if short.missing else "active",
        connected_at=pending.decided_at,
        now=returned.callback.now,
        is_void=lambda at: _find_end(returned, at) is not None,
    )
    # The stored scopes count: `store_connection` does not replace a larger set by what this sign-in returned.
    usable = find_shortfall(
        provider.definition, requester.client, allowed=pending.allowed, granted=connection.granted
    ).left
    usable = extend_consent(
        broker,
        requester,
        connection,
        usable,
        decided_at=pending.decided_at,
        over=over,
        now=returned.callback.now,
        ended=lambda: revoke_partial_connection(broker, connection, owner.user_key),
    )
    extend_grant(broker, requester, connection, usable, returned.callback.now)
    revoke_replaced_tokens(broker, owner, provider, connection)
    broker.log.event("connected", client_id=owner.client_id, provider_id=returned.link.provider_id)
    return _answer(broker, returned, connection, pending.allowed - usable)


def _answer(broker: Broker, returned: LinkReturn, connection: Connection, missing: frozenset[str]) -> Response:
    link = returned.link
    if not link.redirect_uri:
        return show_outcome(broker, "connected_in_part" if missing else "connected", returned.requester.client)
    return redirect_response(
        connected_location(
            broker, link.redirect_uri, link.state, connection_id=connection.connection_id, missing=missing
        )
    )


def _read_all(broker: Broker, requester: LinkRequester, connection_id: str, default: str) -> Items:
    """Read everything that the rest needs, in one strongly consistent batch."""
    link = requester.link
    places: list[ItemKey[Any]] = [
        *revocation_keys(_parties_of(link)),
        provider_item_key(requester.grant.provider_id),
        *requester_keys(link),
        connection_item_key(connection_id),
        connection_item_key(default),
        user_key_item_key(link.sub),
    ]
    return broker.store.read(*places)


def _find_end(returned: LinkReturn, at: int) -> str | None:
    """The revocation in this read that voids a decision or connection of that time."""
    return find_revocation_among(returned.found, _parties_of(returned.link), at, now=returned.callback.now)


def _parties_of(link: Link) -> DecisionParties:
    return DecisionParties(link.sub, link.client_id, link.provider_id)
