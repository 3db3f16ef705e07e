"""What waits for the nightly run says why, and no promise waits with it."""

import itertools
import json
import re
import subprocess
import sys

from tests.kit import ROOT
from tests.kit.requirements import read_requirements, read_tests
from tests.kit.tiers import find_group, pairwise, read_tiers

TIERS = read_tiers()
MARKED = set(
    itertools.chain.from_iterable(
        re.findall(r'mark\.nightly\("([a-z-]+)"\)', file.read_text(encoding="utf-8"))
        for file in (ROOT / "tests").rglob("test_*.py")
    )
)


def test_every_group_says_why_and_has_tests() -> None:
    _, nodes = read_tests()
    for name, group in TIERS.nightly.items():
        assert group.why.endswith("."), name
        assert bool(group.tests) != (name in MARKED), f"{name}: either it lists tests, or tests carry its mark"
        for begin in group.tests:
            assert any(node.startswith(begin.partition("[")[0]) for node in nodes), begin
    assert TIERS.nightly.keys() >= MARKED
    assert [begin for begin in TIERS.quick if not any(node.startswith(begin) for node in nodes)] == []


def test_every_promise_is_proven_by_a_test_that_a_change_waits_for() -> None:
    by_requirement, _ = read_tests()
    waiting = {
        requirement
        for requirement, nodes in by_requirement.items()
        if requirement in read_requirements() and all(find_group(node, TIERS) for node in nodes)
    }
    assert waiting == set()


def test_a_pairwise_cover_has_every_pair_and_not_every_row() -> None:
    factors = ("abcde", "123", "xyzw")
    cover = pairwise(*factors)
    for one, other in itertools.combinations(range(3), 2):
        assert {(row[one], row[other]) for row in cover} == set(itertools.product(factors[one], factors[other]))
    assert len(cover) < 30 and cover == pairwise(*factors)


COLLECT = """
import json, sys
import pytest
from tests.kit import tiers
class Seen:
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        seen["all"] = [item.nodeid for item in items]
        seen.update({tier: [item.nodeid for item in tiers.select(items, tier)] for tier in tiers.NAMES})
    def pytest_collection_finish(self, session):
        seen["selected"] = [item.nodeid for item in session.items]
seen = {}
pytest.main(["--collect-only", "-qq", "-n0", "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[Seen()])
print("SEEN", json.dumps(seen))
"""


def test_the_two_long_tiers_are_all_tests_and_share_none() -> None:
    files = ["tests/faults/refresh/test_provider_faults.py", "tests/unit/protocol/test_pkce.py"]
    command = [sys.executable, "-c", COLLECT, "--tier", "nightly", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=200)
    seen = {name: set(nodes) for name, nodes in json.loads(done.stdout.rpartition("SEEN ")[2]).items()}
    assert seen["test"] | seen["nightly"] == seen["all"] and not seen["test"] & seen["nightly"]
    assert seen["quick"] and seen["quick"] < seen["test"]
    assert seen["selected"] == seen["nightly"] != set()
