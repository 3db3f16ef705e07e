"""One sign-in at the demo without a person: an app and its user's browser, step by step, over real HTTP."""

import base64
import hashlib
import secrets
from urllib.parse import urlencode

from local.browser import Browser, Exchange, query_of
from local.demo.demo_stack import DemoStack
from local.demo.parts import PROVIDER_ID
from local.live.taps import ATTEMPT


class Visit:
    """The demo app's own client; what it asks for may be changed before it is asked.

    attempt   under which name all of it is drawn
    """

    def __init__(self, stack: DemoStack, attempt: str = "") -> None:
        agent = ATTEMPT + attempt if attempt else "visit"
        self._issuer = stack.broker.issuer
        self._browser, self._app = Browser(user_agent=agent), Browser(user_agent=agent)
        self.verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        self.asked = {
            "response_type": "code",
            "client_id": stack.client_id,
            "redirect_uri": f"{stack.app.url}/callback",
            "scope": "openid profile email offline_access demo:notes:read",
            "provider": PROVIDER_ID,
            "state": secrets.token_urlsafe(32),
            "nonce": secrets.token_urlsafe(32),
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }

    def ask(self) -> Exchange:
        """The app sends the browser to the broker."""
        return self._browser.get(f"{self._issuer}/authorize?{urlencode(self.asked)}")

    def allow(self, decision: str = "alice") -> str:
        """The user allows it here and signs in at the provider; where that sends the browser.

        decision   at the provider: alice, bob or refuse
        """
        leaving = self._browser.press_allow(self.ask(), "demo")
        return self._browser.submit(self._browser.get(leaving.location), "decision", decision).location

    def go(self, url: str) -> Exchange:
        """The browser goes on."""
        return self._browser.get(url)

    def finish(self, url: str) -> str:
        """From the provider's answer to the app's; the code, empty where there is none."""
        back = self.go(url)
        if back.location:
            self.go(back.location)
        return query_of(back.location).get("code", "")

    def redeem(self, code: str) -> Exchange:
        """The app exchanges its code."""
        return self.ask_for_tokens(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.asked["redirect_uri"],
            code_verifier=self.verifier,
        )

    def ask_for_tokens(self, **form: str) -> Exchange:
        """One request at /token."""
        return self._app.post_form(f"{self._issuer}/token", [*form.items(), ("client_id", self.asked["client_id"])])
