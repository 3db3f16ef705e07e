"""The pages on which a user decides what an app may do: the consent page, a connect link, missing permissions."""

from typing import ClassVar, Literal

from msgspec import Struct, field

from chalicelib.pages.page import Page
from chalicelib.pages.person import Person


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

    @property
    def group(self) -> str:
        """The group under which the page lists it: "identity", "read" or "write"."""
        return "identity" if self.is_ours else self.access


class Mark(Struct, frozen=True, kw_only=True):
    """The sign of a provider: its own image, else letters.

    letters           "" takes them from the name
    image, dark_image paths of checked SVG or PNG files; dark_image is shown on a dark card
    tile              "white": always on white, because the owner allows no other ground
    """

    letters: str = ""
    image: str = ""
    dark_image: str = ""
    tile: Literal["white", "card"] = "card"


class ProviderOption(Struct, frozen=True, kw_only=True):
    """One provider on the choice page.

    host        where the user will sign in, e.g. "github.com"; "" leaves it out
    used_last   in this browser
    """

    provider_id: str
    display_name: str
    host: str = ""
    used_last: bool = False
    mark: Mark = Mark()


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

    client_verified       True only if the operator registered the client; only then its name is shown as a fact
    client_host           host of the client's `client_uri`, otherwise of its first redirect URI
    client_document       URL of its client id document, whose host is then all that is known of the client
    registered_at         epoch seconds, of a client that registered itself; else 0
    redirect_host         host (and port on loopback) of the redirect URI, or the private scheme ("com.example.app:")
    redirect_on_device    shows the warning for programs on this device
    providers             one: its button allows; several: each has its own button, posted as `provider`
    provider_scopes       provider id -> its lines; the ids are those of `providers` and `later`
    later                 providers whose scopes are also shown, but need /connect to take effect
    purpose               what the operator says the client is for; "" for an unverified client
    lasts_minutes, lasts_hours, lasts_days   how long access lasts; all 0: until the user revokes it
    sealed_request        posted back as `request`
    action                path of POST /signin, with the stage prefix if there is one
    account               path of My access
    is_implied            the operator's own app: only the buttons, and one sentence that says what it gets
    device                for a device's request; then redirect_host is "", and client_host may be
    person                of a connect link: who is signed in, and stays so
    """

    template = "choice.html"
    sections: ClassVar[tuple[str, ...]] = ("choice",)
    unverified: ClassVar[tuple[str, ...]] = ("unverified",)
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
    policy_uri: str | None = None
    tos_uri: str | None = None
    purpose: str = ""
    client_document: str = ""
    registered_at: int = 0
    is_implied: bool = False
    action: str = "/signin"
    account: str = "/account"
    device: DeviceLines | None = None
    person: Person | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """An unverified client has other titles, so that its name is not a fact."""
        if self.client_verified:
            return self.sections
        known = ("unverified_document",) if self.client_document else ()
        return (*self.sections, *self.unverified[:1], *known, *self.unverified[1:])

    @property
    def has_images(self) -> bool:
        """A provider's own mark is shown."""
        return any(one.mark.image for one in self.providers)

    @property
    def one(self) -> ProviderOption | None:
        """The only provider, which the page then names in its title."""
        return self.providers[0] if len(self.providers) == 1 else None

    @property
    def shown(self) -> tuple[ScopeLine, ...]:
        """What the client gets whichever button is pressed. Signing in says who the user is, and how long access lasts
        is said elsewhere, so `openid` and a required `offline_access` are listed only if nothing else is."""
        own = [line for line in self.own_scopes if line.optional or line.name not in ("openid", "offline_access")]
        lines = self.provider_scopes.get(self.one.provider_id, ()) if self.one else ()
        return (*own, *lines) or tuple(line for line in self.own_scopes if line.name == "openid")

    @property
    def asks_more(self) -> bool:
        """At least one of several providers would also give something of its own."""
        return any(self.provider_scopes.get(one.provider_id) for one in self.providers)

    @property
    def gets_name_email(self) -> tuple[bool, bool]:
        """Whether the client learns the user's name, and the email address."""
        names = {line.name for line in self.own_scopes}
        return "profile" in names, "email" in names

    @property
    def exact_scopes(self) -> str:
        """Every scope on this page by its own name."""
        shown = [one.provider_id for one in (*self.providers, *self.later)]
        lines = [line for one in shown for line in self.provider_scopes.get(one, ())]
        return " ".join(line.name for line in (*self.own_scopes, *lines))

    @property
    def can_end_in_a_day(self) -> bool:
        """True if access lasts longer than a day; then the form offers `ends`, which posts "in_a_day"."""
        return self.lasts_days > 1 or self.lasts_hours > 24


class DeviceChoicePage(ChoicePage, frozen=True, kw_only=True):
    """The choice page of a device's request."""

    sections = ("choice", "device_choice")
    unverified = ("unverified", "unverified_device")
    hole = ""


class ConnectPage(ChoicePage, frozen=True, kw_only=True):
    """The page of a connect link."""

    sections = ("choice", "connect")
    unverified = ("unverified", "unverified_connect")
    hole = ""


class ReturningPage(Page, frozen=True, kw_only=True):
    """A signed-in user who has already allowed everything continues, takes another account, or cancels.

    client_host     as on the choice page; the client is verified
    approved_at     epoch seconds of the last decision
    sealed_request  posted back as `request`, with decision=allow|switch|deny
    """

    template = "returning.html"
    sections = ("choice", "returning")

    client_name: str
    client_host: str
    redirect_host: str
    redirect_on_device: bool
    person: Person
    approved_at: int
    sealed_request: str
    action: str = "/signin"
    account: str = "/account"


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
