"""The pages of the repository, taken apart: links, the places that links lead to, blocks of code."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.kit import ROOT

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:\A|\n\n)((?: {4}[^\n]*\n(?:\n(?= {4}))?)+)")


class Block(NamedTuple):
    """A block of code; `language` is empty where the page does not say it."""

    page: str
    language: str
    text: str


def pages() -> list[str]:
    """Every Markdown file that is or would be committed, from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = listed.stdout.split() if listed.returncode == 0 else [str(each.relative_to(ROOT)) for each in _all()]
    return sorted(name for name in found if (ROOT / name).is_file())


def _all() -> Iterator[Path]:
    for name in ("*.md", "clients/*.md", "docs/**/*.md"):
        yield from ROOT.glob(name)


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    """All of them, those of a list's items too."""
    text = read(page)
    found = [Block(page, language, body) for language, body in FENCED.findall(text)]
    rest = FENCED.sub("", text)
    return found + [Block(page, "", re.sub(r"^ {4}", "", body, flags=re.MULTILINE)) for body in INDENTED.findall(rest)]


def links(page: str) -> list[str]:
    """Where its links and pictures lead, as they stand there; not those in code."""
    text = re.sub(r"`[^`\n]*`", "``", FENCED.sub("", read(page)))
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"(?:src|href)=\"([^\"]+)\"", text)


def anchors(page: str) -> set[str]:
    """The places within a page that a link can name, as GitHub makes them of headings."""
    seen: Counter[str] = Counter()
    found = set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", read(page)))
    for title in re.findall(r"^#+ (.*)$", FENCED.sub("", read(page)), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).strip().lower()
        name = re.sub(r"[^\w -]", "", plain).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found
