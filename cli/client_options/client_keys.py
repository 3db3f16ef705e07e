"""The public keys with which a client authenticates: from a file, or published by the client at a URL."""

import argparse
import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from chalicelib.protocol.client_assertion import ASSERTION_ALGORITHMS
from chalicelib.protocol.client_keys import UnusableKeys, parse_client_keys
from chalicelib.protocol.errors import OAuthError
from chalicelib.protocol.redirect_uri import check_registrable
from chalicelib.records.client import Client
from cli.deployment.operations import OperationError

METHOD = "private_key_jwt"
MAX_FILE_BYTES = 65_536


def add_key_options(add: argparse._ActionsContainer) -> None:
    """Where the keys are."""
    add.add_argument("--jwks", metavar="FILE", help=f"the public keys of {METHOD}, as a JSON Web Key Set")
    add.add_argument(
        "--jwks-uri", metavar="URI", help="URL of the keys that the app publishes; fetched when first needed"
    )


def add_algorithm_option(parser: argparse.ArgumentParser) -> None:
    """With which algorithm the app signs."""
    parser.add_argument(
        "--auth-signing-alg",
        choices=ASSERTION_ALGORITHMS,
        help="the only algorithm that the client may sign with; default: any of these",
    )


def with_keys(client: Client, options: argparse.Namespace) -> Client:
    """The client with the keys that the options name, and with no others.

    Raises OperationError: keys without the method, the method without keys, or an invalid set of public keys.
    """
    named = [value for value in (options.jwks, options.jwks_uri) if value is not None]
    if client.token_endpoint_auth_method != METHOD:
        if named or options.auth_signing_alg:
            raise OperationError(f"only a client of --auth-method {METHOD} has keys", f"--auth-method {METHOD}")
        return client
    if len(named) != 1:
        raise OperationError(f"{METHOD} needs either --jwks or --jwks-uri", "--jwks KEYS.json")
    if options.jwks_uri is not None:
        _check_place(options.jwks_uri)
    jwks = () if options.jwks is None else read_public_keys(options.jwks, options.auth_signing_alg)
    return replace(
        client, jwks=jwks, jwks_uri=options.jwks_uri, token_endpoint_auth_signing_alg=options.auth_signing_alg
    )


def _check_place(uri: str) -> None:
    try:
        check_registrable(uri, application_type="web")
    except OAuthError:
        uri = ""
    if not uri.startswith("https://"):
        raise OperationError("--jwks-uri must be an https address", "--jwks-uri https://app.example/jwks.json")


def read_public_keys(source: str | list[dict[str, str]], algorithm: str | None) -> tuple[dict[str, str], ...]:
    """The keys of a file, or of a list that was read already. Raises OperationError."""
    document = {"keys": source} if isinstance(source, list) else _read_document(source)
    named = "jwks" if isinstance(source, list) else source
    try:
        return parse_client_keys(document, algorithm=algorithm)
    except UnusableKeys as error:
        raise OperationError(f"{named}: {error}", "docs/client-keys.md says how to make a key") from None


def _read_document(path: str) -> Any:
    try:
        with Path(path).open("rb") as file:
            return json.loads(file.read(MAX_FILE_BYTES))
    except OSError as error:
        raise OperationError(f"{path} cannot be read: {error.strerror}", "--jwks KEYS.json") from None
    except ValueError:
        raise OperationError(f"{path} is not JSON", '{"keys": [...]}, public keys only') from None
