"""A page for each reason under docs/errors/, and docs/errors.md, which lists them: `python -m cli.error_page`."""

import re
import sys
from pathlib import Path

from cli.reason_registry import PAGE, Group, Reason, anchor_of, page_of, read_registry

ROOT = Path(__file__).resolve().parents[1]
_HEAD = """# Every reason for a refusal

A refusal tells the client a registered error code, a fixed sentence and an `error_id`; a page tells its reader the same
as a number. Why it was refused stands in the log alone, and the operator's command says it in words:

    python3 dev.py broker explain ERROR_ID

Each reason has a page that says what to do. They are written from `cli/reasons/` by `python -m cli.error_page`; a test
holds them to the code. Where a name has a `*`, the code fills it in. **!** marks what an honest app does not do by
accident alone: if none of yours did it, change nothing.
"""
_ATTACK = "An honest app does not do this by accident alone: if none of yours did it, change nothing."


def build_pages() -> dict[str, str]:
    """Every page by its path from the root, the list first."""
    groups = read_registry()
    contents = "\n".join(f"- [{group.title}](#{group_id})" for group_id, group in groups.items())
    index = "\n".join([_HEAD, contents, "", *(_list_group(group_id, group) for group_id, group in groups.items())])
    return {
        PAGE: index,
        **{
            page_of(key): _build_reason(key, reason, group_id, group)
            for group_id, group in groups.items()
            for key, reason in group.reasons.items()
        },
    }


def _list_group(group_id: str, group: Group) -> str:
    lines = [f'<a id="{group_id}"></a>', "", f"## {group.title}", "", f"At: {group.endpoints}. By: {group.source}.", ""]
    for key, reason in group.reasons.items():
        link, mark = f"[`{key}`](errors/{anchor_of(key)}.md)", " **!**" if reason.attack else ""
        lines.append(f'- <a id="{anchor_of(key)}"></a>{link}{mark} {reason.says}')
    return "\n".join([*lines, ""])


def _build_reason(key: str, reason: Reason, group_id: str, group: Group) -> str:
    facts = [
        f"- Where: {group.endpoints}.",
        f"- What did not hold: {reason.check}.",
        f"- By: {group.source}.",
        *([f"- The command for it: `python3 dev.py {_in_capitals(reason.fix)}`"] if reason.fix else []),
    ]
    parts = [
        f"# `{key}`",
        reason.says,
        *([f"**!** {_ATTACK}"] if reason.attack else []),
        "## What to do",
        reason.do or group.do,
        "\n".join(facts),
        f"[{group.title}](../errors.md#{group_id}) · [how a refusal is explained](../explain.md)",
    ]
    return "\n\n".join(parts) + "\n"


def _in_capitals(fix: str) -> str:
    """What the evidence fills in, as a reader expects it."""
    return re.sub(r"\{(\w+)\}", lambda name: name[1].upper(), fix)


def main() -> int:
    """Write them, and take away those of reasons that are gone."""
    pages = build_pages()
    folder = (ROOT / PAGE).with_suffix("")
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.md"):
        if file.relative_to(ROOT).as_posix() not in pages:
            file.unlink()
    for path, text in pages.items():
        (ROOT / path).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
