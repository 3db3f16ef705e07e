"""Revokes one connection, one account, all of one app's access, or everything, from the user's own page."""

from collections import Counter

from chalicelib.endpoints.account.access import AccountAccess, ButtonPress, open_key, read_account_access
from chalicelib.endpoints.account.app_connections import account_key, find_requesting_grant, is_standing
from chalicelib.endpoints.account.connected_accounts import account_page_id
from chalicelib.endpoints.account.ended import show_ended
from chalicelib.endpoints.browser.urls import account_uri
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError, TemporarilyUnavailable
from chalicelib.records.connection import Connection
from chalicelib.records.link import Link
from chalicelib.responses import Response, redirect_response
from chalicelib.vault.connect_links import LINK_SECONDS, link_uri
from chalicelib.vault.revocation import revoke_connection, revoke_connections, revoke_consent
from chalicelib.vault.rules.revocation_results import result_of


def revoke_one_connection(broker: Broker, press: ButtonPress) -> Response:
    """Revoke one account's connection for one app. Reveals nothing about another user's connections (CONS-07)."""
    held = read_account_access(broker, press.holder)
    connection, user_key = find_connection(broker, held, press), open_key(broker, press.holder)
    ended = revoke_connection(broker, connection, user_key)
    if ended is None:
        raise TemporarilyUnavailable("connection_keeps_changing", retry_after=1)
    broker.log.event("connection_ended", connection_id=connection.connection_id, result=result_of(ended), by="user")
    return show_ended(broker, held, "connection", [ended], user_key, client_id=connection.client_id)


def revoke_account(broker: Broker, press: ButtonPress) -> Response:
    """Revoke every app's connection to one account."""
    held, user_key = read_account_access(broker, press.holder), open_key(broker, press.holder)
    mine = [
        one
        for one in held.connections
        if account_page_id(broker, press.holder, one.provider_id, account_key(one)) == press.target
        and _was_shown_alive(press, one)
    ]
    if not mine:
        raise PageError("account_no_such_account", page="account_again", status=403, link=account_uri(broker))
    check_unchanged(broker, press, mine)
    ended = revoke_connections(broker, mine, user_key)
    for one in ended:
        broker.log.event("connection_ended", connection_id=one.connection_id, result=result_of(one), by="user")
    return show_ended(broker, held, "account", ended, user_key)


def revoke_app(broker: Broker, press: ButtonPress) -> Response:
    """Revoke all of one app's access: first every decision until now, then its connections."""
    held, client_id = read_account_access(broker, press.holder), press.target
    check_known_app(broker, held, client_id)
    user_key = open_key(broker, press.holder)
    ended = _end_apps(broker, press, held, [client_id], user_key)
    broker.log.event("access_ended", client_id=client_id, connections=len(ended), by="user")
    return show_ended(broker, held, "app", ended, user_key, client_id=client_id)


def revoke_all_apps(broker: Broker, press: ButtonPress) -> Response:
    """Revoke the access of every app."""
    held, user_key = read_account_access(broker, press.holder), open_key(broker, press.holder)
    apps = apps_of(held)
    ended = _end_apps(broker, press, held, apps, user_key)
    counted = Counter(one.client_id for one in ended)
    for client_id in apps:
        broker.log.event("access_ended", client_id=client_id, connections=counted[client_id], by="user")
    broker.log.event("all_access_ended", apps=len(apps), connections=len(ended), by="user")
    return show_ended(broker, held, "all", ended, user_key)


def apps_of(held: AccountAccess) -> list[str]:
    """The client ids of all apps that have, or had, access."""
    return sorted({*held.consents, *(one.client_id for one in held.connections)})


def check_known_app(broker: Broker, held: AccountAccess, client_id: str) -> None:
    """Raises PageError if the app never had access of this user."""
    if client_id not in apps_of(held):
        raise PageError("account_no_such_app", page="account_again", status=403, link=account_uri(broker))


def reconnect(broker: Broker, press: ButtonPress) -> Response:
    """Open the page of a connect link, as the app could request it, for all its scopes there."""
    held = read_account_access(broker, press.holder)
    connection = find_connection(broker, held, press)
    asker = find_requesting_grant(broker, held, connection)
    client, consent = held.clients.get(connection.client_id), held.consents.get(connection.client_id)
    if asker is None or client is None or consent is None or connection.status == "revoked":
        raise PageError("account_no_grant_to_connect", page="account_again", status=403, link=account_uri(broker))
    prefix = connection.provider_id + ":"
    link = Link(
        link_id=broker.entropy.token_bytes(16).hex(),
        sub=connection.sub,
        client_id=client.client_id,
        client_revision=client.revision,
        grant_id=asker.grant_id,
        login=press.holder.session.provider_id,
        provider_id=connection.provider_id,
        scopes=frozenset(scope for scope in consent.scopes & client.scopes if scope.startswith(prefix)),
        expires_at=held.now + LINK_SECONDS,
    )
    return redirect_response(link_uri(broker, link))


def find_connection(broker: Broker, held: AccountAccess, press: ButtonPress) -> Connection:
    """The connection of a button. Raises PageError if it is not this user's, or newer than the page."""
    mine = [one for one in held.connections if one.connection_id == press.target]
    if not mine:
        raise PageError("account_no_such_connection", page="account_again", status=403, link=account_uri(broker))
    check_unchanged(broker, press, mine)
    return mine[0]


def check_unchanged(broker: Broker, press: ButtonPress, connections: list[Connection], *decided_at: int) -> None:
    """Refuse a button if its page does not show a later decision. Raises PageError."""
    since = [one.connected_at for one in connections if one.status != "revoked"]
    if any(at > press.form.shown_at for at in (*since, *decided_at)):
        raise PageError("account_changed_since", page="account_again", status=403, link=account_uri(broker))


def _end_apps(
    broker: Broker, press: ButtonPress, held: AccountAccess, client_ids: list[str], user_key: bytes
) -> list[Connection]:
    """Revoke the consents first, so that no app gets new access while its connections end; returns the tombstones."""
    mine = [one for one in held.connections if one.client_id in client_ids and _was_shown_alive(press, one)]
    consents = [held.consents[client_id] for client_id in client_ids if client_id in held.consents]
    check_unchanged(broker, press, mine, *(consent.decided_at for consent in consents))
    for consent in consents:
        if is_standing(consent, epoch=broker.settings.epoch, now=held.now):
            decided = [grant.decided_at for grant in held.grants if grant.client_id == consent.client_id]
            revoke_consent(broker, consent.sub, consent.client_id, consent, *decided)
    return revoke_connections(broker, mine, user_key) if mine else []


def _was_shown_alive(press: ButtonPress, connection: Connection) -> bool:
    """True also for connections revoked since then, so that a repeated request shows the same result."""
    return connection.status != "revoked" or connection.revoked_at >= press.form.shown_at
