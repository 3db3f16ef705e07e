"""The user's own page: every app and agent, the linked logins, and revoked connections."""

from typing import Literal
from urllib.parse import urlsplit

from chalicelib.endpoints.account.access import AccountAccess, AccountUser, open_key
from chalicelib.endpoints.account.apps import app_name, build_apps, provider_name
from chalicelib.endpoints.authorization.consent.parties import provider_option
from chalicelib.endpoints.browser.cookies import BROWSER, new_browser, read_browser, set_cookie
from chalicelib.endpoints.browser.sealed_forms import seal_account_form
from chalicelib.endpoints.browser.sealed_values import browser_hash
from chalicelib.endpoints.browser.urls import account_path, issuer_host
from chalicelib.endpoints.callers.clients import load_providers
from chalicelib.endpoints.connections.connections import describe_revoked
from chalicelib.pages.account import AccountEndedPage, AccountPage, EndedLine, EndedToken, LoginLine
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.records.account import AccountForm
from chalicelib.records.connection import Connection
from chalicelib.responses import Response, page_response
from chalicelib.vault.rules.shared_accounts import still_lives


def show_account(broker: Broker, http: Request, holder: AccountUser, held: AccountAccess) -> Response:
    """The page; its form is valid only for this browser and session."""
    known = read_browser(broker, http)
    browser = known or new_browser(broker)
    form = AccountForm(browser=browser_hash(browser), sub=holder.sub, sid=holder.session.sid, shown_at=holder.now)
    page = AccountPage(
        login_name=provider_name(broker, holder.session.provider_id),
        apps=build_apps(broker, held, open_key(broker, holder)),
        ended=tuple(ended_line(broker, held, one) for one in held.connections if still_lives(one, held.connections)),
        logins=tuple(
            LoginLine(name=name, provider_name=provider_name(broker, provider_id))
            for name, provider_id in sorted(held.logins.items(), key=lambda pair: (pair[1], pair[0]))
        ),
        providers=tuple(provider_option(broker, record) for record in load_providers(broker)[0].values()),
        sealed_form=seal_account_form(broker, form),
        action=account_path(broker),
        sign_out=urlsplit(broker.settings.issuer).path + "/logout",
        site=issuer_host(broker),
    )
    reply = page_response(page)
    return reply if known else reply.with_headers(set_cookie(broker, BROWSER, browser, max_age=None))


def show_ended(
    broker: Broker,
    held: AccountAccess,
    what: Literal["connection", "app", "all"],
    client_id: str,
    ended: list[Connection],
) -> Response:
    """The result for each token, in plain words; a repeated request shows the same."""
    page = AccountEndedPage(
        what=what,
        app_name=app_name(held, client_id),
        ended=tuple(ended_line(broker, held, one) for one in ended),
        action=account_path(broker),
        site=issuer_host(broker),
    )
    return page_response(page)


def ended_line(broker: Broker, held: AccountAccess, tombstone: Connection) -> EndedLine:
    """One revoked connection."""
    told = describe_revoked(broker, tombstone)
    return EndedLine(
        provider_name=provider_name(broker, tombstone.provider_id),
        app_name=app_name(held, tombstone.client_id),
        revoked_at=tombstone.revoked_at,
        tokens=tuple(EndedToken(token=row["token"], result=row["result"]) for row in told["tokens"]),
        settings=told.get("provider_settings"),
    )
