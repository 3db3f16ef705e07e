"""Options of `broker client` about signing out: where a browser may return to."""

import argparse
from typing import Any

from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.redirect_uri import check_registrable
from cli.operations import OperationError

RETURN_HELP = "where a browser may return to after a sign-out; may repeat; compared byte for byte"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The same ones for create and update; None where an option is not given."""
    parser.add_argument("--post-logout-redirect-uri", action="append", metavar="URI", help=RETURN_HELP)


def read_fields(options: argparse.Namespace, application_type: str) -> dict[str, Any]:
    """The fields of a client that are given, checked. Raises OperationError."""
    fields: dict[str, Any] = {}
    if options.post_logout_redirect_uri is not None:
        fields["post_logout_redirect_uris"] = tuple(options.post_logout_redirect_uri)
    for uri in fields.get("post_logout_redirect_uris", ()):
        try:
            check_registrable(uri, application_type=application_type)
        except OAuthError as error:
            raise OperationError(f"nobody can return to {uri}: {error.reason}", error.description) from None
    return fields
