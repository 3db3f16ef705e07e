"""What holds up a release. Each refusal names the next step."""

import subprocess
from pathlib import Path

from local.node import why_no_node
from local.release.changelog import UNRELEASED, find_section
from local.release.versions import FORM, REPEATED, SOURCE, read_version

MOST_SHOWN = 5


class Refused(Exception):
    """Why there is no release, and what to do about it."""


def check_readiness(root: Path) -> str:
    """The version that this tree can release. Raises Refused."""
    check_clean(root)
    version = read_version(root)
    if not FORM.fullmatch(version):
        raise Refused(f"{SOURCE} states the version '{version}'; it must be three numbers, such as 0.2.0")
    different = {name: found for name in REPEATED if (found := read_version(root, name)) != version}
    if different:
        listed = ", ".join(f"{name} states {found}" for name, found in different.items())
        raise Refused(f"{SOURCE} states {version}, but {listed}; run 'dev.py release --prepare {version}' and commit")
    check_changelog(root, version)
    check_tag(root, version)
    if missing := why_no_node():
        raise Refused(missing)
    return version


def check_clean(root: Path) -> None:
    """Raises Refused where a commit would not give the same files."""
    status = git(root, "status", "--porcelain")
    if status is None:
        raise Refused(f"{root} is not a clone: a release is built from a commit")
    if changed := status.splitlines():
        shown = "\n".join(f"  {line}" for line in changed[:MOST_SHOWN])
        more = f"\n  and {len(changed) - MOST_SHOWN} more" if len(changed) > MOST_SHOWN else ""
        raise Refused(f"the tree has uncommitted changes; commit or remove them:\n{shown}{more}")


def check_changelog(root: Path, version: str) -> None:
    """Raises Refused where the notes of the release are missing, empty or incomplete."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    section = find_section(text, version)
    if not section:
        said = "has no section" if section is None else "has nothing in its section"
        raise Refused(f"CHANGELOG.md {said} '## {version}'; run 'dev.py release --prepare {version}' and commit")
    if find_section(text, UNRELEASED):
        raise Refused(f"CHANGELOG.md has lines under '## {UNRELEASED}'; move them to '## {version}' and commit")


def check_tag(root: Path, version: str) -> None:
    """Raises Refused where another commit has this version already."""
    tagged, head = (
        git(root, "rev-parse", "--verify", "--quiet", f"v{version}^{{commit}}"),
        git(root, "rev-parse", "HEAD"),
    )
    if tagged is not None and tagged != head:
        raise Refused(
            f"v{version} is already the tag of another commit; run 'dev.py release --prepare' with the next one"
        )


def git(root: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.rstrip("\n") if done.returncode == 0 else None
