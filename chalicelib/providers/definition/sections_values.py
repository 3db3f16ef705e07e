"""The sections of a provider file that name values: the operator's, the connection's, and what we sign with."""

import re
from typing import Literal

from msgspec import Struct, field

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_PATH = r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~=&%,:-]*)?"
MAX_VALUE_CHARACTERS = 255
URL = re.compile(rf"https://{_LABEL}(?:\.{_LABEL})+{_PATH}")


class VariableRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value that the operator gives when the provider is switched on: a tenant, a region, a shop.

    kind              url: an https URL without port, user or fragment, which is all of an address; it has an example
    pattern, values   what it must read like, whole; exactly one of the two, neither for a url
    default           stands where the operator gives none; without it one must be given
    """

    title: str
    kind: Literal["text", "url"] = "text"
    pattern: str | None = None
    values: tuple[str, ...] = ()
    default: str | None = None
    example: str | None = None

    def admits(self, value: str) -> bool:
        """True for a value that the file allows."""
        if self.kind == "url":
            return URL.fullmatch(value) is not None
        return _admits(self.pattern, self.values, value)


class MetadataRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value that is read at a sign-in and kept on the connection.

    origin    callback: a parameter of it; token: a member of the token answer; request: a GET with the access token
    path      the parameter's name, or a dotted path into the answer; numbers index lists
    url       for origin "request"
    suffixes  in place of pattern and values: the provider's own domains, below one of which the value, an https origin,
              must lie; never for a callback, which comes through the browser
    """

    origin: Literal["callback", "token", "request"] = field(name="from")
    path: str
    url: str | None = None
    pattern: str | None = None
    values: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    default: str | None = None

    def admits(self, value: str) -> bool:
        """True for a value that the file allows."""
        if self.suffixes:
            return any(re.fullmatch(rf"https://(?:{_LABEL}\.)+{re.escape(one)}", value) for one in self.suffixes)
        return _admits(self.pattern, self.values, value)


class ClientAssertion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The JWT that proves who we are (RFC 7523), or that stands where a client secret does; all may hold placeholders.

    The provider's sealed secret is the PEM private key then.
    """

    algorithm: Literal["ES256", "RS256"]
    audience: str
    issuer: str = "{client_id}"
    subject: str = "{client_id}"
    key_id: str | None = None
    lifetime_seconds: int = 60


def _admits(pattern: str | None, values: tuple[str, ...], value: str) -> bool:
    """One of the values, or the pattern from end to end; what neither names is refused, and what is too long."""
    if len(value) > MAX_VALUE_CHARACTERS:
        return False
    if values:
        return value in values
    return pattern is not None and re.fullmatch(pattern, value, re.ASCII) is not None
