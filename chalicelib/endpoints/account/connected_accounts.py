"""The accounts at providers that a user has connected for apps, each with the apps that use it."""

from msgspec import Struct

from chalicelib.endpoints.account.access import AccountAccess, AccountUser, open_key
from chalicelib.endpoints.account.apps import build_apps, page_id_of
from chalicelib.endpoints.account.page_form import place_of, show_form
from chalicelib.endpoints.browser.urls import account_uri
from chalicelib.pages.account import AccountRow
from chalicelib.pages.account_app import AccountApp, AccountConnection, ConnectedAccountPage
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.request import Request
from chalicelib.responses import Response


class ConnectedAccount(Struct, frozen=True, kw_only=True):
    """One account; `connections` has one for each app that uses it, by the app's name."""

    page_id: str
    connections: tuple[AccountConnection, ...]

    @property
    def label(self) -> str:
        """The account's name at the provider; "" if unknown."""
        return next((one.label for one in self.connections if one.label), "")

    @property
    def row(self) -> AccountRow:
        """The account's row in the list."""
        return AccountRow(
            page_id=self.page_id,
            provider_name=self.connections[0].provider_name,
            label=self.label,
            apps=tuple(one.app_name for one in self.connections),
            reconnect=any(one.status == "reauth_required" for one in self.connections),
        )


def account_page_id(broker: Broker, holder: AccountUser, provider_id: str, account_id: str) -> str:
    """The id of an account's page in this session."""
    return page_id_of(broker, holder, "account", f"{provider_id} {account_id}")


def build_accounts(broker: Broker, holder: AccountUser, apps: tuple[AccountApp, ...]) -> tuple[ConnectedAccount, ...]:
    """The connected accounts, by provider and name. Connections share an account if their account ids agree."""
    grouped: dict[tuple[str, str], list[AccountConnection]] = {}
    for app in apps:
        for one in app.connections:
            grouped.setdefault((one.provider_id, one.account_id), []).append(one)
    accounts = [
        ConnectedAccount(page_id=account_page_id(broker, holder, *key), connections=tuple(found))
        for key, found in grouped.items()
    ]
    return tuple(sorted(accounts, key=lambda one: (one.row.provider_name.casefold(), one.label, one.page_id)))


def find_account(
    broker: Broker, holder: AccountUser, apps: tuple[AccountApp, ...], page_id: str
) -> ConnectedAccount | None:
    """The account of a page id; None if this session has no such account."""
    return next((one for one in build_accounts(broker, holder, apps) if one.page_id == page_id), None)


def show_connected_account(broker: Broker, http: Request, holder: AccountUser, held: AccountAccess) -> Response:
    """The page of one account: which apps use it, and for what. Raises PageError if this session has no account of that
    id."""
    form = show_form(broker, http, holder)
    apps = build_apps(broker, holder, held, open_key(broker, holder))
    account = find_account(broker, holder, apps, http.path.get("account", ""))
    if account is None:
        raise PageError("account_no_such_page", page="account_again", status=404, link=account_uri(broker))
    page = ConnectedAccountPage(
        **place_of(broker),
        page_id=account.page_id,
        provider_name=account.connections[0].provider_name,
        label=account.label,
        connections=account.connections,
        app_pages={app.client_id: app.page_id for app in apps},
        now=holder.now,
        sealed_form=form.sealed,
    )
    return form.respond(broker, page)
