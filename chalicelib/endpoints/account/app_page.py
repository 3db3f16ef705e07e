"""The page of one app in My access."""

from chalicelib.endpoints.account.access import AccountAccess, AccountUser, open_key
from chalicelib.endpoints.account.apps import build_apps, page_id_of
from chalicelib.endpoints.account.page_form import place_of, show_form
from chalicelib.endpoints.browser.urls import account_path, account_uri
from chalicelib.pages.account_app import AccountAppPage
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.request import Request
from chalicelib.responses import Response


def show_app(broker: Broker, http: Request, holder: AccountUser, held: AccountAccess) -> Response:
    """One app. Raises PageError if this session has no app of that id."""
    form, page_id = show_form(broker, http, holder), http.path.get("app", "")
    found = [app for app in build_apps(broker, holder, held, open_key(broker, holder)) if app.page_id == page_id]
    if not found:
        raise PageError("account_no_such_page", page="account_again", status=404, link=account_uri(broker))
    page = AccountAppPage(**place_of(broker), app=found[0], now=holder.now, sealed_form=form.sealed)
    return form.respond(broker, page)


def app_page_path(broker: Broker, holder: AccountUser, client_id: str) -> str:
    """The path of an app's page in this session."""
    return f"{account_path(broker)}/apps/{page_id_of(broker, holder, 'app', client_id)}"


def app_page_uri(broker: Broker, holder: AccountUser, client_id: str) -> str:
    """The URL of the same page."""
    return f"{account_uri(broker)}/apps/{page_id_of(broker, holder, 'app', client_id)}"
