"""`dev.py cost`: what a million sign-ins, refreshes and hand-outs cost on AWS, and what a month of so many users does.

From calls and bytes that were counted on the wire (`--count` counts them anew), list prices and assumptions: the two
files beside the code, counted.json and prices.toml.
"""

import re
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import msgspec

from bench.cost.counting import count
from bench.cost.pricing import COUNTED, Counts, Prices, price_table, read_counts, read_prices
from bench.cost.simulation import Hour, Simulation
from cli.parser import CommandParser
from cli.progress import Progress
from local.package.package import ROOT

PAGES = (ROOT / "README.md", ROOT / "docs" / "cost.md")
USERS = (1, 1_000, 1_000_000)
HOURS = (
    "users a day",
    "requests a second",
    "environments",
    "cold starts",
    "KMS",
    "hottest item",
    "throttled",
    "month, USD",
)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables."""
    parser = CommandParser(prog="dev.py cost", description=__doc__.partition(": ")[2])
    parser.add_argument(
        "--count", action="store_true", help="count calls and bytes anew; keep them, and the documentation's tables"
    )
    parser.add_argument(
        "--users", type=int, nargs="+", metavar="N", help="users a day, each simulated (1 1000 1000000)"
    )
    parser.add_argument("--prices-only", action="store_true", help="without the simulation")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of tables")
    options = parser.parse_args(arguments)
    if any(users < 1 for users in options.users or ()):
        parser.error("--users: at least 1 a day")
    if options.count:
        with tempfile.TemporaryDirectory(prefix="broker-cost-") as folder, Progress("counting"):
            things, openings = count(Path(folder))
        kept = msgspec.json.format(msgspec.json.encode(Counts(things=things, openings=openings)), indent=2)
        COUNTED.write_bytes(kept + b"\n")
    counts, prices = read_counts(), read_prices()
    if options.count:
        write_tables(counts, prices)
    users = [] if options.prices_only else options.users or USERS
    hours = []
    with Progress("simulating", len(users), "hours") as shown:
        for number in users:
            shown.note(f"{number:,} users a day")
            hours.append(Simulation(number, counts, prices).run())
            shown.advance()
    if options.json:
        print(msgspec.json.encode({"counted": counts, "hours": [asdict(hour) for hour in hours]}).decode())
        return 0
    print(f"USD, list prices of {prices['checked_on']}, us-east-1, without free tiers\n")
    print(price_table(counts, prices))
    if hours:
        print("\nThe busiest hour, simulated; the month at a REST API\n")
        print(hour_table(hours))
    return 0


def write_tables(counts: Counts, prices: Prices) -> None:
    """Put today's tables into the place of those that the README and docs/cost.md have."""
    tables = price_table(counts, prices), hour_table([Simulation(users, counts, prices).run() for users in USERS])
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for table in tables:
            head = re.escape(table.partition("\n")[0])
            text = re.sub(rf"^{head}\n(?:\|.*\n)*", table + "\n", text, flags=re.MULTILINE)
        page.write_text(text, encoding="utf-8")


def hour_table(hours: list[Hour]) -> str:
    """Markdown, as it stands in docs/cost.md."""
    rows = [HOURS, ["---:"] * len(HOURS)]
    for hour in hours:
        rows.append(
            (
                f"{hour.users:,}",
                f"{hour.rate:,.3g}",
                f"{hour.environments:,}",
                f"{hour.cold:,}",
                f"{hour.openings:,} openings, {hour.kms_month / hour.month:.1%} of the month",
                f"{hour.hottest_item}: {hour.hottest:,.0f} units a second",
                f"{hour.throttled:,} of {hour.requests:,}",
                f"{hour.month:,.2f}",
            )
        )
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
