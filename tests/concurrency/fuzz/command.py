"""`dev.py fuzz`: requests in any order with faults and a moving clock, and calls made up from the description.

Both in turns, each round from a seed of its own, until the time is over, something is found, or Ctrl-C.
"""

import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from cli.parser import CommandParser
from cli.progress import over
from tests.concurrency.fuzz import from_description, machine
from tests.kit.http.stack import Parts, Stack, own_parts

EXAMPLES, STEPS, CALLS = 10, 40, 25
"""Of one round: examples of the machine and the steps of each, calls of each operation."""
FOUND = """
Found with --seed {seed}, which finds it again. The steps above can be typed after
    from tests.concurrency.fuzz.machine import *"""


def main(arguments: list[str]) -> int:
    """0 where nothing was found, 1 where something was, 130 after Ctrl-C."""
    parser = CommandParser(prog="dev.py fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long (default: 10)")
    parser.add_argument("--seed", type=int, default=None, help="of the first round (default: another one each time)")
    options = parser.parse_args(arguments)
    first = int(time.time()) if options.seed is None else options.seed
    machines, calls = Counter[str](), Counter[str]()
    with own_parts() as parts:
        code = play(parts, machines, calls, first, until=time.monotonic() + 60 * options.minutes)
    print(f"\n{tell(machines, calls)}")
    return code


def play(parts: Parts, machines: Counter[str], calls: Counter[str], first: int, *, until: float) -> int:
    """Round after round; the exit code."""
    print(f"from seed {first} on", flush=True)
    seed, stopped = first, threading.Event()

    def stop(number: int, frame: object) -> None:
        """Where Python swallows what is raised here, in the callback of a weak reference say, the next look stops."""
        stopped.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    try:
        with over("fuzzing", until - time.monotonic()) as shown:
            for number, one in units(parts, machines, calls, first):
                seed = number
                if stopped.is_set():
                    return 130
                if time.monotonic() >= until:
                    return 0
                shown.note(f"seed {seed}")
                one()
    except KeyboardInterrupt:
        return 130
    except BaseException as found:  # noqa: BLE001 - whatever it is, it is what was looked for
        print("".join(traceback.format_exception(found)))
        print(FOUND.format(seed=seed))
        return 1
    return 0


def units(
    parts: Parts, machines: Counter[str], calls: Counter[str], first: int
) -> Iterator[tuple[int, Callable[[], None]]]:
    """What is played without a look at the clock, with its seed, for ever."""
    seed = first
    while True:
        yield seed, partial(machine.play, parts, machines, examples=EXAMPLES, steps=STEPS, number=seed)
        limits = {"failed_authentications_per_address": 10**9, "registration_per_address": 10**9}
        target = from_description.Target(Stack(parts, registration="open", **limits), calls)
        for operation in from_description.operations():
            yield seed, partial(from_description.play, target, operation, examples=CALLS, seed=seed)
        target.stack.drop()
        seed += 1


def tell(machines: Counter[str], calls: Counter[str]) -> str:
    """What has been played."""

    def statuses(of: Counter[str]) -> str:
        return ", ".join(f"{of[name]} x {name}" for name in sorted(of) if name.isdigit() and name != "0")

    return (
        f"any order:    {machines['examples']} examples, {machines['steps']} moves, {machines['faults met']} faults\n"
        f"  answers:    {statuses(machines)}; {machines['0']} times none\n"
        f"description:  {sum(calls.values())} calls\n"
        f"  answers:    {statuses(calls)}"
    )
