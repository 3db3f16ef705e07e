"""The previous release and this one answer in turns, for the same sign-ins, tokens, connections and browsers (F24)."""

from urllib.parse import urlencode

import pytest

from chalicelib.adapters.dynamodb.codec import SCHEMA
from chalicelib.protocol.pkce import s256
from tests.deploy.upgrade.sides import Sides, tokens_of
from tests.kit.http.browser import Answer
from tests.kit.requirement import requirement
from tests.kit.traffic.app import App
from tests.kit.traffic.world import APP, SCOPE

BOTH_WAYS = [("old", "new"), ("new", "old")]
VERIFIER = "v" * 43
ASKED = {
    "response_type": "code", "redirect_uri": APP, "scope": SCOPE, "state": "s" * 20,
    "code_challenge": s256(VERIFIER), "code_challenge_method": "S256",
}  # fmt: skip


class Turns:
    """Who answers next, one after the other."""

    def __init__(self, sides: Sides, first: str, second: str) -> None:
        self._sides, self._order = sides, [first, second]

    def next(self) -> None:
        """The other one from now on."""
        self._sides.side, self._order = self._order[0], self._order[::-1]


def sign_in(sides: Sides, app: App, first: str, second: str) -> dict[str, str]:
    """Each request of it at the other side than the one before; the tokens."""
    turns = Turns(sides, first, second)
    asked = {"client_id": app.client.client_id, **ASKED}
    turns.next()
    page = app.ask("authorize", lambda: app.browser.get("/authorize?" + urlencode(asked)))
    assert page is not None and page.status == 200, page
    turns.next()
    left = app.press_allow(page)
    assert left is not None and left.status == 200, left
    back = sides.provider.sign_in(left.location, app.who)
    turns.next()
    answer = app.ask("callback", lambda: app.browser.get(back))
    assert answer is not None and answer.status == 303, answer
    turns.next()
    return tokens_of(app.redeem(answer.answered["code"], VERIFIER))


@requirement("F24", "UPG-01")
@pytest.mark.parametrize(("first", "second"), BOTH_WAYS)
def test_a_sign_in_its_refreshes_and_its_hand_outs_go_from_one_to_the_other(
    sides: Sides, first: str, second: str
) -> None:
    app = sides.app()
    tokens = sign_in(sides, app, first, second)
    for side in (first, second, first):
        sides.side = side
        shown = tokens["refresh_token"]
        tokens = tokens_of(app.refresh(shown))
        sides.side = second if side == first else first
        assert tokens_of(app.refresh(shown))["refresh_token"] == tokens["refresh_token"], (
            "the same successor in the grace"
        )
        sides.expire(app)
        handed = tokens_of(app.exchange(tokens["access_token"]))["access_token"]
        sides.side = side
        assert tokens_of(app.exchange(tokens["access_token"]))["access_token"] == handed
        assert sides.provider.grants.whose(handed) is not None
        assert introspected(app, tokens["access_token"])
    assert sides.schemas() == {f'{{"N": "{SCHEMA}"}}'}


@requirement("F24", "UPG-01")
@pytest.mark.parametrize(("first", "second"), BOTH_WAYS)
def test_what_one_has_ended_is_over_for_the_other(sides: Sides, first: str, second: str) -> None:
    app = sides.app()
    kept, revoked = sign_in(sides, app, first, second), tokens_of(again(sides, app, second))
    sides.side = first
    assert status(app.post("revoke", "/revoke", token=revoked["refresh_token"])) == 200
    sides.side = second
    assert status(app.refresh(revoked["refresh_token"])) == 400 and not introspected(app, revoked["access_token"])
    assert introspected(app, kept["access_token"])
    sides.side = first
    assert status(app.call("give back", "DELETE", "/connections", kept["access_token"])) == 200
    sides.side = second
    assert status(app.refresh(kept["refresh_token"])) == 400 and not introspected(app, kept["access_token"])
    (connection,) = sides.connections(app)
    assert connection.status == "revoked" and connection.settled_at


@requirement("F24", "UPG-01")
@pytest.mark.parametrize(("first", "second"), BOTH_WAYS)
def test_a_code_is_good_once_for_both_together(sides: Sides, first: str, second: str) -> None:
    app = sides.app()
    sides.side = first
    got = app.get_code()
    assert got is not None
    tokens = tokens_of(app.redeem(*got))
    sides.side = second
    assert status(app.redeem(*got)) == 400
    sides.side = first
    assert status(app.refresh(tokens["refresh_token"])) == 400


@requirement("F24", "UPG-01")
@pytest.mark.parametrize(("first", "second"), BOTH_WAYS)
def test_a_browser_session_of_one_is_one_of_the_other(sides: Sides, first: str, second: str) -> None:
    app = sides.app(client_name=f"Shown by {second}")
    tokens = sign_in(sides, app, first, second)
    for side in (second, first):
        sides.side = side
        page = app.ask("account", lambda: app.browser.get("/account"))
        assert page is not None and f"Shown by {second}" in page.body
        assert tokens_of(again(sides, app, side))["access_token"] != tokens["access_token"]


@requirement("F24", "UPG-01")
@pytest.mark.parametrize(("first", "second"), BOTH_WAYS)
def test_a_device_and_its_person_may_meet_different_ones(sides: Sides, first: str, second: str) -> None:
    app = sides.app()
    sides.side = first
    told = app.start_device()
    sides.side = second
    assert told is not None and app.approve(told["user_code"])
    sides.side = first
    tokens = tokens_of(app.poll(told["device_code"]))
    sides.side = second
    assert status(app.refresh(tokens["refresh_token"])) == 200


@requirement("F24", "UPG-01")
@pytest.mark.parametrize(("first", "second"), BOTH_WAYS)
def test_a_request_that_one_has_taken_the_other_opens(sides: Sides, first: str, second: str) -> None:
    app = sides.app()
    sides.side = first
    pushed = app.post("par", "/par", **ASKED)
    assert pushed is not None and pushed.status == 201, pushed
    sides.side = second
    uri = {"client_id": app.client.client_id, "request_uri": pushed.json["request_uri"]}
    page = app.ask("authorize", lambda: app.browser.get("/authorize?" + urlencode(uri)))
    assert page is not None and page.status == 200
    sides.side = first
    done = app.allow(page)
    assert done is not None and done.location.startswith(APP)


def again(sides: Sides, app: App, side: str) -> Answer | None:
    """Another grant of the same person, at one side."""
    sides.side = side
    got = app.get_code()
    assert got is not None
    return app.redeem(*got)


def introspected(app: App, token: str) -> bool:
    """Whether it is active."""
    answer = app.post("introspect", "/introspect", token=token)
    assert answer is not None and answer.status == 200, answer
    return answer.json["active"] is True


def status(answer: Answer | None) -> int:
    """0 for none."""
    return 0 if answer is None else answer.status
