"""No credential lies in a file of the repository, and so in nothing that ships from it."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.kit import ROOT
from tests.kit.requirement import requirement

KINDS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}",
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "an AWS secret key": r"(?i)aws_secret_access_key[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9/+]{40}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60})",
    "a Google client secret": r"\bGOCSPX-[A-Za-z0-9_-]{20,}",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}\b",
    "a Slack token": r"\bxox[abpr]-[0-9A-Za-z-]{20,}",
    "a Stripe key": r"\b[rs]k_live_[0-9A-Za-z]{16,}",
    "a PyPI token": r"\bpypi-AgEI[A-Za-z0-9_-]{40,}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a code or refresh token of ours": r"\btb_(?:code|refresh|device)_[A-Za-z0-9_-]{60,}",
    "a URL with a password": r"https?://[^\s/:@\"'{}<>$]+:[^\s/:@\"'{}<>$]{8,}@[a-z0-9.-]+\.(?:com|org|net|io|dev)\b",
}
# Files that hold what looks like a secret because that is their subject: each with the kinds that are allowed in it.
SUBJECTS = {"tests/unit/upstream/exchanges.toml": {"a GitHub token"}}  # GitHub's documented example


def tracked() -> list[Path]:
    """Every file that is or would be committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git repository: nothing is tracked")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def find_secrets(text: str) -> list[str]:
    return [kind for kind, pattern in KINDS.items() if re.search(pattern, text)]


@requirement("OPS-04")
def test_no_file_holds_a_credential() -> None:
    found = {}
    for path in tracked():
        name = str(path.relative_to(ROOT))
        kinds = set(find_secrets(path.read_bytes().decode("utf-8", "replace"))) - SUBJECTS.get(name, set())
        if kinds:
            found[name] = sorted(kinds)
    assert not found


@requirement("OPS-04")
def test_nothing_that_holds_state_or_settings_is_tracked() -> None:
    names = [path.relative_to(ROOT) for path in tracked()]
    assert not [name for name in names if name.name.startswith(".env") or ".state" in name.parts]
    assert not [name for name in names if name.suffix in (".pem", ".key", ".p12", ".pfx", ".zip", ".sqlite")]


EXAMPLES = {
    "a private key": "-----BEGIN EC PRIVATE " + "KEY-----\n" + "M" * 64,
    "an AWS access key": "AKIA" + "A" * 16,
    "an AWS secret key": "aws_secret_access_key = " + "x" * 40,
    "a GitHub token": "ghp_" + "a" * 36,
    "a Google client secret": "GOCSPX-" + "a" * 28,
    "a Google API key": "AIza" + "a" * 35,
    "a Slack token": "xoxb-" + "1" * 24,
    "a Stripe key": "sk_live_" + "a" * 24,
    "a PyPI token": "pypi-AgEI" + "a" * 50,
    "an npm token": "npm_" + "a" * 36,
    "a code or refresh token of ours": "tb_refresh_" + "a" * 80,
    "a URL with a password": "https://user:" + "correcthorse" + "@db.example.com",
}


@requirement("OPS-04")
@pytest.mark.parametrize("kind", KINDS)
def test_the_scan_finds_one_of_each_kind(kind: str) -> None:
    assert find_secrets(f"x {EXAMPLES[kind]} y") == [kind]
