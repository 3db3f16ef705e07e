"""What is broken on purpose really happens, and what stopped it is read from the broker's own log."""

from typing import Any

import pytest

from local.demo.demo_stack import DemoStack
from local.demo.live_view.attacks import ATTACKS, Attack, attack
from local.demo.live_view.server import LiveServer
from local.demo.live_view.visit import Visit
from local.live.details import parameters_of
from local.live.exchange import Exchange
from local.live.words import find_parameter
from tests.kit.requirement import requirement
from tests.local.live.shown_exchange import Opened

EXPECTED = {
    "replay": ("/token", "code_replayed", 400),
    "state": ("/callback/demo", "pending_cookie_missing", 403),
    "issuer": ("/callback/demo", "callback_iss_mismatch", 400),
    "redirect": ("/authorize", "redirect_uri_not_registered", 400),
    "expire": ("/token", "refresh_token_unknown_or_over", 400),
    "down": ("/callback/demo", "token_status_503", 502),
}


def drawn(live: LiveServer, attempt: str) -> list[Exchange]:
    return [one for one in live.recorder.all() if one.attempt == attempt]


@requirement("LIVE-08")
@pytest.mark.parametrize("name", ATTACKS)
def test_each_is_stopped_by_the_check_that_the_log_names(
    stack: DemoStack, live: LiveServer, opened: Opened, name: str
) -> None:
    path, reason, status = EXPECTED[name]
    outcome = attack(name, stack, live.recorder)
    stopped = live.recorder.find(outcome["number"])
    assert outcome["stopped"] and stopped and (stopped.path, stopped.status) == (path, status)
    refusal = opened(stopped)["refusal"]
    assert refusal["reason"] == reason and refusal["path"][-1] == {"check": outcome["check"], "outcome": "refused"}
    flow = drawn(live, outcome["attempt"])
    assert all(one.state == "fine" for one in flow if one.number < stopped.number)
    said = {parameter: find_parameter(parameter, one) for one in flow for _, parameter, _ in parameters_of(one)}
    assert [parameter for parameter, word in said.items() if word is None] == []


@requirement("LIVE-08")
def test_a_replayed_code_takes_the_first_ones_tokens_along(stack: DemoStack, live: LiveServer) -> None:
    outcome = attack("replay", stack, live.recorder)
    first, second, refreshed = [one for one in drawn(live, outcome["attempt"]) if one.callee == "broker"][-3:]
    assert first.sent == second.sent and first.status == 200 and second.status == 400
    assert refreshed.sent["refresh_token"] == first.answer.document["refresh_token"] and refreshed.status == 400


@requirement("LIVE-08")
def test_a_redirect_differs_by_one_slash(stack: DemoStack, live: LiveServer, opened: Opened) -> None:
    outcome = attack("redirect", stack, live.recorder)
    stopped = live.recorder.find(outcome["number"])
    assert stopped
    (difference,) = opened(stopped)["refusal"]["differences"]
    assert difference["received"] == difference["expected"] + "/" and difference["marks"].strip() == "^"


@requirement("LIVE-06", "LIVE-08")
def test_what_is_not_stopped_is_said_so(stack: DemoStack, live: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def behave(_: DemoStack, visit: Visit) -> Any:
        visit.redeem(visit.finish(visit.allow()))

    monkeypatch.setitem(ATTACKS, "replay", Attack("Behave", "Nothing is wrong.", behave))
    outcome = attack("replay", stack, live.recorder)
    assert not outcome["stopped"] and outcome["requests"] == len(drawn(live, outcome["attempt"])) > 8


@requirement("LIVE-08")
def test_afterwards_everything_works_as_before(stack: DemoStack, live: LiveServer) -> None:
    attack("down", stack, live.recorder)
    assert stack.provider.faults.switched_on() == {}
    visit = Visit(stack)
    assert visit.redeem(visit.finish(visit.allow())).status == 200
