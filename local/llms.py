"""`python -m local.llms` writes llms.txt, the index of the documentation for machines, from docs/README.md.

It is the format of llmstxt.org: a title, a summary, and lists of links. Addresses are paths from the root of the
repository, since no host is known.
"""

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INDEX, PLACE = ROOT / "docs" / "README.md", ROOT / "llms.txt"
LINK = re.compile(r"^- \[(?P<title>[^\]]+)\]\((?P<path>[^)]+)\): (?P<says>.+)$")


def build(index: str, readme: str) -> str:
    """The text of llms.txt from that of docs/README.md and that of README.md, whose first sentence sums it all up."""
    title, summary = re.findall(r"^# (.+)\n\n\*\*(.+?)\*\*$", readme, re.MULTILINE | re.DOTALL)[0]
    lines = [f"# {title}", "", f"> {' '.join(summary.split())}"]
    for line in index.splitlines():
        if line.startswith("##"):
            lines += ["", f"## {line.lstrip('# ')}", ""] if line.startswith("## ") else []
        elif found := LINK.match(line):
            lines.append(f"- [{found['title']}]({posixpath.normpath('docs/' + found['path'])}): {found['says']}")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def main() -> int:
    """Write it."""
    PLACE.write_text(build(INDEX.read_text(encoding="utf-8"), (ROOT / "README.md").read_text(encoding="utf-8")))
    print(PLACE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
