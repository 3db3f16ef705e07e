"""The demo app in Chromium, with a broker played by the test: what it accepts, and what it throws away."""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from playwright.sync_api import Browser, Page, Route, expect

from chalicelib.protocol.pkce import s256
from demo.server import DemoServer, start
from tests.chromium import chromium

ISSUER = "http://127.0.0.1:9"
KEY = ec.generate_private_key(ec.SECP256R1())
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "authorization"}
TOKENS = {
    "access_token": "A" * 40,
    "token_type": "Bearer",
    "expires_in": 600,
    "refresh_token": "R" * 40,
    "scope": "openid",
}


class PlayedBroker:
    """Answers by path. `twist` may change the redirect's parameters, `claims` those of the ID token."""

    def __init__(self) -> None:
        self.twist: dict[str, str] = {}
        self.claims: dict[str, object] = {}
        self.key = KEY
        self.exchange: tuple[int, dict[str, object]] = (200, {"access_token": "P" * 40, "expires_in": 60})
        self.asked: dict[str, str] = {}
        self.forms: list[dict[str, str]] = []

    def __call__(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/authorize":
            self._redirect(route)
        else:
            status, document = self._answer(path, dict(parse_qsl(route.request.post_data or "")))
            route.fulfill(status=status, headers=CORS, content_type="application/json", body=json.dumps(document))

    def _redirect(self, route: Route) -> None:
        self.asked = dict(parse_qsl(urlsplit(route.request.url).query))
        answer = {"code": "C" * 40, "state": self.asked["state"], "iss": ISSUER} | self.twist
        location = f"{self.asked['redirect_uri']}?{urlencode(answer)}"
        route.fulfill(status=303, headers={"Location": location})

    def _answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        if path == "/token":
            self.forms.append(form)
            exchange = form["grant_type"].endswith("token-exchange")
            return self.exchange if exchange else (200, TOKENS | {"id_token": self._id_token()})
        jwk = ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "k"}
        names = ("authorization", "token", "userinfo", "revocation")
        metadata = {f"{name}_endpoint": f"{ISSUER}/{name.replace('authorization', 'authorize')}" for name in names}
        return 200, {
            "/.well-known/oauth-authorization-server": {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks", **metadata},
            "/jwks": {"keys": [jwk]},
            "/userinfo": {"sub": "s", "name": "<b>Alice</b>", "email": "alice@example.com"},
            "/api/notes": {"notes": [{"id": 1, "text": "<img src=x> milk"}]},
        }.get(path, {})

    def _id_token(self) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": "app", "sub": "s", "iat": now, "exp": now + 60, "nonce": self.asked["nonce"]}
        return jwt.encode(claims | self.claims, self.key, algorithm="ES256", headers={"kid": "k"})


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    config = {"issuer": ISSUER, "client_id": "app", "provider": "demo", "provider_api": f"{ISSUER}/api"}
    running = start(0, config, "localhost")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def broker() -> PlayedBroker:
    return PlayedBroker()


@pytest.fixture
def page(browser: Browser, server: DemoServer, broker: PlayedBroker) -> Iterator[Page]:
    context = browser.new_context()
    context.route(f"{ISSUER}/**", broker)
    opened = context.new_page()
    opened.goto(server.url)
    yield opened
    context.close()


def _sign_in(page: Page) -> None:
    page.locator("#sign-in:enabled").click()


def test_a_sign_in_is_proven_with_pkce_and_leaves_nothing_behind(page: Page, broker: PlayedBroker, server: Any) -> None:
    _sign_in(page)
    expect(page.locator("#account-name")).to_have_text("<b>Alice</b>")
    form = broker.forms[0]
    assert s256(form["code_verifier"]) == broker.asked["code_challenge"]
    assert form["code"] == "C" * 40 and form["redirect_uri"] == f"{server.url}/callback"
    assert page.url == f"{server.url}/"
    assert page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [0, 0, ""]


def test_the_provider_is_called_with_the_handed_out_token(page: Page, broker: PlayedBroker) -> None:
    _sign_in(page)
    with page.expect_request(f"{ISSUER}/api/notes") as call:
        page.locator("#call:enabled").click()
    assert call.value.headers["authorization"] == "Bearer " + "P" * 40
    expect(page.locator("#notes li")).to_have_text("<img src=x> milk")
    assert broker.forms[1]["audience"] == "demo" and broker.forms[1]["subject_token"] == TOKENS["access_token"]
    for token in ("A" * 40, "R" * 40, "P" * 40):
        assert token not in page.content()


@pytest.mark.parametrize(
    ("twist", "title"),
    [
        ({"state": "other"}, "This answer was not asked for"),
        ({"iss": "https://evil.example"}, "The wrong broker answered"),
        ({"error": "access_denied"}, "You said no"),
        ({"error": "access_denied", "state": "other"}, "This answer was not asked for"),
    ],
)
def test_an_answer_that_does_not_fit_is_thrown_away(
    page: Page, broker: PlayedBroker, twist: dict[str, str], title: str
) -> None:
    broker.twist = twist
    _sign_in(page)
    expect(page.locator("#problem h2")).to_have_text(title)
    failed = "step-3" if title == "You said no" else "step-6"
    expect(page.locator("#timeline .failed")).to_have_id(failed)
    assert broker.forms == []
    expect(page.locator("#sign-in")).to_be_enabled()


@pytest.mark.parametrize(
    "claims", [{"nonce": "other"}, {"aud": "another-app"}, {"iss": "https://evil.example"}, {"exp": 1}]
)
def test_an_id_token_for_somebody_else_is_thrown_away(
    page: Page, broker: PlayedBroker, claims: dict[str, object]
) -> None:
    broker.claims = claims
    _sign_in(page)
    expect(page.locator("#problem h2")).to_have_text("The ID token cannot be trusted")
    expect(page.locator("#account")).to_be_hidden()


def test_an_id_token_under_another_key_is_thrown_away(page: Page, broker: PlayedBroker) -> None:
    broker.key = ec.generate_private_key(ec.SECP256R1())
    _sign_in(page)
    expect(page.locator("#problem h2")).to_have_text("The ID token cannot be trusted")


def test_a_refused_hand_out_says_what_is_missing_and_what_to_do(page: Page, broker: PlayedBroker) -> None:
    broker.exchange = (
        400,
        {"error": "invalid_scope", "reason": "connected_with_less", "missing_scopes": ["notes:read"]},
    )
    _sign_in(page)
    page.locator("#call:enabled").click()
    expect(page.locator("#problem .todo")).to_have_text("Sign in again and allow the access that this needs.")
    expect(page.locator("#problem .detail")).to_contain_text("notes:read")
