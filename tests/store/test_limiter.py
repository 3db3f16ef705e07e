"""Uses of a minute counted in blocks: how many calls that makes, how far over the limit several processes can go."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from chalicelib.adapters.aws.transport import Transport
from chalicelib.adapters.process.rate_limiter import BlockLimiter, block_of
from chalicelib.ports import Allowed, OverLimit, StoreUnavailable
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.requirement import requirement
from tests.kit.store_scene import NOW, make_store
from tests.kit.wire import CountingTransport

START = NOW - NOW % 60
LIMIT = 100
BLOCK = 5
_names = count()


@pytest.fixture
def name() -> str:
    """Nobody else's."""
    return f"somebody-{next(_names)}"


def spend(limiter: BlockLimiter, name: str, times: int, *, now: int = START, limit: int = LIMIT) -> list[bool]:
    """Which of so many uses were allowed."""
    return [isinstance(limiter.spend(name, limit=limit, now=now), Allowed) for _ in range(times)]


@requirement("VLT-06", "BUDGET")
def test_one_process_allows_the_limit_exactly_and_calls_once_a_block(transport: Transport, name: str) -> None:
    assert block_of(LIMIT) == BLOCK
    wire = CountingTransport(transport)
    limiter = BlockLimiter(make_store(wire))
    calls = []
    for _ in range(LIMIT):
        before = len(wire.calls)
        assert spend(limiter, name, 1) == [True]
        calls.append(len(wire.calls) - before)
    assert calls == [0, 0, 0, 0, 1] * (LIMIT // BLOCK)
    with wire.counted() as told:
        assert spend(limiter, name, 50) == [False] * 50
    assert told == {"UpdateItem": 1}, "the first one over the limit is told, the others cost nothing"


@requirement("VLT-06")
def test_only_the_first_of_all_processes_over_the_limit_is_said_to_be_the_first(
    transport: Transport, name: str
) -> None:
    processes = [BlockLimiter(make_store(transport)) for _ in range(3)]
    verdicts = [process.spend(name, limit=10, now=START + 20) for _ in range(15) for process in processes]
    over = [verdict for verdict in verdicts if isinstance(verdict, OverLimit)]
    assert [verdict.first for verdict in over] == [True] + [False] * (len(over) - 1)
    assert {verdict.retry_after for verdict in over} == {40}


@requirement("VLT-06")
@pytest.mark.parametrize("processes", [1, 2, 5])
def test_several_processes_together_go_over_by_less_than_a_block_for_each_further_one(
    transport: Transport, name: str, processes: int
) -> None:
    most = LIMIT + (processes - 1) * (BLOCK - 1)
    limiters = [BlockLimiter(make_store(transport)) for _ in range(processes)]
    in_turn = sum(sum(spend(limiter, name, 1)) for _ in range(LIMIT) for limiter in limiters)
    assert LIMIT <= in_turn <= most
    worst = f"{name}-worst"
    kept = sum(sum(spend(limiter, worst, BLOCK - 1)) for limiter in limiters[1:])
    assert kept + sum(spend(limiters[0], worst, 2 * LIMIT)) == most, "the bound is reached, so it says no more than it"


@requirement("VLT-06", "GEN-21")
def test_parallel_uses_of_one_process_are_counted_one_by_one(transport: Transport, name: str) -> None:
    limiter = BlockLimiter(make_store(transport))
    with ThreadPoolExecutor(16) as pool:
        allowed = list(pool.map(lambda _: spend(limiter, name, 1)[0], range(2 * LIMIT)))
    assert sum(allowed) == LIMIT


@requirement("VLT-06")
def test_a_window_ends_with_its_minute(transport: Transport, name: str) -> None:
    limiter = BlockLimiter(make_store(transport))
    assert sum(spend(limiter, name, LIMIT + 1, now=START + 59)) == LIMIT
    assert sum(spend(limiter, name, LIMIT + 1, now=START + 60)) == LIMIT
    other = BlockLimiter(make_store(transport))
    assert sum(spend(other, name, 2 * BLOCK, now=START + 61)) == BLOCK - 1, "another process is told at its first block"


@requirement("VLT-06")
def test_one_name_does_not_count_against_another(transport: Transport, name: str) -> None:
    limiter = BlockLimiter(make_store(transport))
    assert sum(spend(limiter, name, LIMIT * 2)) == LIMIT
    assert sum(spend(limiter, f"{name}x", LIMIT)) == LIMIT


@requirement("VLT-06", "GEN-16")
def test_what_a_process_remembers_is_bounded(transport: Transport, name: str) -> None:
    limiter = BlockLimiter(make_store(transport), entries=10)
    assert sum(spend(limiter, name, LIMIT)) == LIMIT
    for number in range(50):
        spend(limiter, f"{name}-{number}", 1)
    remembered: dict[str, Any] = limiter._counters
    assert len(remembered) == 10 and name not in remembered
    assert sum(spend(limiter, name, LIMIT)) == BLOCK - 1, "forgetting costs less than a block"


@requirement("VLT-06", "GEN-13")
def test_where_the_counter_cannot_be_told_nothing_is_allowed_and_nothing_forgotten(
    transport: Transport, name: str
) -> None:
    faulty = FaultyTransport(transport, Fault(mode="B", times=3))
    limiter = BlockLimiter(make_store(faulty))
    assert sum(spend(limiter, name, BLOCK - 1)) == BLOCK - 1
    with pytest.raises(StoreUnavailable):
        limiter.spend(name, limit=LIMIT, now=START)
    assert sum(spend(limiter, name, LIMIT)) == LIMIT - BLOCK, "the one that was refused counts, and no other"
