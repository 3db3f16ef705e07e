"""The tabs of My access: the list of apps, the user's logins and accounts, the user's data."""

from typing import Any
from urllib.parse import urlsplit

from chalicelib.endpoints.account.access import AccountAccess, AccountUser, open_key
from chalicelib.endpoints.account.app_connections import provider_name
from chalicelib.endpoints.account.app_list import HAS_SEARCH, app_row, is_found, read_search
from chalicelib.endpoints.account.apps import build_apps
from chalicelib.endpoints.account.connected_accounts import build_accounts
from chalicelib.endpoints.account.ended import ended_line
from chalicelib.endpoints.account.page_form import ShownForm, find_user_label, place_of, show_form
from chalicelib.endpoints.authorization.consent.parties import provider_option
from chalicelib.endpoints.callers.clients import load_providers
from chalicelib.pages.account import AccountDataPage, AccountPage, AccountsPage, LoginLine
from chalicelib.ports import Broker
from chalicelib.protocol.request import Request
from chalicelib.responses import Response
from chalicelib.vault.rules.shared_accounts import still_lives


def show_apps(broker: Broker, http: Request, holder: AccountUser, held: AccountAccess) -> Response:
    """The list of apps; all of them, or those that match a search."""
    form, user_key, search = show_form(broker, http, holder), open_key(broker, holder), read_search(http)
    apps = build_apps(broker, holder, held, user_key)
    still = [one for one in held.connections if still_lives(one, held.connections)]
    page = AccountPage(
        **_tab(broker, holder, held, form, user_key),
        rows=tuple(app_row(app, holder.now) for app in apps if is_found(app, search)),
        total=len(apps),
        is_search=bool(search),
        has_search=len(apps) > HAS_SEARCH,
        ended=tuple(ended_line(broker, held, one, user_key) for one in still),
    )
    return form.respond(broker, page)


def show_accounts(broker: Broker, http: Request, holder: AccountUser, held: AccountAccess) -> Response:
    """The user's logins, and the accounts that apps use."""
    form, user_key = show_form(broker, http, holder), open_key(broker, holder)
    logins = sorted(held.logins.items(), key=lambda pair: (pair[1], pair[0]))
    apps = build_apps(broker, holder, held, user_key)
    added = (holder.session.provider_id, *held.logins.values())
    offered = (provider_option(broker, record) for record in load_providers(broker)[0].values())
    page = AccountsPage(
        **_tab(broker, holder, held, form, user_key),
        logins=tuple(
            LoginLine(name=name, provider_name=provider_name(broker, provider_id)) for name, provider_id in logins
        ),
        providers=tuple(sorted(offered, key=lambda one: one.provider_id in added)),
        added=added,
        rows=tuple(account.row for account in build_accounts(broker, holder, apps)),
    )
    return form.respond(broker, page)


def show_data(broker: Broker, http: Request, holder: AccountUser, held: AccountAccess) -> Response:
    """Download and deletion."""
    form = show_form(broker, http, holder)
    page = AccountDataPage(**_tab(broker, holder, held, form, open_key(broker, holder)))
    return form.respond(broker, page)


def _tab(broker: Broker, holder: AccountUser, held: AccountAccess, form: ShownForm, user_key: bytes) -> dict[str, Any]:
    return {
        **place_of(broker),
        "login_name": provider_name(broker, holder.session.provider_id),
        "user_label": find_user_label(broker, holder, held, user_key),
        "now": holder.now,
        "sealed_form": form.sealed,
        "sign_out": urlsplit(broker.settings.issuer).path + "/logout",
    }
