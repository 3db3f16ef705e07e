"""Counts the items that still need an old key version without an expiry. Every item is read before the key is
destroyed.
"""

from chalicelib.protocol.sealing import sealed_version
from chalicelib.records.client import Client
from chalicelib.records.provider import ProviderRecord
from cli.deployment.operations import Deployment

PAGE = 500


def find_needed(deployment: Deployment, purpose: str, version: int) -> dict[str, int]:
    """What needs the key -> how many; empty if nothing does. `purpose` is vault or pepper."""
    found = _sealed_by_vault(deployment, version) if purpose == "vault" else _hashed_by_pepper(deployment, version)
    return {what: count for what, count in found.items() if count}


def _sealed_by_vault(deployment: Deployment, version: int) -> dict[str, int]:
    counts = {"keys of users": 0, "secrets of providers": 0}
    cursor = ""
    while True:
        page, cursor = deployment.ring.list_sealed(cursor, most=PAGE)
        counts["keys of users"] += sum(sealed_version(kept.sealed) == version for kept in page)
        if not cursor:
            break
    records: list[ProviderRecord] = deployment.scan("PROVIDER#", ProviderRecord)
    secrets = [record.sealed_secret for record in records if record.sealed_secret]
    counts["secrets of providers"] = sum(sealed_version(secret) == version for secret in secrets)
    return counts


def _hashed_by_pepper(deployment: Deployment, version: int) -> dict[str, int]:
    now = deployment.clock.now()
    clients: list[Client] = deployment.scan("CLIENT#", Client)
    live = [
        one for client in clients for one in client.secrets if one.expires_at is None or one.expires_at > now
    ]  # fmt: skip
    return {"client secrets": sum(one.pepper_version == version for one in live)}
