"""The stored keysets of a deployment."""

from typing import get_args

from chalicelib.records.item_keys import keyset_item_key
from chalicelib.records.keyset import Purpose
from chalicelib.records.small_items import KeysetItem
from cli.deployment.operations import Deployment

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


def list_keysets(deployment: Deployment) -> list[KeysetItem]:
    """Every stored keyset; nothing is decrypted."""
    found = deployment.store.read(*(keyset_item_key(purpose) for purpose in PURPOSES))
    return [item for purpose in PURPOSES if (item := found.get(keyset_item_key(purpose)))]
