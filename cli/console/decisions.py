"""The decisions of a recent period, from the log: read once, counted by time and by reason."""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from cli.commands.tail import read_decisions
from cli.console.charts import Chart, build_chart
from cli.console.command_runner import CommandRunner, Outcome
from cli.console.cost import estimate_month
from cli.explanation.refusal_log import Line

# Minutes -> in words. A chart has as many bars as BARS.
PERIODS = {15: "15 minutes", 60: "hour", 360: "6 hours", 1440: "24 hours"}
BARS = 30
MOST_LINES = 50_000


class Decisions(Struct, frozen=True, kw_only=True):
    """The lines of one period.

    until       its end, epoch seconds
    minutes     its length
    is_cut      there were more lines than are read
    """

    lines: Sequence[Line]
    until: float
    minutes: int
    is_cut: bool = False

    @property
    def requests(self) -> list[Line]:
        """The final lines of requests."""
        return [line for line in self.lines if line["event"] == "request"]

    @property
    def refusals(self) -> list[Line]:
        """Requests that were refused or failed, the newest first."""
        return [line for line in reversed(self.requests) if line.get("outcome") in ("refused", "failed")]

    @property
    def alarms(self) -> list[Line]:
        """Alarms, the newest first."""
        return [line for line in reversed(self.lines) if line["event"] == "alarm"]

    @property
    def month_cost(self) -> float:
        """USD a month at this rate."""
        sign_ins, hand_outs = (sum(self._count(self.requests, name)) for name in ("SignIns", "HandOuts"))
        counts = {"requests": len(self.requests), "sign_ins": sign_ins, "hand_outs": hand_outs}
        return estimate_month(**counts, minutes=self.minutes)

    def chart(self, title: str, *outcomes: str) -> Chart:
        """Requests with these outcomes by time."""
        lines = {name: [line for line in self.requests if line.get("outcome") == name] for name in outcomes}
        return self._build(title, {name: self._count(found, "") for name, found in lines.items()})

    def metric(self, title: str, member: str) -> Chart:
        """The sum of a metric by time."""
        return self._build(title, {"answered": self._count(self.requests, member)})

    def _build(self, title: str, counts: dict[str, list[int]]) -> Chart:
        return build_chart(title, counts, [self._label(number) for number in range(BARS)])

    def _count(self, lines: Sequence[Line], member: str) -> list[int]:
        found = Counter[int]()
        for line in lines:
            place = int((line["at"] - self._since) / self._step)
            found[min(place, BARS - 1)] += _number(line.get(member)) if member else 1
        return [found[number] for number in range(BARS)]

    @property
    def _since(self) -> float:
        return self.until - self.minutes * 60

    @property
    def _step(self) -> float:
        return self.minutes * 60 / BARS

    def _label(self, number: int) -> str:
        return time.strftime("%H:%M", time.gmtime(self._since + number * self._step))


def _number(value: object) -> int:
    """A metric of a line; 0 if the line has none, or something else."""
    return value if isinstance(value, int) else 0


def read_period(runner: CommandRunner, minutes: int, *words: str) -> tuple[Decisions, Outcome]:
    """The decisions of the last minutes; if the log cannot be read, none, and the failed outcome."""
    until = time.time()

    def read(options: argparse.Namespace) -> list[dict[str, Any]]:
        since = until - minutes * 60
        recent = (dict(line) for line in read_decisions(options) if since <= line["at"] <= until + 60)
        return list(islice(recent, MOST_LINES + 1))

    outcome = runner.look(read, "tail", "--once", f"--since={minutes}", *words)
    lines = sorted(outcome.rows[:MOST_LINES], key=lambda line: line["at"])
    return Decisions(lines=lines, until=until, minutes=minutes, is_cut=len(outcome.rows) > MOST_LINES), outcome


def read_minutes(given: str) -> int:
    """The period that a page asks for; an hour if it is not on offer."""
    return int(given) if given in map(str, PERIODS) else 60
