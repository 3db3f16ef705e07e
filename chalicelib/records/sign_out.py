"""Encrypted values in the browser during a sign-out."""

from msgspec import Struct


class SignOutRequest(Struct, frozen=True, kw_only=True):
    """A checked request of /logout (OpenID Connect RP-Initiated Logout 1.0 section 2).

    client_id      the requesting client; "" if no known client is named
    sub            the user to sign out, as that client knows the user, from an ID token of the broker; "" without one
    sid            of that ID token: the session to end, as that client knows it
    redirect_uri   registered by that client for this; "": the browser stays at the broker
    at             epoch seconds
    """

    at: int
    client_id: str = ""
    sub: str = ""
    sid: str = ""
    redirect_uri: str = ""
    state: str | None = None


class SignOutForm(Struct, frozen=True, kw_only=True):
    """The form value of the sign-out page, encrypted for one browser.

    browser    SHA-256 hex of the browser cookie
    shown_at   epoch seconds
    """

    request: SignOutRequest
    browser: str
    shown_at: int
