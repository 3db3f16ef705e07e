"""Options of `broker client` about signing out: where a browser may return, and where the app is notified."""

import argparse
from typing import Any

from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.registration_uris import check_callable
from chalicelib.records.settings import Settings
from cli.client_options.redirect_uris import check_redirect_uri
from cli.deployment.operations import OperationError

RETURN_HELP = "where a browser may return after a sign-out, compared byte for byte; may repeat"

TOLD_HELP = 'where the app is notified that a session has ended; "" removes it'
SESSION_HELP = "notify it only of single sessions (sid), never of all sessions of a user at once"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to create and update; None if an option is not given."""
    parser.add_argument("--post-logout-redirect-uri", action="append", metavar="URI", help=RETURN_HELP)
    parser.add_argument("--backchannel-logout-uri", metavar="URI", help=TOLD_HELP)
    parser.add_argument("--backchannel-logout-session-required", choices=("yes", "no"), help=SESSION_HELP)


def read_fields(options: argparse.Namespace, application_type: str, settings: Settings) -> dict[str, Any]:
    """The fields of a client that are given, checked. Raises OperationError."""
    fields: dict[str, Any] = {}
    if options.post_logout_redirect_uri is not None:
        fields["post_logout_redirect_uris"] = tuple(options.post_logout_redirect_uri)
    for uri in fields.get("post_logout_redirect_uris", ()):
        check_redirect_uri(uri, application_type=application_type, settings=settings, what="a post-logout redirect URI")
    if options.backchannel_logout_uri is not None:
        fields["backchannel_logout_uri"] = _read_told_at(options.backchannel_logout_uri)
    if options.backchannel_logout_session_required is not None:
        fields["backchannel_logout_session_required"] = options.backchannel_logout_session_required == "yes"
    return fields


def _read_told_at(uri: str) -> str | None:
    if not uri:
        return None
    try:
        check_callable(uri)
    except OAuthError as error:
        advice = "use a public https address without a port"
        raise OperationError(f"the broker cannot call {uri}: {error.reason}", advice) from None
    return uri
