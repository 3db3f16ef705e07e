"""The rows of the matrix that run in a browser."""

from tests.interop.clients.cells import RowOf, check_cell, check_documented, each_cell_of, each_row_of
from tests.interop.clients.libraries import Library
from tests.kit.requirement import requirement


@requirement("META-02")
@each_cell_of("browser")
def test_a_cell(row_of: RowOf, library: Library, flow: str) -> None:
    check_cell(row_of(library), flow)


@each_row_of("browser")
def test_the_page_has_the_row_as_it_came(row_of: RowOf, library: Library) -> None:
    check_documented(library, row_of(library))
