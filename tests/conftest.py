"""Registers the mark behind `@requirement(...)`, and selects by it: `pytest --requirement CODE-04`. Selects by tier:
`pytest --tier test`. Every answer of the broker that a test gets has to be one of the published description."""

from collections.abc import Iterator

import pytest

from tests.kit import described, tiers


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--requirement", action="append", default=[], metavar="ID", help="only tests of this requirement")
    parser.addoption("--tier", choices=tiers.NAMES, help="only tests of this tier (tests/tiers.toml); default: all")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requirement(*ids): lines of tests/requirements.toml that the test proves")
    config.addinivalue_line("markers", "nightly(group): waits for the nightly run, as tests/tiers.toml says")


# Folders whose files take longest: a worker that met one of them last would be left alone with it at the end.
LONGEST_FIRST = ["concurrency", "browser", "interop", "faults", "deploy", "local"]


def _order(item: pytest.Item) -> int:
    folder = "".join(item.nodeid.split("/")[1:2])
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=_order)
    kept = tiers.select(items, tier) if (tier := config.getoption("--tier")) else list(items)
    if wanted := set(config.getoption("--requirement")):
        kept = [item for item in kept if any(wanted & set(mark.args) for mark in item.iter_markers("requirement"))]
    stay = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in stay])
    items[:] = kept


@pytest.fixture(autouse=True)
def only_described_answers() -> Iterator[None]:
    """A test whose broker gave an answer that chalicelib/openapi.json does not describe fails."""
    described.faults.clear()
    yield
    untold = list(dict.fromkeys(described.faults))
    assert not untold, f"tell of it in local/openapi/, then run dev.py openapi: {untold}"
