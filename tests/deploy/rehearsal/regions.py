"""Two regions as docs/regions.md tells, step by step: what `dev.py deploy-rehearsal --regions` prints.

Each has a ministack with tables of its own, and a broker with its letter. What they share is as the page says: one
issuer, the items of the operator, and a KMS key that opens them in both, which outlives a region. Each step raises
AssertionError where it does not go as it should, and returns the sentence that says what was seen.
"""

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.composition import build_broker
from chalicelib.config import read_settings
from chalicelib.routes import create_app
from local.stack.resources import EndpointRefused, call_endpoint, create_tables
from local.stack.threaded_app import make_thread_safe
from tests.deploy.package.events import Answer, Door
from tests.deploy.package.sign_in import SignIn
from tests.deploy.package.world import World
from tests.deploy.rehearsal.rehearsal import AT_ONCE, at_once
from tests.deploy.rehearsal.router import Router, letter_of
from tests.kit.broker_process import targets_of
from tests.kit.processes import run_ministack

TABLES = ("broker", "broker-keys")
Items = dict[str, list[dict[str, Any]]]


class Region:
    """One region: its tables and its broker; `door` stands where its gateway does."""

    door: Door

    def __init__(self, world: World, letter: str) -> None:
        self.world, self.letter, self.log = world, letter, io.StringIO()
        self._living = ExitStack()
        self.endpoint_url = self._living.enter_context(run_ministack("dynamodb"))
        create_tables(self.endpoint_url, *TABLES)
        self.deploy()

    def deploy(self, **more: str) -> None:
        """A fresh broker on the region's tables, perhaps with more settings."""
        given = {"ENDPOINT_URL": self.endpoint_url, "REGION_LETTER": self.letter, **more}
        settings = read_settings(self.world.environ | {f"BROKER_{name}": value for name, value in given.items()})
        kms = SignedTransport("kms", endpoint_url=self.world.neighbours.endpoint_url)
        targets = targets_of(self.world.neighbours.provider_url)
        broker = build_broker(settings, kms=kms, local_targets=targets, log_stream=self.log)
        app = create_app(lambda: broker)
        make_thread_safe(app)
        self.door = self.world.door(app)

    def event(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """One request, not yet sent."""
        return self.door.event(method, url, **more)

    def invoke(self, event: dict[str, Any]) -> Answer:
        """Send it."""
        return self.door.invoke(event)

    def lose(self) -> None:
        """Its AWS is gone."""
        self._living.close()


class TwoRegions:
    """Regions `a` and `b`, and where requests for each letter go.

    held     by letter: the sign-in of the user whose home it is, and the tokens that the app holds
    waiting  a request to redeem a code of `a`, which the app has not sent yet
    """

    waiting: dict[str, Any]

    def __init__(self, world: World, a: Region, b: Region) -> None:
        self.world, self.a, self.b = world, a, b
        self.routes = {"a": a, "b": b}
        self.held: dict[str, tuple[SignIn, dict[str, Any]]] = {}

    def refreshing(self, letter: str) -> dict[str, Any]:
        """The app's next refresh, not yet sent."""
        app, tokens = self.held[letter]
        return app.token_event({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})


@contextmanager
def two_regions(folder: Path) -> Iterator[TwoRegions]:
    """Both up, with what the operator made once and both got."""
    world = World(folder, played=False)
    with ExitStack() as ending:
        ending.callback(world.stop)
        regions = []
        for letter in "ab":
            regions.append(Region(world, letter))
            ending.callback(regions[-1].lose)
            copy(read_items(world.neighbours.endpoint_url), regions[-1])
        yield TwoRegions(world, *regions)


def sign_in_at_both(here: TwoRegions) -> str:
    """One user in each; the app redeems, refreshes and is handed out through the router."""
    for letter, user in (("a", "alice"), ("b", "bob")):
        app = here.world.sign_in(Router(here.routes, letter), user)
        first = app.run()
        tokens = app.refresh(first["refresh_token"])
        assert letter_of(first["refresh_token"]) == letter_of(tokens["refresh_token"]) == letter
        assert app.hand_out(tokens["access_token"])["expires_in"] > 0
        here.held[letter] = (app, tokens)
    return "a user in each region; the router read the letters, and each refreshed and was handed out at home"


def go_astray(here: TwoRegions) -> str:
    """The router fails: each handle reaches the other region."""
    before = [read_items(region.endpoint_url) for region in (here.a, here.b)]
    for letter, wrong in (("a", here.b), ("b", here.a)):
        refuses(wrong, here.refreshing(letter))
    assert before == [read_items(region.endpoint_url) for region in (here.a, here.b)]
    for letter, (app, tokens) in here.held.items():
        here.held[letter] = (app, app.refresh(tokens["refresh_token"]))
    return "a handle at the wrong region: 503, nothing stored in either; then good at home"


def lose_a(here: TwoRegions) -> str:
    """Its items are in `b`, and it is gone; its users wait, for nobody decides about its letter now."""
    app = here.world.sign_in(Router(here.routes, "a"), "alice")
    code = app.call_back(app.visit(app.decide(app.authorize())))
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.app.redirect_uri}
    here.waiting = app.token_event({**form, "code_verifier": app.verifier})
    copy(read_items(here.a.endpoint_url), here.b)
    here.a.lose()
    assert here.a.invoke(here.refreshing("a")).status == 503
    for event in (here.refreshing("a"), here.waiting):
        refuses(here.b, event)
    app, tokens = here.held["b"]
    here.held["b"] = (app, app.refresh(tokens["refresh_token"]))
    return "a is gone: b has its items and still refuses its handles; b's own user notices nothing"


def take_over(here: TwoRegions) -> str:
    """`b` adopts the letter and the router follows; each of its handles is accepted once, and by `b` alone."""
    here.b.deploy(ADOPTED_LETTERS="a")
    here.routes["a"] = here.b
    app, tokens = here.held["a"]
    event = here.refreshing("a")
    answers = at_once(lambda: app.browser.door.invoke(event))
    assert [answer.status for answer in answers] == [200] * AT_ONCE
    (successor,) = {json.loads(answer.body)["refresh_token"] for answer in answers}
    redeemed = at_once(lambda: app.browser.door.invoke(here.waiting))
    assert sorted(answer.status for answer in redeemed) == [200] + [400] * (AT_ONCE - 1)
    assert letter_of(tokens["refresh_token"]) == "a" and letter_of(successor) == "b"
    now = app.refresh(successor)
    assert app.hand_out(now["access_token"])["expires_in"] > 0
    assert here.b.invoke(event).status == 400
    assert here.a.invoke(event).status == 503
    return f"b decides about a: {AT_ONCE} at once got one successor, of b; one redeemed a code; the old token is over"


def refuses(region: Region, event: dict[str, Any]) -> None:
    """As a region does that is not the handle's home."""
    so_far = len(region.log.getvalue())
    answer = region.invoke(event)
    assert (answer.status, json.loads(answer.body)["error"]) == (503, "temporarily_unavailable"), answer
    assert answer.header("retry-after") and '"handle_of_another_home"' in region.log.getvalue()[so_far:]


def read_items(endpoint_url: str) -> Items:
    """Everything in both tables, in one order."""
    found = {name: call_endpoint(endpoint_url, "dynamodb", "Scan", {"TableName": name})["Items"] for name in TABLES}
    return {name: sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) for name, items in found.items()}


def copy(items: Items, region: Region) -> None:
    """What is not there yet; what stands there stays."""
    for name, ones in items.items():
        for item in ones:
            put = {"TableName": name, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
            try:
                call_endpoint(region.endpoint_url, "dynamodb", "PutItem", put)
            except EndpointRefused as refusal:
                if refusal.code != "ConditionalCheckFailedException":
                    raise


STEPS = (sign_in_at_both, go_astray, lose_a, take_over)
