"""The pages on which a user decides what an app may do: the consent page, a connect link, missing permissions."""

from typing import ClassVar, Literal

from msgspec import Struct, field

from chalicelib.pages.page import Page


class ScopeLine(Struct, frozen=True, kw_only=True):
    """One permission in plain words.

    name       the scope value as the form posts it, provider prefix included
    title      what it allows, in the English of the provider's file, to follow "may"; "" shows the name itself
    is_ours    one of `OWN_SCOPES`, for which the catalogues have the words
    access     "read" or "write"; writing is shown as a separate group
    optional   may be unticked; posted as `scope` while ticked
    """

    name: str
    title: str = ""
    is_ours: bool = False
    access: Literal["read", "write"] = "read"
    optional: bool = False


class ProviderOption(Struct, frozen=True, kw_only=True):
    """One provider on the choice page.

    host       where the user will sign in, e.g. "github.com"; "" leaves it out
    selected   ticked initially; if none of several is ticked, the user has to choose before Allow
    used_last  in this browser
    """

    provider_id: str
    display_name: str
    host: str = ""
    selected: bool = False
    used_last: bool = False


class DeviceLines(Struct, frozen=True, kw_only=True):
    """The requesting device, as the choice page shows it (THREATS DEV-06).

    user_code      as the device shows it, for the user to compare
    asked_from     address of the device; same_network: the user's browser is in the same network
    asked_at       epoch seconds; minutes: how long ago
    """

    user_code: str
    asked_from: str
    same_network: bool
    asked_at: int
    minutes: int


class ChoicePage(Page, frozen=True, kw_only=True):
    """The one page of a sign-in: which client requests what, and with which provider (THREATS CONS-03).

    client_verified       True only if the operator registered the client
    client_host           host of the client's `client_uri`, otherwise of its first redirect URI
    names_itself          client_host is that of the client id document, and all that is known of it: shown large
    redirect_host         host (and port on loopback) of the redirect URI, or the private scheme ("com.example.app:")
    redirect_on_device  shows the warning for programs on this device
    providers             one: a plain line; several: radio cards
    provider_scopes       provider id -> its lines; the ids are those of `providers` and `later`
    later                 providers whose scopes are also shown, but need /connect to take effect
    purpose               what the operator says the client is for; "" for an unverified client
    lasts_minutes, lasts_hours, lasts_days   how long access lasts; all 0: until the user revokes it
    sealed_request        posted back as `request`
    action                path of POST /signin, with the stage prefix if there is one
    device                for a device's request; then redirect_host is "", and client_host may be
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
        """True if access lasts longer than a day; then the form offers `ends`, which posts "in_a_day"."""
        return self.lasts_days > 1 or self.lasts_hours > 24


class DeviceChoicePage(ChoicePage, frozen=True, kw_only=True):
    """The choice page of a device's request."""

    sections = ("choice", "device_choice")
    hole = ""


class ConnectPage(ChoicePage, frozen=True, kw_only=True):
    """The page of a connect link."""

    sections = ("choice", "connect")
    hole = ""


class PartialPage(Page, frozen=True, kw_only=True):
    """The provider granted less than the app requires: the user continues with less, tries again, or cancels.

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
