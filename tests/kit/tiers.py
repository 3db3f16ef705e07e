"""Which tests wait for `dev.py nightly`, and which `dev.py test --quick` runs, as tests/tiers.toml says.

pytest runs every test unless `--tier` names one: `quick`, `test` (what a change waits for), or `nightly` (what `test`
leaves out).
"""

import itertools
import tomllib
from collections.abc import Iterable, Sequence

import pytest
from msgspec import Struct, convert

from tests.kit import ROOT

FILE = ROOT / "tests" / "tiers.toml"
NAMES = ("quick", "test", "nightly")


class Group(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tests of the nightly run. Without `tests`, they carry the mark `nightly(name)`.

    why      what keeps a change safe without them
    tests    how their node ids begin
    params   and what the ids of their parameters hold; a test without it stays
    """

    why: str
    tests: tuple[str, ...] = ()
    params: str = ""

    def takes(self, node: str) -> bool:
        return bool(self.tests) and node.startswith(self.tests) and self.params in node.partition("[")[2]


class Tiers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """quick: how the node ids of the inner loop begin. nightly: the groups by name."""

    quick: tuple[str, ...]
    nightly: dict[str, Group]


def read_tiers() -> Tiers:
    return convert(tomllib.loads(FILE.read_text(encoding="utf-8")), Tiers)


def group_of(item: pytest.Item, tiers: Tiers) -> str | None:
    """The nightly group of a test. Raises LookupError for a mark that names no group."""
    for mark in item.iter_markers("nightly"):
        if mark.args[0] not in tiers.nightly:
            raise LookupError(f"{item.nodeid}: tests/tiers.toml has no group {mark.args[0]!r}")
        return str(mark.args[0])
    return find_group(item.nodeid, tiers)


def find_group(node: str, tiers: Tiers) -> str | None:
    return next((name for name, group in tiers.nightly.items() if group.takes(node)), None)


def select(items: Sequence[pytest.Item], tier: str) -> list[pytest.Item]:
    """Those of one tier."""
    tiers = read_tiers()
    if tier == "nightly":
        return [item for item in items if group_of(item, tiers)]
    changes = [item for item in items if not group_of(item, tiers)]
    return [item for item in changes if item.nodeid.startswith(tiers.quick)] if tier == "quick" else changes


def pairwise(*factors: Iterable[str]) -> set[tuple[str, ...]]:
    """Few rows of the product in which every two values of different factors meet."""
    rows = list(itertools.product(*map(tuple, factors)))
    open_pairs = {pair for row in rows for pair in _pairs(row)}
    chosen: set[tuple[str, ...]] = set()
    while open_pairs:
        best = max(rows, key=lambda row: len(open_pairs & _pairs(row)))
        chosen.add(best)
        open_pairs -= _pairs(best)
    return chosen


def _pairs(row: tuple[str, ...]) -> set[tuple[tuple[int, str], ...]]:
    return set(itertools.combinations(enumerate(row), 2))
