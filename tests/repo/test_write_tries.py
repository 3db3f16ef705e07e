"""How a compare-and-swap write that lost is tried again."""

import pytest

from chalicelib.contention import LEAST_SECONDS, LONGEST_PAUSE, TRIES, paced_tries
from tests.kit.requirement import requirement


class Waits:
    """Entropy, sleeper and deadline in one: it draws one fixed byte and counts what is slept off its time."""

    def __init__(self, byte: int, seconds: float = 25.0) -> None:
        self._byte, self._left = byte, seconds
        self.slept: list[float] = []

    def token_bytes(self, count: int) -> bytes:
        return bytes([self._byte]) * count

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._left -= seconds

    def begin(self) -> None:
        raise AssertionError("the request has begun already")

    def left(self) -> float:
        return self._left


@requirement("CB-15")
def test_the_first_repeat_follows_at_once_and_each_later_one_waits_longer_up_to_the_longest_pause() -> None:
    waits = Waits(255)
    assert len(list(paced_tries(waits, waits, waits))) == TRIES
    assert len(waits.slept) == TRIES - 2
    assert waits.slept == sorted(waits.slept)
    assert waits.slept[-1] == LONGEST_PAUSE


@requirement("CB-15")
@pytest.mark.parametrize(("byte", "share"), [(0, 0.0), (51, 0.2), (255, 1.0)])
def test_a_pause_is_the_drawn_share_of_its_longest(byte: int, share: float) -> None:
    drawn, longest = Waits(byte), Waits(255)
    list(paced_tries(drawn, drawn, drawn))
    list(paced_tries(longest, longest, longest))
    assert drawn.slept == pytest.approx([share * pause for pause in longest.slept])


@requirement("CB-15")
def test_no_try_begins_when_the_request_has_too_little_time_left() -> None:
    waits = Waits(255, seconds=LEAST_SECONDS + 0.5)
    assert 2 < len(list(paced_tries(waits, waits, waits))) < TRIES
    assert waits.left() >= LEAST_SECONDS
