"""The pages on which a user decides what an app may have: the choice of a sign-in, a connect link, a shortfall."""

from typing import ClassVar, Literal

from msgspec import Struct, field

from chalicelib.pages.page import Page


class ScopeLine(Struct, frozen=True, kw_only=True):
    """One permission in plain words.

    name       the scope value as the form posts it, provider prefix included
    title      what it allows, in the English of the provider's file, to follow "may"; "" shows the name itself
    is_ours    one of `OWN_SCOPES`, for which the catalogues have the words
    access     "read" or "write"; writing is shown as its own group
    optional   may be unticked; posted as `scope` while ticked
    """

    name: str
    title: str = ""
    is_ours: bool = False
    access: Literal["read", "write"] = "read"
    optional: bool = False


class ProviderOption(Struct, frozen=True, kw_only=True):
    """One third party on the choice page.

    host       where the user will sign in, e.g. "github.com"; "" leaves it out
    selected   ticked at first; with several and none ticked the user has to choose before Allow
    used_last  at this browser
    """

    provider_id: str
    display_name: str
    host: str = ""
    selected: bool = False
    used_last: bool = False


class DeviceLines(Struct, frozen=True, kw_only=True):
    """What the choice page says of a device that asks (THREATS DEV-06).

    user_code      as the device shows it, for the user to compare
    asked_from     address of the device; same_network: the user looks at the page from the same network
    asked_at       epoch seconds; minutes: how long ago
    """

    user_code: str
    asked_from: str
    same_network: bool
    asked_at: int
    minutes: int


class ChoicePage(Page, frozen=True, kw_only=True):
    """The one page of a sign-in: who asks, what for, with which provider (THREATS CONS-03).

    client_verified       True only where the operator registered the client
    client_host           host of the client's `client_uri` (else of its first redirect URI)
    names_itself          client_host is that of the client's own document, and all that is known of it: shown large
    redirect_host         host (and port on loopback) of the redirect URI, or the private scheme ("com.example.app:")
    redirect_on_device  shows the warning for programs on this device
    providers             one: a plain line; several: radio cards
    provider_scopes       provider id -> its lines; the ids are those of `providers` and `later`
    later                 providers whose scopes stand beside and count only after /connect
    purpose               what the operator says it is for; "" for what nobody here has checked
    lasts_minutes, lasts_hours, lasts_days   how long access lasts; none: until the user takes it back
    sealed_request        posted back as `request`
    action                path of POST /signin, with the stage prefix where there is one
    device                of a device's request; then redirect_host is "", and client_host may be
    """

    template = "choice.html"
    sections: ClassVar[tuple[str, ...]] = ("choice",)
    hole = "sealed_request"

    client_name: str
    client_verified: bool
    client_host: str
    redirect_host: str
    redirect_on_device: bool
    providers: tuple[ProviderOption, ...]
    sealed_request: str
    lasts_minutes: int = 0
    lasts_hours: int = 0
    lasts_days: int = 0
    own_scopes: tuple[ScopeLine, ...] = ()
    provider_scopes: dict[str, tuple[ScopeLine, ...]] = field(default_factory=dict)
    later: tuple[ProviderOption, ...] = ()
    signed_in_as: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    purpose: str = ""
    names_itself: bool = False
    action: str = "/signin"
    device: DeviceLines | None = None

    @property
    def can_end_in_a_day(self) -> bool:
        """True where access lasts longer than that; then the form offers `ends`, which posts "in_a_day"."""
        return self.lasts_days > 1 or self.lasts_hours > 24


class DeviceChoicePage(ChoicePage, frozen=True, kw_only=True):
    """The same of a device's request."""

    sections = ("choice", "device_choice")
    hole = ""


class ConnectPage(ChoicePage, frozen=True, kw_only=True):
    """The page of a connect link."""

    sections = ("choice", "connect")
    hole = ""


class PartialPage(Page, frozen=True, kw_only=True):
    """The provider gave less than the app requires: go on with less, try again, or cancel.

    granted, missing   the provider's permissions in plain words
    sealed_request     posted back as `request`, with decision=continue|retry|cancel
    """

    template = "partial.html"
    sections = ("partial",)

    client_name: str
    provider_name: str
    granted: tuple[ScopeLine, ...]
    missing: tuple[ScopeLine, ...]
    sealed_request: str
    action: str = "/signin"
