"""The table may keep an item for days after its time; what has expired is refused all the same (RELIABILITY F11)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.kit.http.device import start_device
from tests.kit.http.pushing import follow, reference
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import start_session
from tests.kit.requirement import requirement

DAY = 86400
Use = Callable[[], int]


def code(stack: Stack) -> tuple[int, Use]:
    sign_in = stack.sign_in(*stack.client())
    return stack.settings.code_seconds, lambda: stack.redeem(sign_in).status


def access_token(stack: Stack) -> tuple[int, Use]:
    session = start_session(stack)
    return stack.settings.access_token_seconds, lambda: session.userinfo().status


def handed_out(stack: Stack) -> tuple[int, Use]:
    session = start_session(stack)
    return stack.settings.access_token_seconds, lambda: session.exchange().status


def refresh_token(stack: Stack) -> tuple[int, Use]:
    session = start_session(stack)
    return stack.settings.refresh_idle_seconds, lambda: session.refresh().status


def refresh_token_in_use(stack: Stack) -> tuple[int, Use]:
    """To its absolute end, which no use moves."""
    stack.restart(refresh_idle_seconds=60 * DAY)
    session = start_session(stack)
    return stack.settings.refresh_end_seconds, lambda: session.refresh().status


def pushed_request(stack: Stack) -> tuple[int, Use]:
    client, secret = stack.client()
    uri = reference(stack, client, secret)
    return 60, lambda: follow(stack.browser(), client, uri).status


def device_code(stack: Stack) -> tuple[int, Use]:
    device = start_device(stack)
    return stack.settings.device_seconds, lambda: 200 if device.poll().json["error"] != "expired_token" else 400


def user_code(stack: Stack) -> tuple[int, Use]:
    device = start_device(stack)
    return stack.settings.device_seconds, lambda: device.type()[1].status


def decision(stack: Stack) -> tuple[int, Use]:
    """What the browser brings back from the provider."""
    trip = stack.to_callback(*stack.client())
    return stack.settings.pending_seconds, lambda: trip.browser.get(trip.callback).status


def browser_session(stack: Stack) -> tuple[int, Use]:
    browser = stack.sign_in(*stack.client()).browser
    return stack.settings.session_seconds, lambda: 200 if "end_all" in browser.get("/account").body else 401


def items(stack: Stack) -> set[str]:
    """The keys of everything in the table."""
    answer = stack.deployment.dynamodb.call("Scan", {"TableName": stack.settings.table, "ConsistentRead": True})
    return {item["pk"]["S"] for item in answer["Items"]}


KINDS: list[Any] = [
    code, access_token, handed_out, refresh_token, refresh_token_in_use, pushed_request, device_code, user_code,
    decision, browser_session,
]  # fmt: skip


@requirement("F11")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_has_expired_is_refused_while_the_table_keeps_its_item(stack: Stack, kind: Any) -> None:
    seconds, use = kind(stack)
    kept = items(stack)
    for late in (0, 1, 7 * DAY):
        stack.clock.advance(seconds if late == 0 else late)
        assert use() >= 400, (kind.__name__, late)
    assert kept <= items(stack), "the table has forgotten nothing"
