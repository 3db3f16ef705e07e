"""An app whose pages hold a cookie: what its script asks for, as a browser sends it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from chalicelib.records.client import BffApi, Client
from chalicelib.records.grant import Grant
from chalicelib.records.item_keys import resource_item_key
from chalicelib.records.resource import Resource
from tests.kit.http.browser import Answer, Browser
from tests.kit.http.proxied import HOST, Api, start_proxied
from tests.kit.http.sign_in_scene import grants
from tests.kit.http.stack import Stack

ORIGIN, OTHER = "https://app.example", "https://two.app.example"
AUDIENCE = "https://api.team.example"
SCOPE = frozenset({"openid", "profile", "email", "notes", "demo:notes:read"})


@dataclass
class App:
    """One browser at one app."""

    stack: Stack
    api: Api
    client: Client
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        self.browser = self.stack.browser()

    @property
    def path(self) -> str:
        """What everything of this app stands under."""
        return f"/bff/{self.client.client_id}"

    @property
    def cookie_name(self) -> str:
        return f"tb_bff_{self.client.client_id}"

    @property
    def cookie(self) -> str:
        """The value, as no script sees it."""
        return self.browser.cookies[self.cookie_name]

    def begin(self, **asked: str) -> Answer:
        """The browser is sent to sign in."""
        return self.browser.get(f"{self.path}/login?{urlencode(asked)}")

    def to_callback(self, who: str = "alice", **asked: str) -> str:
        """Where the provider sends the browser back to."""
        page = self.begin(**asked)
        assert page.status in (200, 303), (page.status, page.body[-500:], self.stack.log.getvalue()[-800:])
        asked_before = page.status == 303  # what this user allowed once is not asked again
        left = page if asked_before else self.stack.decide(self.browser, page, provider="demo")
        return self.stack.provider.sign_in(left.location, who)

    def sign_in(self, who: str = "alice", **asked: str) -> Answer:
        """The whole way and back to the app."""
        answer = self.browser.get(self.to_callback(who, **asked))
        assert answer.status == 303, (answer.status, answer.body[-500:], self.stack.log.getvalue()[-800:])
        return answer

    def call(
        self, path: str, method: str = "GET", body: bytes = b"", *, origin: str | None = ORIGIN, **headers: str
    ) -> Answer:
        """What the script of a page at that origin asks for."""
        sent = {"Broker-Bff": "1", **({"Origin": origin} if origin else {})}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in sent.items() if value}
        return self.browser.send(method, self.path + path, body=body, headers=kept)

    def session(self, **headers: str) -> Answer:
        return self.call("/session", **headers)

    def logout(self, **headers: str) -> Answer:
        return self.call("/logout", "POST", **headers)

    def grant(self) -> Grant:
        """The only one that lives."""
        (found,) = [grant for grant in grants(self.stack) if not grant.is_over(self.stack.clock.now())]
        return found


def start_app(make_stack: Callable[..., Stack], api: Api, folder: Path, **settings: Any) -> App:
    """A broker whose demo provider has an API, and an app with another of its own."""
    stack = start_proxied(make_stack, api, folder, **settings).stack
    resource = Resource(audience=AUDIENCE, scopes=frozenset({"notes"}))
    stack.deployment.put(resource_item_key(AUDIENCE), resource)
    return App(stack, api, add_client(stack))


def add_client(stack: Stack, **fields: Any) -> Client:
    values: dict[str, Any] = {
        "redirect_uris": (),
        "grant_types": frozenset(),
        "scopes": SCOPE,
        "handout": "proxy",
        "bff_origins": (ORIGIN, OTHER),
        "bff_api": BffApi(resource=AUDIENCE, url=f"https://{HOST}/team"),
        "resources": frozenset({AUDIENCE}),
        **fields,
    }
    return stack.client(**values)[0]


def refusal(answer: Answer) -> tuple[int, str, str | None]:
    """Status, error, reason."""
    document = json.loads(answer.body)
    return answer.status, document["error"], document.get("reason")
