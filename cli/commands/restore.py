"""`broker restore finish`: after a restore, brings back newer vault keys and erases erased users again.

The table `broker-keys` is never restored, so it has both. The command may be repeated.
"""

import argparse
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from chalicelib.adapters.aws.transport import call_with_repeats
from chalicelib.adapters.dynamodb.codec import decode_item
from chalicelib.jobs.user_erasure import erase_user
from chalicelib.keys.lifecycle import current_of
from chalicelib.ports import Broker, Refused
from chalicelib.records.connection import Connection
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import keyset_copy_item_key, keyset_item_key, subject_item_key
from chalicelib.records.keyset import WrappedKey
from chalicelib.records.small_items import KeysetItem, UserKey
from chalicelib.records.subject import Subject
from cli.deployment.broker import find_broker
from cli.deployment.operations import Deployment, OperationError


def finish_restore(deployment: Deployment, broker: Broker) -> dict[str, Any]:
    """Bring back the keys that decrypt users' keys, erase erased users again, and count what is in doubt.

    Raises OperationError.
    """
    versions = bring_back_vault(deployment)
    erased = [sub for sub in _destroyed(deployment) if _erase_again(deployment, broker, sub)]
    epoch = deployment.settings.epoch
    grants: list[Grant] = deployment.scan("GRANT#", Grant)
    connections: list[Connection] = deployment.scan("CONNECTION#", Connection)
    return {
        "epoch": epoch,
        "grants_of_this_epoch": sum(one.epoch == epoch for one in grants),
        "void_grants": sum(one.epoch != epoch for one in grants),
        "connections_in_doubt": sum(one.epoch != epoch and one.status != "revoked" for one in connections),
        "vault_versions_brought_back": versions,
        "erased_again": erased,
    }


def bring_back_vault(deployment: Deployment) -> list[int]:
    """Vault key versions that the table lacks or has as another key: users' keys are encrypted under the copy's
    version.

    Raises OperationError if another process rotates the key, or if one version is two keys that were both used.
    """
    place, copy_place = keyset_item_key("vault"), keyset_copy_item_key("vault")
    found = deployment.store.read(place, copy_place)
    item, copy = found.get(place), found.get(copy_place)
    if item is None:
        raise OperationError("the restored table has no keys", "restore it to a time after broker init")
    missing = _missing(item, copy) if copy else []
    if copy is None or not missing:
        return []
    merged = KeysetItem(
        purpose="vault", keys=_merge(item, copy, missing), revision=max(item.revision, copy.revision) + 1
    )
    if isinstance(deployment.ring.swap(merged, read=item), Refused):
        raise OperationError("another process is rotating the vault's key", "broker restore finish")
    return missing


def _missing(item: KeysetItem, copy: KeysetItem) -> list[int]:
    """A version that is another key in the copy is brought back if nothing can be encrypted under the one in this
    table.

    Raises OperationError if data may be encrypted under either key: choosing one would lose the other.
    """
    here = {key.version: key for key in item.keys}
    found = []
    for key in copy.keys:
        mine = here.get(key.version)
        if mine is not None and mine.wrapped == key.wrapped:
            continue
        if mine is None or mine.state == "published":
            found.append(key.version)
        elif key.state != "published":
            raise OperationError(
                f"version {key.version} of the vault's key is one key in this table and another in `broker-keys`, "
                "and both were used",
                "restore the table to a second before that version was created; broker keys list shows when",
            )
    return found


def _merge(item: KeysetItem, copy: KeysetItem, missing: list[int]) -> tuple[WrappedKey, ...]:
    """The union of both; the version in use is that of the copy, which is newer."""
    here = {key.wrapped for key in item.keys}
    from_copy = [key for key in copy.keys if key.version in missing or key.wrapped in here]
    by_version = {key.version: key for key in (*item.keys, *from_copy)}
    current = current_of(copy) or current_of(item)
    in_use = current.version if current else 0

    def state(key: WrappedKey) -> WrappedKey:
        return replace(key, state="retired") if key.state == "current" and key.version != in_use else key

    return tuple(state(by_version[version]) for version in sorted(by_version))


def _destroyed(deployment: Deployment) -> Iterator[str]:
    """Users whose key was destroyed."""
    start: dict[str, Any] = {}
    while True:
        payload = {
            "TableName": deployment.settings.keys_table,
            "FilterExpression": "begins_with(pk, :user) AND attribute_not_exists(sealed)",
            "ExpressionAttributeValues": {":user": {"S": "USER#"}},
            "ConsistentRead": True,
            **({"ExclusiveStartKey": start} if start else {}),
        }
        answer = call_with_repeats(deployment.dynamodb, "Scan", payload)
        yield from (decode_item(item, UserKey).sub for item in answer.get("Items", []))
        start = answer.get("LastEvaluatedKey") or {}
        if not start:
            return


def _erase_again(deployment: Deployment, broker: Broker, sub: str) -> bool:
    """False if the table already says so. Otherwise a new user with that login could never sign in again."""
    place = subject_item_key(sub)
    subject = deployment.store.read(place).get(place)
    if subject is not None and _is_erased(deployment, subject):
        return False
    if subject is None:
        salt, now = deployment.entropy.token_bytes(16), deployment.clock.now()
        deployment.put_if_absent(place, Subject(sub=sub, session_salt=salt, created_at=now))
    erase_user(broker, sub)
    return True


def _is_erased(deployment: Deployment, subject: Subject) -> bool:
    """Decided by the count of the login, which only an erasure raises; a kill switch sets the same cutoff as an
    erasure.
    """
    place = subject_item_key(subject.login or subject.sub)
    login = deployment.store.read(place).get(place)
    return login is not None and login.erased > subject.life


def _finish(deployment: Deployment, options: argparse.Namespace) -> dict[str, Any]:
    return finish_restore(deployment, find_broker(deployment))


def add_parsers(groups: Any, common: argparse.ArgumentParser) -> None:
    """broker restore finish."""
    verbs = groups.add_parser("restore", help="finish a restore of the table").add_subparsers(
        dest="verb", required=True
    )
    finish = verbs.add_parser("finish", parents=[common], help="bring back what the older table lacks")
    finish.set_defaults(act=_finish)
