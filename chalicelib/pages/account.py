"""The values of the user's own pages. Names and hosts may be hostile: `render` cleans and escapes them."""

from typing import Literal

from msgspec import Struct

from chalicelib.pages.consent import ProviderOption, ScopeLine
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


class AccountConnection(Struct, frozen=True, kw_only=True):
    """One account at a provider, as one app may use it.

    label           the account's name there; "" if unknown
    status          as a token hand-out would return it
    scopes          the app's permissions there
    connected_at    epoch seconds, as are all times here
    last_used_at    None: no use is recorded
    uses            recorded hand-outs and proxied calls since `uses_since`
    renew_by        when the user must connect again if no app uses the connection until then; None: never, or unknown
    can_reconnect   the user can connect the app again from this page
    """

    connection_id: str
    provider_name: str
    label: str
    status: Literal["active", "partial", "in_doubt", "reauth_required"]
    scopes: tuple[ScopeLine, ...]
    connected_at: int
    uses: int
    uses_since: int
    last_used_at: int | None = None
    renew_by: int | None = None
    can_reconnect: bool = False


class ActedLine(Struct, frozen=True, kw_only=True):
    """A client that acted for the user with an app's access.

    audience   the API that it called
    times      recorded uses; last_at: the last of them
    """

    actor_name: str
    audience: str
    times: int
    last_at: int


class AccountApp(Struct, frozen=True, kw_only=True):
    """One app or agent of the user.

    host         of its website, or of its client id document; "" if unknown
    verified     the operator registered it
    allowed_at   when the user last allowed it something; 0: not recorded
    sign_ins     the number of current sign-ins
    until        the latest expiry of these; 0 if there are none
    paused_at    since when the user has paused it; 0: not paused
    ends_at      when all its access ends automatically; 0: no end is set
    scopes       all that it may do, as the form posts it
    own_scopes   those of the broker
    limits       those that the user can untick
    later        what it may do at providers once the user connects an account there
    acted        clients that acted for it, the latest first
    """

    client_id: str
    name: str
    host: str
    verified: bool
    allowed_at: int
    sign_ins: int
    until: int
    paused_at: int
    ends_at: int
    scopes: frozenset[str]
    own_scopes: tuple[ScopeLine, ...]
    later: tuple[ScopeLine, ...]
    limits: tuple[ScopeLine, ...]
    acted: tuple[ActedLine, ...]
    connections: tuple[AccountConnection, ...]


class EndedToken(Struct, frozen=True, kw_only=True):
    """The result for one token; both values are from the interface (vault/rules/revocation_results.py)."""

    token: str
    result: str


class EndedLine(Struct, frozen=True, kw_only=True):
    """One revoked connection.

    settings   where the user can revoke at the provider what the broker cannot; None if nothing is left
    """

    provider_name: str
    app_name: str
    revoked_at: int
    tokens: tuple[EndedToken, ...]
    settings: str | None = None


class LoginLine(Struct, frozen=True, kw_only=True):
    """A linked login of the user; its name is opaque."""

    name: str
    provider_name: str


class AccountPage(Page, frozen=True, kw_only=True):
    """Everything that a user has allowed.

    login_name      of the provider with which the user is signed in now
    ended           revoked here, but perhaps still valid at the provider
    logins          linked logins of the user; providers: where more can be linked
    sealed_form     posted back as `request`
    """

    template = "account.html"
    sections = ("account_ended", "account")

    login_name: str
    apps: tuple[AccountApp, ...]
    ended: tuple[EndedLine, ...]
    logins: tuple[LoginLine, ...]
    providers: tuple[ProviderOption, ...]
    sealed_form: str
    action: str
    sign_out: str


class AccountEndedPage(Page, frozen=True, kw_only=True):
    """The results of a revocation.

    what       "connection", "app" or "all"
    app_name   for the first two
    """

    template = "account_ended.html"
    sections = ("account_ended",)
    has_form = False

    what: Literal["connection", "app", "all"]
    app_name: str
    ended: tuple[EndedLine, ...]
    action: str


class AccountErasePage(Page, frozen=True, kw_only=True):
    """Asks the user to confirm an erasure.

    login_name    of the provider with which the user is signed in now
    sealed_form   posted back as `request`, with act=erase_for_good
    """

    template = "account_erase.html"
    sections = ("account_erase",)

    login_name: str
    sealed_form: str
    action: str
