"""The three tabs of My access and the choice of a login. Names and hosts may be hostile: `render` cleans and escapes
them."""

from typing import ClassVar, Literal

from msgspec import Struct

from chalicelib.pages.account_results import EndedLine
from chalicelib.pages.consent import ProviderOption
from chalicelib.pages.page import Page


class AccountEntryPage(Page, frozen=True, kw_only=True):
    """Offers the logins with which to sign in.

    again   a user is signed in, but too long ago for this action
    """

    template = "account_entry.html"
    sections = ("account_entry",)

    providers: tuple[ProviderOption, ...]
    action: str
    again: bool = False


class AccountTab(Page, frozen=True, kw_only=True):
    """What the tabs have in common.

    tab           which of them is open
    login_name    the provider with which the user is signed in now
    user_label    the name of the user's account there; "" if unknown
    now           epoch seconds; the page describes all times relative to it
    sealed_form   posted back as `request`
    action        path of My access, under which the other pages are
    """

    tab: ClassVar[Literal["apps", "accounts", "data"]]

    login_name: str
    user_label: str
    now: int
    sealed_form: str
    action: str
    sign_out: str


class AppRow(Struct, frozen=True, kw_only=True):
    """One app or agent in the list.

    page_id        of its page, in this browser session
    providers      names of the providers where an account is connected
    kind           what it may do with accounts and APIs
    through        the client that acted for it last; "" if none did
    ends_in_hours  until all its access ends automatically; 0: no end is set
    reconnect      names of the providers where the user must connect an account again
    used_at        when the app was last used; None: not recorded
    """

    page_id: str
    name: str
    verified: bool
    is_agent: bool
    providers: tuple[str, ...]
    kind: Literal["identity", "read", "write", "both"]
    through: str
    paused: bool
    ends_in_hours: int
    reconnect: tuple[str, ...]
    used_at: int | None


class AccountPage(AccountTab, frozen=True, kw_only=True):
    """The list of apps.

    total          how many apps there are without a search
    is_search      only apps that match a search are listed
    has_search     the list is long enough to offer a search
    ended          revoked here, but perhaps still valid at the provider
    """

    template = "account.html"
    sections = ("account_ended", "account")
    tab = "apps"

    rows: tuple[AppRow, ...]
    total: int
    is_search: bool
    has_search: bool
    ended: tuple[EndedLine, ...]


class LoginLine(Struct, frozen=True, kw_only=True):
    """A linked login of the user; its name is opaque."""

    name: str
    provider_name: str


class AccountRow(Struct, frozen=True, kw_only=True):
    """One account at a provider that apps use.

    page_id     of its page, in this browser session
    label       the account's name there; "" if unknown
    apps        the names of the apps
    reconnect   an app cannot use it until the user connects it again
    """

    page_id: str
    provider_name: str
    label: str
    apps: tuple[str, ...]
    reconnect: bool


class AccountsPage(AccountTab, frozen=True, kw_only=True):
    """The user's logins, and the accounts that apps use.

    logins      linked logins of the user
    providers   where more can be linked
    added       ids of the providers where the user has a login
    """

    template = "account_accounts.html"
    sections = ("account", "accounts")
    tab = "accounts"

    logins: tuple[LoginLine, ...]
    providers: tuple[ProviderOption, ...]
    added: tuple[str, ...]
    rows: tuple[AccountRow, ...]


class AccountDataPage(AccountTab, frozen=True, kw_only=True):
    """Download and deletion of the user's data."""

    template = "account_data.html"
    sections = ("account", "data")
    tab = "data"
