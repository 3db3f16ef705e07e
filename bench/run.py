"""`dev.py bench`: what the broker costs beside the sum of its fixed parts, as ratios. Nothing is asserted."""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cli.parser import CommandParser
from cli.progress import Progress

GOALS = {"step": 1.3, "init": 1.25, "megabytes": 80}


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for and print it."""
    parser = CommandParser(prog="dev.py bench", description=__doc__.partition(": ")[2])
    parser.add_argument("--only", choices=sorted(BENCHES), action="append", help="one of them; may be repeated")
    parser.add_argument("--rounds", type=int, default=200, help="rounds of each step (200)")
    parser.add_argument("--starts", type=int, default=10, help="cold starts of each kind (10)")
    parser.add_argument("--sign-ins", type=int, nargs="+", default=[1000, 10_000], metavar="N", help="1000 10000")
    parser.add_argument("--callers", type=int, default=1000, help="hand-outs of one connection at once (1000)")
    parser.add_argument("--environments", type=int, default=50, help="how many of them are served at a time (50)")
    parser.add_argument("--grants", type=int, nargs="+", default=[100, 1_000_000], metavar="N", help="100 1000000")
    parser.add_argument("--json", action="store_true", help="one line of JSON at the end instead of tables")
    options = parser.parse_args(arguments)
    results, names = {}, options.only or list(BENCHES)
    with Progress("measuring", len(names)) as shown:
        say: Callable[[str], None] = (lambda _: None) if options.json else shown.say
        say(f"Python {platform.python_version()} on {platform.machine()}; CPU time; medians; ratios are what counts")
        for name in names:
            shown.note(name)
            with tempfile.TemporaryDirectory(prefix="broker-bench-") as folder:
                results[name] = BENCHES[name](options, Path(folder), say)
            shown.advance()
    if options.json:
        print(json.dumps(results))
    return 0


def bench_cpu(options: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> Any:
    """Each step of a sign-in and what follows it against its parts."""
    from bench.cpu import PARTS, Cpu
    from tests.deploy.package.world import World

    world = World(folder, played=False, auth_method="client_secret_basic")
    try:
        figures = Cpu(world).measure(options.rounds)
    finally:
        world.stop()
    say(f"\nCPU in microseconds, {options.rounds} rounds (goal: at most {GOALS['step']} x the parts)")
    titles = ["step", "broker", *PARTS, "sum", "ratio", "without provider"]
    rows = [
        [
            figure.step,
            f"{figure.broker:,.0f}",
            *(f"{figure.parts[part]:,.0f}" for part in PARTS),
            f"{sum(figure.parts.values()):,.0f}",
            f"{figure.ratio:.2f}",
            f"{figure.ratio_without_provider:.2f}",
        ]
        for figure in figures
    ]
    say(table(titles, rows))
    for figure in figures:
        say(f"  {figure.step}: {', '.join(figure.operations)}; {figure.signatures} signatures made or verified")
    return [{**asdict(figure), "ratio": figure.ratio} for figure in figures]


def bench_proxy(options: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> Any:
    """A call through the proxy against a direct one."""
    from bench.proxy import Proxy
    from tests.deploy.package.world import World

    world = World(folder, played=False)
    try:
        ways = Proxy(world).measure(options.rounds)
    finally:
        world.stop()
    say(f"\nOne call of a provider's API, CPU in microseconds, {options.rounds} rounds")
    rows = [
        ["direct, with a token at hand", f"{ways.direct:,.0f}", "", "1.00"],
        ["through the proxy", f"{ways.proxied:,.0f}", f"{ways.overhead:,.0f}", f"{ways.proxied / ways.direct:.2f}"],
        [
            "hand-out, then direct",
            f"{ways.handed_out + ways.direct:,.0f}",
            f"{ways.handed_out:,.0f}",
            f"{(ways.handed_out + ways.direct) / ways.direct:.2f}",
        ],
    ]
    say(table(["way", "CPU", "more than direct", "ratio"], rows))
    return asdict(ways)


def bench_crowd(options: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> Any:
    """Many hand-outs of one connection at once."""
    from bench.crowd import Crowd
    from tests.deploy.package.world import World

    world = World(folder, played=False)
    try:
        rushes = list(Crowd(world, options.environments).measure(options.callers))
    finally:
        world.stop()
    say(f"\n{options.callers:,} hand-outs of one connection at once, {options.environments} served at a time")
    titles = ["provider's token", "good", "came back", "provider asked", "calls each", "a second", "CPU us each"]
    rows = [
        [
            rush.state,
            f"{rush.good:,}",
            f"{rush.returns:,}",
            f"{rush.provider}",
            f"{rush.calls / rush.callers:.2f}",
            f"{rush.rate:,.0f}",
            f"{rush.cpu:,.0f}",
        ]
        for rush in rushes
    ]
    say(table(titles, rows))
    for rush in rushes:
        for told, times in rush.refused.items():
            say(f"  {rush.state}: {times:,} x {told}")
    return [asdict(rush) for rush in rushes]


def bench_flood(options: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> Any:
    """Others' hand-outs while one app asks a hundred times as often."""
    from bench.flood import OTHERS, TIMES, Flood
    from tests.deploy.package.world import World

    world = World(folder, played=False, users=1 + OTHERS)
    try:
        turns = Flood(world).measure(options.rounds)
    finally:
        world.stop()
    say(f"\nHand-outs of {OTHERS} apps while another asks {TIMES} times as often as each, {options.rounds} rounds")
    rows = [
        [
            name,
            f"{len(turn.milliseconds):,}",
            f"{turn.good:,}",
            f"{turn.told_to_wait:,}",
            f"{turn.p50:.2f}",
            f"{turn.p99:.2f}",
            f"{turn.calls / len(turn.milliseconds):.2f}",
            f"{turn.cpu / len(turn.milliseconds):,.0f}",
        ]
        for name, turn in turns.items()
    ]
    say(table(["flood", "asked", "good", "told to wait", "p50 ms", "p99 ms", "calls each", "CPU us each"], rows))
    calm, hot = turns["without"], turns["with"]
    say(f"  with / without: p50 {hot.p50 / calm.p50:.2f}, p99 {hot.p99 / calm.p99:.2f}")
    return {name: asdict(turn) | {"p50": turn.p50, "p99": turn.p99} for name, turn in turns.items()}


def bench_init(options: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> Any:
    """The package's cold start against a bare app's."""
    from bench.cold import Start, ask_bare, bare_package, measure
    from local.package.package import build_package
    from tests.deploy.package.world import ISSUER, NETWORK, World

    world = World(folder, played=True)
    try:
        package = build_package(folder / "broker.zip", arch="host")
        ask = lambda function: world.door(function).send("GET", f"{ISSUER}/jwks")
        starts = [
            Start("bare Chalice + boto3", bare_package(folder), world.environ, ask_bare),
            Start("the package", package, world.environ, ask, (NETWORK,)),
        ]
        found = measure(starts, folder, rounds=options.starts)
    finally:
        world.stop()
    bare, ours = (found[start.name] for start in starts)
    say(f"\nCold start, CPU in milliseconds, {options.starts} starts (goal: init at most {GOALS['init']} x bare)")
    rows = [[name, f"{one.init:.0f}", f"{one.answered:.0f}"] for name, one in found.items()]
    rows.append(["ratio", f"{ours.init / bare.init:.2f}", f"{ours.answered / bare.answered:.2f}"])
    say(table(["function", "init", "init + first answer that reads the table"], rows))
    return {name: asdict(one) for name, one in found.items()} | {"bytes": package.stat().st_size}


def bench_memory(options: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> Any:
    """Resident memory of the package after many sign-ins."""
    from bench.memory import measure

    say(f"\nResident memory of the package in MB (goal: at most {GOALS['megabytes']}, flat)")
    found = measure(sorted(options.sign_ins), folder, say)
    say(table(["sign-ins", "MB"], [[f"{count:,}", f"{size / 1e6:.1f}"] for count, size in found.items()]))
    return found


def bench_flat(options: argparse.Namespace, folder: Path, say: Callable[[str], None]) -> Any:
    """Calls and units with few and with many grants in the table."""
    from bench.flat import measure

    say("\nCalls and units of each step by stored grants (goal: equal)")
    found = measure(options.grants, folder, say)
    steps = next(iter(found.values()))
    rows = [
        [f"{step}, {grants:,} grants", f"{one.calls}", f"{one.write:g}", f"{one.read:g}", f"{one.told:g}"]
        for step in steps
        for grants, units in found.items()
        for one in [units[step]]
    ]
    say(table(["step", "calls", "write units", "read units", "as the store says"], rows))
    equal = all(units[step] == steps[step] for units in found.values() for step in steps)
    say("  equal" if equal else "  NOT EQUAL")
    return {grants: {step: asdict(one) for step, one in units.items()} for grants, units in found.items()}


BENCHES: dict[str, Callable[[argparse.Namespace, Path, Callable[[str], None]], Any]] = {
    "cpu": bench_cpu,
    "proxy": bench_proxy,
    "crowd": bench_crowd,
    "flood": bench_flood,
    "init": bench_init,
    "flat": bench_flat,
    "memory": bench_memory,
}


def table(titles: list[str], rows: list[list[str]]) -> str:
    """Columns under their titles, the first one left-aligned."""
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in range(len(titles))]
    lines = []
    for first, *others in [titles, ["-" * width for width in widths], *rows]:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append("  " + "  ".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
