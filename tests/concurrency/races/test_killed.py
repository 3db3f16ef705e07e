"""The broker killed with SIGKILL between any two steps of a sign-in, the store in another process: whoever comes back
can start again, and nothing validates that should not (RELIABILITY F02, F06)."""

import http.client
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import pytest

from chalicelib.protocol.pkce import s256
from chalicelib.records.client import Client
from chalicelib.records.grant import Grant
from cli.deployment.operations import create_client, set_provider
from local.fake.provider import RunningProvider
from local.fake.provider import start as start_provider
from local.stack.ports import find_port
from tests.concurrency.races.arena import REDIRECT, Arena
from tests.kit.http.browser import FORM, Answer, Browser, read_page, request
from tests.kit.processes import Process, run_moto, start_module
from tests.kit.requirement import requirement

SCOPE = "openid profile offline_access demo:notes:read"
# What the writes of one sign-in of somebody never seen are, in order.
WRITES = ("claim", "user key", "subject", "connection", "consent", "issue", "redeem", "advance")


@dataclass
class Place:
    """A store and a provider that outlive the broker."""

    arena: Arena
    provider: RunningProvider
    port: int
    client: Client
    running: Process | None = field(default=None)

    def start(self, *options: str) -> None:
        """A broker process on the one port of the issuer."""
        common = ("--endpoint-url", self.arena.endpoint_url, "--issuer", self.arena.issuer)
        more = ("--provider", self.provider.url, "--port", str(self.port))
        self.running = start_module("tests.concurrency.races.mortal", *common, *more, *options)

    def kill(self) -> None:
        """SIGKILL, unless it is dead already."""
        if self.running is not None:
            self.running.kill()
            self.running = None


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """One store for all, a client and the demo provider."""
    port = find_port("127.0.0.1")
    provider = start_provider(0, "127.0.0.2")
    with pytest.MonkeyPatch.context() as patch, run_moto() as endpoint_url:
        patch.setattr(os, "environ", dict(os.environ))
        arena = Arena(endpoint_url, issuer=f"http://127.0.0.1:{port}")
        provider.add_client("broker-at-demo", "s" * 40, [f"{arena.issuer}/callback/demo"])
        set_provider(arena.deployment, "demo", client_id="broker-at-demo", client_secret="s" * 40, issuer=provider.url)
        client, _ = create_client(
            arena.deployment,
            Client(
                client_id="", client_name="Killed", redirect_uris=(REDIRECT,), token_endpoint_auth_method="none",
                grant_types=frozenset({"authorization_code", "refresh_token"}), scopes=frozenset(SCOPE.split()),
                providers=frozenset({"*"}),
            ),
        )  # fmt: skip
        found = Place(arena, provider, port, client)
        yield found
        found.kill()
    provider.stop()


@dataclass
class Journey:
    """One user's sign-in, step by step; each step is one request, so that the broker can die before any of them."""

    place: Place
    who: str
    browser: Browser = field(init=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    page: Answer | None = None
    back: str = ""
    code: str = ""
    tokens: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.browser = Browser(f"127.0.0.1:{self.place.port}")

    def authorize(self) -> None:
        parameters = {
            "response_type": "code", "client_id": self.place.client.client_id, "redirect_uri": REDIRECT,
            "scope": SCOPE, "state": "s" * 20, "code_challenge": s256(self.verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        self.page = self.browser.get("/authorize?" + urlencode(parameters))
        assert self.page.status == 200, self.page

    def decide(self) -> None:
        assert self.page is not None
        left = self.browser.post("/signin", [*read_page(self.page.body).fields, ("decision", "allow")])
        self.back = self.place.provider.sign_in(left.location, self.who)

    def come_back(self) -> None:
        answer = self.browser.get(self.back)
        assert answer.status == 303, answer.body[-400:]
        self.code = answer.answered["code"]

    def redeem(self) -> None:
        self.tokens.append(self._token(grant_type="authorization_code", code=self.code, code_verifier=self.verifier))

    def refresh(self) -> None:
        self.tokens.append(self._token(grant_type="refresh_token", refresh_token=self.tokens[-1]))

    def _token(self, **fields: str) -> str:
        body = urlencode({"client_id": self.place.client.client_id, "redirect_uri": REDIRECT, **fields})
        answer = request(self.browser.netloc, "POST", "/token", body=body, headers={"Content-Type": FORM})
        assert answer.status == 200, answer.body
        return str(answer.json["refresh_token"])

    def steps(self) -> list[Callable[[], None]]:
        return [self.authorize, self.decide, self.come_back, self.redeem, self.refresh]


def grants(place: Place) -> list[Grant]:
    """Every grant of this client."""
    found: list[Grant] = place.arena.deployment.scan("GRANT#", Grant)
    return [grant for grant in found if grant.client_id == place.client.client_id]


def walk(journey: Journey) -> int:
    """Go on until the broker dies; the number of steps that were answered."""
    for number, step in enumerate(journey.steps()):
        try:
            step()
        except (http.client.HTTPException, OSError):
            return number
    return len(journey.steps())


@requirement("F02", "F06")
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", range(1, len(WRITES) + 1), ids=WRITES)
def test_killed_at_a_write_nothing_doubles_and_the_user_starts_again(place: Place, write: int, moment: str) -> None:
    journey = Journey(place, "alice" if moment == "before" else "bob")
    before, asked = {grant.grant_id for grant in grants(place)}, place.provider.count("token")
    wipe_user(place)
    place.start("--die-at", str(write), "--die", moment)
    answered = walk(journey)
    assert answered == {"redeem": 3, "advance": 4}.get(WRITES[write - 1], 2)
    place.kill()
    place.start()
    new = [grant for grant in grants(place) if grant.grant_id not in before]
    assert len(new) <= 1
    assert place.provider.count("token") - asked <= 1
    if answered == 2:
        again = journey.browser.get(journey.back)  # the user presses reload
        finished = new and new[0].status == "issued"
        unborn = not new
        assert again.status == (303 if finished or (unborn and moment == "before") else 200), again.body[-300:]
        assert place.provider.count("token") - asked <= 1 + unborn
    elif answered == 3:
        presented = place.client.client_id, journey.code
        assert redeem_again(place, *presented, journey.verifier) == (200 if moment == "before" else 400)
    else:
        journey.refresh()  # the token that was presented when the broker died still has its one successor
        assert grants_by_id(place, new[0].grant_id).generation == 2
    assert walk(Journey(place, "alice")) == 5
    place.kill()


@requirement("F02")
@pytest.mark.parametrize("alive", range(1, 5))
def test_killed_between_two_requests_the_sign_in_simply_goes_on(place: Place, alive: int) -> None:
    """Nothing that a sign-in needs is in the process: keys are in the store, the decision in the browser."""
    journey = Journey(place, "alice")
    place.start()
    for number, step in enumerate(journey.steps()):
        if number == alive:
            place.kill()
            place.start()
        step()
    place.kill()


def redeem_again(place: Place, client_id: str, code: str, verifier: str) -> int:
    """The status that the code gets now."""
    fields = {"client_id": client_id, "redirect_uri": REDIRECT, "code": code, "code_verifier": verifier}
    body = urlencode({**fields, "grant_type": "authorization_code"})
    netloc = urlsplit(place.arena.issuer).netloc
    return request(netloc, "POST", "/token", body=body, headers={"Content-Type": FORM}).status


def grants_by_id(place: Place, grant_id: str) -> Grant:
    """One grant as it stands."""
    return next(grant for grant in grants(place) if grant.grant_id == grant_id)


def wipe_user(place: Place) -> None:
    """Everything about users goes, so that each case is a first sign-in with all of its writes."""
    deployment = place.arena.deployment
    for table, prefixes in (("broker", ("SUBJECT#", "CONSENT#", "CONNECTION#")), ("broker-keys", ("USER#",))):
        answer = deployment.dynamodb.call("Scan", {"TableName": table})
        for item in answer["Items"]:
            if item["pk"]["S"].startswith(prefixes):
                deployment.dynamodb.call(
                    "DeleteItem", {"TableName": table, "Key": {"pk": item["pk"], "sk": item["sk"]}}
                )
