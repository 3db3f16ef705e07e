"""What it costs those who do not refresh themselves: they meet the lease of somebody who does."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chalicelib.records.item_keys import connection_item_key
from chalicelib.vault.rules.refresh_decision import LEASE_SECONDS
from tests.faults.refresh.call_count import calls_of
from tests.kit.connection_scene import Scene
from tests.kit.http.tokens import change
from tests.kit.requirement import requirement

STILL_GOOD_SECONDS, DUE_SECONDS = 100, 120  # of the demo provider's 120; the last fifth is the margin


class Overtaken:
    """The way to the table, on which somebody else is one step faster with the first write of the connection."""

    def __init__(self, inner: Any, act: Callable[[], None]) -> None:
        self.inner, self.act = inner, act

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "UpdateItem" and payload["Key"]["pk"]["S"].startswith("CONNECTION#"):
            self.act()
        return self.inner.call(operation, payload)  # type: ignore[no-any-return]


def take_lease(scene: Scene) -> None:
    """Somebody else is asking the provider."""
    now = scene.clock.now()
    held = {"lease_owner": "another", "lease_until": now + LEASE_SECONDS, "attempt_started": now}
    change(scene.stack, connection_item_key(scene.connection_id), attempt=scene.connection.attempt + 1, **held)


def ready_after(scene: Scene, looks: int) -> None:
    """While a caller waits, new tokens are written: it sees them at this look."""

    def meanwhile() -> None:
        if len(scene.naps.taken) < looks:
            return
        now = scene.clock.now()
        free = {"lease_owner": "", "lease_until": 0, "attempt_started": 0}
        fresh = {"access_expires_at": now + 120, "tokens_at": now}
        change(scene.stack, connection_item_key(scene.connection_id), **free, **fresh)

    scene.naps.meanwhile = meanwhile


@requirement("BUDGET", "VLT-07")
def test_who_finds_the_lease_taken_makes_no_call_more_while_the_old_token_lives(scene: Scene) -> None:
    scene.age(STILL_GOOD_SECONDS)
    take_lease(scene)
    assert calls_of(scene, scene.asks) == ("token", ["BatchGetItem", "PutItem"], 0)
    assert scene.outside.refreshes == 0


@requirement("BUDGET", "VLT-07")
@pytest.mark.parametrize("looks", [1, 2, 3])
def test_who_finds_it_taken_without_one_looks_again_at_one_read_each(scene: Scene, looks: int) -> None:
    scene.age(DUE_SECONDS)
    take_lease(scene)
    ready_after(scene, looks)
    answer, operations, kms = calls_of(scene, scene.exchange)
    assert (answer.status, kms) == (200, 0)
    assert operations == ["BatchGetItem"] * (1 + looks) + ["PutItem"]
    assert len(scene.naps.taken) == looks and scene.outside.refreshes == 0


@requirement("BUDGET", "VLT-07")
def test_who_tries_and_loses_has_made_one_write_in_vain_and_reads_again(scene: Scene) -> None:
    scene.age(STILL_GOOD_SECONDS)
    scene.line.inner = Overtaken(scene.stack.dynamodb, lambda: take_lease(scene))
    assert calls_of(scene, scene.asks) == ("token", ["BatchGetItem", "UpdateItem", "BatchGetItem", "PutItem"], 0)
    assert scene.outside.refreshes == 0


@requirement("BUDGET", "VLT-07")
@pytest.mark.parametrize("looks", [1, 2])
def test_who_loses_without_a_living_token_looks_again_too(scene: Scene, looks: int) -> None:
    scene.age(DUE_SECONDS)
    scene.line.inner = Overtaken(scene.stack.dynamodb, lambda: take_lease(scene))
    ready_after(scene, looks)
    answer, operations, kms = calls_of(scene, scene.exchange)
    assert (answer.status, kms) == (200, 0)
    expected = ["BatchGetItem", "UpdateItem", *["BatchGetItem"] * looks, "PutItem"]
    assert operations == expected and scene.outside.refreshes == 0
