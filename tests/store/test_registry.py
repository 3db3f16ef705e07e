"""What may be ten seconds old: never an absence, never another's, and never without end (GEN-16)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.adapters.aws.transport import Transport
from chalicelib.adapters.dynamodb.codec import encode_item
from chalicelib.adapters.dynamodb.record_cache import AGE, ENTRIES, CachedRegistry
from chalicelib.ports import StoreUnavailable
from chalicelib.records.item_keys import client_item_key
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.requirement import requirement
from tests.kit.store_scene import Story, make_store
from tests.store.sample_client import client
from tests.store.still_clock import StillClock


@pytest.fixture
def story(transport: Transport) -> Iterator[Story]:
    """Somebody's client."""
    found = Story(make_store(transport))
    found.store.put_client(client(found, 1), expected_revision=None)
    yield found


@requirement("GEN-16")
def test_a_record_is_read_again_after_ten_seconds_and_whenever_that_is_asked(
    transport: Transport, story: Story
) -> None:
    clock, place = StillClock(), client_item_key(story.grant_id)
    wire = FaultyTransport(transport)
    registry = CachedRegistry(make_store(wire), clock)
    registry.lookup(place)
    story.store.put_client(client(story, 2), expected_revision=1)
    clock.time += AGE - 1
    old = registry.lookup(place).get(place)
    assert (old and old.revision, len(wire.calls)) == (1, 1)
    fresh = registry.lookup(place, fresh=True).get(place)
    assert fresh and fresh.revision == 2
    clock.time += AGE
    registry.lookup(place)
    assert len(wire.calls) == 3


@requirement("GEN-16", "GEN-13")
def test_absence_is_never_remembered_and_a_failed_read_is_no_absence(transport: Transport) -> None:
    story = Story(make_store(transport))
    place = client_item_key(story.grant_id)
    registry = CachedRegistry(make_store(FaultyTransport(transport, Fault(mode="B", first=1, times=3))), StillClock())
    assert registry.lookup(place).get(place) is None
    with pytest.raises(StoreUnavailable):
        registry.lookup(place)
    story.store.put_client(client(story, 1), expected_revision=None)
    assert registry.lookup(place).get(place) is not None


@requirement("GEN-16")
def test_an_absence_that_one_may_believe_is_read_again_for_another(transport: Transport) -> None:
    story = Story(make_store(transport))
    place = client_item_key(story.grant_id)
    registry = CachedRegistry(make_store(transport), StillClock())
    assert registry.lookup(place, absence_of=frozenset({place})).get(place) is None
    story.store.put_client(client(story, 1), expected_revision=None)
    assert registry.lookup(place, absence_of=frozenset({place})).get(place) is None
    assert registry.lookup(place).get(place) is not None


@requirement("GEN-16")
def test_a_clock_that_goes_back_makes_nothing_live_longer(transport: Transport, story: Story) -> None:
    clock, place = StillClock(), client_item_key(story.grant_id)
    wire = FaultyTransport(transport)
    registry = CachedRegistry(make_store(wire), clock)
    registry.lookup(place)
    clock.time -= 3600
    registry.lookup(place)
    assert len(wire.calls) == 2


@requirement("GEN-16")
def test_the_number_of_records_is_bounded() -> None:
    class Everywhere:
        """A table that has a client at every key."""

        def call(self, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
            keys = payload["RequestItems"]["broker"]["Keys"]
            names, record = [each["pk"]["S"] for each in keys], client(Story(make_store(self)), 1)
            named = {pk: replace(record, client_id=pk.partition("#")[2]) for pk in names}
            return {"Responses": {"broker": [encode_item(pk, one) for pk, one in named.items()]}}

    registry = CachedRegistry(make_store(Everywhere()), StillClock())
    for number in range(0, ENTRIES + 200, 100):
        registry.lookup(*(client_item_key(f"{n:032x}") for n in range(number, number + 100)))
    assert len(registry._entries) == ENTRIES


@requirement("GEN-16")
def test_ids_that_strangers_make_up_push_nothing_out(transport: Transport, story: Story) -> None:
    wire, place = FaultyTransport(transport), client_item_key(story.grant_id)
    registry = CachedRegistry(make_store(wire), StillClock())
    registry.lookup(place)
    for number in range(50):
        registry.lookup(client_item_key(f"{number:032x}"))
    assert len(registry._entries) == 1
    registry.lookup(place)
    assert len(wire.calls) == 51


@requirement("GEN-21")
def test_a_counter_is_exact_under_two_hundred_parallel_calls(transport: Transport) -> None:
    store, name = make_store(transport), Story(make_store(transport)).grant_id
    with ThreadPoolExecutor(20) as threads:
        sums = list(threads.map(lambda _: store.count(name, amount=1, window_ends_at=1_900_000_000), range(200)))
    assert sorted(sums) == list(range(1, 201))
    assert store.count(name, amount=1, window_ends_at=1_900_000_900) == 1
