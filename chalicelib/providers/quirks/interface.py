"""The points at which a quirk may act, and the values that it gets there."""

from collections.abc import Mapping

from msgspec import Struct


class QuirkRefused(Exception):
    """Something that this provider's documentation demands does not hold; `reason` is snake_case, for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Callback(Struct, frozen=True, kw_only=True):
    """Check the authorization response before any of it is used.

    parameters      of the query, each once, decoded, empty ones too
    issuer          of the file, filled in
    client_secret   ours there; None where there is none
    now             epoch seconds
    """

    parameters: Mapping[str, str]
    issuer: str
    client_secret: str | None
    now: int


class Quirks:
    """The default: nothing."""

    checks_callback = False

    def check_callback(self, callback: Callback) -> None:
        """Called where `checks_callback` is true: state, provider and issuer hold, code and error come next.

        Raises QuirkRefused.
        """
