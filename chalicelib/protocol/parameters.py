"""Every parameter once, within its size, free of control characters; an empty one counts as absent.

What a parser in front of us would read from a repeated parameter differs from product to product, so a repeated name is
refused even where one of its values is empty (OAuth 2.1 section 3.1, THREATS GEN-01 to GEN-05).
"""

import re
from collections.abc import Iterable

from chalicelib.protocol.errors import InvalidRequest
from chalicelib.protocol.log_redaction import redact

MAX_PARAMETER_BYTES = 4096
MAX_STATE_BYTES = 2048

# Names whose values are credentials: an URL ends in histories, logs and Referer headers.
SECRET_NAMES = frozenset(
    {
        "access_token",
        "actor_token",
        "assertion",
        "client_assertion",
        "client_secret",
        "code_verifier",
        "device_code",
        "id_token",
        "password",
        "refresh_token",
        "registration_access_token",
        "subject_token",
        "token",
    }
)

# U+FFFD is what the gateway leaves of bytes that were no UTF-8: nobody knows what was sent there.
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffd]")


class Parameters:
    """The parameters of one request, each parsed once."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, tuple[str, ...]]) -> None:
        self._values = values

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]], *, repeatable: frozenset[str] = frozenset()) -> "Parameters":
        """Sort decoded name and value pairs by name.

        repeatable   names that may come more than once: `resource`, and `audience` in a token exchange

        Raises InvalidRequest: a name given twice, control characters, or more than 4 KiB in one value (`state`: 2 KiB).
        """
        values: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            _check_shape(name, value)
            if name in values and name not in repeatable:
                raise InvalidRequest("parameter_repeated").noting(parameter=redact(name))
            before = values.get(name, ())
            values[name] = (*before, value) if value else before
        return cls(values)

    def get(self, name: str) -> str | None:
        """The value, or None where the parameter is absent or empty."""
        values = self._values.get(name)
        if not values:
            return None
        if len(values) > 1:
            raise InvalidRequest("parameter_repeated").noting(parameter=name)
        return values[0]

    def require(self, name: str) -> str:
        """The value; raises InvalidRequest where it is absent or empty."""
        value = self.get(name)
        if value is None:
            raise InvalidRequest("parameter_missing").noting(parameter=name)
        return value

    def all(self, name: str) -> tuple[str, ...]:
        """Every value in the order sent, empty ones left out."""
        return self._values.get(name, ())


def check_no_query(query: Iterable[tuple[str, str]]) -> None:
    """Refuse every parameter in the URL of an endpoint that reads forms alone (OAuth 2.1 section 3.2, TOK-01)."""
    if any(True for _ in query):
        raise InvalidRequest("parameters_in_query")


def check_no_secret_in_query(query: Iterable[tuple[str, str]]) -> None:
    """Refuse a credential in the URL, empty or not, whatever the endpoint would do with it (THREATS GEN-05)."""
    if found := SECRET_NAMES.intersection(name for name, _ in query):
        raise InvalidRequest("secret_in_query").noting(parameter=found)


def _check_shape(name: str, value: str) -> None:
    if _UNFIT.search(name) or _UNFIT.search(value):
        raise InvalidRequest("parameter_characters")
    limit = MAX_STATE_BYTES if name == "state" else MAX_PARAMETER_BYTES
    if len(name.encode()) > MAX_PARAMETER_BYTES or len(value.encode()) > limit:
        raise InvalidRequest("parameter_too_long")
