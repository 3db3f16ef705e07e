"""Walk through a model: every world breadth first, or some long walks by a seed."""

import random
from collections import deque
from collections.abc import Callable, Iterator

from tests.concurrency.models.world import Step, World

Moves = Callable[[World], Iterator[tuple[Step, World, str | None]]]
Seen = dict[World, tuple[World, Step] | None]


def explore(
    start: World, moves: Moves, *, stop_at_first: bool = False
) -> tuple[int, dict[str, list[Step]], set[tuple[str, str]]]:
    """Worlds seen, fault -> shortest trace (nothing goes on beyond a fault), and the (verb, outcome) pairs reached."""
    seen: Seen = {start: None}
    queue, found, reached = deque([start]), {}, set()
    while queue and not (found and stop_at_first):
        world = queue.popleft()
        for step, after, fault in moves(world):
            reached.add((step.verb, step.outcome))
            if fault:
                found.setdefault(fault, [*trace(seen, world), step])
            elif after not in seen:
                seen[after] = (world, step)
                queue.append(after)
    return len(seen), found, reached


def trace(seen: Seen, world: World) -> list[Step]:
    """The steps that led to a world."""
    steps: list[Step] = []
    while (came := seen[world]) is not None:
        world, step = came
        steps.append(step)
    return steps[::-1]


def tours(start: World, moves: Moves) -> Iterator[list[tuple[Step, World]]]:
    """The shortest walk to each kind of step (verb, outcome, lost) that can happen without a fault."""
    seen: Seen = {start: None}
    queue, kinds = deque([start]), set()
    while queue:
        world = queue.popleft()
        for step, after, fault in moves(world):
            if fault:
                continue
            if after not in seen:
                seen[after] = (world, step)
                queue.append(after)
            if (kind := (step.verb, step.outcome, step.lost)) not in kinds:
                kinds.add(kind)
                yield [*_with_worlds(seen, world), (step, after)]


def _with_worlds(seen: Seen, world: World) -> list[tuple[Step, World]]:
    walk: list[tuple[Step, World]] = []
    while (came := seen[world]) is not None:
        walk.append((came[1], world))
        world = came[0]
    return walk[::-1]


def walks(start: World, moves: Moves, *, count: int, seed: int) -> Iterator[list[tuple[Step, World]]]:
    """`count` walks until nothing can happen, each a list of (step, world after it); one seed gives the same walks.

    Rarely taken kinds of step are preferred, so that few walks see much.
    """
    choose = random.Random(seed)
    taken: dict[tuple[str, str, bool], int] = {}
    for _ in range(count):
        world, walk = start, []
        while options := [(step, after) for step, after, fault in moves(world) if fault is None]:
            kinds = [(step.verb, "" if step.verb == "ticks" else step.outcome, step.lost) for step, _ in options]
            weights = [1 / (1 + taken.get(kind, 0)) for kind in kinds]
            (index,) = choose.choices(range(len(options)), weights)
            taken[kinds[index]] = taken.get(kinds[index], 0) + 1
            step, world = options[index]
            walk.append((step, world))
        yield walk
