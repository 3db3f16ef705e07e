"""docs/your-tests.md: installed as it says, away from the repository, its tests and commands run as they stand."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from local.demo.backend import Behind
from local.node import ROOT
from local.recipe import recipe
from local.testing import command as testing
from local.testing.control import Control
from tests.kit.cli.installed_package import copy_source, install
from tests.kit.requirement import requirement
from token_broker_testing import start

PAGE = (ROOT / "docs" / "your-tests.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that pip has installed the package into."""
    return install(copy_source(tmp_path_factory.mktemp("copy")), tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def control(demo: Behind) -> Iterator[Control]:
    """Before a broker in our process."""
    found = Control(demo)
    yield found
    found.stop()


def run(installed: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """In a folder that is nobody's, with the installed package in the path."""
    environ = {**os.environ, "PYTHONPATH": str(installed), "NO_PROXY": "127.0.0.0/8", "no_proxy": "127.0.0.1"}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False)


@requirement("DLV-03")
def test_the_test_file_of_the_page_is_green(installed: Path, tmp_path: Path) -> None:
    (suite,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    alone = "\n\ndef test_nothing_of_the_broker_is_in_the_way():\n    import importlib.util\n\n"
    alone += "    assert [name for name in ('chalicelib', 'cli', 'local') if importlib.util.find_spec(name)] == []\n"
    (tmp_path / "test_my_app.py").write_text(suite + alone, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\ntoken_broker_settings =\n    access_token_seconds=300\n")
    done = run(installed, tmp_path, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0 and "5 passed" in done.stdout, done.stdout + done.stderr


@requirement("DLV-03")
def test_the_commands_of_the_page_do_what_they_say(installed: Path, tmp_path: Path) -> None:
    script = "set -eu\n" + "echo\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)) + "exit 7\n"
    broker = [sys.executable, "-m", "token_broker_testing", "--redirect-uri", "http://127.0.0.1:3000/callback"]
    done = run(installed, tmp_path, *broker, "--", "sh", "-c", script)
    assert done.returncode == 7, done.stderr
    assert '"location": "http://127.0.0.1:3000/callback?code=' in done.stdout and "state=mine" in done.stdout
    assert '"client_secret": "' in done.stdout and re.search(r'"faults": ?{[^}]*"status": ?503', done.stdout)


@requirement("DLV-05")
@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Content-Type": "text/plain"}],
    ids=["origin", "host", "type"],
)
def test_no_page_can_use_the_control(control: Control, headers: dict[str, str]) -> None:
    right = {"Content-Type": "application/json"}
    body = json.dumps({"redirect_uris": ["https://app.example/callback"]})
    assert "client_id" in requests.post(f"{control.url}/client", body, headers=right, timeout=10).json()
    refused = requests.post(f"{control.url}/client", body, headers={**right, **headers}, timeout=10)
    assert refused.status_code in (403, 404) and refused.json().keys() == {"error"}


@requirement("DLV-03")
def test_a_provider_file_is_simulated_too(tmp_path: Path) -> None:
    with start(providers=["github"]) as broker:
        client, scope = broker.client(), "openid offline_access github:read:user"
        token = broker.tokens(client, scope=scope, provider="github")["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        read = requests.get(f"{broker.issuer}/proxy/github/user", headers=headers, timeout=30)
        assert read.json()["login"] == "alice" and broker.providers["github"].api.endswith("/user")
        url = f"{broker.issuer}/authorize?response_type=code&client_id={client.client_id}&state=mine"
        url += f"&redirect_uri={client.redirect_uri}&scope=openid&code_challenge={'c' * 43}&code_challenge_method=S256"
        assert "code=" in broker.sign_in(url, "bob", "github")  # chosen on the broker's page
        broker.providers["github"].fault(status=503, at=["api", "userinfo"])
        refused = requests.get(f"{broker.issuer}/proxy/github/user", headers=headers, timeout=30)
        assert refused.status_code == 503
        broker.reset()
        broker.providers["github"].remove_apps()
        refused = requests.get(f"{broker.issuer}/proxy/github/user", headers=headers, timeout=30)
        assert refused.status_code == 401 and refused.headers["Broker-Answer"] == "provider"


@requirement("DLV-03")
def test_a_provider_that_has_no_file_is_refused_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    for main in (testing.main, recipe.main):
        with pytest.raises(SystemExit, match="2"):
            main([*(["device"] if main is recipe.main else []), "--provider", "githup"])
        assert "did you mean github?" in capsys.readouterr().err


@requirement("DLV-03")
def test_what_the_control_cannot_do_is_said(control: Control) -> None:
    for path, said in {
        "client": {},
        "sign-in": {"url": "https://else.example"},
        "expire": {"provider": "none"},
    }.items():
        refused = requests.post(f"{control.url}/{path}", json=said, timeout=10)
        assert refused.status_code == 400 and refused.json()["error"], path


LOADED = """
import importlib.metadata as metadata, io, json, re, sys
sys.path.insert(0, {source!r})
from local.demo.backend import start_behind
from local.testing.control import Control, register
behind = start_behind(io.StringIO(), free_ports=True)
register(behind, {{"redirect_uris": ["https://app.example/callback"]}})
behind.stop()
owners = metadata.packages_distributions()
loaded = {{name.partition(".")[0] for name in sys.modules}} - {{"chalicelib", "cli", "local"}}
wanted = list(metadata.requires("token-broker"))
reached = set()
while wanted:
    name, _, extras = re.match(r"([A-Za-z0-9._-]+)(\\[([^]]*)\\])?", wanted.pop()).groups()
    if (name := name.lower().replace("_", "-")) in reached: continue
    reached.add(name)
    try: wanted += metadata.requires(name) or []
    except metadata.PackageNotFoundError: pass
used = {{owner.lower().replace("_", "-") for name in loaded for owner in owners.get(name, ())}}
print(json.dumps(sorted(used - reached)))
"""


@requirement("DLV-03")
def test_the_package_names_all_that_the_broker_imports(installed: Path, tmp_path: Path) -> None:
    source = str(installed / "token_broker_testing" / "_broker")
    done = run(installed, tmp_path, sys.executable, "-c", LOADED.format(source=source))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) in ([], ["simplejson"])  # which requests takes where something has brought it
