"""What a user's own pages need to know, as values. Names and hosts may be hostile: `render` cleans and escapes them."""

from typing import Literal

from msgspec import Struct

from chalicelib.pages.consent import ProviderOption, ScopeLine
from chalicelib.pages.page import Page


class AccountEntryPage(Page, frozen=True, kw_only=True):
    """With which login to come in.

    again   somebody is signed in, for too long for what was asked
    """

    template = "account_entry.html"
    sections = ("account_entry",)

    providers: tuple[ProviderOption, ...]
    action: str
    again: bool = False


class AccountConnection(Struct, frozen=True, kw_only=True):
    """One account at one third party, as one app may use it.

    label           how the account is called there; "" where nothing is known
    status          as a hand-out would find it
    scopes          what the app may do there
    connected_at    epoch seconds, as are all times here
    last_used_at    None: no use is on record
    uses            hand-outs and calls that are on record, since `uses_since`
    renew_by        when the user will have to connect again if nobody uses it until then; None: never, or unknown
    can_reconnect   the user can lead the app there from here
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
    """Somebody who acted for the user with what an app was allowed.

    audience   the API at which it did; times: as far as they are on record; last_at: the last of them
    """

    actor_name: str
    audience: str
    times: int
    last_at: int


class AccountApp(Struct, frozen=True, kw_only=True):
    """One app, or one agent, of the user's.

    host         of its website, or of the document by which it names itself; "" where none is known
    verified     the operator registered it
    allowed_at   when the user last allowed it anything; 0: that is not on record
    sign_ins     in how many places it is signed in now
    until        when the last of those ends at the latest; 0 without one
    paused_at    since when the user lets it do nothing; 0: it may
    ends_at      when all of it ends by itself; 0: that is not said
    scopes       all that it may do, as the form posts it
    own_scopes   what of it is about this place
    limits       what of all that the user can untick
    later        what it may do at providers once an account of the user's is connected there
    acted        who else acted by it, the latest first
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
    """What became of one token; both are words of the interface (vault/rules/revocation_results.py)."""

    token: str
    result: str


class EndedLine(Struct, frozen=True, kw_only=True):
    """One connection that was taken back.

    settings   where the user can end there what nobody can end from here; None where there is nothing to do
    """

    provider_name: str
    app_name: str
    revoked_at: int
    tokens: tuple[EndedToken, ...]
    settings: str | None = None


class LoginLine(Struct, frozen=True, kw_only=True):
    """A further login of the user; its name is opaque."""

    name: str
    provider_name: str


class AccountPage(Page, frozen=True, kw_only=True):
    """Everything that a user has given.

    login_name      of the provider with which the user is signed in now
    ended           taken back here, and perhaps still alive there
    logins          further ones of the user, and providers of more
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
    """What became of what was taken back.

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
    """Asks whether everything is to be erased.

    login_name    of the provider with which the user is signed in now
    sealed_form   posted back as `request`, with act=erase_for_good
    """

    template = "account_erase.html"
    sections = ("account_erase",)

    login_name: str
    sealed_form: str
    action: str
