"""One user, one browser, one app without a secret: the seven steps of a sign-in through any door."""

import base64
import hashlib
import html
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.deploy.package.events import Answer

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
REFRESH_TO = re.compile(r'http-equiv="refresh" content="0; ?url=([^"]*)"')


class Gate(Protocol):
    """Where requests go in: a function's own door, or a deployed API."""

    def event(
        self, method: str, url: str, *, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """One request, not yet sent."""

    def invoke(self, event: dict[str, Any]) -> Answer:
        """Send it."""

    def send(
        self, method: str, url: str, *, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Both at once."""


@dataclass(frozen=True, kw_only=True)
class App:
    """What the app is configured with."""

    issuer: str
    client_id: str
    redirect_uri: str
    provider: str
    scope: str


@dataclass
class Browser:
    """Keeps cookies as a browser does and follows what it is told; fails loudly at a status that it did not expect."""

    door: Gate
    issuer: str
    cookies: dict[str, str] = field(default_factory=dict)

    def go(self, method: str, url: str, *, expect: int, form: dict[str, str] | None = None) -> Answer:
        """One navigation within the broker."""
        headers = {"Origin": self.issuer, "Sec-Fetch-Site": "same-origin"} if method == "POST" else {}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.door.send(method, url, form=form, headers=headers)
        for cookie in answer.all("set-cookie"):
            self._keep(cookie)
        if answer.status != expect:
            raise AssertionError(f"{method} {urlsplit(url).path}: {answer.status}, not {expect}: {answer.body[:300]}")
        return answer

    def _keep(self, cookie: str) -> None:
        pair, _, attributes = cookie.partition(";")
        name, _, value = pair.partition("=")
        if "max-age=0" in attributes.lower():
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value


@dataclass
class SignIn:
    """One sign-in. Each step returns what the next one needs, so that a caller can measure between them.

    visit   what the browser does at the provider: its URL to the URL that it sends the browser back to
    """

    app: App
    browser: Browser
    visit: Callable[[str], str]
    client_secret: str | None = None
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def run(self) -> dict[str, Any]:
        """All of it: the app's tokens."""
        back = self.visit(self.decide(self.authorize()))
        return self.redeem(self.call_back(back))

    def authorize(self) -> dict[str, str]:
        """The app sends its user to us: the fields of our page's form."""
        page = self.browser.go("GET", f"{self.app.issuer}/authorize?{urlencode(self.request())}", expect=200)
        fields = {name: html.unescape(value) for name, value in HIDDEN.findall(page.body)}
        return {"provider": self.app.provider, **fields, "decision": "allow"}

    def request(self) -> dict[str, str]:
        """The parameters of the authorization request (RFC 6749 section 4.1.1, RFC 7636, OpenID Connect)."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        return {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": self.app.redirect_uri,
            "scope": self.app.scope,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }

    def decide(self, form: dict[str, str]) -> str:
        """The user allows it: where the page leads, at the provider."""
        page = self.browser.go("POST", f"{self.app.issuer}/signin", form=form, expect=200)
        found = REFRESH_TO.search(page.body)
        if found is None:
            raise AssertionError(f"POST /signin leads nowhere: {page.body[:2000]}")
        return html.unescape(found[1]).strip("'")

    def call_back(self, url: str) -> str:
        """The provider sends the browser back to us, and we to the app: its code, after the app's own checks."""
        answer = self.browser.go("GET", url, expect=303)
        location = answer.header("location")
        told = dict(parse_qsl(urlsplit(location).query))
        if not location.startswith(self.app.redirect_uri) or "code" not in told:
            raise AssertionError(f"no code for the app: {location}")
        if (told.get("state"), told.get("iss")) != (self.state, self.app.issuer):
            raise AssertionError(f"state or iss is not ours: {location}")
        return told["code"]

    def redeem(self, code: str) -> dict[str, Any]:
        """The app's own request to the token endpoint."""
        return self.token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.app.redirect_uri,
                "code_verifier": self.verifier,
            }
        )

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        """New tokens for an old one."""
        return self.token({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def hand_out(self, access_token: str) -> dict[str, Any]:
        """The provider's own access token (RFC 8693)."""
        return self.token(self._exchange(access_token))

    def hand_out_event(self, access_token: str) -> dict[str, Any]:
        """The event that asks for it."""
        return self.token_event(self._exchange(access_token))

    def _exchange(self, access_token: str) -> dict[str, str]:
        form = {"grant_type": EXCHANGE, "subject_token": access_token, "subject_token_type": ACCESS_TOKEN}
        return {**form, "audience": self.app.provider}

    def token_event(self, form: dict[str, str]) -> dict[str, Any]:
        """Its event: a public client names itself, one with a secret uses HTTP Basic (RFC 6749 section 2.3.1)."""
        url, door = f"{self.app.issuer}/token", self.browser.door
        if self.client_secret is None:
            return door.event("POST", url, form={**form, "client_id": self.app.client_id})
        pair = base64.b64encode(f"{self.app.client_id}:{self.client_secret}".encode()).decode()
        return door.event("POST", url, form=form, headers={"Authorization": f"Basic {pair}"})

    def token(self, form: dict[str, str]) -> dict[str, Any]:
        """One request to the token endpoint."""
        answer = self.browser.door.invoke(self.token_event(form))
        document: dict[str, Any] = json.loads(answer.body)
        if answer.status != 200:
            raise AssertionError(f"{form['grant_type']}: {answer.status} {document}")
        return document
