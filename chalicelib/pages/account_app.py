"""The page of one app and the page of one connected account in My access."""

from typing import Literal

from msgspec import Struct

from chalicelib.pages.consent import ScopeLine
from chalicelib.pages.page import Page


class AccountConnection(Struct, frozen=True, kw_only=True):
    """One account at a provider, as one app may use it.

    app_verified    the operator registered the app
    account_id      connections with the same one share the account
    label           the account's name there; "" if unknown
    status          as a token hand-out would return it
    scopes          the app's permissions there
    connected_at    epoch seconds, as are all times here
    last_used_at    None: no use is recorded
    uses            recorded hand-outs and proxied calls
    renew_by        when the user must connect again if no app uses the connection until then; None: never, or unknown
    can_reconnect   the user can connect the app again from this page
    """

    connection_id: str
    client_id: str
    app_name: str
    app_verified: bool
    provider_id: str
    provider_name: str
    account_id: str
    label: str
    status: Literal["active", "partial", "in_doubt", "reauth_required"]
    scopes: tuple[ScopeLine, ...]
    connected_at: int
    uses: int
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

    page_id      of its page, in this browser session
    host         of its website, or of its client id document; "" if unknown
    on_device    that host is the user's own device
    verified     the operator registered it
    is_agent     it is described by its own document
    allowed_at   when the user last allowed it something; 0: not recorded
    used_at      when it was last used; None: not recorded
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
    page_id: str
    name: str
    host: str
    on_device: bool
    verified: bool
    is_agent: bool
    allowed_at: int
    used_at: int | None
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


class AccountAppPage(Page, frozen=True, kw_only=True):
    """One app: its accounts, who acted through it, and the user's restrictions.

    now           epoch seconds; the page describes times relative to it
    sealed_form   posted back as `request`
    action        path of My access
    """

    template = "account_app.html"
    sections = ("choice", "account", "app")

    app: AccountApp
    now: int
    sealed_form: str
    action: str


class ConnectedAccountPage(Page, frozen=True, kw_only=True):
    """One account at a provider: which apps use it, and for what.

    page_id       of this page, in this browser session
    connections   one for each app, by the app's name
    app_pages     client id -> id of the app's page
    """

    template = "account_connected.html"
    sections = ("choice", "account", "app", "connected")

    page_id: str
    provider_name: str
    label: str
    connections: tuple[AccountConnection, ...]
    app_pages: dict[str, str]
    now: int
    sealed_form: str
    action: str
