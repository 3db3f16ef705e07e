"""A relying party of the suite's kind: a client that signs its user in, looks at everything, and does it again."""

from dataclasses import dataclass, field
from typing import Any

import jwt

from chalicelib.records.client import Client
from tests.kit.http.browser import Answer, Browser, request
from tests.kit.http.stack import APP, Stack, challenge

VERIFIER = "v" * 43
SCOPE = "openid profile email"


@dataclass
class Way:
    """One authorization request and where it led.

    trips    how often the user signed in at the provider on the way
    answer   the last answer: a redirect to the app, or a page of ours
    """

    asked: dict[str, str]
    trips: int
    answer: Answer

    @property
    def answered(self) -> dict[str, str]:
        """What the app got; empty where the browser stays with us."""
        return self.answer.answered if self.answer.location.startswith(APP) else {}


@dataclass
class Party:
    """A client with a browser in front of it; `keeps` is what all its requests say."""

    stack: Stack
    method: str = "client_secret_basic"
    fields: dict[str, Any] = field(default_factory=dict)
    client: Client = field(init=False)
    secret: str | None = field(init=False)
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.client, self.secret = self.stack.client(token_endpoint_auth_method=self.method, **self.fields)
        self.browser = self.stack.browser()

    def ask(self, *, post: bool = False, **more: str | None) -> Way:
        """The whole way of a willing user; None leaves a parameter out."""
        standard = {"scope": SCOPE, "code_challenge": challenge(VERIFIER)}
        asked = self.stack.authorize_parameters(self.client, **{**standard, **more})
        return self.follow(asked, post=post)

    def follow(self, asked: dict[str, str], *, post: bool = False, who: str = "alice") -> Way:
        """From the request to where nobody has anything to press any more."""
        browser, trips = self.browser, 0
        answer = browser.post("/authorize", asked) if post else self.stack.authorize(asked, browser)
        while True:
            if answer.status == 200 and 'name="decision"' in answer.body:
                answer = self.stack.decide(browser, answer, provider="demo")
            elif answer.location.startswith(self.stack.provider.url):
                trips += 1
                answer = browser.get(self.stack.provider.sign_in(answer.location, who))
            elif answer.location.startswith("/"):
                answer = browser.get(answer.location)
            else:
                return Way(asked, trips, answer)

    def redeem(self, way: Way, **changed: str | None) -> Answer:
        """Exchange the code that a request has led to."""
        fields = {"code": way.answered["code"], "redirect_uri": APP, "code_verifier": VERIFIER, **changed}
        return self.stack.token(self.client, self.secret, grant_type="authorization_code", **fields)

    def sign_in(self, **more: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Tokens, and the verified claims of the ID token."""
        way = self.ask(**more)
        assert way.answered.get("state") == way.asked.get("state"), way.answer.body[-500:]
        tokens = self.redeem(way).json
        return tokens, self.verify(tokens["id_token"])

    def verify(self, id_token: str) -> dict[str, Any]:
        """As OpenID Connect Core section 3.1.3.7 says, by the key set that the metadata names."""
        key = jwt.PyJWKClient(self.metadata["jwks_uri"]).get_signing_key_from_jwt(id_token)
        demands = {"require": ["iss", "sub", "aud", "exp", "iat"], "verify_iat": False}
        issuer = self.metadata["issuer"]
        claims: dict[str, Any] = jwt.decode(
            id_token, key, ["ES256"], audience=self.client.client_id, issuer=issuer, options=demands, leeway=3600
        )
        return claims

    def userinfo(self, token: str, method: str = "GET") -> Answer:
        """With the token in the header."""
        return request(self.stack.netloc, method, "/userinfo", headers={"Authorization": f"Bearer {token}"})

    @property
    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        document: dict[str, Any] = self.stack.get("/.well-known/openid-configuration").json
        return document
