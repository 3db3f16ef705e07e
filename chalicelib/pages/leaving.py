"""The pages that lead on to an app or a provider: at once, or by a form."""

from urllib.parse import urlsplit

from chalicelib.pages.display import is_printable
from chalicelib.pages.page import Page
from chalicelib.protocol.ascii_text import lower
from chalicelib.protocol.redirect_uri import origin_of

_NEVER_A_TARGET = frozenset({"javascript", "data", "vbscript", "file", "blob", "about"})


class PostingPage(Page, frozen=True, kw_only=True):
    """An authorization response that the browser posts to the app (OAuth 2.0 Form Post Response Mode).

    name     host of the app's redirect URI
    action   that redirect URI, https or loopback http
    fields   name and value pairs of the response
    """

    template = "posting.html"
    sections = ("posting",)

    name: str
    action: str
    fields: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        if not is_printable(self.action) or not self.action.startswith(("https://", "http://")):
            raise ValueError("no form may lead there")

    @property
    def posts_to(self) -> str:
        """The app's origin."""
        return origin_of(self.action)


class LeavingPage(Page, frozen=True, kw_only=True):
    """A page that goes on to `url` at once. A redirect after a form of the broker would be subject to its
    `form-action`.

    url    a provider's authorization URL or a registered redirect URI, private schemes included
    name   of the app or provider there, or the host
    """

    template = "leaving.html"
    sections = ("leaving",)
    has_form = False

    url: str
    name: str

    @property
    def host(self) -> str:
        """The next address, as the browser will show it; of a private scheme its name."""
        parts = urlsplit(self.url)
        return parts.netloc or f"{parts.scheme}:"

    def __post_init__(self) -> None:
        scheme = lower(self.url.partition(":")[0])
        if not is_printable(self.url) or ":" not in self.url or scheme in _NEVER_A_TARGET:
            raise ValueError("no page may lead there")
