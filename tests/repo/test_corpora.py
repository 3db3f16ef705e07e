"""The corpora's own rules, and that each rule finds the line that breaks it."""

from tests.data import FOLDER, Line, find_faults, parse_corpus, read_corpus

GOOD = {"refused": {"a port of another": "x:1", "a user before": "u@x"}, "read": {"the plain thing": "x"}}


def faults(tables, *, least=0, weak=lambda line: True, control=()):
    return find_faults(parse_corpus(tables), made=lambda line: line.trick, weak=weak, least=least, control=control)


def test_every_file_is_read_and_each_line_has_words():
    for file in FOLDER.glob("*.t*"):
        lines = read_corpus(file.name)
        assert lines and all(isinstance(line, Line) and line.says for line in lines), file.name


def test_a_corpus_without_faults_has_none():
    assert faults(GOOD, least=3, control=[("garbage", False)]) == []


def test_each_fault_is_found():
    assert faults(GOOD, least=4) == ["3 lines, 4 are wanted"]
    assert faults({"refused": {"port": "x:1"}}) == ["no words: refused: port"]
    assert faults(GOOD | {"more": {"a user  before": "v@x"}}) == [
        "the same words: refused: a user before / more: a user  before"
    ]
    assert faults(GOOD | {"more": {"a user once more": "u@x"}}) == [
        "the same thing: refused: a user before / more: a user once more"
    ]
    refusing = faults(GOOD, weak=lambda line: "@" not in line.trick)
    assert refusing == ["even a weak checker refuses it: refused: a user before"]
    assert faults(GOOD, control=[("garbage", True)]) == ["the weak checker accepts garbage"]
