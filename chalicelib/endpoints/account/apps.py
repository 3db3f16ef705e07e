"""The apps of My access: what each may do, its accounts, its use, and the clients that acted for it."""

from collections import Counter

from chalicelib.endpoints.account.access import AccountAccess, AccountUser
from chalicelib.endpoints.account.app_connections import (
    app_name,
    build_connection,
    find_live_grants,
    is_standing,
    is_verified,
    scope_lines,
)
from chalicelib.endpoints.authorization.consent.parties import client_host, host_shown, own_lines
from chalicelib.pages.account_app import AccountApp, AccountConnection, ActedLine
from chalicelib.pages.consent import ScopeLine
from chalicelib.ports import Broker
from chalicelib.protocol.derived_ids import derive_page_id
from chalicelib.protocol.redirect_uri import is_on_device
from chalicelib.protocol.scope import split_by_provider
from chalicelib.records.client import Client
from chalicelib.records.item_keys import is_url

ALWAYS = frozenset({"openid"})  # without it, the app could not recognize its user


def build_apps(broker: Broker, holder: AccountUser, held: AccountAccess, user_key: bytes) -> tuple[AccountApp, ...]:
    """The apps that have a valid consent or a connection, by name."""
    epoch = broker.settings.epoch
    standing = {name for name, consent in held.consents.items() if is_standing(consent, epoch=epoch, now=held.now)}
    connected = {one.client_id for one in held.connections if one.status != "revoked"}
    apps = [_app(broker, holder, held, client_id, user_key) for client_id in standing | connected]
    return tuple(sorted(apps, key=lambda app: (app.name.casefold(), app.client_id)))


def page_id_of(broker: Broker, holder: AccountUser, kind: str, name: str) -> str:
    """The id of a page of an app or an account. It is valid in this browser session alone."""
    key = broker.keys.get("identity").current.secret
    return derive_page_id(key, sid=holder.session.sid, sub=holder.sub, kind=kind, name=name)


def _app(broker: Broker, holder: AccountUser, held: AccountAccess, client_id: str, user_key: bytes) -> AccountApp:
    client, consent = held.clients.get(client_id), held.consents.get(client_id)
    standing = consent is not None and is_standing(consent, epoch=broker.settings.epoch, now=held.now)
    allowed = consent.valid_scopes(held.now) if consent and standing else frozenset()
    live = find_live_grants(held, client_id)
    host = _host(client)
    return AccountApp(
        client_id=client_id,
        page_id=page_id_of(broker, holder, "app", client_id),
        name=app_name(held, client_id),
        host=host,
        on_device=_is_on_device(client, host),
        verified=is_verified(held, client_id),
        is_agent=is_url(client_id),
        allowed_at=max(consent.decided_at, consent.vouched_at) if consent else 0,
        used_at=_find_last_use(held, client_id),
        sign_ins=len(live),
        until=max((one.ends_at for one in live), default=0),
        paused_at=consent.paused_at if consent and allowed else 0,
        ends_at=consent.ends_at if consent and allowed else 0,
        scopes=allowed,
        own_scopes=own_lines(broker, allowed),
        later=_lines_without_account(broker, held, client_id, allowed),
        limits=_limits(broker, allowed),
        acted=_acted(held, client_id),
        connections=_connections(broker, held, client_id, allowed, user_key),
    )


def _connections(
    broker: Broker, held: AccountAccess, client_id: str, allowed: frozenset[str], user_key: bytes
) -> tuple[AccountConnection, ...]:
    mine = (one for one in held.connections if one.client_id == client_id and one.status != "revoked")
    return tuple(build_connection(broker, held, one, allowed, user_key) for one in mine)


def _find_last_use(held: AccountAccess, client_id: str) -> int | None:
    """The last recorded use of the app, its sign-ins and refreshes included."""
    uses = [one.at for one in held.uses.found if one.client_id == client_id]
    grants = [max(one.decided_at, one.advanced_at) for one in held.grants if one.client_id == client_id]
    return max((*uses, *grants), default=None)


def _lines_without_account(
    broker: Broker, held: AccountAccess, client_id: str, allowed: frozenset[str]
) -> tuple[ScopeLine, ...]:
    """Scopes at providers where no account is connected to this app now."""
    connected = {one.provider_id for one in held.connections if one.client_id == client_id and one.status != "revoked"}
    others = sorted(split_by_provider(allowed, broker.catalog.ids).keys() - connected - {""})
    return tuple(line for provider_id in others for line in scope_lines(broker, provider_id, allowed))


def _limits(broker: Broker, allowed: frozenset[str]) -> tuple[ScopeLine, ...]:
    """All scopes that the user can untick."""
    providers = sorted(split_by_provider(allowed, broker.catalog.ids).keys() - {""})
    theirs = [line for provider_id in providers for line in scope_lines(broker, provider_id, allowed)]
    return (*own_lines(broker, allowed - ALWAYS), *theirs)


def _acted(held: AccountAccess, client_id: str) -> tuple[ActedLine, ...]:
    """The clients that acted for the user with this app's access, and the APIs that they called, the latest first."""
    traces = [one for one in held.uses.found if (one.event, one.client_id) == ("acted", client_id)]
    times = Counter((one.actor_id, one.audience) for one in traces)
    last = {(one.actor_id, one.audience): one.at for one in reversed(traces)}
    return tuple(
        ActedLine(actor_name=app_name(held, actor_id), audience=audience, times=count, last_at=last[actor_id, audience])
        for (actor_id, audience), count in times.items()
    )


def _host(client: Client | None) -> str:
    return client_host(client, next(iter(client.redirect_uris), "")) if client else ""


def _is_on_device(client: Client | None, host: str) -> bool:
    """True if the host that is shown is that of a redirect URI on the user's own device."""
    uri = next(iter(client.redirect_uris), "") if client else ""
    return is_on_device(uri) and host == host_shown(uri)
