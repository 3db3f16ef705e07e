"""`dev.py cost`: what it says is what is counted, and the tables of the documentation are what it says."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.calls import Call
from bench.cost.command import USERS, hour_table, main
from bench.cost.counting import Counted, count
from bench.cost.pricing import a_million, front_door, price_table, read_counts, read_prices
from bench.cost.simulation import Simulation
from bench.cost.sizes import item_bytes, read_units, write_units
from local.package.package import ROOT
from tests.kit.requirement import requirement

KEY = {"pk": {"S": "GRANT#1"}, "sk": {"S": "#"}}
PLACE = ("broker", "GRANT#1", "#")
COUNTS, PRICES = read_counts(), read_prices()


def item(size: int, **more: Any) -> dict[str, Any]:
    """An item of so many bytes, what is in `more` aside."""
    return {**KEY, "v": {"S": "x" * (size - item_bytes(KEY) - 1)}, **more}


@requirement("COST")
def test_what_was_counted_is_what_the_broker_asks_for_today(tmp_path: Path) -> None:
    things, openings = count(tmp_path, rounds=2)
    assert openings == COUNTS.openings
    assert list(things) == list(COUNTS.things)
    for name, now in things.items():
        kept = COUNTS.things[name]
        for field in ("requests", "calls", "write_units", "read_units", "shared", "fetches", "openings"):
            assert getattr(now, field) == getattr(kept, field), f"{name}, {field}: python3 dev.py cost --count"
        for field in ("answer_bytes", "log_bytes", "stored_bytes"):
            ours, theirs = getattr(now, field), getattr(kept, field)
            assert abs(ours - theirs) <= 0.1 * theirs + 20, f"{name}, {field}: python3 dev.py cost --count"


@requirement("COST")
def test_the_tables_of_the_documentation_are_its_output() -> None:
    prices = price_table(COUNTS, PRICES)
    rest, _, url = re.findall(r"^\| sign-in \| ([0-9.]+) \| ([0-9.]+) \| ([0-9.]+) ", prices, re.MULTILINE)[0]
    claim = f"a million sign-ins cost {rest} USD on a REST API and {url} USD on a function URL"
    assert claim in (ROOT / "README.md").read_text(encoding="utf-8"), claim
    told = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    assert prices in told
    hours = hour_table([Simulation(users, COUNTS, PRICES).run() for users in USERS])
    assert hours in told, hours
    assert str(PRICES["checked_on"]) in told


@pytest.mark.parametrize(
    ("held", "size"),
    [
        ({}, 0),
        ({"pk": {"S": "ab"}}, 4),
        ({"n": {"N": "123"}}, 4),
        ({"n": {"N": "-1"}}, 3),
        ({"b": {"B": "AAEC"}}, 4),
        ({"t": {"BOOL": True}, "u": {"NULL": True}}, 4),
        ({"l": {"L": [{"S": "ab"}]}}, 7),
        ({"m": {"M": {"k": {"S": "ab"}}}}, 8),
        ({"s": {"SS": ["a", "ü"]}}, 4),
    ],
)
def test_the_size_of_an_item(held: dict[str, Any], size: int) -> None:
    assert item_bytes(held) == size


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, item(1024), 1),
        (None, item(1025), 2),
        (item(2049), item(20), 3),
        (None, item(100, sub={"S": "u"}), 2),
        (item(100, sub={"S": "u"}), item(100, sub={"S": "u"}), 1),
        (item(100, sub={"S": "u"}), None, 2),
    ],
    ids=["one", "a byte more", "the larger counts", "into the index", "stays there", "and out"],
)
def test_the_units_of_a_write(before: Any, after: Any, units: int) -> None:
    call = Call("UpdateItem", {"TableName": "broker", "Key": KEY})
    assert write_units(call, {PLACE: before} if before else {}, {PLACE: after} if after else {}) == units


@pytest.mark.parametrize(
    ("size", "strong", "units"), [(4096, True, 1), (4097, True, 2), (4097, False, 1), (0, True, 1)]
)
def test_the_units_of_a_read(size: int, strong: bool, units: float) -> None:
    call = Call("BatchGetItem", {"RequestItems": {"broker": {"Keys": [KEY], "ConsistentRead": strong}}})
    assert read_units(call, {PLACE: item(size)} if size else {}, {}) == units


def test_what_nobody_told_it_the_price_of_is_an_error() -> None:
    for operation in ("TransactWriteItems", "Scan"):
        with pytest.raises(ValueError, match=operation):
            write_units(Call(operation, {}), {}, {})
    with pytest.raises(ValueError, match="query"):
        read_units(Call("Query", {}), {}, {})


def test_a_front_door_is_paid_for_each_request() -> None:
    thing = COUNTS.things["sign-in"]
    assert front_door(thing, "REST API", PRICES) == 4 * 3.50
    dearer = msgspec.structs.replace(thing, requests=5)
    assert a_million(dearer, "REST API", PRICES) > a_million(thing, "REST API", PRICES) + 3.50


def test_a_simulation_keeps_the_laws_of_a_queue() -> None:
    """Little's law: as many are at work on average as arrive a second, times what each takes; and the peak is above."""
    simulated = Simulation(20_000, COUNTS, PRICES).run()
    assert simulated == Simulation(20_000, COUNTS, PRICES).run()
    behaviour = PRICES["behaviour"]
    a_user = 4 * behaviour["sign_ins_a_day"] + sum(
        behaviour[often] for often in ("refreshes_a_day", "hand_outs_a_day", "proxied_a_day")
    )
    assert simulated.rate == pytest.approx(20_000 * a_user / 86400 * behaviour["busiest_hour"], rel=0.02)
    assert 1 < simulated.environments <= simulated.rate
    assert simulated.throttled == 0


def test_a_partition_without_room_throttles_and_a_lone_user_meets_a_cold_start() -> None:
    narrow = {**PRICES, "behaviour": {**PRICES["behaviour"], "partition_read_units": 10}}
    assert Simulation(20_000, COUNTS, narrow).run().throttled > 0
    lone = Simulation(1, COUNTS, PRICES).run()
    assert lone.cold and lone.openings >= lone.cold * COUNTS.openings


def test_the_command_answers_in_json_and_says_what_it_cannot_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--users", "10"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert msgspec.convert(said["counted"]["things"]["refresh"], Counted).calls == 2
    assert [hour["users"] for hour in said["hours"]] == [10]
    with pytest.raises(SystemExit) as ended:
        main(["--users", "0"])
    assert ended.value.code == 2
