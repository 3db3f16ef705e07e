"""/_control: who may use it, what it tells, and that a half-understood request changes nothing."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError

import pytest

from local.fake.faults import Faults
from local.fake.provider import start
from tests.kit.providers.team_provider import RawApp, control

Make = Callable[..., RawApp]


def test_it_tells_what_is_switched_on_and_what_came_but_no_secret_and_no_token(raw: Make) -> None:
    app = raw('[refresh]\nkind = "rotating"\n')
    tokens = app.redeem().json
    told = control(app.player, {"faults": {"html": True, "fewer_scopes": ["write"]}, "advance_seconds": 5})
    assert told["faults"] == {"html": True, "fewer_scopes": ["write"]}
    assert (told["advanced_seconds"], told["clients"], told["sign_ins"]) == (5, ["raw"], 1)
    assert told["requests"][-1] == {
        "method": "POST",
        "host": "login.team.example",
        "path": "/token",
        "endpoint": "token",
    }
    assert control(app.player)["faults"] == told["faults"]
    text = json.dumps(told)
    assert not any(secret in text for secret in ("raw-secret", tokens["access_token"], tokens["refresh_token"]))
    assert control(app.player, {"reset": True})["faults"] == {}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"faults": {"htlm": True}}, "there is no fault htlm"),
        ({"faults": {"html": "yes"}}, "html: Expected `bool`"),
        ({"faults": {"status": True}}, "status: "),
        ({"faults": {"at": "token"}}, "at: Expected `array`"),
        ({"faults": {"reuse": "forgive"}}, "reuse: Invalid"),
        ({"faults": {"html": True}, "advance_seconds": "5"}, "advance_seconds"),
        ({"faults": {"html": True}, "advance_seconds": -1}, "advance_seconds"),
        ({"faults": {"html": True}, "explode": True}, "an object with"),
        ({"faults": {"html": True}, "client": {}}, "client_id"),
        ({"faults": ["html"]}, "faults"),
        ([], "an object with"),
        ("html", "an object with"),
    ],
    ids=str,
)
def test_what_is_not_known_is_said_and_changes_nothing(raw: Make, wanted: Any, said: str) -> None:
    player = raw().player
    answer = control(player, wanted)
    assert answer["status"] == 400 and said in answer["error"]
    assert control(player)["faults"] == {} and control(player)["advanced_seconds"] == 0


def test_every_fault_can_be_set_to_its_own_value_and_back() -> None:
    provider = start()
    try:
        values = {
            name: sorted(value) if isinstance(value, frozenset) else value for name, value in Faults().normal.items()
        }
        assert control(provider, {"faults": values})["faults"] == {}  # type: ignore[arg-type]
    finally:
        provider.stop()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 405),
        ({"Content-Type": "application/json", "Origin": "https://evil.example"}, 403),
        ({"Content-Type": "application/json", "Host": "evil.example"}, 403),
        ({"Content-Type": "application/json", "Host": "127.0.0.1.evil.example"}, 403),
        ({"Content-Type": "application/json", "Host": "localhost.evil.example"}, 403),
    ],
    ids=str,
)
def test_no_page_of_another_site_can_switch_anything(raw: Make, headers: dict[str, str], status: int) -> None:
    player = raw().player
    request = urllib.request.Request(f"{player.url}/_control", b'{"faults": {"html": true}}', headers)
    with pytest.raises(HTTPError) as refusal, urllib.request.urlopen(request, timeout=10):
        pass
    assert refusal.value.code == status
    assert player.faults.switched_on() == {}


def test_a_body_that_is_no_json_is_said(raw: Make) -> None:
    request = urllib.request.Request(f"{raw().player.url}/_control", b"{", {"Content-Type": "application/json"})
    with pytest.raises(HTTPError) as refusal, urllib.request.urlopen(request, timeout=10):
        pass
    assert refusal.value.code == 400


def test_its_clock_moves_on_for_everybody(raw: Make) -> None:
    app = raw('[refresh]\nkind = "rotating"\n')
    token = app.redeem().json["access_token"]
    control(app.player, {"advance_seconds": 3599})
    assert app.api(token) == 200
    control(app.player, {"advance_seconds": 1})
    assert app.api(token) == 401


def test_access_tokens_can_end_while_refresh_tokens_live(raw: Make) -> None:
    app = raw('[refresh]\nkind = "rotating"\n')
    tokens = app.redeem().json
    assert control(app.player, {"end_access_tokens": True})["sign_ins"] == 1
    assert app.api(tokens["access_token"]) == 401
    assert app.api(app.refresh(tokens["refresh_token"]).json["access_token"]) == 200


def test_all_grants_can_be_ended_as_if_the_user_had_removed_the_app(raw: Make) -> None:
    app = raw('[refresh]\nkind = "rotating"\n')
    tokens = app.redeem().json
    assert control(app.player, {"end_grants": True})["sign_ins"] == 0
    assert app.api(tokens["access_token"]) == 401
    assert app.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_an_app_can_be_registered(raw: Make) -> None:
    app = raw()
    wanted = {"client_id": "mine", "client_secret": "s", "redirect_uris": ["https://mine.example/"]}
    assert control(app.player, {"client": wanted})["clients"] == ["mine", "raw"]
    registered = app.player.grants.clients["mine"]
    assert (registered.client_secret, registered.redirect_uris) == ("s", ("https://mine.example/",))


def test_faults_may_hold_for_a_number_of_requests(raw: Make) -> None:
    app = raw()
    control(app.player, {"faults": {"status": 503, "times": 2, "at": ["api"]}})
    token = app.redeem().json["access_token"]
    assert [app.api(token) for _ in range(3)] == [503, 503, 200]
    assert control(app.player)["faults"] == {}
