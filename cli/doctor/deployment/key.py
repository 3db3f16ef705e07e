"""Checks the KMS key that wraps the keysets."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from chalicelib.adapters.kms.keys import encryption_context
from cli.doctor.checks import Fault, Group, Skipped, Source
from cli.doctor.deployment.visit import DEPLOY, Here, Refused

GROUP = Group("KMS key")
ROTATION = Source("KMS guide, rotating keys", "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html")
CONTEXT = Source(
    "KMS guide, encryption context", "https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html"
)
BROKEN = ("InvalidCiphertextException", "IncorrectKeyException")
STRANGER = "doctor-another-deployment"


@GROUP.check("key-exists", "error", fix="Run python3 dev.py broker bootstrap, or set BROKER_KMS_KEY.", source=DEPLOY)
def exists(here: Here) -> Iterator[str]:
    """The KMS key exists."""
    if _describe(here) is None:
        yield f"no such key: {here.settings.kms_key}"


@GROUP.check("key-enabled", "error", fix="aws kms enable-key", source=DEPLOY)
def is_enabled(here: Here) -> Iterator[Fault]:
    """The KMS key is enabled and not scheduled for deletion: without it, no token can be decrypted."""
    key = _key(here)
    if key["KeyState"] == "PendingDeletion":
        yield Fault("it is scheduled for deletion", f"aws kms cancel-key-deletion --key-id {key['KeyId']}")
    elif not key.get("Enabled"):
        yield Fault(f"it is {key['KeyState']}", f"aws kms enable-key --key-id {key['KeyId']}")


@GROUP.check("key-rotates", "warning", fix="aws kms enable-key-rotation", source=ROTATION)
def rotates(here: Here) -> Iterator[Fault]:
    """KMS rotates the key material automatically."""
    here.only_deployed()
    key = _key(here)
    if not here.ask("kms", "GetKeyRotationStatus", KeyId=key["KeyId"])["KeyRotationEnabled"]:
        yield Fault("it is never rotated", f"aws kms enable-key-rotation --key-id {key['KeyId']}")


@GROUP.check(
    "key-context",
    "error",
    fix="Find out how the keysets were created: something between here and KMS drops the encryption context.",
    source=CONTEXT,
)
def is_bound(here: Here) -> Iterator[str]:
    """Keysets of this deployment can be decrypted only with its encryption context."""
    for item in here.keysets:
        for version in item.keys:
            if not _opens(here, item.purpose, version.version, version.wrapped, here.settings.deployment):
                yield f"{item.purpose} version {version.version} cannot be decrypted"
    first = next((item for item in here.keysets if item.keys), None)
    if first is None:
        raise Skipped("no keysets exist yet")
    one = first.keys[0]
    with contextlib.suppress(Skipped):  # the key's policy may deny it before KMS tries
        if _opens(here, first.purpose, one.version, one.wrapped, STRANGER):
            yield f"{first.purpose} can also be decrypted for another deployment"


@GROUP.check(
    "key-policy",
    "warning",
    fix="Give the key the policy of infra/resources.json: python3 dev.py broker bootstrap",
    source=CONTEXT,
)
def denies_others(here: Here) -> Iterator[str]:
    """The key policy denies every use without this deployment's encryption context."""
    here.only_deployed()
    key = _key(here)
    document = json.loads(here.ask("kms", "GetKeyPolicy", KeyId=key["KeyId"], PolicyName="default")["Policy"])
    wanted = {"kms:EncryptionContext:deployment": here.settings.deployment}
    if not any(_denies(statement, wanted) for statement in document.get("Statement", [])):
        yield "no statement of the policy denies it"


def _describe(here: Here) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = here.ask("kms", "DescribeKey", KeyId=here.settings.kms_key)["KeyMetadata"]
    except Refused as refused:
        if refused.code != "NotFoundException":
            raise
        return None
    return found


def _key(here: Here) -> dict[str, Any]:
    key = _describe(here)
    if key is None:
        raise Skipped(f"no such key: {here.settings.kms_key}")
    return key


def _opens(here: Here, purpose: str, version: int, wrapped: bytes, deployment: str) -> bool:
    """Decrypt with KMS and discard the result. Raises Skipped if AWS denies it or cannot be reached."""
    context = encryption_context(deployment, purpose, version)
    try:
        here.ask("kms", "Decrypt", KeyId=here.settings.kms_key, CiphertextBlob=wrapped, EncryptionContext=context)
    except Refused as refused:
        if refused.code not in BROKEN:
            raise
        return False
    return True


def _denies(statement: dict[str, Any], wanted: dict[str, str]) -> bool:
    listed = statement.get("Action", [])
    actions = {listed} if isinstance(listed, str) else set(listed)
    return (
        statement.get("Effect") == "Deny"
        and statement.get("Condition", {}).get("StringNotEquals") == wanted
        and bool({"kms:Decrypt", "kms:*"} & actions)
    )
