"""What the operator's command prints of others' words."""

import json

import pytest

from cli.showing import Listing, show
from tests.requirement import requirement

ROW = {"scope": "a\x1b]0;x\x07 \u202eb\r\nc", "tokens": ["\x9b2J"], "use": {"by": "\u2028"}, "name": "Ärzte 猫"}


@requirement("OPS-31")
@pytest.mark.parametrize("document", [ROW, [ROW, ROW], Listing([ROW], "that is all")], ids=["row", "rows", "listing"])
def test_no_word_of_others_moves_the_cursor_of_the_operators_terminal(
    document: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """A third party says which scopes it granted, and says what it likes."""
    show(document, as_json=False)
    printed = capsys.readouterr().out
    assert printed.replace("\n", "").isprintable() and "\\x1b]0;x\\x07" in printed and "Ärzte 猫" in printed
    show(document, as_json=True)
    read = json.loads(capsys.readouterr().out)
    assert ROW in (read, read[0] if isinstance(read, list) else read)
