"""Some examples of the machine, the same ones each time; `python3 dev.py fuzz` plays others, as long as one likes."""

from collections import Counter

import pytest

from tests.concurrency.fuzz.machine import play
from tests.kit.http.stack import Parts
from tests.kit.requirement import requirement

EXAMPLES, STEPS = 12, 40
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # a killed process


@requirement("F30")
def test_whatever_comes_in_whatever_order_the_rules_hold(parts: Parts) -> None:
    counts = Counter[str]()
    play(parts, counts, examples=EXAMPLES, steps=STEPS)
    assert counts["examples"] >= EXAMPLES and counts["200"] and counts["400"] and counts["503"]
