"""docs/errors.md, written from the registry of reasons: `python -m cli.error_page`."""

import sys
from pathlib import Path

from cli.reason_registry import PAGE, Group, anchor_of, read_registry

ROOT = Path(__file__).resolve().parents[1]
_HEAD = """# Every reason for a refusal

A refusal tells the client a registered error code, a fixed sentence and an `error_id`; a page tells its reader the same
as a number. Why it was refused stands in the log alone, and the operator's command says it in words:

    python3 dev.py broker explain ERROR_ID

This page is written from `cli/reasons/` by `python -m cli.error_page`; a test holds both to the code. Where a name has
a `*`, the code fills it in. **!** marks what an honest app does not do by accident alone: if none of yours did it,
change nothing.
"""


def build_page() -> str:
    """The whole page."""
    groups = read_registry()
    contents = "\n".join(f"- [{group.title}](#{group_id})" for group_id, group in groups.items())
    return "\n".join([_HEAD, contents, "", *(_build_group(group_id, group) for group_id, group in groups.items())])


def _build_group(group_id: str, group: Group) -> str:
    lines = [
        f'<a id="{group_id}"></a>',
        "",
        f"## {group.title}",
        "",
        f"At: {group.endpoints}. By: {group.source}.",
        "",
    ]
    for key, reason in group.reasons.items():
        mark = " **!**" if reason.attack else ""
        lines += [f'<a id="{anchor_of(key)}"></a>', f"**`{key}`**{mark} {reason.says}", ""]
        lines += [reason.do or group.do, ""]
    return "\n".join(lines)


def main() -> int:
    """Write it."""
    (ROOT / PAGE).write_text(build_page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
