"""A fault at each call of a callback: no code without its grant, no second grant, and the user can start again."""

from collections.abc import Callable

import pytest

from tests.kit.http.fault_line import DEATH, HICCUP, OUTAGE, Line
from tests.kit.http.sign_in_scene import grants
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session
from tests.kit.requirement import requirement

CLAIM, READ, USER_KEY, SUBJECT, CONNECTION, CONSENT, ISSUE = range(7)
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@requirement("CB-01", "GEN-13", "F03")
@pytest.mark.parametrize("at", range(7))
@pytest.mark.parametrize(("mode", "times"), [("B", OUTAGE), ("A", OUTAGE), ("A", HICCUP), ("C", DEATH)])
def test_a_callback_one_of_whose_calls_fails(make_stack: Callable[..., Stack], mode: str, times: int, at: int) -> None:
    line = Line()
    stack = line.stack = make_stack(dynamodb=line)
    client, _ = stack.client()
    travelling = stack.to_callback(client)
    asked = stack.provider.count("token")
    answer = line.send(lambda: travelling.browser.get(travelling.callback), mode, at=at, times=times)
    hiccup = (mode, times) == ("A", HICCUP)
    if hiccup:
        assert answer is not None and "code" in answer.answered
    else:
        assert answer is None or (answer.status, answer.header("location")) == (503, None)
    unclaimed, issued = (at, mode) == (CLAIM, "B"), at == ISSUE and mode in "AC"
    again = travelling.browser.get(travelling.callback)
    if unclaimed or issued or hiccup:
        travelling.answer = again
        assert stack.redeem(travelling).status == 200
    else:
        assert again.status == 200 and again.location.startswith(stack.settings.issuer + "/callback/demo?")
        assert all(grant.status == "exchanging" for grant in grants(stack))
    assert stack.provider.count("token") - asked == (0 if at == CLAIM and not (unclaimed or hiccup) else 1)
    assert len(grants(stack)) == 1
    fresh = stack.sign_in(client)
    tokens = stack.redeem(fresh).json
    assert Session(stack, fresh, tokens).exchange().status == 200
