"""The commands of the local stack as processes: what they print, how they end, how they find each other."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cli.deployment.running_stack import FOLDER, find_running
from local.stack.resources import call_endpoint
from tests.kit import ROOT
from tests.kit.requirement import requirement

PROVIDER_FILE = """
provider_id = "team"
display_name = "Team"
checked_on = 2026-01-01
issuer = "https://login.team.example"
discovery = true
id_token_signing_alg_values_supported = ["ES256"]
sign_in_scopes = ["openid"]
unverified = ["authorization"]
[documentation]
"https://team.example/docs" = ["issuer", "discovery", "id_token_signing_alg_values_supported", "sign_in_scopes"]
[authorization]
nonce = true
[registration]
client_id = "ours"
client_secret = "env:TEAM_SECRET"
"""
PARTS = ("issuer", "app", "provider", "calendar")
pytestmark = pytest.mark.timeout(90)


@contextmanager
def running(*command: str, number: signal.Signals = signal.SIGTERM) -> Iterator[dict[str, Any]]:
    """A command that prints one line when ready; ended by a signal, which it must take as its good end."""
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [sys.executable, "-m", *command, "--json"],
            cwd=ROOT,
            env=dict(os.environ),  # a plain dict where another test has put one there: children would not see it
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            said.seek(0)
            assert line, f"ended with {process.wait(15)} before it was ready: {said.read()}"
            yield json.loads(line) | {"pid": process.pid}
            process.send_signal(number)
            assert process.wait(15) == 0
            assert process.stdout.read() == ""
        finally:
            process.kill()


def get_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


def serve(*options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.serve", "--port", "0", *options]
    given = os.environ | environ
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False)


def test_two_serves_on_one_endpoint_are_one_broker() -> None:
    with running("local.stack.aws") as aws:
        first = ["local.serve", "--port", "0", "--endpoint-url", aws["endpoint_url"], "--set", "code_seconds=7"]
        with running(*first) as one:
            second = [*first, "--issuer", one["issuer"]]
            with running(*second, number=signal.SIGINT):
                key = {"pk": {"S": "KEYSET#signing"}, "sk": {"S": "#"}}
                stored = call_endpoint(aws["endpoint_url"], "dynamodb", "GetItem", {"TableName": "broker", "Key": key})
                keys = get_json(f"{one['issuer']}/jwks")["keys"]
            assert one["endpoint_url"] == aws["endpoint_url"]
            assert len(keys) == 1 and stored["Item"]
            found = find_running()
            assert found is not None and found.settings["BROKER_CODE_SECONDS"] == "7"


@requirement("OPS-08")
def test_what_a_served_broker_refused_is_explained_from_another_terminal() -> None:
    with running("local.serve", "--port", "0") as here:
        with pytest.raises(urllib.error.HTTPError) as refused:
            get_json(f"{here['issuer']}/userinfo")
        error_id = json.load(refused.value)["error_id"]
        files = json.loads((FOLDER / f"{here['pid']}.json").read_text())["log"]
        command = [sys.executable, "-m", "cli.main", "explain", error_id, "--json", "--log", files[-1]]
        ended = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True)
        document = json.loads(ended.stdout)
    assert (document["reason"], document["endpoint"]) == ("access_token_missing", "GET /userinfo")
    assert not any(Path(name).exists() for name in files)


def test_serve_takes_a_foreign_issuer_and_serves_only_its_host() -> None:
    with running("local.serve", "--port", "0", "--issuer", "https://broker.example") as here:
        assert here["issuer"] == "https://broker.example"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--set", "foo=1"], "BROKER_FOO is not a setting"),
        (["--set", "code_seconds=0"], "BROKER_CODE_SECONDS"),
        (["--set", "code_seconds"], "KEY=VALUE"),
        (["--issuer", "http://broker.example"], "BROKER_ISSUER"),
        (["--providers", "/nowhere"], "/nowhere is not a folder"),
    ],
)
def test_wrong_options_of_serve_are_said_before_anything_starts(options: list[str], said: str) -> None:
    result = serve(*options)
    assert result.returncode == 2
    assert said in result.stderr and "Traceback" not in result.stderr


def test_provider_files_bring_their_registration_and_the_secret_by_reference(tmp_path: Path) -> None:
    (tmp_path / "team.toml").write_text(PROVIDER_FILE)
    missing = serve("--providers", str(tmp_path))
    assert missing.returncode == 2 and "TEAM_SECRET" in missing.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEAM_SECRET", "s" * 40)
        with running("local.serve", "--port", "0", "--providers", str(tmp_path)) as here:
            key = {"pk": {"S": "PROVIDER#team"}, "sk": {"S": "#"}}
            stored = call_endpoint(here["endpoint_url"], "dynamodb", "GetItem", {"TableName": "broker", "Key": key})
    assert "ours" in json.dumps(stored["Item"])
    assert "ssss" not in json.dumps(stored["Item"])


def test_the_demo_works_round_taken_ports_and_each_part_has_a_host_of_its_own() -> None:
    with running("local.demo.demo") as places:
        assert places["ready"] is True and set(places) == {
            "ready",
            "issuer",
            "app",
            "live",
            "provider",
            "calendar",
            "pid",
        }
        hosts = [urlsplit(places[name]).hostname for name in PARTS]
        assert len(set(hosts)) == 4
        config = get_json(f"{places['app']}/config.json")
        assert config["issuer"] == places["issuer"] and len(config["client_id"]) == 32
        assert "registration_endpoint" in get_json(f"{places['issuer']}/.well-known/oauth-authorization-server")
        with running("local.demo.demo", number=signal.SIGINT) as beside:
            assert not {places[name] for name in PARTS} & set(map(str, beside.values()))


def test_what_cannot_be_served_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "team.toml").write_text(
        PROVIDER_FILE.replace('issuer = "https://login.team.example"\n', "").replace('"issuer", ', "")
    )
    cases: dict[tuple[str, ...], str] = {
        ("--port", "99999"): "0 to 65535",
        ("--endpoint-url", "http://127.0.0.1:9"): "dev.py aws",
        ("--issuer", ""): "BROKER_ISSUER is empty",
        ("--providers", str(tmp_path)): "names no issuer",
    }
    for options, words in cases.items():
        refused = serve(*options, TEAM_SECRET="s")
        assert refused.returncode == 2 and words in refused.stderr and "Traceback" not in refused.stderr, refused.stderr
