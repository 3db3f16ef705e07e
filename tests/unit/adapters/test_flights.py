"""What several threads want at one moment is done once."""

import threading

import pytest

from chalicelib.adapters.process.single_flight import SingleFlight
from tests.kit.requirement import requirement


def fly_together(flights, count, run, name="a"):
    """`count` threads that ask while the first run is under way; each one's outcome."""
    began, goes_on, outcomes = threading.Event(), threading.Event(), []

    def held():
        began.set()
        goes_on.wait(20)
        return run()

    def ask():
        try:
            outcomes.append(flights.share(name, held))
        except ValueError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    began.wait(20)
    for _ in range(1000):
        if flights.waiting(name) == count:
            break
        threading.Event().wait(0.005)
    goes_on.set()
    for thread in threads:
        thread.join()
    return outcomes


@requirement("CIMD-04")
def test_many_who_ask_meanwhile_get_one_answer():
    runs = []
    assert fly_together(SingleFlight(), 8, lambda: runs.append(1) or len(runs)) == [1] * 8


@requirement("CIMD-04")
def test_a_failure_is_everybodys_and_is_not_kept():
    flights, failure = SingleFlight(), ValueError("down")

    def fail():
        raise failure

    assert fly_together(flights, 4, fail) == [failure] * 4
    assert flights.share("a", lambda: "up again") == "up again"


@requirement("CIMD-04")
def test_another_name_waits_for_nobody_and_an_answer_is_not_kept():
    flights = SingleFlight()
    assert flights.share("a", lambda: flights.share("b", lambda: 2) + 1) == 3
    assert [flights.share("a", lambda number=number: number) for number in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        flights.share("a", lambda: {}["x"])
