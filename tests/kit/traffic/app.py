"""An app and its user at whichever broker is up: one method a request, each in the history."""

import http.client
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.protocol.pkce import s256
from chalicelib.records.client import Client
from tests.kit.http.browser import FORM, Answer, Browser, read_page, request
from tests.kit.http.stack import ACCESS_TOKEN, EXCHANGE
from tests.kit.traffic.history import History
from tests.kit.traffic.world import APP, HOST, ISSUER, SCOPE, World

NO_ANSWER = (http.client.HTTPException, OSError)


class Visitor(Browser):
    """A browser behind a load balancer."""

    def __init__(self, world: World) -> None:
        super().__init__(HOST)
        self._world = world

    def send(
        self, method: str, target: str, *, body: str | bytes = "", headers: dict[str, str] | None = None
    ) -> Answer:
        """To either broker, under the issuer's name."""
        self.netloc = self._world.choose()
        return super().send(method, target, body=body, headers={"Host": HOST, **(headers or {})})

    def post(self, target: str, fields: Any, **headers: str) -> Answer:
        """As a page of ours would."""
        return super().post(target, fields, **{"Origin": ISSUER, **headers})


@dataclass
class App:
    """One registered app on behalf of one person."""

    world: World
    history: History
    client: Client
    secret: str | None
    who: str
    browser: Visitor = field(init=False)

    def __post_init__(self) -> None:
        self.browser = Visitor(self.world)

    def ask(self, operation: str, send: Callable[[], Answer]) -> Answer | None:
        """One request; None where no answer came. Raises Violation."""
        began = time.monotonic()
        try:
            answer = send()
        except NO_ANSWER:
            answer = None
        self.history.answered(operation, answer, time.monotonic() - began)
        return answer

    def post(self, operation: str, path: str, **fields: str) -> Answer | None:
        """A form, as this client."""
        form = {"client_id": self.client.client_id, **({"client_secret": self.secret} if self.secret else {}), **fields}
        headers = {"Content-Type": FORM, "Host": HOST}
        return self.ask(
            operation, lambda: request(self.world.choose(), "POST", path, body=urlencode(form), headers=headers)
        )

    def call(self, operation: str, method: str, path: str, token: str) -> Answer | None:
        """With an access token."""
        headers = {"Authorization": f"Bearer {token}", "Host": HOST, "User-Agent": "soak"}
        return self.ask(operation, lambda: request(self.world.choose(), method, path, headers=headers))

    def get_code(self) -> tuple[str, str] | None:
        """The whole way of the browser; code and verifier, or None where something was in the way."""
        verifier = secrets.token_urlsafe(32)
        asked = {
            "response_type": "code", "client_id": self.client.client_id, "redirect_uri": APP, "scope": SCOPE,
            "state": secrets.token_urlsafe(16), "code_challenge": s256(verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        page = self.ask("authorize", lambda: self.browser.get("/authorize?" + urlencode(asked)))
        if page is None or page.status not in (200, 303):
            return None
        answer = page if page.status == 303 else self.allow(page)  # 303: allowed before, by who is signed in still
        if answer is None or not answer.location.startswith(APP) or "code" not in answer.answered:
            return None
        return answer.answered["code"], verifier

    def allow(self, page: Answer) -> Answer | None:
        """Press Allow, sign in at the provider unless our session suffices, and come back."""
        left = self.press_allow(page)
        if left is None or left.status != 200 or not left.location.startswith(self.world.provider.url):
            return left
        try:
            back = self.world.provider.sign_in(left.location, self.who)
        except (RuntimeError, *NO_ANSWER):
            return None
        return self.ask("callback", lambda: self.browser.get(back))

    def press_allow(self, page: Answer) -> Answer | None:
        """What the browser is told, to go to the provider as a rule."""
        shown = read_page(page.body)
        several = ("provider", "demo") in shown.buttons
        pressed = ("provider", "demo") if several else ("decision", "allow")
        return self.ask("signin", lambda: self.browser.post("/signin", [*shown.fields, pressed]))

    def redeem(self, code: str, verifier: str) -> Answer | None:
        """Once."""
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": APP, "code_verifier": verifier}
        return self.post("redeem", "/token", **fields)

    def refresh(self, token: str) -> Answer | None:
        """Once."""
        return self.post("refresh", "/token", grant_type="refresh_token", refresh_token=token)

    def exchange(self, token: str) -> Answer | None:
        """The provider's token."""
        fields = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
        return self.post("hand-out", "/token", audience="demo", **fields)

    def poll(self, device_code: str) -> Answer | None:
        """As a device."""
        return self.post("device poll", "/token", grant_type=DEVICE_CODE, device_code=device_code)

    def start_device(self) -> dict[str, Any] | None:
        """What the device shows."""
        answer = self.post("device", "/device_authorization", scope=SCOPE)
        return None if answer is None or answer.status != 200 else dict(answer.json)

    def approve(self, user_code: str) -> bool:
        """The person types the code and allows; whether the last page said so."""
        if self.ask("device page", lambda: self.browser.get("/device")) is None:
            return False
        page = self.ask("device page", lambda: self.browser.post("/device", {"user_code": user_code}))
        done = self.allow(page) if page is not None and page.status == 200 else None
        said = ("signed in on your device", "go back to your device")  # this release, and the one before it
        return done is not None and done.status == 200 and any(words in done.body for words in said)
