"""Checks the URIs of a self-registered client that the browser or the broker opens: public addresses only.

Nobody has verified such a client, so the broker calls only the host of one of its redirect URIs (OpenID Connect
RP-Initiated Logout 1.0 section 3.1, Back-Channel Logout 1.0 section 2.2).
"""

import re

from chalicelib.protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from chalicelib.protocol.redirect_uri import check_registrable, is_localhost, is_loopback, origin_of

MAX_REDIRECT_URIS = 10

_PRIVATE_HOST = re.compile(
    r"(?:[^.]+|.*\.(?:local|localhost|localdomain|internal|intranet|private|lan|corp|home|arpa))"
)
_HTTPS_HOST = re.compile(r"https://([^/:?]+).*")
_HTTPS_PORT = re.compile(r"https://[^/?]+:[0-9]+(?:[/?].*)?")


def is_public(uri: str) -> bool:
    """True for https to a host that is not private by its name. The URI has passed `check_registrable`."""
    host = _HTTPS_HOST.fullmatch(uri)
    if host is None:
        return False
    name = host.group(1)
    return not name.startswith(("[", "127.")) and not _PRIVATE_HOST.fullmatch(name)


def check_places(
    uris: tuple[str, ...], application_type: str, *, public: bool = False, on_loopback: bool = False
) -> None:
    """Where a browser may be sent to: registrable, and public unless it is the user's own device.

    on_loopback   the issuer is on this machine, so a web app may be at http://localhost

    Raises InvalidRedirectUri.
    """
    for uri in uris:
        kind = "native" if on_loopback and is_localhost(uri) else application_type
        check_registrable(uri, application_type=kind, public=public)
        if uri.startswith(("http:", "https:")) and not is_loopback(uri) and not is_public(uri):
            raise InvalidRedirectUri("redirect_uri_private_host")


def leads_home(redirect_uris: tuple[str, ...]) -> bool:
    """True for a client that takes its answers on the user's own machine and nowhere else."""
    return bool(redirect_uris) and all(is_loopback(uri) for uri in redirect_uris)


def check_returns(uris: tuple[str, ...], application_type: str, *, on_loopback: bool) -> tuple[str, ...]:
    """Where a browser may return to after a sign-out: as other redirect URIs. Raises InvalidClientMetadata."""
    if len(uris) > MAX_REDIRECT_URIS:
        raise InvalidClientMetadata("post_logout_redirect_uris_too_many", "post_logout_redirect_uris")
    try:
        check_places(uris, application_type, on_loopback=on_loopback)
    except InvalidRedirectUri as error:
        raise InvalidClientMetadata("post_logout_redirect_uri_malformed", "post_logout_redirect_uris") from error
    return uris


def sector_of(redirect_uris: tuple[str, ...]) -> str | None:
    """The host of web apps that share it; "" for apps that have none; None where there are several.

    Redirect URIs have passed `check_registrable` (OpenID Connect Core section 8.1).
    """
    hosts = {host[1] if (host := _HTTPS_HOST.fullmatch(uri)) else "" for uri in redirect_uris} or {""}
    return hosts.pop() if len(hosts) == 1 else None


def check_callable(uri: str) -> None:
    """Refuse what the guarded fetcher would: https on its own port, and to no address or name that is private.

    Raises InvalidRedirectUri.
    """
    check_registrable(uri, application_type="web")
    if not is_public(uri) or _HTTPS_PORT.fullmatch(uri):
        raise InvalidRedirectUri("redirect_uri_not_callable")


def check_told_at(uri: str | None, redirect_uris: tuple[str, ...]) -> str | None:
    """The client's back-channel logout URI. Raises InvalidClientMetadata."""
    if uri is None:
        return None
    try:
        check_callable(uri)
    except InvalidRedirectUri as error:
        raise InvalidClientMetadata("backchannel_logout_uri_malformed", "backchannel_logout_uri") from error
    if origin_of(uri) not in {origin_of(one) for one in redirect_uris}:
        raise InvalidClientMetadata("backchannel_logout_uri_of_another_host", "backchannel_logout_uri", "redirect_uris")
    return uri
