"""The app of a trial and its user: what they send to the broker, and what they hold afterwards."""

import base64
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from chalicelib.records.client import Client
from cli.deployment.operations import Deployment, create_client
from local.browser import Exchange, query_of, read_page
from local.fake.test_browser import Person

REDIRECT_URI = "http://127.0.0.1:51000/callback"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
OURS = ("openid", "profile", "email", "offline_access")
_MOST_PAGES = 8


class TrialFailed(Exception):
    """A step did not do what it should; the message says what came instead, without a secret."""


@dataclass
class TrialApp:
    """A public client without a secret.

    person   its user's browser
    scope    of the authorization request
    tokens   the broker's last answer to it
    """

    issuer: str
    provider_id: str
    client_id: str
    person: Person
    scope: str
    tokens: dict[str, Any] = field(default_factory=dict)

    def sign_in(self) -> None:
        """From /authorize through the provider to the broker's tokens."""
        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": self.scope,
            "state": state,
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "provider": self.provider_id,
        }
        page = self.person.get(f"{self.issuer}/authorize?{urlencode(asked)}")
        told = query_of(self._walk(page))
        if told.get("state") != state or told.get("iss") != self.issuer or "code" not in told:
            raise TrialFailed(f"the app got no code: {told.get('error', 'state or iss is not right')}")
        form = {"grant_type": "authorization_code", "code": told["code"], "redirect_uri": REDIRECT_URI}
        self.tokens = self.token({**form, "code_verifier": verifier})

    def _walk(self, page: Exchange) -> str:
        """Pages and redirects of broker and provider, until one leads to the app."""
        leads = self.person.submit(page, "decision", "allow") if page.status == 200 else page
        for _ in range(_MOST_PAGES):
            if leads.location.startswith(REDIRECT_URI):
                return leads.location
            if leads.status >= 400:
                raise TrialFailed(f"{leads.method} {leads.url.partition('?')[0]} answered {leads.status} {say(leads)}")
            leads = self.person.go_on(leads)
        raise TrialFailed("the redirects to the app do not end")

    def renew(self) -> None:
        """New tokens of the broker's."""
        if "refresh_token" not in self.tokens:
            raise TrialFailed("the broker gave no refresh token")
        form = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"]}
        self.tokens = {**self.tokens, **self.token(form)}

    def hand_out(self) -> dict[str, Any]:
        """The provider's own token (RFC 8693). Raises TrialFailed."""
        return read_answer(self.ask_hand_out(), "token-exchange")

    def ask_hand_out(self) -> Exchange:
        """The same, whatever the answer is."""
        form = {"grant_type": EXCHANGE, "subject_token": self.tokens["access_token"]}
        return self.ask({**form, "subject_token_type": ACCESS_TOKEN, "audience": self.provider_id})

    def end(self, connection_id: str) -> dict[str, Any]:
        """Revoke a connection. Returns the result of each of its tokens. Raises TrialFailed."""
        bearer = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        answer = self.person.call(f"{self.issuer}/connections/{connection_id}", bearer, "DELETE")
        return read_answer(answer, "DELETE /connections")

    def token(self, form: dict[str, str]) -> dict[str, Any]:
        """One request to the token endpoint. Raises TrialFailed."""
        return read_answer(self.ask(form), form["grant_type"])

    def ask(self, form: dict[str, str]) -> Exchange:
        """One request to the token endpoint, whatever the answer is."""
        return self.person.post_form(f"{self.issuer}/token", [*form.items(), ("client_id", self.client_id)])


def read_answer(answer: Exchange, what: str) -> dict[str, Any]:
    """A good answer. Raises TrialFailed."""
    if answer.status != 200:
        raise TrialFailed(f"{what} answered {answer.status} {say(answer)}")
    return answer.json()


def register_app(deployment: Deployment, provider_id: str, scopes: Iterable[str]) -> tuple[str, str]:
    """A client of this broker that may have the provider's tokens: its id, and the scope that it asks for."""
    wanted = [*OURS, *(f"{provider_id}:{scope}" for scope in scopes)]
    client = Client(
        client_id="",
        client_name="Trial",
        redirect_uris=(REDIRECT_URI,),
        token_endpoint_auth_method="none",
        grant_types=frozenset({"authorization_code", "refresh_token", EXCHANGE}),
        application_type="native",
        scopes=frozenset(wanted),
        providers=frozenset({provider_id}),
        handout="token",
    )
    return create_client(deployment, client)[0].client_id, " ".join(wanted)


def say(answer: Exchange) -> str:
    """What a refusal says: the error code of JSON, the heading of a page."""
    document = answer.json()
    if document:
        return str(document.get("reason") or document.get("error") or document.get("message") or "")
    return " ".join(read_page(answer.text).heading.split())
