"""Where a browser may be sent: what can be registered, and what equals a registered string.

Rules of this file: a registered URI has one spelling and reads the same in every parser (so: printable ASCII,
lower-case scheme and host, no user-info, no dot segments, no encoded separators); matching compares strings and never
parses into parts, save for the port of a loopback URI (OAuth 2.1 section 2.3, RFC 8252 section 7, THREATS AUTHZ-02,
AUTHZ-05).
"""

import hashlib
import ipaddress
import re
from urllib.parse import unquote_plus

from chalicelib.protocol.errors import InvalidRedirectUri
from chalicelib.protocol.private_schemes import match_vendor_uri

MAX_URI_LENGTH = 2000

# What we append to a redirect; a registered query may not speak in our place.
ANSWER_NAMES = frozenset(
    {
        "access_token",
        "code",
        "connection_id",
        "error",
        "error_description",
        "error_uri",
        "id_token",
        "iss",
        "missing_scopes",
        "response",
        "state",
    }
)

# RFC 3986 without the fragment's `#`, user-info's `@` (checked in the authority) and the wildcard `*`.
_CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~:/?\[\]@!$&'()+,;=-]|%[0-9A-Fa-f]{2})+")
_UNFIT_ESCAPE = re.compile(r"%(?:[01][0-9a-f]|7f)", re.IGNORECASE | re.ASCII)
_UNFIT_PATH_ESCAPE = re.compile(r"%(?:2e|2f|5c|25)", re.IGNORECASE | re.ASCII)
_WEB = re.compile(r"(https?)://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?(/[^?\[\]]*)?(\?[^\[\]]*)?")
_PRIVATE = re.compile(r"[a-z]{2,}(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+:(//?[^/?@:\[\]][^?@\[\]]*|/)(\?[^\[\]]*)?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOOPBACK = re.compile(
    r"(http://(?:127(?:\.[0-9]{1,3}){3}|\[::1\]|localhost))(?::([0-9]{1,5}))?((?:[/?].*)?)", re.DOTALL
)


class LocalhostRefused(InvalidRedirectUri):
    """The name may lead to another machine (RFC 8252 section 8.3); an error that says what to register instead."""

    description = (
        "A redirect_uri names localhost: for development use http://127.0.0.1, or application_type native; else https."
    )


def check_registrable(uri: str, *, application_type: str, public: bool = False) -> None:
    """Refuse a redirect URI that no client may register.

    https needs a host name; http a loopback address literal (`localhost` only for native clients); a private scheme a
    native client and reverse-domain form, or of a public one a vendor's scheme with an authority.

    public   the client has neither a secret nor a key

    Raises InvalidRedirectUri.
    """
    native = application_type == "native"
    if len(uri) > MAX_URI_LENGTH or not _CHARACTERS.fullmatch(uri) or _UNFIT_ESCAPE.search(uri):
        raise InvalidRedirectUri("redirect_uri_characters")
    web = _WEB.fullmatch(uri)
    if web is not None:
        scheme, host, port, path, query = web.groups()
        _check_host(scheme, host, native=native)
        if port is not None and not _is_port(port):
            raise InvalidRedirectUri("redirect_uri_port")
    else:
        reverse = _PRIVATE.fullmatch(uri)
        private = reverse.groups() if reverse else None
        if private is None and native and public:
            private = match_vendor_uri(uri)
        if private is None or not native:
            raise InvalidRedirectUri("redirect_uri_scheme_or_authority")
        path, query = private
    _check_path(path or "")
    _check_query(query or "")


def match_redirect_uri(requested: str, registered: tuple[str, ...], *, native: bool) -> bool:
    """Say whether a requested URI equals a registered one, byte for byte.

    Of a native client's registered loopback URI the port alone may differ (RFC 8252 section 7.3).
    """
    if requested in registered:
        return True
    if not native:
        return False
    parts = _loopback_parts(requested)
    return parts is not None and any(_loopback_parts(uri) == parts for uri in registered)


def redirect_hash(uri: str) -> str:
    """SHA-256 of the URI as sent, 64 hex characters: how grants remember it."""
    return hashlib.sha256(uri.encode()).hexdigest()


def place_hash(uri: str, *, native: bool) -> str:
    """How consents remember it: of a native client's loopback URI without the port, which is another each time."""
    parts = _loopback_parts(uri) if native else None
    return redirect_hash(uri if parts is None else "".join(parts))


def is_loopback(uri: str) -> bool:
    """Say whether a URI leads to the user's own machine by http."""
    return _loopback_parts(uri) is not None


def is_on_device(uri: str) -> bool:
    """Say whether a URI leads to a program on the user's device, where another program could take its place."""
    return bool(uri) and not uri.startswith("https:")


def is_localhost(uri: str) -> bool:
    """Say whether a URI is plain http to the name `localhost`, which only this machine's own resolver explains."""
    parts = _loopback_parts(uri)
    return parts is not None and parts[0] == "http://localhost"


def takes_any_port(uri: str) -> bool:
    """Say whether a native app that registered this listens at another port each time: loopback, and none is named."""
    match = _LOOPBACK.fullmatch(uri)
    return match is not None and match[2] is None


def origin_of(uri: str) -> str:
    """Scheme, host and port of a registered web URI; `scheme:` of a private one. Never of an unchecked URI."""
    web = _WEB.fullmatch(uri)
    if web is None:
        return uri.partition(":")[0] + ":"
    scheme, host, port = web.group(1), web.group(2), web.group(3)
    return f"{scheme}://{host}" + (f":{port}" if port else "")


def _loopback_parts(uri: str) -> tuple[str, str] | None:
    """The parts before and after the port of a loopback URI; None for every other URI."""
    match = _LOOPBACK.fullmatch(uri)
    if match is None:
        return None
    before, port, after = match.groups()
    if port is not None and not _is_port(port):
        return None
    host = before.removeprefix("http://")
    return (before, after) if host in ("localhost", "[::1]") or _is_address(host) else None


def _check_host(scheme: str, host: str, *, native: bool) -> None:
    if host == "localhost" or host.endswith(".localhost"):
        if not (native and scheme == "http" and host == "localhost"):
            raise LocalhostRefused("redirect_uri_localhost")
        return
    labels = host.split(".")
    if host.startswith("[") or _NUMBER.fullmatch(labels[-1]):
        # A browser reads any host that ends in a number as an address: only the one plain spelling is left.
        if host != "[::1]" and not (labels[0] == "127" and _is_address(host)):
            raise InvalidRedirectUri("redirect_uri_address")
        return
    if scheme != "https":
        raise InvalidRedirectUri("redirect_uri_plain_http")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidRedirectUri("redirect_uri_host")


def _check_path(path: str) -> None:
    if _UNFIT_PATH_ESCAPE.search(path) or any(segment in (".", "..") for segment in path.split("/")):
        raise InvalidRedirectUri("redirect_uri_path")


def _check_query(query: str) -> None:
    names = (part.partition("=")[0] for part in re.split("[&;]", query.removeprefix("?")))
    if any(unquote_plus(name).strip().lower() in ANSWER_NAMES for name in names):
        raise InvalidRedirectUri("redirect_uri_query_answers")


def _is_port(port: str) -> bool:
    return not port.startswith("0") and int(port) <= 65535


def _is_address(host: str) -> bool:
    """True for a dotted quad in its one plain spelling (no leading zeros, four parts)."""
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
