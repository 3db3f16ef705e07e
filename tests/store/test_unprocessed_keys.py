"""Keys that AWS left out of a batch read: it may throttle one key and answer the others (BatchGetItem)."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.adapters.aws.transport import LONGEST_PAUSES, Pacing, Transport
from chalicelib.ports import StoreUnavailable
from chalicelib.records.item_keys import grant_item_key
from local.package.package import ROOT
from tests.kit.requirement import requirement
from tests.kit.store_scene import Story, make_store

TRIES = 1 + len(LONGEST_PAUSES)


class Throttled:
    """Answers all keys of a batch but the last one, so many times; then all of them.

    asked   the keys of each batch
    """

    def __init__(self, inner: Transport, times: int) -> None:
        self._inner, self._times = inner, times
        self.asked: list[list[str]] = []

    def call(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One try."""
        ((table, request),) = payload["RequestItems"].items()
        assert operation == "BatchGetItem" and request["ConsistentRead"] is True
        self.asked.append([key["pk"]["S"] for key in request["Keys"]])
        if len(self.asked) > self._times:
            return self._inner.call(operation, payload)
        *served, left = request["Keys"]
        none: dict[str, Any] = {"Responses": {}}
        answer = self._inner.call(operation, {"RequestItems": {table: {**request, "Keys": served}}}) if served else none
        return {**answer, "UnprocessedKeys": {table: {"Keys": [left]}}}


def five_grants(transport: Transport) -> tuple[str, ...]:
    """Five grants in the table, by id."""
    stories = [Story(make_store(transport)) for _ in range(5)]
    for story in stories:
        story.claim()
    return tuple(story.grant_id for story in stories)


@requirement("GEN-24", "F13")
def test_a_key_that_was_left_out_is_asked_for_again_alone_after_a_pause(transport: Transport) -> None:
    names = five_grants(transport)
    throttled, slept = Throttled(transport, TRIES - 1), list[float]()
    found = make_store(throttled, Pacing(sleep=slept.append, now=lambda: 0.0)).read(*map(grant_item_key, names))
    assert all(found.get(grant_item_key(name)) is not None for name in names)
    assert [len(keys) for keys in throttled.asked] == [5, 1, 1]
    assert throttled.asked[1] == throttled.asked[2] == [grant_item_key(names[-1]).pk]
    assert len(slept) == TRIES - 1


@requirement("GEN-13", "GEN-24")
def test_a_key_that_is_left_out_at_every_try_makes_the_store_unavailable(transport: Transport) -> None:
    names = five_grants(transport)
    throttled = Throttled(transport, TRIES)
    with pytest.raises(StoreUnavailable):
        make_store(throttled).read(*map(grant_item_key, names))
    assert len(throttled.asked) == TRIES


@requirement("GEN-24")
def test_batches_are_read_in_one_place_which_asks_again() -> None:
    named = {
        path.name: len(re.findall('"BatchGetItem"', path.read_text()))
        for path in (ROOT / "chalicelib").rglob("*.py")
        if '"BatchGetItem"' in path.read_text()
    }
    assert named == {"batch_reads.py": 1}
