"""The active session at a user's own page, and everything that this user has given to apps, with four calls to the
table."""

from typing import Any

from msgspec import Struct

from chalicelib.endpoints.browser.cookies import open_session, read_session_owner, sign_out_key
from chalicelib.endpoints.callers.clients import find_switched_on
from chalicelib.ports import Broker, Items
from chalicelib.protocol.request import Request
from chalicelib.records.account import AccountForm
from chalicelib.records.audit import RETENTION_SECONDS, Traces
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import (
    DEPLOYMENT,
    ItemKey,
    client_item_key,
    connection_item_key,
    consent_item_key,
    consenting_client_item_key,
    item_key_of,
    subject_item_key,
    user_key_item_key,
)
from chalicelib.records.sign_in import BrowserSession, LogoutRecipient
from chalicelib.records.subject import Subject
from chalicelib.revocation_marks import is_provider_revoked
from chalicelib.vault.user_keys import open_key_of


class AccountUser(Struct, frozen=True, kw_only=True):
    """The user of a valid browser session, from one read.

    now   when it was read; the page and its buttons use this moment
    """

    session: BrowserSession
    subject: Subject
    told: tuple[LogoutRecipient, ...]
    found: Items
    now: int

    @property
    def sub(self) -> str:
        """The `sub` of the signed-in user."""
        return self.session.sub


class ButtonPress(Struct, frozen=True, kw_only=True):
    """A pressed button of the page, its user and its target.

    name     of the button
    target   id of a connection, an app or an account; "" if the button is about everything
    ticked   the scopes that are ticked beside it
    """

    holder: AccountUser
    form: AccountForm
    name: str
    target: str
    ticked: frozenset[str] = frozenset()


class AccountAccess(Struct, frozen=True, kw_only=True):
    """What one user has given to apps.

    clients   those that are still registered
    uses      of all connections, the newest first
    now       the moment of `AccountUser`
    logins    linked logins of this user: name -> provider
    """

    consents: dict[str, Consent]
    connections: tuple[Connection, ...]
    grants: tuple[Grant, ...]
    clients: dict[str, Client]
    uses: Traces
    uses_since: int
    now: int
    logins: dict[str, str] = {}


def find_account_user(broker: Broker, http: Request, *also: ItemKey[Any]) -> AccountUser | None:
    """The user of the browser's session; None without a valid session. One read if the request has a session cookie."""
    owner = read_session_owner(broker, http)
    if owner is None:
        return None
    at, ended = subject_item_key(owner.sub), sign_out_key(owner)
    found = broker.store.read(at, ended, user_key_item_key(owner.sub), DEPLOYMENT, *find_switched_on(broker), *also)
    subject = found.get(at)
    now = broker.clock.now()
    session = open_session(broker, owner, subject, sign_out=found.get(ended), now=now)
    if session is None or subject is None or is_provider_revoked(found, session.provider_id, session.signed_in_at):
        return None
    return AccountUser(session=session, subject=subject, told=owner.told, found=found, now=now)


def open_key(broker: Broker, holder: AccountUser) -> bytes:
    """The user's key; b"" if there is none, and then nothing can be decrypted."""
    sealed = holder.found.get(user_key_item_key(holder.sub))
    return open_key_of(broker, sealed) if sealed is not None and sealed.sealed else b""


def read_account_access(broker: Broker, holder: AccountUser) -> AccountAccess:
    """Read everything that the user has given to apps. The index only lists item keys; the items themselves decide."""
    sub, named = holder.sub, {name: subject_item_key(name) for name in holder.subject.logins}
    listed = [item_key for key in broker.store.list_held(sub) if (item_key := item_key_of(key)) is not None]
    item_keys = list(dict.fromkeys((*listed, *map(connection_item_key, holder.subject.new_connections))))
    clients_at = [consenting_client_item_key(item_key.pk) for item_key in item_keys if item_key.record is Consent]
    found = broker.store.read(*item_keys, *clients_at, *named.values())
    records = [found.get(item_key) for item_key in item_keys]
    mine = [one for one in records if one is not None and one.sub == sub]
    mine += _read_late_consents(broker, mine)
    clients = [found.get(item_key) for item_key in clients_at]
    known = {client.client_id: client for client in clients if client is not None}
    since = holder.now - RETENTION_SECONDS
    held = AccountAccess(
        consents={one.client_id: one for one in mine if isinstance(one, Consent)},
        connections=tuple(sorted((one for one in mine if isinstance(one, Connection)), key=_age)),
        grants=tuple(one for one in mine if isinstance(one, Grant)),
        clients=known,
        logins={
            name: holder.subject.logins[name]
            for name, item_key in named.items()
            if (login := found.get(item_key)) is not None and login.linked_to == sub and not login.marks.disabled
        },
        uses=broker.store.list_traces(sub, None, since=since),
        uses_since=since,
        now=holder.now,
    )
    return _with_clients(broker, held)


def _read_late_consents(broker: Broker, mine: list[Any]) -> list[Consent]:
    """Consents of connected apps that the index does not show yet; no call if none is missing."""
    known = {one.client_id for one in mine if isinstance(one, Consent)}
    apps = {one.client_id: one.sub for one in mine if isinstance(one, Connection) and one.status != "revoked"}
    item_keys = [consent_item_key(sub, client_id) for client_id, sub in apps.items() if client_id not in known]
    found = broker.store.read(*item_keys) if item_keys else None
    return [one for item_key in item_keys if found and (one := found.get(item_key)) is not None]


def _age(connection: Connection) -> tuple[int, str]:
    return connection.connected_at, connection.connection_id


def _with_clients(broker: Broker, held: AccountAccess) -> AccountAccess:
    """Look up the clients that have no consent: of partial connections, and those that acted for an app."""
    missing = {one.client_id for one in held.connections if one.status != "revoked"}
    missing = (missing | {one.actor_id for one in held.uses.found if one.actor_id}) - held.clients.keys()
    if not missing:
        return held
    item_keys = [client_item_key(client_id) for client_id in sorted(missing)]
    found = broker.registry.lookup(*item_keys)
    more = {client.client_id: client for item_key in item_keys if (client := found.get(item_key)) is not None}
    return AccountAccess(
        **{**{name: getattr(held, name) for name in held.__struct_fields__}, "clients": held.clients | more}
    )
