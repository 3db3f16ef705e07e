"""The steps of `dev.py tour`: what an app, its user's browser and the demo stack say to each other."""

import base64
import hashlib
import json
import secrets
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from local.browser import Browser, Exchange, query_of, read_page
from local.demo.demo_stack import DemoStack
from local.demo.parts import PROVIDER_ID
from local.terminal import Terminal, abbreviate

REDIRECT_URI = "http://127.0.0.1:51000/callback"
SCOPE = "openid profile email offline_access demo:notes:read"
LATER = "calendar:events:read"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


class StepFailed(Exception):
    """The response is not what the step promises."""


def expect(holds: object, otherwise: str) -> None:
    """Raises StepFailed unless it holds."""
    if not holds:
        raise StepFailed(otherwise)


class Tour:
    """An app without a secret, its user's browser, and a demo stack; the steps hand on what they found."""

    def __init__(self, stack: DemoStack, terminal: Terminal) -> None:
        self.stack, self.terminal, self.browser = stack, terminal, Browser()
        self.issuer = stack.broker.issuer
        self.metadata: dict[str, Any] = {}
        self.client_id = self.code = ""
        self.verifier, self.state, self.nonce = (secrets.token_urlsafe(32) for _ in range(3))
        self.page: Exchange | None = None
        self.to_callback = self.access_token = self.refresh_token = self.provider_token = self.connection_id = ""

    def show(self, exchange: Exchange, answer: str = "") -> Exchange:
        """Print one exchange; the answer in our words or as it came."""
        sent = "\n".join(f"{name}: {value}" for name, value in exchange.sent.items() if name != "Content-Type")
        detail = "\n".join(part for part in (sent, _spread(exchange.body)) if part)
        self.terminal.exchange(
            f"{exchange.method} {exchange.url.partition('?')[0]}",
            "\n".join(part for part in (_spread(urlsplit(exchange.url).query), detail) if part),
            f"{exchange.status} {answer or HTTPStatus(exchange.status).phrase + _spread_json(exchange)}",
            exchange.status < 400,
        )
        return exchange

    def register(self) -> None:
        """Step 1 (RFC 8414, RFC 7591)."""
        found = self.browser.get(f"{self.issuer}/.well-known/oauth-authorization-server")
        self.show(found, f"issuer, {len(found.json())} members of metadata")
        self.metadata = found.json()
        expect(self.metadata.get("issuer") == self.issuer, "the metadata is of another issuer")
        document = {
            "client_name": "Tour",
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none",
            "scope": f"{SCOPE} {LATER}",
        }
        made = self.show(self.browser.post_json(self.metadata["registration_endpoint"], document))
        expect(made.status == 201, "the registration was refused")
        self.client_id = made.json()["client_id"]
        expect(len(self.client_id) == 32 and "client_secret" not in made.json(), "a public client got a secret")

    def ask(self) -> None:
        """Step 2 (RFC 6749 section 4.1.1, RFC 7636)."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPE,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        page = self.browser.get(f"{self.metadata['authorization_endpoint']}?{urlencode(asked)}")
        heading = " ".join(read_page(page.text).heading.split())
        self.show(page, f'a page: "{heading}"\nset: {", ".join(page.cookies) or "no cookie"}')
        expect(page.status == 200 and read_page(page.text).forms, "there is no page that asks")
        expect("frame-ancestors 'none'" in page.headers.get("content-security-policy", ""), "the page may be framed")
        self.page = page

    def redirect(self) -> None:
        """Step 3."""
        if self.page is None:
            raise StepFailed("there is no page")
        leaving = self.browser.press_allow(self.page, PROVIDER_ID)
        self.show(leaving, f"a page that goes on to {leaving.location}\nset: {', '.join(leaving.cookies)}")
        sent = query_of(leaving.location)
        expect(leaving.location.startswith(self.stack.provider.url), "the page does not lead to the provider")
        expect({"state", "nonce", "code_challenge"} <= sent.keys(), "the request to the provider is unprotected")
        expect(sent["state"] != self.state, "the app's state went to the provider")
        login = self.browser.get(leaving.location)
        self.show(login, f'the provider\'s page: "{" ".join(read_page(login.text).heading.split())}"')
        back = self.browser.submit(login, "decision", "alice")
        self.show(back, f"to {back.location}")
        self.to_callback = back.location
        expect(self.to_callback.startswith(f"{self.issuer}/callback/{PROVIDER_ID}?"), "the provider did not come back")

    def call_back(self) -> None:
        """Step 4 (RFC 6749 section 4.1.2, RFC 9207)."""
        before = self.stack.provider.count("token")
        back = self.browser.get(self.to_callback)
        self.show(back, f"to {back.location}")
        given = query_of(back.location)
        expect(back.location.startswith(REDIRECT_URI), f"no way back to the app ({back.status})")
        expect(given.get("state") == self.state, "the app's state did not come back")
        expect(given.get("iss") == self.issuer, "the answer does not name its issuer")
        expect(self.stack.provider.count("token") == before + 1, "the provider's token endpoint was not asked once")
        self.code = given.get("code", "")
        expect(self.code, "there is no code")

    def request_token(self) -> None:
        """Step 5: the request that the provider received from the broker."""
        received = [request for request in self.stack.provider.requests if request.endpoint == "token"][-1]
        headers = {name.title(): received.headers.get(name, "") for name in ("authorization", "accept")}
        detail = "\n".join(
            [*(f"{name}: {value}" for name, value in headers.items() if value), _spread_form(received.form)]
        )
        where = f"{received.method} {self.stack.provider.url}{received.path}"
        self.terminal.exchange(where, detail, "200 its tokens, which only the broker saw", True)
        expect(received.form.get("grant_type") == "authorization_code", "the broker asked for something else")
        expect(len(received.form.get("code_verifier", "")) >= 43, "the broker sent no PKCE verifier")
        expect(received.headers.get("authorization", "").startswith("Basic "), "the broker did not prove itself")

    def receive_token(self) -> None:
        """Step 6 (RFC 6749 section 4.1.3, RFC 8693)."""
        form = {"grant_type": "authorization_code", "code": self.code, "redirect_uri": REDIRECT_URI}
        form |= {"client_id": self.client_id, "code_verifier": self.verifier}
        ours = self.show(self.browser.post_form(self.metadata["token_endpoint"], list(form.items())))
        expect(ours.status == 200, "the code was refused")
        self._check_id_token(ours.json()["id_token"])
        self.access_token, self.refresh_token = ours.json()["access_token"], ours.json()["refresh_token"]
        form = {"grant_type": EXCHANGE, "subject_token": self.access_token, "subject_token_type": ACCESS_TOKEN}
        form |= {"audience": PROVIDER_ID, "client_id": self.client_id}
        theirs = self.show(self.browser.post_form(self.metadata["token_endpoint"], list(form.items())))
        expect(theirs.status == 200, "the hand-out was refused")
        self.provider_token = theirs.json()["access_token"]
        expect("notes:read" in theirs.json().get("scope", "").split(), "the token has other scopes")

    def call_api(self) -> None:
        """Step 7."""
        url = f"{self.stack.provider.url}/api/notes"
        notes = self.show(self.browser.get(url, Authorization=f"Bearer {self.provider_token}"))
        expect(notes.status == 200 and notes.json().get("owner") == "alice", "the API did not answer with her notes")

    def _check_id_token(self, id_token: str) -> None:
        """OpenID Connect Core section 3.1.3.7, with the keys of /jwks."""
        import jwt

        keys = self.browser.get(self.metadata["jwks_uri"]).json()["keys"]
        kid = jwt.get_unverified_header(id_token).get("kid")
        key = next((jwt.PyJWK(one) for one in keys if one["kid"] == kid), None)
        if key is None:
            raise StepFailed("the ID token is signed by a key that is not published")
        try:
            claims = jwt.decode(id_token, key, algorithms=["ES256"], audience=self.client_id, issuer=self.issuer)
        except jwt.InvalidTokenError as fault:
            raise StepFailed(f"the ID token does not hold: {fault}") from None
        expect(claims.get("nonce") == self.nonce, "the ID token is of another sign-in")
        shown = {name: claims[name] for name in ("iss", "aud", "sub") if name in claims}
        told = "  ".join(f"{name} {value if name == 'iss' else abbreviate(value)}" for name, value in shown.items())
        self.terminal.aside("ID token", f"its signature holds, its nonce is ours: {told}")


def _spread(pairs: str) -> str:
    """A query or form, one parameter a line, decoded; other bodies as they are."""
    if pairs.startswith("{"):
        return pairs
    return _spread_form(dict(parse_qsl(pairs, keep_blank_values=True)))


def _spread_form(form: dict[str, str]) -> str:
    return "\n".join(f"{name}={value}" for name, value in form.items())


def _spread_json(exchange: Exchange) -> str:
    document = exchange.json()
    if not document:
        return f"\n{exchange.text[:200]}"
    return "\n" + "\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in document.items())
