"""clients/python: installed away from the repository, and used before a broker in another process."""

import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from token_broker_client import ConnectionNeeded, NewTokenNeeded, ProviderToken, Refused, TokenBroker, Unavailable
from token_broker_client.cache import TokenCache

from local.node import ROOT
from tests.kit.markdown import blocks
from tests.kit.requirement import requirement
from token_broker_testing import RunningBroker, start

PACKAGE = ROOT / "clients" / "python"
PAGE = (ROOT / "docs" / "python-client.md").read_text(encoding="utf-8")
CALLBACK = "https://app.example/callback"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningBroker]:
    with start() as found:
        yield found


@pytest.fixture
def broker(running: RunningBroker) -> Iterator[RunningBroker]:
    yield running
    running.reset()


class App:
    """A confidential client, alice's access token for it, and what a backend makes of both."""

    def __init__(self, broker: RunningBroker, **metadata: Any) -> None:
        self.client = broker.client(CALLBACK, token_endpoint_auth_method="client_secret_basic", **metadata)
        self.tokens = broker.tokens(self.client)
        self.access_token = self.tokens["access_token"]
        self.backend = TokenBroker(broker.issuer, self.client.client_id, self.client.client_secret)


@pytest.fixture
def app(broker: RunningBroker) -> App:
    return App(broker)


@requirement("DLV-07")
def test_a_token_is_handed_out_once_for_all_threads(app: App, broker: RunningBroker) -> None:
    together = threading.Barrier(8)

    def get(_: int) -> ProviderToken:
        together.wait(timeout=30)
        return app.backend.token(app.access_token, "demo", "notes:read")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(get, range(8)))
    assert len(set(map(id, found))) == 1 and "notes:read" in found[0].scope and found[0].expires_at
    status = app.backend.http.request(
        "GET",
        f"{broker.issuer}/connections/{found[0].connection_id}",
        headers={"Authorization": f"Bearer {app.access_token}"},
    ).json()
    assert status["use"]["handouts"] == 1
    app.backend.forget(found[0])
    assert app.backend.token(app.access_token, "demo", "notes:read") is not found[0]


@requirement("DLV-07", "DOC-03")
@pytest.mark.parametrize("page", ["hand-out", "proxy", "connect"])
def test_the_python_tab_of_a_page_runs(page: str, app: App, broker: RunningBroker) -> None:
    (example,) = (block.text for block in blocks(f"docs/{page}.md") if block.language == "python")
    names = {"issuer": broker.issuer, "client_id": app.client.client_id, "client_secret": app.client.client_secret}
    names |= {"access_token": app.access_token, "redirect_uri": CALLBACK, "mine": "of this app"}
    exec(compile(example, page, "exec"), names)
    got: Any = names
    if page == "hand-out":
        api = broker.providers["demo"].api
        headers = {"Authorization": f"Bearer {got['theirs']}"}
        assert app.backend.http.request("GET", api, headers=headers).json()["owner"] == "alice"
    elif page == "proxy":
        assert got["notes"]["owner"] == "alice"
    else:
        assert parse_qs(urlsplit(broker.sign_in(got["link"])).query)["state"] == ["of this app"]


@requirement("DLV-07")
def test_a_stored_token_belongs_to_one_access_token(app: App, broker: RunningBroker) -> None:
    theirs = app.backend.token(app.access_token, "demo")
    other = broker.tokens(app.client, user="bob")["access_token"]
    assert app.backend.token(other, "demo").connection_id != theirs.connection_id
    with pytest.raises(NewTokenNeeded):
        app.backend.token("an access token of nobody", "demo")


@requirement("DLV-07")
def test_a_stored_token_is_requested_again_after_its_time() -> None:
    clock, made = [0.0], iter("abcd")
    cache = TokenCache(lambda: clock[0])

    def get(seconds: float) -> str:
        return cache.find("key", lambda: (ProviderToken(next(made), "", "", None), seconds)).access_token

    assert [get(60), get(60)] == ["a", "a"]
    clock[0] = 60
    assert [get(-5), get(60)] == ["b", "c"]


@requirement("DLV-07")
def test_what_only_the_user_can_do_is_a_link(app: App, broker: RunningBroker) -> None:
    with pytest.raises(ConnectionNeeded) as needed:
        app.backend.token(app.access_token, "demo", "notes:write")
    assert needed.value.missing_scopes == ("notes:write",) and "connect_uri" in needed.value.next_step
    back = parse_qs(urlsplit(broker.sign_in(needed.value.connect_uri)).query)
    assert "connection_id" in back
    with pytest.raises(NewTokenNeeded):
        app.backend.token(app.access_token, "demo", "notes:write")
    link = app.backend.connect_link(
        app.access_token, "calendar", scope="events:read", redirect_uri=CALLBACK, state="mine"
    )
    assert parse_qs(urlsplit(broker.sign_in(link, "alice")).query)["state"] == ["mine"]


@requirement("DLV-07")
def test_an_account_that_only_the_user_can_renew_is_a_link(app: App, broker: RunningBroker) -> None:
    broker.providers["demo"].remove_apps()
    with pytest.raises(ConnectionNeeded, match="reauth_required") as needed:
        app.backend.token(app.access_token, "demo")
    assert needed.value.connect_uri.startswith(broker.issuer)
    with pytest.raises(ConnectionNeeded):
        app.backend.call(app.access_token, "demo", "GET", "notes")


@requirement("DLV-07")
def test_a_call_goes_through_the_broker(app: App) -> None:
    read = app.backend.call(app.access_token, "demo", "GET", "/notes", query={"q": "a b"})
    assert (read.status, read.json()["owner"], read.headers["broker-answer"]) == (200, "alice", "provider")
    assert app.backend.call(app.access_token, "demo", "GET", "nothing?here").status == 404
    with pytest.raises(Refused, match="check connection_id"):
        app.backend.call(app.access_token, "demo", "GET", "notes", headers={"Broker-Connection": "0" * 32})
    with pytest.raises(NewTokenNeeded, match="refresh the user's access token"):
        app.backend.call("an access token of nobody", "demo", "GET", "notes")


@requirement("DLV-07")
@pytest.mark.parametrize("path", ["../../connections", "notes/../../../userinfo", "./notes", ".."])
def test_a_path_cannot_leave_the_providers_api(app: App, path: str) -> None:
    with pytest.raises(ValueError, match="segments"):
        app.backend.call(app.access_token, "demo", "GET", path)


@requirement("DLV-07")
def test_a_provider_that_is_down_is_waited_for(app: App, broker: RunningBroker) -> None:
    broker.providers["demo"].expire_tokens()
    broker.providers["demo"].fault(status=503)
    with pytest.raises(Unavailable, match="wait") as fault:
        app.backend.token(app.access_token, "demo")
    assert fault.value.retry_after > 0
    nowhere = TokenBroker("http://127.0.0.1:9", app.client.client_id)
    with pytest.raises(Unavailable, match="check the issuer"):
        nowhere.token(app.access_token, "demo")


@requirement("DLV-07")
def test_a_refusal_names_the_next_step(broker: RunningBroker, app: App) -> None:
    proxied = App(broker, handout="proxy")
    with pytest.raises(Refused, match=r"use call\(\) instead of token\(\)"):
        proxied.backend.token(proxied.access_token, "demo")
    wrong = TokenBroker(broker.issuer, app.client.client_id, "wrong")
    with pytest.raises(Refused, match="check client_id and client_secret"):
        wrong.token(app.access_token, "demo")


@requirement("DLV-07")
@pytest.mark.parametrize("issuer", ["http://login.example.com", "login.example.com", "ftp://localhost", "https://"])
def test_tokens_are_sent_only_over_tls_or_loopback(issuer: str) -> None:
    with pytest.raises(ValueError, match="https"):
        TokenBroker(issuer, "id")


@requirement("DLV-07")
def test_no_log_repr_or_message_shows_a_credential(app: App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = app.backend.token(app.access_token, "demo")
    app.backend.call(app.access_token, "demo", "GET", "notes")
    with pytest.raises(ConnectionNeeded) as needed:
        app.backend.token(app.access_token, "demo", "notes:write")
    shown = caplog.text + repr(app.backend) + repr(token) + repr(needed.value) + str(needed.value)
    assert "POST /token" in caplog.text  # urllib3 logs the request line
    for credential in (app.access_token, token.access_token, app.client.client_secret, needed.value.connect_uri):
        assert credential not in shown


@requirement("DLV-07")
def test_pip_installs_it_and_the_example_of_its_page_runs(app: App, broker: RunningBroker, tmp_path: Path) -> None:
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--no-compile", "--target", str(tmp_path)]
    source = tmp_path / "source"
    subprocess.run(["cp", "-r", str(PACKAGE), str(source)], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "token_broker_client" / "py.typed").exists()
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {"issuer": broker.issuer, "client_id": app.client.client_id, "client_secret": app.client.client_secret}
    program = "\n".join(f"{name} = {value!r}" for name, value in names.items())
    program += f"\n{example}\nprint(read_notes({app.access_token!r})['owner'], read_notes('old'))"
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert said.stdout == "alice {'refresh': True}\n", said.stderr


@requirement("DLV-07")
def test_the_package_is_at_most_300_lines() -> None:
    files = (PACKAGE / "token_broker_client").glob("*.py")
    assert sum(len(file.read_text().splitlines()) for file in files) <= 300
