"""On which line of a TOML text a dotted key stands, for the sentence that names a fault; it reads no values."""

import re

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_NAME = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\s*({_NAME})\s*\]")
_ENTRY = re.compile(rf"\s*({_NAME})\s*=\s*(.*)")
_STRINGS = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'|#.*""")


def find_lines(text: str) -> dict[str, int]:
    """Dotted key -> line, from 1. A key inside a value has the line of that value's key."""
    lines: dict[str, int] = {}
    table, depth = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if depth == 0 and (header := _HEADER.match(line)):
            table = _plain(header[1])
            lines.setdefault(table, number)
            continue
        content = line
        if depth == 0 and (entry := _ENTRY.match(line)):
            lines.setdefault(f"{table}.{_plain(entry[1])}".lstrip("."), number)
            content = entry[2]
        bare = _STRINGS.sub("", content)
        depth = max(0, depth + bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}"))
    return lines


def line_of(lines: dict[str, int], key: str) -> int | None:
    """The line of a key, or of the nearest table around it; None if the file has not even its table."""
    while key:
        if key in lines:
            return lines[key]
        key = key.rpartition(".")[0]
    return None


def _plain(name: str) -> str:
    """A dotted name without its quotes."""
    return ".".join(part.strip("\"'") for part in re.findall(_PART, name))
