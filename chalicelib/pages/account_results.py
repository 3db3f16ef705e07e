"""The pages of My access that ask before something ends, and that say what ended."""

from typing import Literal

from msgspec import Struct

from chalicelib.pages.page import Page


class EndedToken(Struct, frozen=True, kw_only=True):
    """The result for one token; both values are from the interface (vault/rules/revocation_results.py)."""

    token: str
    result: str


class EndedLine(Struct, frozen=True, kw_only=True):
    """One revoked connection.

    label      the account's name at the provider; "" if unknown
    result     of all its tokens together
    settings   where the user can revoke at the provider what the broker cannot; None if nothing is left
    """

    provider_name: str
    app_name: str
    label: str
    result: str
    tokens: tuple[EndedToken, ...]
    settings: str | None = None


class AccountConfirmPage(Page, frozen=True, kw_only=True):
    """Asks the user to confirm an action that cannot be undone.

    what            "connection", "account" (of every app), "app", "all" or "login"
    app_name        for the first and the third
    provider_name   for all but "app" and "all"
    login_name      for "login": the provider with which the user is signed in now
    sessions, accounts   how many end
    act             of the button that confirms
    keep            path of the page that the user came from
    """

    template = "account_confirm.html"
    sections = ("remove",)

    what: Literal["connection", "account", "app", "all", "login"]
    act: str
    keep: str
    sealed_form: str
    action: str
    app_name: str = ""
    is_verified: bool = True
    provider_name: str = ""
    label: str = ""
    login_name: str = ""
    sessions: int = 0
    accounts: int = 0
    apps: int = 0


class AccountEndedPage(Page, frozen=True, kw_only=True):
    """The results of a revocation.

    what            "connection", "account", "app" or "all"
    app_name        for "connection" and "app"
    provider_name   for "connection" and "account"
    """

    template = "account_ended.html"
    sections = ("account_ended",)
    has_form = False

    what: Literal["connection", "account", "app", "all"]
    app_name: str
    provider_name: str
    ended: tuple[EndedLine, ...]
    action: str


class AccountErasePage(Page, frozen=True, kw_only=True):
    """Asks the user to confirm an erasure.

    login_name    the provider with which the user is signed in now
    user_label    the name of the user's account there; "" if unknown
    apps          how many apps lose access
    sealed_form   posted back as `request`, with act=erase_for_good
    """

    template = "account_erase.html"
    sections = ("account_erase",)

    login_name: str
    user_label: str
    apps: int
    sealed_form: str
    action: str
