"""The calls that a request made at the table and at KMS."""

from collections.abc import Callable
from typing import Any

from tests.kit.connection_scene import Scene


def calls_of(scene: Scene, ask: Callable[[], Any]) -> tuple[Any, list[str], int]:
    """What came, and the calls at the table and at KMS that it took."""
    table, kms = len(scene.stack.dynamodb.calls), len(scene.stack.kms.calls)
    came = ask()
    operations = [operation for operation, _ in scene.stack.dynamodb.calls[table:]]
    return came, operations, len(scene.stack.kms.calls) - kms
