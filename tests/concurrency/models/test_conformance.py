"""What the model decides, the store and the pure functions decide too, step by step, with lost answers and crashes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.adapters.aws.transport import Transport
from tests.concurrency.models.explore import tours, walks
from tests.concurrency.models.grant import MUST_HAPPEN, RULES, moves, scenes_with_graces
from tests.concurrency.models.replay import Differs, Replay
from tests.concurrency.models.world import SIGN_IN, Step, World
from tests.kit.requirement import requirement

SCENES = {name: (world, rules) for name, world, rules in scenes_with_graces(RULES)}
WALKS = 6


def walks_of(scene: str) -> Iterator[list[tuple[Step, World]]]:
    """The shortest walk to each kind of step, then some long ones."""
    world, rules = SCENES[scene]
    if world != SIGN_IN:  # its two smaller scenes hold all of its steps
        yield from tours(world, lambda w: moves(w, rules))
    yield from walks(world, lambda w: moves(w, rules), count=WALKS, seed=7)


@requirement("F03", "CODE-05", "REF-04", "REF-05", "CB-01")
@pytest.mark.parametrize("scene", SCENES)
def test_model_and_store_agree_on_every_walk(transport: Transport, scene: str) -> None:
    start, rules = SCENES[scene]
    with ThreadPoolExecutor(4) as threads:
        for walk in walks_of(scene):
            played, before = Replay(transport, start, grace=rules.grace, threads=threads), start
            try:
                for step, after in walk:
                    played.take(before, step, after)
                    before = after
            except Differs as difference:
                pytest.fail(f"{difference}\n" + "\n".join(str(step) for step, _ in walk))
            finally:
                played.close()


def test_the_walks_see_everything_that_must_happen() -> None:
    seen = {(step.verb, step.outcome) for scene in SCENES for walk in walks_of(scene) for step, _ in walk}
    assert MUST_HAPPEN - seen == set()
