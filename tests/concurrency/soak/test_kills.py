"""SIGKILL of a broker and of the database under load, and a checker over everything that was answered.

Two broker processes, a database process with a journal (tests/concurrency/soak/database.py), people who sign in,
refresh, hand out, revoke, and try again what has ended. `python3 dev.py soak` plays the same for as long as one
likes, with more faults.
"""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.concurrency.soak.command import cast_actors, tell
from tests.concurrency.soak.ending import find_leftovers
from tests.concurrency.soak.faults import Plague
from tests.kit.requirement import requirement
from tests.kit.traffic.history import History
from tests.kit.traffic.world import World, open_world

REQUESTS, SECONDS = 60, 60
"""Between two kills; and how long at most they may take."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Processes of its own, because it kills them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))
        with open_world(tmp_path, people=1) as made:
            yield made


@requirement("KILL-01", "F02", "F06", "F08")
@pytest.mark.timeout(300)
def test_killed_under_load_nothing_is_answered_twice_revived_or_lost(world: World) -> None:
    history = History()
    actors = cast_actors(world, history, seed=1)
    plague, stopped = Plague(world, history, seed=1), threading.Event()
    threads = [threading.Thread(target=actor.run, args=(stopped, 0.0)) for actor in actors]
    for thread in threads:
        thread.start()
    for kind in ("broker killed", "database killed", "broker killed"):
        wait_for(history, history.requests + REQUESTS)
        plague.play(kind)
    wait_for(history, history.requests + REQUESTS)
    stopped.set()
    for thread in threads:
        thread.join(SECONDS)
    left = find_leftovers(world, actors)
    assert not history.violations and not left, tell(history, (0.0, 0.0), left, 0, 0)
    assert history.handed_out > 0 and history.requests > 2 * REQUESTS


def wait_for(history: History, requests: int) -> None:
    """Until there have been so many."""
    end = time.monotonic() + SECONDS
    while history.requests < requests and time.monotonic() < end:
        time.sleep(0.02)
