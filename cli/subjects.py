"""Options of `broker client create` about how an app knows its users."""

import argparse
from typing import Any
from urllib.parse import urlsplit

from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.registration_places import check_callable, sector_of
from cli.operations import OperationError

TYPE_HELP = "pairwise: users have other names here than at apps of other hosts (default: public)"
SECTOR_HELP = "apps that name the same host know a user by the same name; you vouch that they belong together"


def add_options(parser: argparse.ArgumentParser) -> None:
    """For create alone: users would have other names at once."""
    parser.add_argument("--subject-type", choices=("public", "pairwise"), default="public", help=TYPE_HELP)
    parser.add_argument("--sector-identifier-uri", metavar="URI", help=SECTOR_HELP)


def read_fields(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a client, checked; nothing is fetched. Raises OperationError."""
    uri, pairwise = options.sector_identifier_uri, options.subject_type == "pairwise"
    if uri is not None and not pairwise:
        raise OperationError("--sector-identifier-uri goes with pairwise subjects", "add --subject-type pairwise")
    if uri is not None:
        try:
            check_callable(uri)
        except OAuthError as error:
            raise OperationError(f"{uri} names no sector: {error.reason}", "an https address of your own") from None
        return {"subject_type": "pairwise", "sector": urlsplit(uri).netloc}
    sector = sector_of(tuple(options.redirect_uri)) if pairwise else ""
    if sector is None:
        raise OperationError("its redirect URIs have several hosts", "add --sector-identifier-uri https://app.example/")
    return {"subject_type": options.subject_type, "sector": sector}
