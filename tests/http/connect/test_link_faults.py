"""A fault at each call of the way back of a link: nothing is half allowed, and a further link works."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.http.connect_links import connect, link_of, start_linkable, to_callback
from tests.kit.http.fault_line import HICCUP, OUTAGE, Line
from tests.kit.http.sign_in_scene import connections, consents
from tests.kit.http.stack import Stack
from tests.kit.requirement import requirement

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # a C ends its thread
STEPS = ("session", "claim", "read", "connection", "consent", "grant")


@requirement("GEN-13", "CB-03")
@pytest.mark.parametrize(("mode", "times"), [("B", OUTAGE), ("T", HICCUP), ("A", HICCUP), ("C", 1), ("K", 1)])
@pytest.mark.parametrize("step", STEPS)
def test_whatever_fails_on_the_way_back_nothing_is_half_allowed(
    make_stack: Callable[..., Stack], step: str, mode: Any, times: int
) -> None:
    line = Line()
    stack = make_stack(dynamodb=line)
    line.stack = stack
    session = start_linkable(stack)
    callback = to_callback(session, link_of(session))
    answer = line.send(lambda: session.sign_in.browser.get(callback), mode, at=STEPS.index(step), times=times)
    done = answer is not None and "connection_id" in answer.answered
    assert done == ((mode, times) in (("T", HICCUP), ("A", HICCUP)))
    grant, (consent,) = session.grant(), consents(stack)
    assert grant.scopes <= consent.scopes
    assert set(grant.connections.values()) <= {one.connection_id for one in connections(stack)}
    assert session.exchange().status == 200
    again = connect(session).answered["connection_id"]
    assert session.exchange(str(session.refresh().json["access_token"]), audience=again).status == 200
