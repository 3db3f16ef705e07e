"""The pictures of the pages are of the pages as they are: a change of one shows as a changed picture."""

import json

import pytest

from docs.pictures.pages import MADE_OF, MAX_BYTES, SHEETS, digest, pictured


@pytest.mark.parametrize("name", pictured())
def test_the_sheet_of_a_page_was_made_of_what_the_page_is_now(name: str) -> None:
    known = json.loads(MADE_OF.read_text())
    assert known.get(name) == digest(pictured()[name]), "run: python -m docs.pictures.pages"
    sheet = SHEETS / f"{name}.png"
    assert sheet.read_bytes().startswith(b"\x89PNG") and sheet.stat().st_size <= MAX_BYTES


def test_there_is_no_sheet_of_a_page_that_is_gone() -> None:
    assert {sheet.stem for sheet in SHEETS.iterdir()} == set(pictured())
