"""The pages that ask before something ends. They change nothing; the button on them does."""

from typing import Any

from chalicelib.endpoints.account.access import AccountAccess, ButtonPress, open_key, read_account_access
from chalicelib.endpoints.account.app_connections import app_name, find_live_grants, is_verified, provider_name
from chalicelib.endpoints.account.app_page import app_page_path
from chalicelib.endpoints.account.apps import build_apps
from chalicelib.endpoints.account.connected_accounts import find_account
from chalicelib.endpoints.account.page_form import find_user_label, place_of
from chalicelib.endpoints.account.revoke import apps_of, check_known_app, find_connection
from chalicelib.endpoints.browser.sealed_forms import seal_account_form
from chalicelib.endpoints.browser.urls import account_path, account_uri
from chalicelib.pages.account_results import AccountConfirmPage, AccountErasePage
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError
from chalicelib.responses import Response, page_response


def ask_to_revoke_connection(broker: Broker, press: ButtonPress) -> Response:
    """Before one account is disconnected from one app."""
    held = read_account_access(broker, press.holder)
    connection = find_connection(broker, held, press)
    return _ask(
        broker,
        press,
        what="connection",
        keep=app_page_path(broker, press.holder, connection.client_id),
        **_app(held, connection.client_id),
        provider_name=provider_name(broker, connection.provider_id),
        accounts=1,
    )


def ask_to_revoke_account(broker: Broker, press: ButtonPress) -> Response:
    """Before one account is disconnected from every app."""
    held = read_account_access(broker, press.holder)
    apps = build_apps(broker, press.holder, held, open_key(broker, press.holder))
    account = find_account(broker, press.holder, apps, press.target)
    if account is None:
        raise PageError("account_no_such_account", page="account_again", status=403, link=account_uri(broker))
    return _ask(
        broker,
        press,
        what="account",
        keep=f"{account_path(broker)}/accounts/{account.page_id}",
        provider_name=account.connections[0].provider_name,
        label=account.label,
        apps=len(account.connections),
    )


def ask_to_revoke_app(broker: Broker, press: ButtonPress) -> Response:
    """Before an app loses everything."""
    held, client_id = read_account_access(broker, press.holder), press.target
    check_known_app(broker, held, client_id)
    return _ask(
        broker,
        press,
        what="app",
        keep=app_page_path(broker, press.holder, client_id),
        **_app(held, client_id),
        **_count(held, [client_id]),
    )


def ask_to_revoke_all_apps(broker: Broker, press: ButtonPress) -> Response:
    """Before every app loses everything."""
    held = read_account_access(broker, press.holder)
    return _ask(broker, press, what="all", keep=account_path(broker), **_count(held, apps_of(held)))


def ask_to_remove_login(broker: Broker, press: ButtonPress) -> Response:
    """Before a login is unlinked."""
    provider_id = press.holder.subject.logins.get(press.target)
    if provider_id is None:
        raise PageError("account_no_such_login", page="account_again", status=403, link=account_uri(broker))
    return _ask(
        broker,
        press,
        what="login",
        keep=f"{account_path(broker)}/accounts",
        provider_name=provider_name(broker, provider_id),
        login_name=provider_name(broker, press.holder.session.provider_id),
    )


def ask_to_erase(broker: Broker, press: ButtonPress) -> Response:
    """Before everything about the user is deleted."""
    holder, held = press.holder, read_account_access(broker, press.holder)
    user_key = open_key(broker, holder)
    page = AccountErasePage(
        **place_of(broker),
        login_name=provider_name(broker, holder.session.provider_id),
        user_label=find_user_label(broker, holder, held, user_key),
        apps=len(build_apps(broker, holder, held, user_key)),
        sealed_form=seal_account_form(broker, press.form),
    )
    return page_response(page)


def _ask(broker: Broker, press: ButtonPress, **shown: Any) -> Response:
    """The question, with the form that was pressed: the answer must be about what the user saw before."""
    act = f"{press.name}_sure" if press.name == "end_all" else f"{press.name}_sure {press.target}"
    page = AccountConfirmPage(**place_of(broker), **shown, act=act, sealed_form=seal_account_form(broker, press.form))
    return page_response(page)


def _app(held: AccountAccess, client_id: str) -> dict[str, Any]:
    return {"app_name": app_name(held, client_id), "is_verified": is_verified(held, client_id)}


def _count(held: AccountAccess, client_ids: list[str]) -> dict[str, int]:
    """How many sessions and accounts end with these apps."""
    connected = [one for one in held.connections if one.client_id in client_ids and one.status != "revoked"]
    sessions = sum(len(find_live_grants(held, client_id)) for client_id in client_ids)
    return {"sessions": sessions, "accounts": len(connected), "apps": len(client_ids)}
