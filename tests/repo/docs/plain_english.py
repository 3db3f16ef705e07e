"""Counts the phrases of tests/repo/docs/phrases.py in everything that a person reads.

`python -m tests.repo.docs.plain_english [FILE ...]` lists them; `--lower` lowers the counts in plain_english.toml.
"""

import argparse
import ast
import io
import json
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.kit import ROOT
from tests.repo.docs.phrases import OPENINGS, PHRASES

COUNTS = ROOT / "tests/repo/docs/plain_english.toml"
GENERATED = ("docs/errors.md", "docs/errors/")  # from cli/reasons, which is counted
PLACES = (
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/**/*.md"),
    *("app.py", "dev.py", "chalicelib/**/*.py", "cli/**/*.py", "local/**/*.py"),
    *("cli/reasons/*.toml", "chalicelib/pages/messages/en.json"),
)
_HEAD = """\
# How many phrases of tests/repo/docs/phrases.py each file still has. A count may only fall.
# A file that has none is not listed.
"""


class Text(NamedTuple):
    """Words that a person reads, and the line of the file at which they begin."""

    line: int
    words: str

    def line_at(self, position: int) -> int:
        """The line of the file at which a character of the words is."""
        return self.line + self.words.count("\n", 0, position)


class Found(NamedTuple):
    """One phrase, where it is, and what to write instead."""

    file: str
    line: int
    phrase: str
    better: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.phrase!r}: write {self.better}"


_SENTENCE = r"(?:\A|[.!?:|]\s+|\n\n|\*\* )[-#* ]*"  # what may come before the first word of a sentence


def _compile(pattern: str, before: str, flags: re.RegexFlag) -> re.Pattern[str]:
    spaced = pattern.replace(" ", r"\s+")
    return re.compile(rf"{before}(?P<phrase>\b(?:{spaced})\b)", flags)


_PATTERNS = [(_compile(key, _SENTENCE, re.NOFLAG), better) for key, better in OPENINGS.items()]
_PATTERNS += [(_compile(key, "", re.IGNORECASE), better) for key, better in PHRASES.items()]


def scan() -> dict[str, list[Found]]:
    """The phrases of each file that has any."""
    files = sorted({path for place in PLACES for path in ROOT.glob(place)})
    names = [path.relative_to(ROOT).as_posix() for path in files]
    found = {name: find(name) for name in names if not name.startswith(GENERATED)}
    return {name: phrases for name, phrases in found.items() if phrases}


def find(name: str) -> list[Found]:
    """The phrases of one file, by line."""
    source = (ROOT / name).read_text(encoding="utf-8")
    return sorted(
        Found(name, text.line_at(match.start("phrase")), " ".join(match["phrase"].split()), better)
        for text in read_texts(Path(name).suffix, source)
        for pattern, better in _PATTERNS
        for match in pattern.finditer(text.words)
    )


def read_texts(suffix: str, source: str) -> Iterator[Text]:
    """What a person reads in a file of this kind."""
    match suffix:
        case ".md":
            yield Text(1, _without_code(source))
        case ".py":
            yield from _read_comments(source)
            yield from _read_strings(source)
        case ".json" | ".toml":
            values = json.loads(source) if suffix == ".json" else tomllib.loads(source)
            for words in _leaves(values):
                yield Text(_line_of(words, source), words)


def _without_code(page: str) -> str:
    """The page with its code blanked, so that lines keep their numbers."""
    fenced = re.sub(r"^```.*?^```$", lambda block: "\n" * block[0].count("\n"), page, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "`code`", re.sub(r"^ {4}.*$", "", fenced, flags=re.MULTILINE))


def _read_comments(source: str) -> Iterator[Text]:
    """Comments; those on consecutive lines are one text."""
    first, last, lines = 0, 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if lines and token.start[0] != last + 1:
            yield Text(first, "\n".join(lines))
            lines = []
        first, last = first if lines else token.start[0], token.start[0]
        lines.append(token.string.lstrip("# "))
    if lines:
        yield Text(first, "\n".join(lines))


def _read_strings(source: str) -> Iterator[Text]:
    """Docstrings, messages and help: every string that has a space in it."""
    tree = ast.parse(source)
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values]
            yield Text(node.lineno, "".join(parts))
        elif isinstance(node, ast.Constant) and id(node) not in inside:
            yield from [Text(node.lineno, node.value)] if isinstance(node.value, str) and " " in node.value else []


def _leaves(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict() | list():
            for each in value.values() if isinstance(value, dict) else value:
                yield from _leaves(each)


def _line_of(words: str, source: str) -> int:
    position = source.find(words.split("\n")[0])
    return source.count("\n", 0, max(position, 0)) + 1


def read_counts() -> dict[str, int]:
    """How many phrases each file may have."""
    return {str(name): int(count) for name, count in tomllib.loads(COUNTS.read_text(encoding="utf-8")).items()}


def lower(found: dict[str, list[Found]]) -> dict[str, int]:
    """The counts with each that fell lowered; one that would rise stays."""
    return {name: min(count, len(found[name])) for name, count in read_counts().items() if name in found}


def main(arguments: list[str] | None = None) -> int:
    """List the phrases of some files or all, or lower the counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.repo.docs.plain_english", description=main.__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help="list only these, by their path from the root")
    parser.add_argument("--lower", action="store_true", help="lower the counts to what is found; no count rises")
    options = parser.parse_args(arguments)
    found = scan()
    if options.lower:
        COUNTS.write_text(_HEAD + "".join(f'"{name}" = {count}\n' for name, count in lower(found).items()))
        return 0
    for phrases in (phrases for name, phrases in found.items() if not options.files or name in options.files):
        print(*phrases, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
