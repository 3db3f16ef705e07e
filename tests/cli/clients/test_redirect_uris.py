"""Redirect URIs as an operator registers them: localhost on this machine, and a next step for each refusal."""

import re
from urllib.parse import urlencode

import pytest

from local.fake.provider import RunningProvider
from tests.kit import ROOT
from tests.kit.cli.operator import Operator
from tests.kit.http.browser import Browser, read_page
from tests.kit.http.stack import challenge
from tests.kit.requirement import requirement

VITE = "http://localhost:5173/callback"
CREATE = ("client", "create", "--name", "Page", "--redirect-uri")
DEPLOYED = {"BROKER_ISSUER": "https://broker.example"}


@pytest.fixture(scope="module", autouse=True)
def initialised(broker: Operator, provider: RunningProvider) -> None:
    broker.made("init")
    provider.add_client("broker-at-demo", "s" * 40, [f"{broker.environ['BROKER_ISSUER']}/callback/demo"])
    switch_on = ["provider", "set", "demo", "--client-id", "broker-at-demo", "--issuer", provider.url]
    broker.made(*switch_on, "--secret-from", "env:AT_DEMO", AT_DEMO="s" * 40)


@requirement("RUN-03")
def test_a_page_on_localhost_signs_in_where_the_issuer_is_on_this_machine_too(broker: Operator) -> None:
    client = broker.made(*CREATE, VITE, "--post-logout-redirect-uri", "http://localhost:5173/")
    assert (client["application_type"], client["redirect_uris"]) == ("web", [VITE])
    asked = {
        "response_type": "code", "client_id": client["client_id"], "redirect_uri": VITE, "scope": "openid",
        "code_challenge": challenge("v" * 43), "code_challenge_method": "S256", "state": "s",
    }  # fmt: skip
    browser = Browser(broker.environ["BROKER_ISSUER"].removeprefix("http://"))
    page = read_page(browser.get("/authorize?" + urlencode(asked)).body)
    denied = browser.post("/signin", {**dict(page.fields), "decision": "deny"})
    assert denied.location.startswith(VITE + "?") and denied.answered["error"] == "access_denied"
    other_port = browser.get("/authorize?" + urlencode({**asked, "redirect_uri": VITE.replace("5173", "5174")}))
    assert other_port.status == 400


@requirement("RUN-03")
def test_a_deployed_issuer_refuses_localhost_for_a_page_and_says_what_to_type(broker: Operator) -> None:
    said = "next: for development, use http://127.0.0.1:5173/callback, or add --native"
    broker(*CREATE, VITE, **DEPLOYED).refused("redirect_uri_localhost", said)
    made = broker.made(*CREATE, "https://app.example/cb")["client_id"]
    broker("client", "update", made, "--add-redirect-uri", VITE, **DEPLOYED).refused(said)
    broker("client", "update", made, "--post-logout-redirect-uri", VITE, **DEPLOYED).refused(said)
    assert VITE in broker.made("client", "update", made, "--add-redirect-uri", VITE)["redirect_uris"]


@requirement("RUN-03")
@pytest.mark.parametrize(
    ("uri", "reason", "next_step"),
    [
        ("http://example.com/cb", "redirect_uri_plain_http", "use https://example.com/cb; http is only for"),
        ("https://example.com/cb#x", "redirect_uri_characters", "without fragment"),
        ("https://10.0.0.1/cb", "redirect_uri_address", "host name"),
        ("https://app.localhost/cb", "redirect_uri_localhost", "public host name"),
        ("https://example.com:99999/cb", "redirect_uri_port", "1 to 65535"),
        ("https://example.com/a/../b", "redirect_uri_path", "Write the path"),
        ("https://example.com/cb?code=1", "redirect_uri_query_answers", "Rename"),
        ("https://example-.com/cb", "redirect_uri_host", "DNS name"),
        ("myapp:/cb", "redirect_uri_scheme_or_authority", "--native"),
    ],
)
def test_each_refused_redirect_uri_has_a_next_step_of_its_own(
    broker: Operator, uri: str, reason: str, next_step: str
) -> None:
    refused = broker(*CREATE, uri).refused(reason)
    assert next_step in refused.err.partition("\n  next: ")[2], refused.err


@requirement("RUN-03")
def test_no_command_gives_the_same_words_for_every_redirect_uri_that_is_refused() -> None:
    for file in (ROOT / "cli").rglob("*.py"):
        assert not re.search(r"error\.description\) from None", file.read_text()), file.name
