"""Repeats of what AWS refused for now: spread by chance, few, and within a time (fault list, F13)."""

import random
from dataclasses import dataclass, field

import pytest

from chalicelib.adapters.aws.transport import LONGEST_PAUSES, REPEAT_SECONDS, Pacing, Transport
from chalicelib.ports import StoreUnavailable
from chalicelib.records.item_keys import grant_item_key
from tests.kit.faults import Fault, FaultyTransport
from tests.kit.requirement import requirement
from tests.kit.store_scene import make_store

CALLERS = 2000
MISSING = grant_item_key("0" * 32)


@dataclass
class Time:
    """Moves by what is slept and by what each try takes."""

    each_try: float = 0.0
    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def begun(self, seed: int) -> list[float]:
        """When each try of one call begins that fails every time."""
        found = []
        for _ in Pacing(random.Random(seed).random, self.sleep, lambda: self.seconds).tries():
            found.append(self.seconds)
            self.seconds += self.each_try
        return found


@requirement("GEN-24", "F13")
def test_callers_that_were_refused_at_one_moment_come_back_spread_over_the_whole_pause() -> None:
    begun = [Time().begun(seed) for seed in range(CALLERS)]
    for number, longest in enumerate(LONGEST_PAUSES, 1):
        tenths = [int(10 * (one[number] - one[number - 1]) / longest) for one in begun]
        assert all(CALLERS / 20 < tenths.count(tenth) < CALLERS / 5 for tenth in range(10)), number
        assert len(tenths) == CALLERS and set(tenths) == set(range(10))


@requirement("GEN-24")
@pytest.mark.parametrize(("each_try", "tries"), [(0, 3), (1, 3), (1.9, 2), (2, 2), (3, 2), (4, 1), (10, 1)])
def test_no_try_begins_when_its_time_is_over(each_try: float, tries: int) -> None:
    begun = [Time(each_try).begun(seed) for seed in range(50)]
    assert {len(one) for one in begun} <= {tries, min(tries + 1, 3)} and any(len(one) == tries for one in begun)
    assert all(one[0] == 0 and one[-1] < REPEAT_SECONDS for one in begun)


@requirement("GEN-24", "F13")
@pytest.mark.parametrize("mode", ["T", "B"])
def test_a_store_pauses_before_each_repeat_and_not_without_one(transport: Transport, mode: str) -> None:
    time = Time()
    pacing = Pacing(random.Random(7).random, time.sleep, lambda: time.seconds)
    for times, pauses in ((0, 0), (1, 1), (2, 2)):
        time.slept.clear()
        faulty = FaultyTransport(transport, Fault(mode=mode, times=times))  # type: ignore[arg-type]
        make_store(faulty, pacing).read(MISSING)
        assert (len(time.slept), len(faulty.calls)) == (pauses, pauses + 1)
    faulty = FaultyTransport(transport, Fault(mode=mode, times=3))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        make_store(faulty, pacing).read(MISSING)
    assert len(faulty.calls) == 3
