"""Everything that a person reads is plain English: phrases that hide what a sentence means only become fewer."""

import pytest

from tests.kit.requirement import requirement
from tests.repo.docs.phrases import OPENINGS, PHRASES
from tests.repo.docs.plain_english import find, lower, read_counts, read_texts, scan

FOUND = scan()
LOWER = "python -m tests.repo.docs.plain_english --lower"


@requirement("DOC-10")
def test_no_file_has_more_phrases_than_it_had() -> None:
    counts = read_counts()
    more = [phrase for name, phrases in FOUND.items() if len(phrases) > counts.get(name, 0) for phrase in phrases]
    assert not more, "say it in plain English:\n" + "\n".join(map(str, more))


@requirement("DOC-10")
def test_a_count_is_lowered_when_phrases_are_gone() -> None:
    fewer = {
        name: len(FOUND.get(name, ())) for name, count in read_counts().items() if len(FOUND.get(name, ())) < count
    }
    assert not fewer, f"these have fewer now; run {LOWER}: {fewer}"


@requirement("DOC-10")
def test_lowering_never_raises_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    phrase = find("cli/main.py")[:0]
    monkeypatch.setattr("tests.repo.docs.plain_english.read_counts", lambda: {"a.md": 2, "b.md": 1, "c.md": 3})
    one = FOUND[min(FOUND)][:1]
    assert lower({"a.md": one * 5, "b.md": one, "d.md": one, "c.md": one}) == {"a.md": 2, "b.md": 1, "c.md": 1}
    assert lower({"a.md": phrase}) == {"a.md": 0}


@requirement("DOC-10")
@pytest.mark.parametrize(
    ("suffix", "source", "found"),
    [
        (".md", "# A\n\nThe third\nparty.\n", [3]),
        (".md", "Run `third party`.\n\n```sh\nthird party\n```\n\n    third party\n", []),
        (".md", "Who are you?\n\nWho sends it, waits.\n", [3]),
        (".py", "x = 1\n# It is kept for a\n# third party\n", [2, 3]),
        (".py", '"""A third party."""\n\nname = "duty"\nhelp = "one\\n" "duty of a kind"\n', [1, 5]),
        (".py", 'f"{name} is over"\n', [1]),
        (".toml", 'title = "x"\nsays = "It is over."\n', [2]),
        (".json", '{\n"a": {"one": "the duty"}}\n', [2]),
    ],
)
def test_the_scan_reads_words_and_no_code(tmp_path, monkeypatch, suffix: str, source: str, found: list[int]) -> None:
    monkeypatch.setattr("tests.repo.docs.plain_english.ROOT", tmp_path)
    (tmp_path / f"a{suffix}").write_text(source)
    assert [each.line for each in find(f"a{suffix}")] == found


@requirement("DOC-10")
def test_every_phrase_has_a_better_one() -> None:
    assert all(len(better) > 2 for better in (OPENINGS | PHRASES).values())
    assert list(read_texts(".md", "a")) == [(1, "a")]
