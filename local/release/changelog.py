"""The sections of CHANGELOG.md: one for each release, and one for what is not released yet."""

import re

UNRELEASED = "Unreleased"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def find_section(text: str, title: str) -> str | None:
    """The text below a heading of the second level; None if there is no such heading."""
    headings = list(_HEADING.finditer(text))
    for place, heading in enumerate(headings):
        if heading[1] == title:
            end = headings[place + 1].start() if place + 1 < len(headings) else len(text)
            return text[heading.end() : end].strip()
    return None


def move_unreleased(text: str, version: str) -> str:
    """The same text with what is unreleased as the section of a version, below an empty one."""
    return text.replace(f"## {UNRELEASED}\n", f"## {UNRELEASED}\n\n## {version}\n", 1)
