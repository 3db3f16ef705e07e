"""The pictures that docs/pages.md shows are of the pages as they are, and every other page is drawn on demand."""

import json
from pathlib import Path

import pytest

from docs.pictures.pages import MADE_OF, MAX_BYTES, SHEETS, SHOWN, digest, main, pictured
from tests.kit import ROOT
from tests.kit.markdown import links
from tests.kit.requirement import requirement


@requirement("DOC-01")
@pytest.mark.parametrize("name", SHOWN)
def test_a_picture_that_the_docs_show_was_made_of_what_the_page_is_now(name: str) -> None:
    assert json.loads(MADE_OF.read_text())[name] == digest(pictured()[name]), "run: python -m docs.pictures.pages"


def test_the_docs_show_every_stored_picture() -> None:
    shown = {f"docs/{link}" for link in links("docs/pages.md") if link.endswith(".png")}
    assert shown == {sheet.relative_to(ROOT).as_posix() for sheet in SHEETS.iterdir()}
    for sheet in SHEETS.iterdir():
        assert sheet.read_bytes().startswith(b"\x89PNG") and sheet.stat().st_size <= MAX_BYTES


def test_a_page_without_a_stored_picture_is_drawn_on_demand(tmp_path: Path) -> None:
    main([str(tmp_path), "waiting", "error-signed_out"])
    drawn = {sheet.name: sheet.read_bytes() for sheet in tmp_path.iterdir()}
    assert drawn.keys() == {"waiting.png", "error-signed_out.png"}
    assert all(sheet.startswith(b"\x89PNG") and len(sheet) > 8_000 for sheet in drawn.values())
    assert len(set(drawn.values())) == 2
