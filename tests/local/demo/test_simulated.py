"""`dev.py demo --provider NAME`: sign-in at simulated providers whose files are the shipped ones."""

import base64
import hashlib
import io
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from local.browser import Browser, query_of, read_page
from local.demo.chosen import Chosen
from local.demo.demo import start_demo
from local.demo.demo_stack import DemoStack
from local.demo.simulated import NotSimulated, Simulated, find_simulated
from tests.kit import ROOT
from tests.kit.requirement import requirement

pytestmark = pytest.mark.timeout(120)
NAMES = ("github", "google", "slack", "microsoft")
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@pytest.fixture(scope="module")
def parts() -> tuple[Simulated, ...]:
    return find_simulated(NAMES)


@pytest.fixture(scope="module")
def stack(parts: tuple[Simulated, ...]) -> Iterator[DemoStack]:
    running = start_demo(io.StringIO(), free_ports=True, chosen=Chosen(None, parts), live=True)
    yield running
    running.stop()


def ask(stack: DemoStack, verifier: str, **more: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": stack.app.config["client_id"],
        "redirect_uri": f"{stack.app.url}/callback",
        "scope": stack.app.config["scope"],
        "state": secrets.token_urlsafe(32),
        "nonce": secrets.token_urlsafe(32),
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
        **more,
    }
    return f"{stack.broker.issuer}/authorize?{urlencode(asked)}"


@requirement("RUN-11")
def test_the_choice_page_has_the_names_of_the_files_and_no_other(stack: DemoStack) -> None:
    page = Browser().get(ask(stack, secrets.token_urlsafe(32)))
    assert page.status == 200
    for name in ("GitHub", "Google", "Slack", "Microsoft"):
        assert name in page.text
    assert "Demo Notes" not in page.text


@requirement("RUN-11")
@pytest.mark.parametrize("name", NAMES)
def test_a_user_signs_in_and_the_app_reads_the_account_with_the_providers_token(stack: DemoStack, name: str) -> None:
    player, app = stack.simulated[name], Browser()
    verifier, browser = secrets.token_urlsafe(32), Browser()
    leaving = browser.press_allow(browser.get(ask(stack, verifier)), name)
    assert leaving.location.startswith(f"{player.url}/"), "the browser stays on this machine"
    there = browser.get(leaving.location)
    assert read_page(there.text).heading == f"Sign in to {player.definition.display_name}"
    back = browser.get(browser.submit(there, "decision", "alice").location)
    assert back.location.startswith(f"{stack.app.url}/callback?")

    tokens = app.post_form(f"{stack.broker.issuer}/token", [
        ("grant_type", "authorization_code"), ("code", query_of(back.location)["code"]), ("code_verifier", verifier),
        ("redirect_uri", f"{stack.app.url}/callback"), ("client_id", stack.app.config["client_id"]),
    ]).json()  # fmt: skip
    provider = next(each for each in stack.app.config["providers"] if each["id"] == name)
    handed = app.post_form(f"{stack.broker.issuer}/token", [
        ("grant_type", EXCHANGE), ("subject_token", tokens["access_token"]), ("subject_token_type", ACCESS_TOKEN),
        ("requested_token_type", ACCESS_TOKEN), ("audience", name), ("scope", provider["scope"]),
        ("client_id", stack.app.config["client_id"]),
    ]).json()  # fmt: skip
    url = f"{provider['api']}/{provider['things']}"
    read = app.get(url, Authorization=f"Bearer {handed['access_token']}", **provider["headers"])
    assert (read.status, "alice" in read.text) == (200, True)
    assert read.headers["access-control-allow-origin"] == "*", "a page may read it"
    bearer = f"Bearer {tokens['access_token']}"
    proxied = app.get(f"{stack.broker.issuer}/proxy/{name}/{provider['things']}", Authorization=bearer)
    assert (proxied.status, "alice" in proxied.text) == (200, True)
    assert player.count("token") == 1


@requirement("RUN-11")
def test_the_broker_calls_the_hosts_of_the_file_by_https(stack: DemoStack) -> None:
    for player in stack.simulated.values():
        asked = [each for each in player.requests if each.endpoint in ("token", "discovery", "jwks")]
        assert all(each.door == "" for each in asked)


@requirement("RUN-11")
def test_the_own_providers_and_the_live_views_attacks_still_run(stack: DemoStack) -> None:
    from local.demo.live_view.visit import Visit

    visit = Visit(stack)
    assert visit.redeem(visit.finish(visit.allow())).status == 200


@requirement("RUN-11")
def test_a_preflight_of_a_page_is_answered(stack: DemoStack) -> None:
    url = f"{stack.simulated['github'].url}/api.github.com/user"
    wanted = {"Origin": stack.app.url, "Access-Control-Request-Headers": "authorization,x-github-api-version"}
    answer = Browser()._send("OPTIONS", url, None, wanted)
    assert answer.status == 204
    assert answer.headers["access-control-allow-headers"] == "authorization,x-github-api-version"


@requirement("RUN-11")
def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(NotSimulated, match="did you mean github"):
        find_simulated(["githb"])
    command = [sys.executable, "dev.py", "demo", "--provider", "githb"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "did you mean github?" in done.stderr


@requirement("RUN-11")
def test_two_files_with_one_host_are_not_simulated_together() -> None:
    command = [sys.executable, "dev.py", "demo", "--json", "--provider", "github", "--provider", "github-app"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "both answer at api.github.com" in done.stderr


@requirement("RUN-11")
def test_every_file_is_described_to_the_app(parts: tuple[Simulated, ...], stack: DemoStack) -> None:
    told = stack.app.config["providers"]
    assert [each["name"] for each in told] == [part.name for part in parts]
    assert json.dumps(told)
