"""No credential lies in a file of the repository, and so in nothing that ships from it."""

import subprocess
from pathlib import Path

import pytest

from tests.kit import ROOT
from tests.kit.repo.secret_patterns import KINDS, find_secrets
from tests.kit.requirement import requirement

# Files that hold what looks like a secret because that is their subject: each with the kinds that are allowed in it.
SUBJECTS = {"tests/unit/upstream/exchanges.toml": {"a GitHub token"}}  # GitHub's documented example


def tracked() -> list[Path]:
    """Every file that is or would be committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git repository: nothing is tracked")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


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
