"""Options of `broker client create` about the subjects (`sub`) that an app sees."""

import argparse
from typing import Any
from urllib.parse import urlsplit

from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.registration_uris import check_callable, sector_of
from cli.deployment.operations import OperationError

TYPE_HELP = "pairwise: the app sees other subjects (sub) than apps on other hosts (default: public)"
SECTOR_HELP = "apps with the same host see the same subject for a user; you confirm that they belong together"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Only for create: a change would change every subject at once."""
    parser.add_argument("--subject-type", choices=("public", "pairwise"), default="public", help=TYPE_HELP)
    parser.add_argument("--sector-identifier-uri", metavar="URI", help=SECTOR_HELP)


def read_fields(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a client, checked; nothing is fetched. Raises OperationError."""
    uri, pairwise = options.sector_identifier_uri, options.subject_type == "pairwise"
    if uri is not None and not pairwise:
        raise OperationError("--sector-identifier-uri needs pairwise subjects", "add --subject-type pairwise")
    if uri is not None:
        try:
            check_callable(uri)
        except OAuthError as error:
            raise OperationError(
                f"{uri} is not a valid sector: {error.reason}", "use an https address of yours"
            ) from None
        return {"subject_type": "pairwise", "sector": urlsplit(uri).netloc}
    sector = sector_of(tuple(options.redirect_uri)) if pairwise else ""
    if sector is None:
        raise OperationError("its redirect URIs have several hosts", "add --sector-identifier-uri https://app.example/")
    return {"subject_type": options.subject_type, "sector": sector}
