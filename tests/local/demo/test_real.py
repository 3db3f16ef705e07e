"""`dev.py demo --real NAME`: asks once, stores the secret encrypted, and sends users to the real provider."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from local.browser import Browser, query_of
from tests.kit import ROOT
from tests.kit.requirement import requirement

pytestmark = pytest.mark.timeout(120)
SECRET = "a-secret-that-github-gave"


@contextmanager
def started(state: Path, typed: str, *words: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """The demo, with what a person types; killed at the end."""
    environ = {**os.environ, "TOKEN_BROKER_STATE": str(state)}
    command = [sys.executable, "dev.py", "demo", "--json", *words]
    with (
        (state / "said").open("w") as said,
        subprocess.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
        ) as process,
    ):
        try:
            assert process.stdin and process.stdout
            process.stdin.write(typed)
            process.stdin.close()
            yield json.loads(process.stdout.readline()), process
        finally:
            process.kill()
            process.wait()


def leave(told: dict[str, Any]) -> str:
    """Where the user is sent after Allow."""
    browser = Browser()
    config = browser.get(f"{told['app']}/config.json").json()
    asked = {
        "response_type": "code", "client_id": config["client_id"], "redirect_uri": f"{told['app']}/callback",
        "scope": config["scope"], "state": "s" * 16, "nonce": "n" * 16, "code_challenge": "c" * 43,
        "code_challenge_method": "S256", "provider": "github",
    }  # fmt: skip
    page = browser.get(f"{told['issuer']}/authorize?{urlencode(asked)}")
    return browser.submit(page, "decision", "allow").location


@requirement("RUN-14")
def test_it_asks_once_and_sends_users_to_the_real_provider(tmp_path: Path) -> None:
    with started(tmp_path, f"my-client\n{SECRET}\n", "--real", "github") as (told, _):
        said = (tmp_path / "said").read_text()
        assert "https://github.com/settings/applications/new" in said
        assert f"callback URL: {told['issuer']}/callback/github" in said
        assert SECRET not in said
        location = leave(told)
        assert location.startswith("https://github.com/login/oauth/authorize?")
        assert query_of(location)["client_id"] == "my-client"
        assert query_of(location)["redirect_uri"] == f"{told['issuer']}/callback/github"
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET.encode() not in stored
    with started(tmp_path, "") as (told, _):
        assert "client ID" not in (tmp_path / "said").read_text()
        assert query_of(leave(told))["client_id"] == "my-client"


@requirement("RUN-14")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--real", "github"], "nothing was typed"),
        (["--real", "apple"], "needs more than an ID and a secret"),
        (["--real", "github", "--provider", "github"], "either simulated or real"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(tmp_path: Path, words: list[str], said: str) -> None:
    environ = {**os.environ, "TOKEN_BROKER_STATE": str(tmp_path)}
    command = [sys.executable, "dev.py", "demo", *words]
    done = subprocess.run(command, cwd=ROOT, env=environ, input="", capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@requirement("RUN-14")
def test_every_page_of_the_table_is_of_a_shipped_file() -> None:
    import tomllib

    from chalicelib.providers.catalog import load_catalog

    table = tomllib.loads((ROOT / "local" / "demo" / "registration_pages.toml").read_text())
    assert table.keys() <= load_catalog().ids
    assert all(each["page"].startswith("https://") for each in table.values())
