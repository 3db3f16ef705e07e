"""The golden list of stored attributes, and what may become of it from one release to the next."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from chalicelib.adapters.dynamodb.codec import SCHEMA
from tests.deploy.rehearsal.previous import NotInThisClone, extract_previous
from tests.deploy.upgrade.rules import find_breaks, read_records
from tests.kit import ROOT
from tests.kit.requirement import requirement

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "stored.txt"
# Classes of records that have another name in the code than in the previous release; what is stored is the same.
RENAMED = {
    r"\bstored\.Seen\b": "small_items.UsedOnce",
    r"\bstored\.": "small_items.",
    r"\bmarks\.": "revocation.",
    r"\bMarks\b": "Revocation",
    r"\bTold\b": "LogoutRecipient",
}
ALLOWED = tomllib.loads((HERE / "changed.toml").read_text())


def describe(tree: Path) -> str:
    """What the records of a tree are."""
    command = [sys.executable, str(HERE / "describe.py")]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True).stdout


@requirement("UPG-02")
def test_the_golden_list_is_that_of_the_previous_release(tmp_path: Path) -> None:
    try:
        tree = extract_previous(tmp_path, "chalicelib")
    except NotInThisClone as reason:
        pytest.skip(str(reason))
    assert describe(tree) == GOLDEN.read_text(), (
        "another commit is the previous release: write its list with tests/deploy/upgrade/describe.py in its tree"
    )
    said = (tree / "chalicelib" / "adapters" / "items.py").read_text()
    assert any(f"SCHEMA = {number}\n" in said for number in (SCHEMA, SCHEMA - 1)), "one step at a time"


@requirement("UPG-02")
def test_this_release_and_the_one_before_read_each_others_items() -> None:
    now = read_records(describe(ROOT))
    golden = GOLDEN.read_text()
    for old, new in RENAMED.items():
        golden = re.sub(old, new, golden)
    previous = read_records(golden)
    assert not previous.keys() - now.keys(), "a record that is gone, or has a new name"
    assert find_breaks(previous, now, ALLOWED) == []
    known = {f"{record}.{name}" for record, names in now.items() for name in names}
    assert ALLOWED.keys() <= known, "what is excused is there"


BEFORE = "grant.Grant.id: str\ngrant.Grant.note: str = default\ngrant.Grant.status: Literal['a']"
CHANGES = {
    "a new attribute without a default": ("\ngrant.Grant.more: int", "new and has no default"),
    "a required one goes": ("-grant.Grant.id: str", "is gone"),
    "another type": ("-grant.Grant.id: str\ngrant.Grant.id: int", "was str and is int"),
    "a further word": ("-grant.Grant.status: Literal['a']\ngrant.Grant.status: Literal['a', 'b']", "was Literal"),
    "a default goes": ("-grant.Grant.note: str = default\ngrant.Grant.note: str", "lost its default"),
}


@requirement("UPG-02")
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_breaks_is_named(change: str) -> None:
    what, said = CHANGES[change]
    gone, _, more = what.partition("\n")
    lines = [line for line in BEFORE.splitlines() if line != gone.removeprefix("-")]
    (found,) = find_breaks(read_records(BEFORE), read_records("\n".join([*lines, more])), {})
    assert said in found


@requirement("UPG-02")
def test_changes_that_break_nothing_pass() -> None:
    after = (
        "grant.Grant.id: str\ngrant.Grant.more: int = default\ngrant.Grant.status: Literal['a', 'b']\nnew.New.id: str"
    )
    assert find_breaks(read_records(BEFORE), read_records(after), {"grant.Grant.status": "b is not written yet"}) == []
