"""What travels sealed in the forms of a user's own page."""

from msgspec import Struct


class AccountForm(Struct, frozen=True, kw_only=True):
    """For one browser and one session of one user: no other browser's cookie and no other session fits it.

    browser    SHA-256 hex of the browser cookie
    sid        of the browser session to which the page was shown
    shown_at   epoch seconds: nothing that was decided later is touched by a button of that page
    """

    browser: str
    sub: str
    sid: str
    shown_at: int
