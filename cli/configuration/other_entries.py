"""A provider and an API as options of `provider set` and `resource create`: what is stored and what a file declares."""

from collections.abc import Mapping
from typing import Any, Literal

from chalicelib.encryption import open_provider_secret
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.resource import Resource
from cli.deployment.operations import Deployment
from cli.deployment.secret_source import is_available, read_secret

Values = dict[str, Any]


SecretState = Literal["same", "other", "unknown"]


def describe_resource(resource: Resource) -> Values:
    """The stored values."""
    return {"scope": " ".join(sorted(resource.scopes)), "lifetime": resource.token_seconds}


def complete_resource(options: Mapping[str, Any]) -> Values:
    """What a file declares."""
    return {"scope": options.get("scope", ""), "lifetime": options.get("lifetime")}


def describe_provider(record: ProviderRecord) -> Values:
    """The stored values, without the secret."""
    return {
        "client_id": record.client_id,
        "issuer": record.issuer or "",
        "variables": sorted(f"{name}={value}" for name, value in record.variables.items()),
    }


def complete_provider(options: Mapping[str, Any]) -> Values:
    """What a file declares, without the secret."""
    return {
        "client_id": options.get("client_id", ""),
        "issuer": options.get("issuer") or "",
        "variables": sorted(options.get("variables", [])),
    }


def compare_secret(
    deployment: Deployment, record: ProviderRecord | None, source: str | None, definition: ProviderDefinition
) -> SecretState:
    """Compare the referenced secret with the stored one. Raises OperationError: the secret is not usable.

    "unknown": the variable is not set here, or the file does not exist.
    """
    if source is not None and not is_available(source):
        return "unknown"
    secret = read_secret(source, definition)
    if record is None:
        return "other"
    try:
        stored = open_provider_secret(deployment.keys.get("vault"), record)
    except DecryptionFailed:
        return "other"
    return "same" if stored == (secret or "") else "other"
