"""What is demanded of each cell and each row, wherever the library runs."""

from collections.abc import Callable

import pytest

from tests.interop.clients.flows import NAMES
from tests.interop.clients.libraries import Library, libraries
from tests.interop.clients.running import Row
from tests.interop.clients.table import line_of, written

RowOf = Callable[[Library], Row]


def each_cell_of(*places: str) -> pytest.MarkDecorator:
    """Every library of these places with every flow."""
    cells = [(library, flow) for library in libraries() if library.where in places for flow in NAMES]
    return pytest.mark.parametrize(("library", "flow"), cells, ids=[f"{one.key}-{flow}" for one, flow in cells])


def each_row_of(*places: str) -> pytest.MarkDecorator:
    """Every library of these places."""
    rows = [library for library in libraries() if library.where in places]
    return pytest.mark.parametrize("library", rows, ids=[library.key for library in rows])


def check_cell(row: Row, flow: str) -> None:
    """It works, or is not there and says why."""
    cell = row[flow]
    assert cell.state != "fail", cell.why
    assert cell.why or cell.state in ("pass", "later")


def check_documented(library: Library, row: Row) -> None:
    """The page has this very row; `python3 dev.py matrix --write` writes it."""
    assert line_of(library, row) in written()
