"""The encrypted form value of a user's account page."""

from msgspec import Struct


class AccountForm(Struct, frozen=True, kw_only=True):
    """Binds a form to one browser and one session of one user. No other browser's cookie and no other session fits it.

    browser    SHA-256 hex of the browser cookie
    sid        of the browser session that the page was shown to
    shown_at   epoch seconds: a button of that page changes nothing that was decided later
    """

    browser: str
    sub: str
    sid: str
    shown_at: int
