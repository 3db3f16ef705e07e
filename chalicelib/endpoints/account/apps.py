"""One app on the user's own page: its permissions, its accounts, their use, and the clients that acted for it."""

from collections import Counter
from typing import Any

from chalicelib.endpoints.account.access import AccountAccess
from chalicelib.endpoints.authorization.consent.parties import client_host, own_lines, provider_lines
from chalicelib.endpoints.connections.connections import connection_status, open_profile_of
from chalicelib.pages.account import AccountApp, AccountConnection, ActedLine
from chalicelib.pages.consent import ScopeLine
from chalicelib.ports import Broker
from chalicelib.protocol.scope import split_by_provider
from chalicelib.provider_client import load_definition
from chalicelib.records.audit import Traces
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import provider_item_key
from chalicelib.vault.rules.account_label import label_of
from chalicelib.vault.rules.connection_merge import provider_scopes
from chalicelib.vault.rules.usage import count_use

ALWAYS = frozenset({"openid"})  # without it, the app could not recognize its user


def is_standing(consent: Consent, *, epoch: int, now: int) -> bool:
    """True if the consent is still valid."""
    return consent.epoch == epoch and not consent.void(consent.decided_at, now)


def build_apps(broker: Broker, held: AccountAccess, user_key: bytes) -> tuple[AccountApp, ...]:
    """The apps that have a valid consent or a connection, by name."""
    epoch = broker.settings.epoch
    standing = {name for name, consent in held.consents.items() if is_standing(consent, epoch=epoch, now=held.now)}
    connected = {one.client_id for one in held.connections if one.status != "revoked"}
    apps = [_app(broker, held, client_id, user_key) for client_id in standing | connected]
    return tuple(sorted(apps, key=lambda app: (app.name.casefold(), app.client_id)))


def _app(broker: Broker, held: AccountAccess, client_id: str, user_key: bytes) -> AccountApp:
    client, consent = held.clients.get(client_id), held.consents.get(client_id)
    standing = consent is not None and is_standing(consent, epoch=broker.settings.epoch, now=held.now)
    allowed = consent.scopes if consent and standing else frozenset()
    live = _live_grants(held, client_id, held.now)
    return AccountApp(
        client_id=client_id,
        name=app_name(held, client_id),
        host=_host(client),
        verified=client is not None and client.registered_by == "operator",
        allowed_at=consent.decided_at if consent else 0,
        sign_ins=len(live),
        until=max((one.ends_at for one in live), default=0),
        paused_at=consent.paused_at if consent and allowed else 0,
        ends_at=consent.ends_at if consent and allowed else 0,
        scopes=allowed,
        own_scopes=own_lines(broker, allowed),
        later=_lines_without_account(broker, held, client_id, allowed),
        limits=_limits(broker, allowed),
        acted=_acted(held, client_id),
        connections=tuple(
            _connection(broker, held, one, allowed, user_key)
            for one in held.connections
            if one.client_id == client_id and one.status != "revoked"
        ),
    )


def may_reconnect(broker: Broker, held: AccountAccess, connection: Connection) -> bool:
    """True if one of the app's grants is valid and may have tokens, so that the user can connect the account again."""
    return find_requesting_grant(broker, held, connection) is not None


def find_requesting_grant(broker: Broker, held: AccountAccess, connection: Connection) -> Grant | None:
    """The newest grant of the app with which the user can connect the account again."""
    client, consent = held.clients.get(connection.client_id), held.consents.get(connection.client_id)
    if client is None or consent is None or client.handout == "none" or not client.may_use(connection.provider_id):
        return None
    if not is_standing(consent, epoch=broker.settings.epoch, now=held.now) or not provider_scopes(
        consent.scopes, connection.provider_id
    ):
        return None
    live = [one for one in _live_grants(held, connection.client_id, held.now) if one.status == "active"]
    return max(live, key=lambda grant: (grant.decided_at, grant.grant_id), default=None)


def _live_grants(held: AccountAccess, client_id: str, now: int) -> list[Grant]:
    consent = held.consents.get(client_id)
    return [
        one
        for one in held.grants
        if one.client_id == client_id
        and not one.is_over(now)
        and consent is not None
        and not consent.void(one.decided_at, now)
    ]


def _lines_without_account(
    broker: Broker, held: AccountAccess, client_id: str, allowed: frozenset[str]
) -> tuple[ScopeLine, ...]:
    """Scopes at providers where no account is connected to this app now."""
    connected = {one.provider_id for one in held.connections if one.client_id == client_id and one.status != "revoked"}
    others = sorted(split_by_provider(allowed, broker.catalog.ids).keys() - connected - {""})
    return tuple(line for provider_id in others for line in _scopes(broker, provider_id, allowed))


def _limits(broker: Broker, allowed: frozenset[str]) -> tuple[ScopeLine, ...]:
    """All scopes that the user can untick."""
    providers = sorted(split_by_provider(allowed, broker.catalog.ids).keys() - {""})
    theirs = [line for provider_id in providers for line in _scopes(broker, provider_id, allowed)]
    return (*own_lines(broker, allowed - ALWAYS), *theirs)


def _connection(
    broker: Broker, held: AccountAccess, connection: Connection, allowed: frozenset[str], user_key: bytes
) -> AccountConnection:
    provider_id = connection.provider_id
    uses = tuple(one for one in held.uses.found if one.connection_id == connection.connection_id)
    counted = count_use(Traces(found=uses, is_cut=held.uses.is_cut), kept_since=held.uses_since, now=held.now)
    began = min(connection.connected_at, *(one.at for one in uses), held.now)
    status: Any = connection_status(broker, connection, held.now)
    return AccountConnection(
        connection_id=connection.connection_id,
        provider_name=provider_name(broker, provider_id),
        label=label_of(open_profile_of(broker, connection, user_key)),
        status="reauth_required" if _is_void(broker, connection) else status,
        scopes=_scopes(broker, provider_id, allowed),
        connected_at=connection.connected_at,
        uses=counted["handouts"] + counted["calls"],
        uses_since=max(counted["since"], began),
        last_used_at=counted.get("last_used_at"),
        renew_by=connection.reauth_by,
        can_reconnect=may_reconnect(broker, held, connection),
    )


def _acted(held: AccountAccess, client_id: str) -> tuple[ActedLine, ...]:
    """The clients that acted for the user with this app's access, and the APIs that they called, the latest first."""
    traces = [one for one in held.uses.found if (one.event, one.client_id) == ("acted", client_id)]
    times = Counter((one.actor_id, one.audience) for one in traces)
    last = {(one.actor_id, one.audience): one.at for one in reversed(traces)}
    return tuple(
        ActedLine(actor_name=app_name(held, actor_id), audience=audience, times=count, last_at=last[actor_id, audience])
        for (actor_id, audience), count in times.items()
    )


def _scopes(broker: Broker, provider_id: str, allowed: frozenset[str]) -> tuple[ScopeLine, ...]:
    known = broker.catalog.get(provider_id) is not None
    return provider_lines(broker, provider_id, allowed, frozenset()) if known else ()


def _is_void(broker: Broker, connection: Connection) -> bool:
    item_key = provider_item_key(connection.provider_id)
    record = broker.registry.lookup(item_key).get(item_key)
    return record is None or record.marks.void(connection.connected_at)


def _host(client: Client | None) -> str:
    return client_host(client, next(iter(client.redirect_uris), "")) if client else ""


def app_name(held: AccountAccess, client_id: str) -> str:
    """The client's name; the id of a deleted client."""
    client = held.clients.get(client_id)
    return client.client_name if client else client_id


def provider_name(broker: Broker, provider_id: str) -> str:
    """The provider's name; its id if the provider file was removed."""
    known = broker.catalog.get(provider_id) is not None
    return load_definition(broker, provider_id).display_name if known else provider_id
