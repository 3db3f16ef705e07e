"""A broker played by a test, in the browser's own network: what it shall answer is said before."""

import json
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from playwright.sync_api import Page, Route

ISSUER = "http://127.0.0.1:9"
KEY = ec.generate_private_key(ec.SECP256R1())
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "authorization, broker-connection"} | {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Expose-Headers": "Broker-Answer",
}
TOKENS = {
    "access_token": "A" * 40,
    "token_type": "Bearer",
    "expires_in": 600,
    "refresh_token": "R" * 40,
    "scope": "openid",
}
NOTES: dict[str, object] = {"owner": "alice", "notes": [{"id": 1, "text": "<img src=x> milk"}]}
ALICE: dict[str, object] = {
    "connection_id": "c" * 32,
    "provider": "demo",
    "label": "<i>alice</i>",
    "status": "active",
    "default": True,
}
Told = tuple[int, dict[str, object]]


class PlayedBroker:
    """Answers by path. `twist` may change the redirect's parameters, `claims` those of the ID token."""

    def __init__(self) -> None:
        self.twist: dict[str, str] = {}
        self.claims: dict[str, object] = {}
        self.key = KEY
        self.exchange: Told = (200, {"access_token": "P" * 40, "expires_in": 60})
        self.proxied: Told = (200, NOTES)
        self.connections: list[dict[str, object]] = [{**ALICE}]
        self.ended: list[dict[str, object]] = []
        self.ending: dict[str, object] = {}
        self.called: list[tuple[str, str]] = []
        self.asked: dict[str, str] = {}
        self.asked_link: dict[str, str] = {}
        self.forms: list[dict[str, str]] = []

    def __call__(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        self.called.append((route.request.method, path))
        if path == "/authorize":
            self._redirect(route)
        elif path.startswith("/connect/"):
            route.fulfill(status=200, content_type="text/html", body="<!doctype html><title>link</title>")
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
        if path == "/connect":
            self.asked_link = form
        if path == "/proxy/demo/notes":
            return self.proxied
        jwk = ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "k"}
        names = ("authorization", "token", "userinfo", "revocation")
        metadata = {f"{name}_endpoint": f"{ISSUER}/{name.replace('authorization', 'authorize')}" for name in names}
        return 200, {
            "/.well-known/oauth-authorization-server": {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks", **metadata},
            "/jwks": {"keys": [jwk]},
            "/userinfo": {"sub": "s", "name": "<b>Alice</b>", "email": "alice@example.com"},
            "/api/notes": NOTES,
            "/connections": {"connections": self.connections, "ended": self.ended},
            "/connections/" + "c" * 32: self.ending,
            "/connect": {"connect_uri": f"{ISSUER}/connect/sealed", "expires_in": 600},
        }.get(path, {})

    def _id_token(self) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": "app", "sub": "s", "iat": now, "exp": now + 60, "nonce": self.asked["nonce"]}
        return jwt.encode(claims | self.claims, self.key, algorithm="ES256", headers={"kid": "k"})


def sign_in(page: Page) -> None:
    """As far as the app goes by itself."""
    page.locator("#sign-in:enabled").click()
