"""Writes docs/errors.md, the list of every reason for a refusal: `python -m cli.explanation.error_page`."""

import re
import sys
from pathlib import Path

from cli.explanation.registry import PAGE, Group, Reason, anchor_of, read_registry

ROOT = Path(__file__).resolve().parents[2]
_HEAD = """# Every reason for a refusal

Look up what a reason means and what to do. The client learns only a registered error code, a fixed sentence and
an `error_id`, which a page calls the reference. The reason is in the log. This command finds it there and explains it:

    python3 dev.py broker explain ERROR_ID

The command ends with a link to the entry on this page. If an entry gives no advice, the advice at the top of its group
applies. **!** means that an honest client does not cause this refusal by accident. If none of your clients caused it,
change nothing. In a name, the code replaces `*`.
`python -m cli.explanation.error_page` writes this page from `cli/reasons/`.

## Groups
"""


def build_page() -> str:
    """The page: a table of contents, then each group with an anchor per reason."""
    groups = read_registry()
    contents = "\n".join(f"- [{group.title}](#{group_id})" for group_id, group in groups.items())
    return "\n".join([_HEAD, contents, "", *(_list_group(group_id, group) for group_id, group in groups.items())])


def _list_group(group_id: str, group: Group) -> str:
    lines = [
        f'<a id="{group_id}"></a>',
        "",
        f"## {group.title}",
        "",
        f"Endpoints: {group.endpoints}. Source: {group.source}.",
    ]
    lines += ["", f"What to do: {group.do}", "", *(_list_reason(key, reason) for key, reason in group.reasons.items())]
    return "\n".join([*lines, ""])


def _list_reason(key: str, reason: Reason) -> str:
    mark = " **!**" if reason.attack else ""
    return "\n".join(
        [
            f'- <a id="{anchor_of(key)}"></a>**`{key}`**{mark} {reason.says}',
            *([f"  - What to do: {reason.do}"] if reason.do else []),
            *([f"  - Command: `python3 dev.py {_in_capitals(reason.fix)}`"] if reason.fix else []),
        ]
    )


def _in_capitals(fix: str) -> str:
    """What the evidence fills in, as a reader expects it."""
    return re.sub(r"\{(\w+)\}", lambda name: name[1].upper(), fix)


def main() -> int:
    (ROOT / PAGE).write_text(build_page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
