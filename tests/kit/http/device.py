"""A device at a broker: asks, polls; and the person who types its code in a browser."""

from dataclasses import dataclass
from typing import Any

from chalicelib.protocol.device_code import DEVICE_CODE
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import grant_item_key
from tests.kit.http.browser import Answer, Browser, read_page
from tests.kit.http.stack import EXCHANGE, SCOPE, Stack

GRANTS = frozenset({DEVICE_CODE, "refresh_token", EXCHANGE})


@dataclass
class Device:
    """`told` is the answer of the device authorization endpoint."""

    stack: Stack
    client: Client
    secret: str | None
    told: dict[str, Any]

    def poll(self, **changed: str | None) -> Answer:
        """Ask for the tokens."""
        fields = {"grant_type": DEVICE_CODE, "device_code": self.told["device_code"], **changed}
        return self.stack.token(self.client, self.secret, **fields)

    def error(self, **changed: str | None) -> str:
        """What a poll without tokens is told."""
        answer = self.poll(**changed)
        assert answer.status == 400, answer.body
        return str(answer.json["error"])

    def grant(self) -> Grant:
        """The item as it stands; the only one of this stack."""
        (grant,) = self.stack.deployment.scan("GRANT#", Grant)
        place = grant_item_key(grant.grant_id)
        found = self.stack.deployment.store.read(place).get(place)
        assert found is not None
        return found

    def type(self, browser: Browser | None = None, user_code: str | None = None) -> tuple[Browser, Answer]:
        """Open the page and type the code; the browser, and the page that it sees."""
        browser = browser or self.stack.browser()
        assert browser.get("/device").status == 200
        return browser, browser.post("/device", {"user_code": user_code or self.told["user_code"]})

    def allow(self, browser: Browser, page: Answer, who: str = "alice") -> str:
        """Allow, and sign in at the provider; our callback, which the browser has yet to open."""
        left = self.stack.decide(browser, page, provider="demo")
        assert left.status == 200, left.body[-800:]
        return self.stack.provider.sign_in(left.location, who)

    def approve(self, browser: Browser | None = None, who: str = "alice") -> Answer:
        """The whole way of the person; the last page."""
        browser, page = self.type(browser)
        return browser.get(self.allow(browser, page, who))


def start_device(stack: Stack, *, given: tuple[Client, str | None] | None = None, **fields: Any) -> Device:
    """Register a client that has the device grant and nothing of a browser's (unless given); ask."""
    client, secret = given or stack.client(**{"redirect_uris": (), "grant_types": GRANTS, **fields})
    return ask(stack, client, secret)


def ask(stack: Stack, client: Client, secret: str | None = None, **more: str | None) -> Device:
    """POST /device_authorization, which is granted."""
    answer = stack.post("/device_authorization", client, secret, **{"scope": SCOPE, **more})
    assert answer.status == 200, answer.body
    return Device(stack, client, secret, answer.json)


def cancel(stack: Stack, browser: Browser, page: Answer) -> Answer:
    """Press Cancel."""
    return browser.post("/signin", [*read_page(page.body).fields, ("decision", "deny")])
