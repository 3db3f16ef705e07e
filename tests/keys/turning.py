"""What turns keys in a test: by the clock of the stack, on its tables."""

from chalicelib.adapters.keyring import TableKeyRing
from chalicelib.custody.rotating import KeyTurn, Turner, turn_due
from chalicelib.records.places import keyset_place
from chalicelib.records.stored import KeysetItem
from tests.flow.stack import Stack

DAY = 86400


def turner_of(stack: Stack) -> Turner:
    """As the function of its own has it."""
    broker = stack.broker
    ring = TableKeyRing(broker.settings, dynamodb=stack.dynamodb, kms=stack.kms, entropy=broker.entropy)
    return Turner(ring=ring, settings=broker.settings, entropy=broker.entropy, log=broker.log)


def run_schedule(stack: Stack) -> list[tuple[str, int, str]]:
    """One run of the schedule: what it did."""
    return [shown(turn) for turn in turn_due(turner_of(stack), now=stack.clock.now())]


def shown(turn: KeyTurn) -> tuple[str, int, str]:
    return turn.purpose, turn.version, turn.done


def keyset(stack: Stack, purpose: str) -> KeysetItem:
    item = stack.deployment.store.read(keyset_place(purpose)).get(keyset_place(purpose))
    assert item is not None
    return item


def states(stack: Stack, purpose: str) -> dict[int, str]:
    return {key.version: key.state for key in keyset(stack, purpose).keys}
