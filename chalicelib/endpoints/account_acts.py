"""What the buttons of a user's own page take back: one connection, all of one app's access, or everything."""

from collections import Counter

from chalicelib.custody.linking import LINK_SECONDS, link_uri
from chalicelib.custody.revoking import end_all, end_connection, mark_consent
from chalicelib.endpoints.account_apps import find_asker, is_standing
from chalicelib.endpoints.account_held import Held, Pressed, open_key, read_held
from chalicelib.endpoints.account_page import show_ended
from chalicelib.endpoints.answers import account_uri
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError, TemporarilyUnavailable
from chalicelib.records.connection import Connection
from chalicelib.records.link import Link
from chalicelib.replies import Reply, redirect_reply
from chalicelib.vault.endings import result_of


def end_one(broker: Broker, pressed: Pressed) -> Reply:
    """One account, for one app; of what is not this user's nothing can be told, not even that it is there (CONS-07)."""
    held = read_held(broker, pressed.holder)
    connection = find_connection(broker, held, pressed)
    ended = end_connection(broker, connection, open_key(broker, pressed.holder))
    if ended is None:
        raise TemporarilyUnavailable("connection_keeps_changing", retry_after=1)
    broker.log.event("connection_ended", connection_id=connection.connection_id, result=result_of(ended), by="user")
    return show_ended(broker, held, "connection", connection.client_id, [ended])


def end_app(broker: Broker, pressed: Pressed) -> Reply:
    """All that one app may do: what was decided until now ends, then its connections."""
    held, client_id = read_held(broker, pressed.holder), pressed.target
    if client_id not in held.consents and client_id not in {one.client_id for one in held.connections}:
        raise PageError("account_no_such_app", page="account_again", status=403, link=account_uri(broker))
    ended = _end_apps(broker, pressed, held, [client_id])
    broker.log.event("access_ended", client_id=client_id, connections=len(ended), by="user")
    return show_ended(broker, held, "app", client_id, ended)


def end_all_apps(broker: Broker, pressed: Pressed) -> Reply:
    """The same for every app."""
    held = read_held(broker, pressed.holder)
    apps = sorted({*held.consents, *(one.client_id for one in held.connections)})
    ended = _end_apps(broker, pressed, held, apps)
    counted = Counter(one.client_id for one in ended)
    for client_id in apps:
        broker.log.event("access_ended", client_id=client_id, connections=counted[client_id], by="user")
    broker.log.event("all_access_ended", apps=len(apps), connections=len(ended), by="user")
    return show_ended(broker, held, "all", "", ended)


def reconnect(broker: Broker, pressed: Pressed) -> Reply:
    """To the page of a link as the app itself would ask for one, for all that it may do there."""
    held = read_held(broker, pressed.holder)
    connection = find_connection(broker, held, pressed)
    asker = find_asker(broker, held, connection)
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
        login=pressed.holder.session.provider_id,
        provider_id=connection.provider_id,
        scopes=frozenset(scope for scope in consent.scopes & client.scopes if scope.startswith(prefix)),
        expires_at=broker.clock.now() + LINK_SECONDS,
    )
    return redirect_reply(link_uri(broker, link))


def find_connection(broker: Broker, held: Held, pressed: Pressed) -> Connection:
    """The one that a button is about. Raises PageError where it is not this user's, or newer than the page."""
    mine = [one for one in held.connections if one.connection_id == pressed.target]
    if not mine:
        raise PageError("account_no_such_connection", page="account_again", status=403, link=account_uri(broker))
    check_shown(broker, pressed, mine)
    return mine[0]


def check_shown(broker: Broker, pressed: Pressed, connections: list[Connection], *decided_at: int) -> None:
    """A button is about what its page has shown: what was allowed since is looked at first. Raises PageError."""
    since = [one.connected_at for one in connections if one.status != "revoked"]
    if any(at > pressed.form.shown_at for at in (*since, *decided_at)):
        raise PageError("account_changed_since", page="account_again", status=403, link=account_uri(broker))


def _end_apps(broker: Broker, pressed: Pressed, held: Held, client_ids: list[str]) -> list[Connection]:
    """Consents first, so that no app gets anything more while its connections end; as they stand afterwards."""
    mine = [one for one in held.connections if one.client_id in client_ids and _was_shown_alive(pressed, one)]
    consents = [held.consents[client_id] for client_id in client_ids if client_id in held.consents]
    check_shown(broker, pressed, mine, *(consent.decided_at for consent in consents))
    for consent in consents:
        if is_standing(broker, consent):
            decided = [grant.decided_at for grant in held.grants if grant.client_id == consent.client_id]
            mark_consent(broker, consent.sub, consent.client_id, consent, *decided)
    return end_all(broker, mine, open_key(broker, pressed.holder)) if mine else []


def _was_shown_alive(pressed: Pressed, connection: Connection) -> bool:
    """True too for what has been taken back since: whoever presses twice reads the same twice."""
    return connection.status != "revoked" or connection.revoked_at >= pressed.form.shown_at
