"""What the operator's command prints of others' words."""

import io
import json

import pytest

from cli.commands.kill import _in_words
from cli.output import Listing, log_stream, show
from tests.kit.requirement import requirement

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


class Terminal(io.StringIO):
    """A standard error that a person reads."""

    def isatty(self) -> bool:
        return True


@requirement("RUN-02")
def test_log_lines_of_a_command_go_to_a_file_or_program_and_not_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, written in ((Terminal(), ""), (io.StringIO(), "line")):
        monkeypatch.setattr("sys.stderr", stream)
        print("line", end="", file=log_stream(), flush=True)
        assert stream.getvalue() == written


@requirement("RUN-02")
@pytest.mark.parametrize(("count", "words"), [(1, "1 grant, 2 users"), (2, "2 grants, 2 users")])
def test_what_a_kill_ended_is_counted_in_the_singular_too(count: int, words: str) -> None:
    told = {"void": {"grants": count, "users": 2}, "lives_on": [], "undo": "broker kill everything --undo"}
    assert words + "\n" in _in_words(told).said
