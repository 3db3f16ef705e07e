"""Our secret at a provider, from where it may come: a variable, a file, standard input. It is never printed."""

import os
import sys
from pathlib import Path

from chalicelib.protocol.sealing import SealBroken
from chalicelib.providers.catalog import Catalog
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.client_assertion import UnusableKey, load_private_key, public_half
from chalicelib.vault.sealed import open_provider_secret
from cli.operations import Deployment, OperationError, list_providers

SOURCES = "env:NAME|file:PATH|-"
_ASKED = "--secret-from env:NAME, file:PATH, or - to type it"


def read_secret(source: str | None, definition: ProviderDefinition) -> str | None:
    """A secret, or the private key where the provider's file says that a JWT is signed; None where none is needed.

    It never stands on a command line, where every user of the machine could read it.

    Raises OperationError.
    """
    if source is None:
        if definition.token_endpoint_auth_method != "none":
            raise OperationError(f"{definition.provider_id} needs your secret there", _ASKED)
        return None
    secret = _read(source, whole=definition.client_assertion is not None).strip()
    if not secret:
        raise OperationError("the secret is empty", "check the variable or the file, or type it on standard input")
    if definition.client_assertion is not None:
        check_key(secret, definition)
    return secret


def check_key(secret: str, definition: ProviderDefinition) -> None:
    """Raises OperationError for what this provider's algorithm cannot sign with; nothing of it is said."""
    rules = definition.client_assertion
    if rules is None:
        return
    try:
        load_private_key(rules.algorithm, secret)
    except UnusableKey as unusable:
        expected = f"{definition.provider_id} signs with {rules.algorithm}, and the secret is {unusable}"
        raise OperationError(expected, "--secret-from file:KEY.pem") from None


def check_key_apart(deployment: Deployment, catalog: Catalog, definition: ProviderDefinition, secret: str) -> None:
    """One key proves us at one provider alone: what it signs for one must be nothing to another (TOK-06).

    Raises OperationError.
    """
    rules = definition.client_assertion
    if rules is None:
        return
    mine, vault = public_half(rules.algorithm, secret), deployment.keys.get("vault")
    for record in list_providers(deployment):
        other = catalog.get(record.provider_id)
        if record.provider_id == definition.provider_id or record.public:
            continue
        if other is None or other.client_assertion is None:
            continue
        try:
            key = open_provider_secret(vault, record)
            theirs = public_half(other.client_assertion.algorithm, key)
        except (SealBroken, UnusableKey):
            continue  # it proves nothing there either
        if theirs == mine:
            raise OperationError(f"this key signs for {record.provider_id} already", "--secret-from a key of its own")


def _read(source: str, *, whole: bool) -> str:
    if source == "-":
        return sys.stdin.read() if whole else sys.stdin.readline()
    kind, _, name = source.partition(":")
    if kind == "env":
        return os.environ.get(name, "")
    if kind == "file":
        try:
            return Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise OperationError(f"{name} cannot be read as text", "name the file that holds the secret") from None
    raise OperationError(f"--secret-from takes {SOURCES}", "--secret-from env:GITHUB_SECRET")
