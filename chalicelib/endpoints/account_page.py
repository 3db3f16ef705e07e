"""What a user's own page shows: each app with what it may do, at which accounts, and when that was used."""

from typing import Any, Literal
from urllib.parse import urlsplit

from chalicelib.asking import load_definition
from chalicelib.endpoints.account_held import Held, Holder, open_key
from chalicelib.endpoints.answers import account_path, site
from chalicelib.endpoints.choice import client_host, own_lines, provider_lines, provider_option
from chalicelib.endpoints.connections import describe_ended, open_profile_of, tell_status_of
from chalicelib.endpoints.cookies import (
    BROWSER,
    browser_hash,
    new_browser,
    read_browser,
    seal_account_form,
    set_cookie,
)
from chalicelib.endpoints.parties import load_providers
from chalicelib.endpoints.travel import provider_name
from chalicelib.pages.account import (
    AccountApp,
    AccountConnection,
    AccountEndedPage,
    AccountPage,
    EndedLine,
    EndedToken,
    LoginLine,
)
from chalicelib.pages.choosing import ScopeLine
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.protocol.scope import split_by_provider
from chalicelib.records.account import AccountForm
from chalicelib.records.audit import Traces
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.consent import Consent
from chalicelib.records.grant import Grant
from chalicelib.records.places import provider_place
from chalicelib.replies import Reply, page_reply
from chalicelib.vault.connecting import provider_scopes
from chalicelib.vault.labels import label_of
from chalicelib.vault.sharing import still_lives
from chalicelib.vault.using import count_use

ALWAYS = frozenset({"openid"})  # without it the app would not know whom it has before it


def show_account(broker: Broker, http: Request, holder: Holder, held: Held) -> Reply:
    """The page; its form opens for this browser and this session alone."""
    known = read_browser(broker, http)
    browser = known or new_browser(broker)
    form = AccountForm(
        browser=browser_hash(browser), sub=holder.sub, sid=holder.session.sid, shown_at=broker.clock.now()
    )
    page = AccountPage(
        login_name=provider_name(broker, holder.session.provider_id),
        apps=build_apps(broker, held, open_key(broker, holder)),
        ended=tuple(ended_line(broker, held, one) for one in held.connections if still_lives(one, held.connections)),
        logins=tuple(
            LoginLine(name=name, provider_name=_provider_name(broker, provider_id))
            for name, provider_id in sorted(held.logins.items(), key=lambda pair: (pair[1], pair[0]))
        ),
        providers=tuple(provider_option(broker, record) for record in load_providers(broker)[0].values()),
        sealed_form=seal_account_form(broker, form),
        action=account_path(broker),
        sign_out=urlsplit(broker.settings.issuer).path + "/logout",
        site=site(broker),
    )
    reply = page_reply(page)
    return reply if known else reply.with_headers(set_cookie(broker, BROWSER, browser, max_age=None))


def show_ended(
    broker: Broker, held: Held, what: Literal["connection", "app", "all"], client_id: str, ended: list[Connection]
) -> Reply:
    """What became of each token, in plain words; whoever asks again reads the same."""
    page = AccountEndedPage(
        what=what,
        app_name=_app_name(held, client_id),
        ended=tuple(ended_line(broker, held, one) for one in ended),
        action=account_path(broker),
        site=site(broker),
    )
    return page_reply(page)


def ended_line(broker: Broker, held: Held, tombstone: Connection) -> EndedLine:
    """One connection that was taken back."""
    told = describe_ended(broker, tombstone)
    return EndedLine(
        provider_name=_provider_name(broker, tombstone.provider_id),
        app_name=_app_name(held, tombstone.client_id),
        revoked_at=tombstone.revoked_at,
        tokens=tuple(EndedToken(token=row["token"], result=row["result"]) for row in told["tokens"]),
        settings=told.get("provider_settings"),
    )


def is_standing(broker: Broker, consent: Consent) -> bool:
    """True where what was allowed still counts."""
    return consent.epoch == broker.settings.epoch and not consent.void(consent.decided_at, broker.clock.now())


def build_apps(broker: Broker, held: Held, user_key: bytes) -> tuple[AccountApp, ...]:
    """Those that may do anything still, or hold a connection, by name."""
    standing = {name for name, consent in held.consents.items() if is_standing(broker, consent)}
    connected = {one.client_id for one in held.connections if one.status != "revoked"}
    apps = [_app(broker, held, client_id, user_key) for client_id in standing | connected]
    return tuple(sorted(apps, key=lambda app: (app.name.casefold(), app.client_id)))


def _app(broker: Broker, held: Held, client_id: str, user_key: bytes) -> AccountApp:
    client, consent, now = held.clients.get(client_id), held.consents.get(client_id), broker.clock.now()
    allowed = consent.scopes if consent and is_standing(broker, consent) else frozenset()
    live = _live_grants(held, client_id, now)
    return AccountApp(
        client_id=client_id,
        name=_app_name(held, client_id),
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
        connections=tuple(
            _connection(broker, held, one, allowed, user_key)
            for one in held.connections
            if one.client_id == client_id and one.status != "revoked"
        ),
    )


def may_reconnect(broker: Broker, held: Held, connection: Connection) -> bool:
    """True where a link of the app's own would lead the user there: one of its grants lives, and it may have tokens."""
    return find_asker(broker, held, connection) is not None


def find_asker(broker: Broker, held: Held, connection: Connection) -> Grant | None:
    """The youngest grant of the app in whose name the user can connect the account again."""
    client, consent = held.clients.get(connection.client_id), held.consents.get(connection.client_id)
    if client is None or consent is None or client.handout == "none" or not client.may_use(connection.provider_id):
        return None
    if not is_standing(broker, consent) or not provider_scopes(consent.scopes, connection.provider_id):
        return None
    now = broker.clock.now()
    live = [one for one in _live_grants(held, connection.client_id, now) if one.status == "active"]
    return max(live, key=lambda grant: (grant.decided_at, grant.grant_id), default=None)


def _live_grants(held: Held, client_id: str, now: int) -> list[Grant]:
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
    broker: Broker, held: Held, client_id: str, allowed: frozenset[str]
) -> tuple[ScopeLine, ...]:
    """What was allowed at providers where no account is connected to this app yet, or any more."""
    connected = {one.provider_id for one in held.connections if one.client_id == client_id and one.status != "revoked"}
    others = sorted(split_by_provider(allowed, broker.catalog.ids).keys() - connected - {""})
    return tuple(line for provider_id in others for line in _scopes(broker, provider_id, allowed))


def _limits(broker: Broker, allowed: frozenset[str]) -> tuple[ScopeLine, ...]:
    """Everything but what an app cannot be without."""
    providers = sorted(split_by_provider(allowed, broker.catalog.ids).keys() - {""})
    theirs = [line for provider_id in providers for line in _scopes(broker, provider_id, allowed)]
    return (*own_lines(broker, allowed - ALWAYS), *theirs)


def _connection(
    broker: Broker, held: Held, connection: Connection, allowed: frozenset[str], user_key: bytes
) -> AccountConnection:
    provider_id = connection.provider_id
    uses = tuple(one for one in held.uses.found if one.connection_id == connection.connection_id)
    counted = count_use(Traces(found=uses, is_cut=held.uses.is_cut), kept_since=held.uses_since, now=broker.clock.now())
    status: Any = tell_status_of(broker, connection)
    return AccountConnection(
        connection_id=connection.connection_id,
        provider_name=_provider_name(broker, provider_id),
        label=label_of(open_profile_of(broker, connection, user_key)),
        status="reauth_required" if _is_void(broker, connection) else status,
        scopes=_scopes(broker, provider_id, allowed),
        connected_at=connection.connected_at,
        uses=counted["handouts"] + counted["calls"],
        uses_since=counted["since"],
        last_used_at=counted.get("last_used_at"),
        renew_by=connection.reauth_by,
        can_reconnect=may_reconnect(broker, held, connection),
    )


def _scopes(broker: Broker, provider_id: str, allowed: frozenset[str]) -> tuple[ScopeLine, ...]:
    known = broker.catalog.get(provider_id) is not None
    return provider_lines(broker, provider_id, allowed, frozenset()) if known else ()


def _is_void(broker: Broker, connection: Connection) -> bool:
    place = provider_place(connection.provider_id)
    record = broker.registry.lookup(place).get(place)
    return record is None or record.marks.void(connection.connected_at)


def _host(client: Client | None) -> str:
    return client_host(client, next(iter(client.redirect_uris), "")) if client else ""


def _app_name(held: Held, client_id: str) -> str:
    """An app that is forgotten here goes by its id."""
    client = held.clients.get(client_id)
    return client.client_name if client else client_id


def _provider_name(broker: Broker, provider_id: str) -> str:
    """One whose file is gone goes by its id."""
    known = broker.catalog.get(provider_id) is not None
    return load_definition(broker, provider_id).display_name if known else provider_id
