"""The keys of the simulated KMS with their material, so that a later process can decrypt what this one encrypted.

Real KMS never shows key material. This is for development only.
"""

from base64 import b64decode, b64encode
from typing import Any

from cli.deployment.local_environment import REGION

_ACCOUNT = "123456789012"  # the account of moto


def describe_keys() -> list[dict[str, Any]]:
    """All keys, with their aliases."""
    return [
        {
            "id": key.id,
            "material": b64encode(key.key_material).decode(),
            "description": key.description,
            "enabled": key.enabled,
            "state": key.key_state,
            "created": key.creation_date,
            "aliases": sorted(key.aliases),
        }
        for key in _backend().keys.values()
    ]


def restore_keys(described: list[dict[str, Any]]) -> None:
    """Create keys that do not exist, with their id and material."""
    backend = _backend()
    for each in described:
        if each["id"] in backend.keys:
            continue
        key = backend.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", each["description"], [])
        del backend.keys[key.id]
        key.arn = key.arn.replace(key.id, each["id"])
        key.id, key.key_material = each["id"], b64decode(each["material"])
        key.enabled, key.key_state, key.creation_date = each["enabled"], each["state"], each["created"]
        backend.keys[key.id] = key
        for alias in each["aliases"]:
            backend.create_alias(key.id, alias)


def _backend() -> Any:
    from moto.kms.models import kms_backends

    return kms_backends[_ACCOUNT][REGION]
