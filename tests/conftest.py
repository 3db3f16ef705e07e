"""Registers the mark behind `@requirement(...)`, and selects by it: `pytest --requirement CODE-04`. Every answer of the
broker that a test gets has to be one of the published description."""

from collections.abc import Iterator

import pytest

from tests import described


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--requirement", action="append", default=[], metavar="ID", help="only tests of this requirement")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "requirement(*ids): lines of tests/requirements.toml that the test proves")


# Folders whose files take longest: a worker that met one of them last would be left alone with it at the end.
LONGEST_FIRST = ["races", "models", "browser", "oracles", "engine", "package", "pages", "fuzz", "clients", "local"]


def _order(item: pytest.Item) -> int:
    folder = "".join(item.nodeid.split("/")[1:2])
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=_order)
    wanted = set(config.getoption("--requirement"))
    if not wanted:
        return
    kept = [item for item in items if any(wanted & set(mark.args) for mark in item.iter_markers("requirement"))]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture(autouse=True)
def only_described_answers() -> Iterator[None]:
    """A test whose broker gave an answer that chalicelib/openapi.json does not describe fails."""
    described.faults.clear()
    yield
    untold = list(dict.fromkeys(described.faults))
    assert not untold, f"tell of it in local/openapi/, then run dev.py openapi: {untold}"
