"""Corpora of tricks: data files that anyone can extend, and what holds every line of them to its word.

A corpus is a TOML file in this folder. Each table in it is a section, each line of a section one trick: what it tries,
in words = what it is made from (a text, or a table of members whose meaning stands in the head of the file).

    [refused]
    "a port behind the host" = "https://app.example:8443/cb"
    "no audience" = { without_claims = ["aud"], reason = "audience_wrong" }

`read_corpus` gives the lines, `find_faults` what is wrong with them: words that stand twice, two lines that make the
same thing, and lines that even a deliberately weak checker refuses. Such a line proves nothing: it is refused for
something that it does not try. A weak checker makes every check but the one that the line is about, or makes it as
products have made it that fell for the trick; `control` holds things that it has to refuse all the same, or it would be
no checker.
"""

import tomllib
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Line:
    """One trick. says: what it tries, in words. trick: what it is made from, as it stands in the file."""

    section: str
    says: str
    trick: Any

    @property
    def name(self) -> str:
        """As a test shows it."""
        return f"{self.section}: {self.says}"


def read_corpus(name: str) -> list[Line]:
    """All lines of a file of this folder, in its order."""
    return parse_corpus(tomllib.loads((FOLDER / name).read_text()))


def parse_corpus(tables: Mapping[str, Mapping[str, Any]]) -> list[Line]:
    """The lines of a decoded file."""
    return [Line(section, says, trick) for section, lines in tables.items() for says, trick in lines.items()]


def find_faults(
    lines: Iterable[Line],
    *,
    made: Callable[[Line], Hashable],
    weak: Callable[[Line], bool],
    least: int = 0,
    control: Iterable[tuple[str, bool]] = (),
) -> list[str]:
    """What is wrong with a corpus, in words; empty where nothing is.

    made      what is sent for a line: no two lines send the same thing
    weak      True where the weak checker accepts what the line makes
    least     so many lines there must be
    control   (what it is, what the weak checker said) of things that it must refuse
    """
    lines = list(lines)
    found = [f"{len(lines)} lines, {least} are wanted"] if len(lines) < least else []
    found += [f"no words: {line.name}" for line in lines if len(line.says.split()) < 2]
    found += _twice(lines, lambda line: " ".join(line.says.split()), "the same words")
    found += _twice(lines, made, "the same thing")
    found += [f"even a weak checker refuses it: {line.name}" for line in lines if not weak(line)]
    return found + [f"the weak checker accepts {what}" for what, accepted in control if accepted]


def _twice(lines: list[Line], of: Callable[[Line], Hashable], what: str) -> list[str]:
    seen: dict[Hashable, Line] = {}
    found = []
    for line in lines:
        first = seen.setdefault(of(line), line)
        if first is not line:
            found.append(f"{what}: {first.name} / {line.name}")
    return found
