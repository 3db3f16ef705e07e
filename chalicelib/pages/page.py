"""The values of each page. Names and hosts may be hostile: `render` cleans and escapes all of them."""

from typing import ClassVar

from msgspec import Struct

from chalicelib.pages.developer import MachineBox, RefusalBox
from chalicelib.pages.display import is_printable
from chalicelib.pages.notices import NOTICES, OFFERS, Notice, Offer
from chalicelib.pages.person import Person


class Page(Struct, frozen=True, kw_only=True):
    """One page, before it has a language.

    template   the file in templates/
    sections   of the message catalogues that it uses; a later one overrides
    has_form   it contains a form to the broker
    hole       the one field that differs between browsers; the rest of the page is cached
    site       the broker's host, as in the address bar
    """

    template: ClassVar[str]
    sections: ClassVar[tuple[str, ...]]
    has_form: ClassVar[bool] = True
    hole: ClassVar[str] = ""
    site: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The catalogue sections for this page."""
        return self.sections

    @property
    def has_images(self) -> bool:
        """It shows an image of its own; the theme's logo does not count."""
        return False

    @property
    def posts_to(self) -> str:
        """The one origin that its form may go to."""
        return "'self'"


class DevicePage(Page, frozen=True, kw_only=True):
    """Asks for the user code of a device.

    user_code   from the URL, to be compared; "" for an empty field
    wrong       the last code was unknown, used or expired
    """

    template = "device.html"
    sections = ("device",)

    user_code: str = ""
    wrong: bool = False
    action: str = "/device"


class LoginFirstPage(Page, frozen=True, kw_only=True):
    """Asks the user to sign in before a connect link is opened.

    provider_name   where the app wants an account connected
    login_name      where the user signs in, to show that the link is for them
    action          posted to with decision=sign_in
    """

    template = "login_first.html"
    sections = ("login_first",)

    client_name: str
    provider_name: str
    login_name: str
    action: str


class SignOutPage(Page, frozen=True, kw_only=True):
    """Asks the user to confirm a sign-out, if the request does not prove that the user wants it.

    client_name      the client that requests it; None if the request names none, or an unverified one
    person           whose session it is, as far as that is known
    sealed_request   posted back as `request`, with decision=sign_out|stay
    """

    template = "sign_out.html"
    sections = ("sign_out",)

    client_name: str | None
    sealed_request: str
    action: str
    person: Person | None = None
    base: str = ""


class RootPage(Page, frozen=True, kw_only=True):
    """The page at the issuer's URL.

    base        the issuer's path, before those of the pages
    docs        URL of the operator's documentation for people who build apps; "" without one
    developer   what runs here; None unless the issuer is on this machine
    """

    template = "root.html"
    sections = ("root",)
    has_form = False

    base: str = ""
    docs: str = ""
    developer: MachineBox | None = None


class ErrorPage(Page, frozen=True, kw_only=True):
    """A page without a decision: what happened, and what to do now. An unknown name is a fault of the broker.

    name            a key of `NOTICES`
    link            where the sign-in begins again (https, or http on loopback); None: no URL is known
    client_name     named beside the link, and in the text of some notices
    provider_name   named in the text of some notices
    offer           a page of the broker that goes on, if the notice itself offers none
    base            the issuer's path, before those of the broker's pages
    request_id      the reference for the operator
    developer       why it was refused; None unless the issuer is on this machine
    refresh         a path or URL of the broker that the page loads automatically after two seconds; "" stays
    """

    template = "notice.html"
    sections = ("back",)
    has_form = False

    name: str
    link: str | None = None
    client_name: str | None = None
    provider_name: str = ""
    offer: Offer | None = None
    base: str = ""
    request_id: str = ""
    developer: RefusalBox | None = None
    refresh: str = ""

    def __post_init__(self) -> None:
        if self.name not in NOTICES:
            raise KeyError(self.name)
        if self.refresh and not is_printable(self.refresh):
            raise ValueError("the place to ask again is not a URI")

    @property
    def words(self) -> tuple[str, ...]:
        """The words of this notice, and the labels of its links."""
        return (*self.sections, f"notice.{self.name}")

    @property
    def notice(self) -> Notice:
        """The look of this notice."""
        return NOTICES[self.name]

    @property
    def offers(self) -> tuple[tuple[Offer, str], ...]:
        """The broker's own pages that it links to: label and path."""
        offers = self.notice.offers or ((self.offer,) if self.offer else ())
        return tuple((offer, self.base + OFFERS[offer]) for offer in offers)
