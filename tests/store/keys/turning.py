"""What turns keys in a test: by the clock of the stack, on its tables."""

from chalicelib.adapters.kms.keyring import TableKeyRing
from chalicelib.keys.rotation import KeyRotator, RotationStep, rotate_due
from chalicelib.records.item_keys import keyset_item_key
from chalicelib.records.small_items import KeysetItem
from tests.kit.http.stack import Stack

DAY = 86400


def rotator_of(stack: Stack) -> KeyRotator:
    """As the function of its own has it."""
    broker = stack.broker
    ring = TableKeyRing(broker.settings, dynamodb=stack.dynamodb, kms=stack.kms, entropy=broker.entropy)
    return KeyRotator(ring=ring, settings=broker.settings, entropy=broker.entropy, log=broker.log)


def run_schedule(stack: Stack) -> list[tuple[str, int, str]]:
    """One run of the schedule: what it did."""
    return [shown(turn) for turn in rotate_due(rotator_of(stack), now=stack.clock.now())]


def shown(turn: RotationStep) -> tuple[str, int, str]:
    return turn.purpose, turn.version, turn.done


def keyset(stack: Stack, purpose: str) -> KeysetItem:
    item = stack.deployment.store.read(keyset_item_key(purpose)).get(keyset_item_key(purpose))
    assert item is not None
    return item


def states(stack: Stack, purpose: str) -> dict[int, str]:
    return {key.version: key.state for key in keyset(stack, purpose).keys}
