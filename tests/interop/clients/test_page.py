"""docs/client-libraries.md beside its rows: nothing more, nothing less, and each reason with its link."""

import re
import shlex

import pytest

from local.node import NoNode
from tests.interop.clients.command import build_parser, main
from tests.interop.clients.flows import NAMES
from tests.interop.clients.libraries import Library, libraries
from tests.interop.clients.names import names_of, suspects
from tests.interop.clients.table import PAGE, head, reasons_of, written


def test_the_table_has_these_rows_and_no_other() -> None:
    lines = written()
    assert lines[:2] == head()
    rows = [line for line in lines[2:] if line.startswith("|")]
    assert [row.partition("](")[0] for row in rows] == [f"| [{library.title}" for library in libraries()]


def test_every_cell_without_a_flow_has_its_reason_below_the_table() -> None:
    reasons = [line for line in written() if line.startswith("- ")]
    assert reasons == [line for library in libraries() for line in reasons_of(library)]
    signs = sum(line.count(" – ") + line.count(" ⊘ ") for line in written() if line.startswith("| ["))
    assert signs == sum(len(library.without) + len(library.refused) for library in libraries())


@pytest.mark.parametrize("library", libraries(), ids=lambda library: library.key)
def test_what_has_no_such_call_has_no_name_that_sounds_like_one(library: Library) -> None:
    try:
        assert suspects(library) == {}
    except NoNode as missing:
        pytest.skip(str(missing))


def test_names_are_found_where_there_are_some() -> None:
    certified = next(library for library in libraries() if library.name == "openid-client")
    try:
        names = names_of(certified)
    except NoNode as missing:
        pytest.skip(str(missing))
    assert {"refreshTokenGrant", "initiateDeviceAuthorization", "buildEndSessionUrl"} <= set(names)


def test_every_command_on_the_page_is_understood() -> None:
    lines = re.findall(r"^    python3 dev\.py matrix(.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    chosen = [build_parser().parse_args(shlex.split(line, comments=True)) for line in lines]
    assert len(chosen) == 3
    assert all(any(part in library.key for library in libraries()) for one in chosen for part in one.libraries)


def test_a_name_that_no_library_has_is_sent_to_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nobody"]) == 2
    assert "python-authlib" in capsys.readouterr().out


def test_what_a_library_is_without_is_a_flow() -> None:
    for library in libraries():
        assert library.without.keys() | library.refused.keys() <= set(NAMES), library.key
        assert not library.without.keys() & library.refused.keys()
