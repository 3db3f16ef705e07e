"""docs/client-libraries.md beside its rows: nothing more, nothing less, and each reason with its link."""

from tests.clients.flows import NAMES
from tests.clients.libraries import libraries
from tests.clients.table import head, reasons_of, written


def test_the_table_has_these_rows_and_no_other() -> None:
    lines = written()
    assert lines[:2] == head()
    rows = [line for line in lines[2:] if line.startswith("|")]
    assert [row.partition("](")[0] for row in rows] == [f"| [{library.title}" for library in libraries()]


def test_every_reason_has_its_link_and_every_link_its_reason() -> None:
    links = [line for line in written() if line.startswith("[")]
    assert links == [link for library in libraries() for link in reasons_of(library)]
    assert all(": https://" in link or ": #" in link for link in links)


def test_what_a_library_is_without_is_a_flow() -> None:
    for library in libraries():
        assert library.without.keys() | library.refused.keys() <= set(NAMES), library.key
        assert not library.without.keys() & library.refused.keys()
