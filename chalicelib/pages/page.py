"""What each page needs to know, as values. Names and hosts may be hostile: `render` cleans and escapes all of them."""

from typing import Literal

from msgspec import Struct


class ScopeLine(Struct, frozen=True, kw_only=True):
    """One permission in plain words.

    name       the scope value as the form posts it, provider prefix included
    title      what it allows, to follow "may": "read your repositories"; "" shows the name itself
    access     "read" or "write"; writing is shown as its own group
    optional   may be unticked; posted as `scope` while ticked
    """

    name: str
    title: str = ""
    access: Literal["read", "write"] = "read"
    optional: bool = False


class ProviderOption(Struct, frozen=True, kw_only=True):
    """One third party on the choice page.

    host       where the user will sign in, e.g. "github.com"; "" leaves it out
    selected   ticked at first; with several and none ticked the user has to choose before Allow
    """

    provider_id: str
    display_name: str
    host: str = ""
    selected: bool = False


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


class DevicePage(Struct, frozen=True, kw_only=True):
    """Where a user code is typed.

    user_code   what the address held, to be compared; "" for an empty field
    wrong       the code before was unknown, used or over
    """

    user_code: str = ""
    wrong: bool = False
    site: str = ""
    action: str = "/device"


class ChoicePage(Struct, frozen=True, kw_only=True):
    """The one page of a sign-in: who asks, what for, with which provider (THREATS CONS-03).

    site                  our host, as in the address bar
    client_verified       True only where the operator registered the client
    client_host           host of the client's `client_uri` (else of its first redirect URI)
    names_itself          client_host is that of the client's own document, and all that is known of it: shown large
    redirect_host         host (and port on loopback) of the redirect URI, or the private scheme ("com.example.app:")
    redirect_is_loopback  shows the warning for programs on this device
    providers             one: a plain line; several: radio cards
    provider_scopes       provider id -> its lines; the ids are those of `providers` and `later`
    later                 providers whose scopes stand beside and count only after /connect
    lasts                 plain words after "Access lasts": "until you sign out, at most 30 days"
    sealed_request        posted back as `request`
    action                path of POST /signin, with the stage prefix where there is one
    device                of a device's request; then redirect_host is "", and client_host may be
    """

    client_name: str
    client_verified: bool
    client_host: str
    redirect_host: str
    redirect_is_loopback: bool
    providers: tuple[ProviderOption, ...]
    lasts: str
    sealed_request: str
    own_scopes: tuple[ScopeLine, ...] = ()
    provider_scopes: dict[str, tuple[ScopeLine, ...]] = {}
    later: tuple[ProviderOption, ...] = ()
    signed_in_as: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    names_itself: bool = False
    site: str = ""
    action: str = "/signin"
    device: DeviceLines | None = None


class PartialPage(Struct, frozen=True, kw_only=True):
    """The provider gave less than the app requires: go on with less, try again, or cancel.

    granted, missing   the provider's permissions in plain words
    sealed_request     posted back as `request`, with decision=continue|retry|cancel
    """

    client_name: str
    provider_name: str
    granted: tuple[ScopeLine, ...]
    missing: tuple[ScopeLine, ...]
    sealed_request: str
    site: str = ""
    action: str = "/signin"


class LoginFirstPage(Struct, frozen=True, kw_only=True):
    """A connect link opened where nobody is signed in.

    provider_name   where the app wants an account connected
    login_name      where the user signs in to show that the link is for them
    action          posted to with decision=sign_in
    """

    client_name: str
    provider_name: str
    login_name: str
    action: str
    site: str = ""


class SignOutPage(Struct, frozen=True, kw_only=True):
    """Asks whether to sign out, where the request does not prove that this user wants it.

    client_name      the app that asks; None where none is named, or one that nobody here has checked
    sealed_request   posted back as `request`, with decision=sign_out|stay
    """

    client_name: str | None
    sealed_request: str
    action: str
    site: str = ""


class PostingPage(Struct, frozen=True, kw_only=True):
    """An answer to an app that the browser posts (OAuth 2.0 Form Post Response Mode).

    name     host of the app's redirect URI
    action   that redirect URI, https or loopback http
    fields   name and value pairs of the answer
    """

    name: str
    action: str
    fields: tuple[tuple[str, str], ...]
    site: str = ""


class ErrorPage(Struct, frozen=True, kw_only=True):
    """A page that explains why nothing goes on here.

    name          a key of `text.NOTICES`
    link          where the sign-in begins again (https, or http on loopback); None: no way back is known
    client_name   named beside the link where known
    request_id    shown for the operator
    """

    name: str
    link: str | None = None
    client_name: str | None = None
    request_id: str = ""
    site: str = ""
