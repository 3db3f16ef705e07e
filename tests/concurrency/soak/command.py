"""`dev.py soak`: mixed traffic at two broker processes, a fault every ten seconds, and a report.

Zero violations, nothing left over and flat memory end it with 0. What is played: SIGKILL and SIGSTOP of a broker,
SIGKILL of the database (the embedded one, with a journal of what it has answered for), throttling, lost answers, wrong
clocks and a provider's faults. It is not AWS: nothing is said of AWS's own latencies or limits.
"""

import argparse
import os
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from cli.parser import CommandParser
from cli.progress import over
from tests.concurrency.soak.actor import Actor
from tests.concurrency.soak.ending import count_unfinished, find_leftovers
from tests.concurrency.soak.faults import Plague
from tests.kit.traffic.app import App
from tests.kit.traffic.history import History
from tests.kit.traffic.world import World, open_world

FLAT = 1.15
"""Resident memory at the end may be so much of that after the first tenth, and 4 MiB."""


def main(arguments: list[str]) -> int:
    """0 where nothing was found."""
    parser = CommandParser(prog="dev.py soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="how long (default: 30)")
    parser.add_argument(
        "--rate", type=float, default=4, help="requests' steps a second, all actors together (default: 4)"
    )
    parser.add_argument("--every", type=float, default=10, help="seconds from fault to fault (default: 10)")
    parser.add_argument("--people", type=int, default=4, help="each in three apps (default: 4)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of actors and faults")
    options = parser.parse_args(arguments)
    os.nice(10)
    history = History()
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        open_world(Path(folder), people=options.people) as world,
    ):
        actors = cast_actors(world, history, options.seed)
        print(f"soak: seed {options.seed}, {len(actors)} actors, {options.minutes:g} minutes", flush=True)
        memory = play(world, history, actors, options)
        leftovers = find_leftovers(world, actors)
        print(tell(history, memory, leftovers, count_unfinished(world), options.minutes), flush=True)
    flat = memory[1] <= memory[0] * FLAT + 4
    return 1 if history.violations or leftovers or not flat else 0


def cast_actors(world: World, history: History, seed: int) -> list[Actor]:
    """Each person in each app."""
    places = [(who, client, secret) for who in world.names for client, secret in world.apps]
    return [Actor(App(world, history, client, secret, who), seed + n) for n, (who, client, secret) in enumerate(places)]


def play(world: World, history: History, actors: list[Actor], options: argparse.Namespace) -> tuple[float, float]:
    """Until the time is over or Ctrl-C; the memory of the broker that is never killed, after a tenth and at the end."""
    stopped, calm = threading.Event(), threading.Event()
    plague = Plague(world, history, options.seed)
    faults = threading.Thread(target=plague.run, args=(calm, options.every))
    pause = len(actors) / options.rate
    threads = [threading.Thread(target=actor.run, args=(stopped, pause)) for actor in actors]
    for thread in (*threads, faults):
        thread.start()
    seconds = options.minutes * 60
    try:
        with over("soaking", seconds) as shown:
            time.sleep(seconds / 10)
            early = world.rss(0)
            for tenth in range(2, 11):
                time.sleep(seconds / 10)
                shown.say(
                    f"soak: {tenth}0 %, {history.requests} requests, {sum(history.faults.values())} faults, "
                    f"{len(history.violations)} violations, {world.rss(0):.1f} MiB"
                )
    except KeyboardInterrupt:
        early = world.rss(0)
    calm.set()
    faults.join()
    stopped.set()
    for thread in threads:
        thread.join()
    return early, world.rss(0)


def tell(history: History, memory: tuple[float, float], leftovers: list[str], unfinished: int, minutes: float) -> str:
    """The report."""
    lines = [f"{history.requests} requests in {minutes:g} minutes, {sum(history.faults.values())} faults", ""]
    lines += [f"{'operation':14} {'requests':>8} {'p50 ms':>7} {'p99 ms':>7}   answers"]
    by_operation: dict[str, Counter[str]] = {}
    for (operation, status), count in history.answers.items():
        by_operation.setdefault(operation, Counter())[status] += count
    for operation, statuses in sorted(by_operation.items()):
        took = sorted(history.took.get(operation, [0.0]))
        p50, p99 = (1000 * took[min(len(took) - 1, int(len(took) * part))] for part in (0.5, 0.99))
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
        lines.append(f"{operation:14} {statuses.total():8} {p50:7.0f} {p99:7.0f}   {answers}")
    lines += ["", *(f"{count:5} x {name}" for name, count in sorted(history.faults.items()))]
    lines += ["", *(f"{count:5} x {name}" for name, count in sorted(history.notes.items()))]
    lines += [f"{unfinished:5} x a sign-in that was killed after its claim, and begun again", ""]
    lines += [
        f"memory of the broker that was never killed: {memory[0]:.1f} MiB after a tenth, {memory[1]:.1f} at the end"
    ]
    lines += [f"violations: {len(history.violations)}", *(f"  {one}" for one in history.violations[:20])]
    lines += [f"left over: {len(leftovers)}", *(f"  {one}" for one in leftovers[:20])]
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    raise SystemExit(main(sys.argv[1:]))
