"""Each fault of /_control: what an app sees of it, and what the broker makes of it, with nothing lost."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import pytest

from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key
from local.fake.profile.profile_server import RunningProfile
from local.trial.app import TrialFailed
from local.trial.steps import Trial, prepare
from local.trial.workshop import Workshop
from tests.kit.providers.team_provider import Raw, RawApp, control, ours, team
from tests.kit.requirement import requirement

ROTATING = '[refresh]\nkind = "rotating"\nlate_reuse = "revoke"\nin_doubt = "ask"\n'
STATIC = '[refresh]\nkind = "static"\nin_doubt = "again"\n'
GRACE = '[refresh]\nkind = "rotating"\ngrace = "same"\ngrace_seconds = 600\nin_doubt = "again"\n'
MANNERS = {"static": STATIC, "rotating": ROTATING, "grace": GRACE}
Seen = Callable[[Raw], object]


@dataclass(frozen=True)
class Case:
    """One fault.

    faults   as they are posted
    raw      what must hold of the answer that an app gets to a refresh
    comes    of the next hand-out: token, later, or a reason
    status   of the connection then
    renewed  tokens of the answer were taken
    """

    faults: dict[str, Any]
    raw: Seen
    comes: str
    status: str
    renewed: bool = False


def in_doubt(faults: dict[str, Any], raw: Seen) -> Case:
    """The refresh token may have been spent."""
    return Case(faults, raw, "later", "in_doubt")


def untouched(faults: dict[str, Any], raw: Seen) -> Case:
    """It was not."""
    return Case(faults, raw, "later", "active")


def renewed(faults: dict[str, Any], raw: Seen, status: str = "active", comes: str = "token") -> Case:
    """Awkward, and good."""
    return Case(faults, raw, comes, status, renewed=True)


CASES = {
    "form-encoded": renewed(
        {"form_encoded": True},
        lambda raw: "access_token" in parse_qs(raw.text) and "urlencoded" in raw.headers["content-type"],
    ),
    "scopes as a list": renewed({"scope_as_list": True}, lambda raw: raw.json["scope"] == ["me", "write"]),
    "no expires_in": renewed({"drop_expires_in": True}, lambda raw: "expires_in" not in raw.json),
    "no refresh_token": renewed({"drop_refresh_token": True}, lambda raw: "refresh_token" not in raw.json),
    "slow": renewed({"slow_seconds": 0.3}, lambda raw: raw.status == 200),
    "fewer scopes": renewed({"scope_said": "me"}, lambda raw: raw.json["scope"] == "me", status="partial"),
    "more scopes": renewed(
        {"scope_said": "me write everything"}, lambda raw: "everything" in raw.json["scope"], comes="more_than_allowed"
    ),
    "nested tokens": in_doubt({"nested": "data"}, lambda raw: "access_token" in raw.json["data"]),
    "no answer": in_doubt({"lose_answer": True}, lambda raw: raw.broken),
    "cut answer": in_doubt({"cut": True}, lambda raw: raw.broken),
    "500 after accepting": in_doubt({"status_after": 500}, lambda raw: raw.status == 500),
    "503 before accepting": in_doubt({"status": 503}, lambda raw: raw.status == 503),
    "HTML": in_doubt({"html": True}, lambda raw: raw.status == 200 and raw.text.startswith("<!doctype html>")),
    "redirect": in_doubt({"redirect": True}, lambda raw: (raw.status, "location" in raw.headers) == (302, True)),
    "60 KiB token": in_doubt({"token_characters": 61440}, lambda raw: len(raw.json["access_token"]) == 61440),
    "4 MiB answer": in_doubt({"huge": True}, lambda raw: len(raw.text) > 4_000_000),
    "broken JSON": in_doubt({"broken_json": True}, lambda raw: raw.text.endswith(",")),
    "another kind of token": in_doubt({"token_type": "mac"}, lambda raw: raw.json["token_type"] == "mac"),
    "429 with Retry-After": untouched(
        {"status": 429, "retry_after": 120}, lambda raw: (raw.status, raw.headers["retry-after"]) == (429, "120")
    ),
    "error in a 200": in_doubt(
        {"token_error": "temporarily_unavailable", "errors_as_200": True},
        lambda raw: (raw.status, raw.json["error"]) == (200, "temporarily_unavailable"),
    ),
    "invalid_grant once": Case(
        {"token_error": "invalid_grant"},
        lambda raw: raw.json["error"] == "invalid_grant",
        "reauth_required",
        "reauth_required",
    ),
    "403 and invalid_grant": Case(
        {"token_error": "invalid_grant", "error_status": 403},
        lambda raw: (raw.status, raw.json["error"]) == (403, "invalid_grant"),
        "reauth_required",
        "reauth_required",
    ),
    "invalid_grant in a 200": Case(
        {"token_error": "invalid_grant", "errors_as_200": True},
        lambda raw: (raw.status, raw.json["error"]) == (200, "invalid_grant"),
        "reauth_required",
        "reauth_required",
    ),
}


class Scene:
    """A signed-in app at a broker, and the provider that it signed in with."""

    def __init__(self, shop: Workshop, more: str) -> None:
        self.shop, self.player = shop, RunningProfile(team(more))
        self.trial: Trial = prepare(shop, self.player)
        self.trial.sign_in()
        self.trial.hand_out()

    @property
    def connection(self) -> Connection:
        """The item as it stands."""
        place = connection_item_key(self.trial.token["connection_id"])
        found = self.shop.deployment.store.read(place).get(place)
        assert found is not None
        return found

    def expire(self) -> None:
        """The access token has ended."""
        self.pass_time(3601)

    def pass_time(self, seconds: int) -> None:
        """For everybody; then the app renews its own token."""
        self.shop.clock.advance(seconds)
        self.trial.app.renew()

    def asks(self) -> str:
        """What comes of asking, in a word."""
        answer = self.trial.app.ask_hand_out()
        if answer.status == 200:
            token = answer.json()["access_token"]
            return "token" if self.player.grants.whose(token) else "dead"
        if answer.status == 503:
            return "later"
        return str(answer.json().get("reason") or "refused")

    def settle(self) -> str:
        """Once the provider is well again, the app gets a token or is told to sign in: within an hour, or a day where a
        response that did not parse is stored."""
        self.shop.use(self.player)
        for pause in itertools.chain((16, 130), itertools.repeat(600, 8), (86_400, 16, 130)):
            self.pass_time(pause)
            came = self.asks()
            if came != "later":
                return came
        return "later"


@pytest.fixture
def make_scene(shop: Workshop) -> Iterator[Callable[[str], Scene]]:
    """Scenes that end with the test."""
    made: list[Scene] = []

    def make(more: str) -> Scene:
        made.append(Scene(shop, more))
        return made[-1]

    yield make
    for scene in made:
        scene.player.stop()


@requirement("F18")
@pytest.mark.parametrize("name", CASES)
def test_an_app_sees_the_fault_as_it_is_described(raw: Callable[..., RawApp], name: str) -> None:
    app, case = raw(ROTATING), CASES[name]
    token = app.redeem().json["refresh_token"]
    control(app.player, {"faults": {**case.faults, "times": 1}})
    seen = app.refresh(token)
    assert case.raw(seen), seen
    assert control(app.player)["faults"] == {}


@requirement("F18", "CB-12")
@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("name", CASES)
def test_the_broker_ends_in_a_state_that_says_what_is_known_and_loses_nothing(
    make_scene: Callable[[str], Scene], name: str, manner: str
) -> None:
    scene, case = make_scene(MANNERS[manner]), CASES[name]
    scene.expire()
    before = scene.connection
    control(scene.player, {"faults": {**case.faults, "times": 1}})
    assert scene.asks() == case.comes
    after = scene.connection
    assert after.status == case.status and after.sealed_refresh_token
    kept = (before.sealed_refresh_token, before.token_generation)
    assert ((after.sealed_refresh_token, after.token_generation) == kept) is not case.renewed
    assert control(scene.player)["faults"] == {}
    came = scene.settle()
    either = {"token", "reauth_required"} if manner == "rotating" else {"token"}
    assert came in (either if case.comes in ("token", "later") else {case.comes})
    if came != "token":
        scene.trial.app.sign_in()
        assert scene.asks() == "token"


@requirement("F18")
def test_retry_after_is_honoured(make_scene: Callable[[str], Scene]) -> None:
    scene = make_scene(STATIC)
    scene.expire()
    control(scene.player, {"faults": {"status": 429, "retry_after": 120, "times": 1}})
    assert scene.asks() == "later"
    before = scene.player.count("token")
    scene.pass_time(60)
    assert scene.asks() == "later" and scene.player.count("token") == before
    scene.pass_time(61)
    assert scene.asks() == "token"


@requirement("F18")
def test_reuse_that_kills_the_grant_is_never_caused_by_the_broker(make_scene: Callable[[str], Scene]) -> None:
    scene = make_scene(STATIC.replace("static", "rotating").replace("again", "ask"))
    control(scene.player, {"faults": {"reuse": "revoke"}})
    for _ in range(3):
        scene.expire()
        assert scene.asks() == "token"
    assert not any(family.revoked for family in scene.player.grants.families)


@requirement("F18")
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.renewed and name != "no answer"])
def test_at_the_sign_in_nothing_is_stored_and_the_user_may_try_again(shop: Workshop, name: str) -> None:
    player = RunningProfile(team(ROTATING))
    try:
        trial = prepare(shop, player)
        before = len(shop.deployment.scan("CONNECTION#", Connection))
        control(player, {"faults": {**CASES[name].faults, "times": 1}})
        with pytest.raises(TrialFailed, match="400" if "invalid_grant" in name else "502"):
            trial.sign_in()
        assert len(shop.deployment.scan("CONNECTION#", Connection)) == before
        trial.sign_in()
        trial.hand_out()
    finally:
        player.stop()


@requirement("CB-05", "CB-08")
@pytest.mark.parametrize(
    "fault",
    [
        "wrong_nonce",
        "wrong_id_token_issuer",
        "wrong_audience",
        "wrong_key",
        "unsigned",
        "expired_id_token",
        "drop_id_token",
        "wrong_iss",
        "wrong_state",
    ],
)
def test_a_sign_in_that_is_not_this_providers_word_ends(shop: Workshop, fault: str) -> None:
    player = RunningProfile(ours("google"))
    try:
        trial = prepare(shop, player)
        control(player, {"faults": {fault: True}})
        with pytest.raises(TrialFailed, match=r"answered [45]0"):
            trial.sign_in()
        control(player, {"reset": True})
        trial.sign_in()
    finally:
        player.stop()
