"""USD for a million of each thing, from what was counted and the list prices."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bench.cost.counting import Counted

FOLDER = Path(__file__).parent
PRICES = FOLDER / "prices.toml"
COUNTED = FOLDER / "counted.json"
GIGABYTE = 1e9
MILLION = 1_000_000
TITLES = ("a million of", "REST API", "HTTP API", "function URL", "of it DynamoDB", "Lambda", "logs, traffic, storage")
Prices = Mapping[str, Any]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What `dev.py cost --count` wrote.

    openings   of keysets by KMS, by a new environment that has done each thing once
    """

    things: dict[str, Counted]
    openings: int


def read_prices() -> Prices:
    """The one file of prices and assumptions."""
    return tomllib.loads(PRICES.read_text(encoding="utf-8"))


def read_counts() -> Counts:
    """What was counted last."""
    return msgspec.json.decode(COUNTED.read_bytes(), type=Counts)


def milliseconds(one: Counted, prices: Prices) -> float:
    """Billed for all requests of one thing: its processor time at the share that its memory gives, and its waiting."""
    assumed = prices["assumed"]
    share = assumed["memory_megabytes"] / assumed["memory_of_one_processor"]
    waiting = one.calls * assumed["table_milliseconds"] + one.fetches * assumed["provider_milliseconds"]
    return float(one.cpu / 1000 / share + waiting)


def front_door(one: Counted, door: str, prices: Prices) -> float:
    """A million of them at one kind of front door."""
    return float(one.requests * prices["front_door"][door])


def table(one: Counted, prices: Prices) -> float:
    """A million of them at DynamoDB."""
    rates = prices["dynamodb"]
    return float(one.write_units * rates["million_write_units"] + one.read_units * rates["million_read_units"])


def compute(one: Counted, prices: Prices) -> float:
    """A million of them in Lambda."""
    rates, assumed = prices["lambda"], prices["assumed"]
    gigabyte_seconds = milliseconds(one, prices) / 1000 * assumed["memory_megabytes"] / 1024 * MILLION
    return float(one.requests * rates["million_requests"] + gigabyte_seconds * rates["gigabyte_second"])


def the_rest(one: Counted, prices: Prices) -> float:
    """A million of them in logs, traffic to the outside, and storage."""
    rates, assumed, stored = prices["others"], prices["assumed"], prices["dynamodb"]
    log = one.log_bytes + one.requests * assumed["platform_log_bytes"]
    sent = one.answer_bytes + one.requests * assumed["header_bytes"]
    kept = one.stored_bytes * assumed["stored_months"]
    kept_price = stored["gigabyte_month"] + stored["recovery_gigabyte_month"]
    total = log * rates["log_gigabyte"] + sent * rates["egress_gigabyte"] + kept * kept_price
    return float(total / GIGABYTE * MILLION)


def a_million(one: Counted, door: str, prices: Prices) -> float:
    """All of it."""
    return front_door(one, door, prices) + table(one, prices) + compute(one, prices) + the_rest(one, prices)


def standing(prices: Prices) -> float:
    """A month in which nobody does anything: the key, and the functions of the schedules, some reads each."""
    assumed, rates = prices["assumed"], prices["lambda"]
    runs = assumed["runs_of_jobs_a_month"] + assumed["runs_of_keys_a_month"]
    seconds = runs * 0.05 * assumed["memory_megabytes"] / 1024
    reads = runs * 8 * prices["dynamodb"]["million_read_units"] / MILLION
    lambda_price = runs * rates["million_requests"] / MILLION + seconds * rates["gigabyte_second"]
    return float(prices["others"]["kms_key_month"] + lambda_price + reads)


def price_table(counts: Counts, prices: Prices) -> str:
    """Markdown, as it stands in the README."""
    rows = [TITLES, ("---", *["---:"] * (len(TITLES) - 1))]
    for name, one in counts.things.items():
        doors = [a_million(one, door, prices) for door in prices["front_door"]]
        parts = [table(one, prices), compute(one, prices), the_rest(one, prices)]
        rows.append((name, *(f"{usd:,.2f}" for usd in [*doors, *parts])))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
