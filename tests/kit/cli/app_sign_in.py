"""An app that signs its user in at the broker of the command line tests."""

import base64
import secrets
from urllib.parse import urlencode

from local.fake.provider import RunningProvider
from tests.kit.cli.operator import Operator
from tests.kit.http.browser import FORM, Browser, read_page, request
from tests.kit.http.stack import challenge

APP = "https://app.example/callback"
PROVIDER_SECRET = "canary-secret-at-the-provider"


def sign_in(
    broker: Operator, provider: RunningProvider, client_id: str, secret: str | None
) -> tuple[int, dict[str, str]]:
    """The whole way over HTTP; status and body of the token answer."""
    netloc = broker.environ["BROKER_ISSUER"].removeprefix("http://")
    browser, verifier = Browser(netloc), secrets.token_urlsafe(32)
    asked = {
        "response_type": "code", "client_id": client_id, "redirect_uri": APP, "scope": "openid profile", "state": "s",
        "code_challenge": challenge(verifier), "code_challenge_method": "S256",
    }  # fmt: skip
    page = browser.get("/authorize?" + urlencode(asked))
    left = browser.post("/signin", {**dict(read_page(page.body).fields), "provider": "demo", "decision": "allow"})
    place = left.location
    back = browser.get(provider.sign_in(place, "alice") if place.startswith(provider.url) else place)
    answered = back.answered if "code" in back.answered else left.answered
    form = {
        "grant_type": "authorization_code", "code": answered["code"], "redirect_uri": APP, "code_verifier": verifier,
        "client_id": client_id,
    }  # fmt: skip
    headers = {"Content-Type": FORM}
    if secret is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        del form["client_id"]
    answer = request(netloc, "POST", "/token", body=urlencode(form), headers=headers)
    return answer.status, answer.json
