"""What travels sealed through the browser while somebody signs out."""

from msgspec import Struct


class SignOutRequest(Struct, frozen=True, kw_only=True):
    """A checked request of /logout (OpenID Connect RP-Initiated Logout 1.0 section 2).

    client_id      who asks; "" where nobody that we know is named
    sub            whose session is meant, as that client knows the user: proven by an ID token of ours; "" without one
    sid            of that ID token: which session is meant, as that client knows it
    redirect_uri   registered by that client for this; "" where the browser stays here
    at             epoch seconds
    """

    at: int
    client_id: str = ""
    sub: str = ""
    sid: str = ""
    redirect_uri: str = ""
    state: str | None = None


class SignOutForm(Struct, frozen=True, kw_only=True):
    """What the page that asks carries back, sealed for one browser.

    browser    SHA-256 hex of the browser cookie
    shown_at   epoch seconds
    """

    request: SignOutRequest
    browser: str
    shown_at: int
