"""Redirect URIs that an operator registers. Each refusal comes with its own next step."""

from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.redirect_uri import check_registrable, is_localhost
from chalicelib.records.settings import Settings
from cli.deployment.operations import OperationError
from cli.explanation.registry import find_reason


def check_redirect_uri(
    uri: str, *, application_type: str, settings: Settings, public: bool = False, what: str = "a redirect URI"
) -> None:
    """Raises OperationError. A web app may use http://localhost if the issuer is on loopback too."""
    if settings.is_loopback and is_localhost(uri):
        application_type = "native"
    try:
        check_registrable(uri, application_type=application_type, public=public)
    except OAuthError as error:
        raise OperationError(f"{uri} cannot be {what}: {error.reason}", advise(uri, error.reason)) from None


def advise(uri: str, reason: str) -> str:
    """The next step for the operator."""
    if reason == "redirect_uri_localhost":
        return _advise_localhost(uri)
    if reason == "redirect_uri_plain_http":
        return f"use {uri.replace('http://', 'https://', 1)}; http is only for 127.0.0.1 and [::1]"
    known = find_reason(reason)
    return (known.reason.do or known.group.do) if known else "see the reason in docs/errors.md"


def _advise_localhost(uri: str) -> str:
    if not is_localhost(uri):
        return "use https with a public host name, or http://127.0.0.1 for development"
    loopback = uri.replace("//localhost", "//127.0.0.1", 1)
    return f"for development, use {loopback}, or add --native for an app on the user's device"
