"""Reads the broker's secret at a provider from a variable, a file or standard input. It is never printed."""

import os
import sys
from pathlib import Path

from chalicelib.encryption import open_provider_secret
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.providers.catalog import Catalog
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.client_assertion import UnusableKey, load_private_key, public_half
from cli.deployment.operations import Deployment, OperationError, list_providers

SOURCES = "env:NAME|file:PATH|-"
REFERENCES = "env:NAME or file:PATH"
_ASKED = "add --secret-from env:NAME, file:PATH, or - to type it"


def read_secret(source: str | None, definition: ProviderDefinition) -> str | None:
    """The secret, or the private key if the provider file signs a JWT; None if none is needed.

    It is never on the command line, where every user of the machine could read it.

    Raises OperationError.
    """
    if source is None:
        if definition.token_endpoint_auth_method != "none":
            raise OperationError(f"{definition.provider_id} needs your client secret", _ASKED)
        return None
    secret = read_source(source, whole=definition.client_assertion is not None).strip()
    if not secret:
        raise OperationError("the secret is empty", "check the variable or the file, or type the secret")
    if definition.client_assertion is not None:
        check_key(secret, definition)
    return secret


def is_reference(source: str) -> bool:
    """True if a text names where a secret is; it is not the secret."""
    kind, _, name = source.partition(":")
    return kind in ("env", "file") and bool(name.strip()) and name.isprintable()


def is_available(source: str) -> bool:
    """False if the variable is not set or the file does not exist; an empty one is available."""
    kind, _, name = source.partition(":")
    return name in os.environ if kind == "env" else Path(name).exists()


def check_key(secret: str, definition: ProviderDefinition) -> None:
    """Raises OperationError if this provider's algorithm cannot sign with the secret. The message does not show it."""
    rules = definition.client_assertion
    if rules is None:
        return
    try:
        load_private_key(rules.algorithm, secret)
    except UnusableKey as unusable:
        expected = f"{definition.provider_id} signs with {rules.algorithm}, and the secret is {unusable}"
        raise OperationError(expected, "--secret-from file:KEY.pem") from None


def check_key_apart(deployment: Deployment, catalog: Catalog, definition: ProviderDefinition, secret: str) -> None:
    """One key is used at one provider only: a signature for one must be worthless at another (TOK-06).

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
        except (DecryptionFailed, UnusableKey):
            continue  # it proves nothing there either
        if theirs == mine:
            raise OperationError(f"this key already signs for {record.provider_id}", "use another key")


def read_source(source: str, *, whole: bool) -> str:
    if source == "-":
        return sys.stdin.read() if whole else sys.stdin.readline()
    kind, _, name = source.partition(":")
    if kind == "env":
        return os.environ.get(name, "")
    if kind == "file":
        try:
            return Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise OperationError(f"{name} cannot be read as text", "name a file that has the secret") from None
    raise OperationError(f"--secret-from takes {SOURCES}", "--secret-from env:GITHUB_SECRET")
