"""A hand-out that waited, for discovery or for the write of the lease, reads every mark again before it serves."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.adapters.http.provider_directory import ProviderDirectory
from chalicelib.records.item_keys import grant_item_key, provider_item_key, subject_item_key
from chalicelib.upstream.http import HttpRequest, HttpResponse
from tests.faults.refresh.call_count import calls_of
from tests.kit.connection_scene import Scene
from tests.kit.http.tokens import audits, change, mark
from tests.kit.requirement import requirement

STILL_GOOD_SECONDS = 100  # of the demo provider's 120
ENDINGS = ["grant", "consent", "subject", "provider", "connection"]


class SlowDiscovery:
    """While discovery runs, something happens; then it answers, or fails."""

    def __init__(self, inner: Any, act: Callable[[], None], *, fails: bool) -> None:
        self.inner, self.act, self.fails = inner, act, fails

    def fetch(self, request: HttpRequest, **limits: Any) -> HttpResponse:
        self.act()
        answer: HttpResponse = self.inner.fetch(request, **limits)
        return HttpResponse(status=500) if self.fails else answer


def end(scene: Scene, what: str) -> None:
    """What ends the access while the hand-out waits."""
    session = scene.session
    if what == "grant":
        change(scene.stack, grant_item_key(session.claims["grant_id"]), status="revoked")
    elif what == "connection":
        change(scene.stack, session.connection_place(), status="revoked")
    else:
        places = {
            "consent": session.consent_place(),
            "subject": subject_item_key(session.claims["sub"]),
            "provider": provider_item_key("demo"),
        }
        mark(scene.stack, places[what], disabled=True)


def take_lease(scene: Scene) -> None:
    """Somebody else is asking the provider."""
    now = scene.clock.now()
    held = {"lease_owner": "another", "lease_until": now + 15, "attempt_started": now}
    change(scene.stack, scene.session.connection_place(), attempt=scene.connection.attempt + 1, **held)


def start_cold(scene: Scene, act: Callable[[], None], *, fails: bool) -> None:
    """A process that knows nothing of the provider's endpoints yet."""
    fetcher = SlowDiscovery(scene.outside.inner, act, fails=fails)
    directory = ProviderDirectory(fetcher, scene.clock)
    scene.stack.broker = dataclasses.replace(scene.stack.broker, directory=directory)


@requirement("VLT-11")
@pytest.mark.parametrize("what", ENDINGS)
@pytest.mark.parametrize("fails", [True, False], ids=["discovery fails", "another has the lease"])
def test_what_was_ended_while_a_hand_out_waited_is_not_handed_out(scene: Scene, what: str, fails: bool) -> None:
    scene.age(STILL_GOOD_SECONDS)

    def meanwhile() -> None:
        if not fails:
            take_lease(scene)
        end(scene, what)

    start_cold(scene, meanwhile, fails=fails)
    assert scene.exchange().status in (400, 401) and audits(scene.stack) == []
    assert scene.outside.refreshes == 0


@requirement("VLT-11", "BUDGET")
def test_a_hand_out_that_waited_in_peace_serves_after_one_more_read(scene: Scene) -> None:
    scene.age(STILL_GOOD_SECONDS)
    start_cold(scene, lambda: None, fails=True)
    assert calls_of(scene, scene.asks) == ("token", ["BatchGetItem", "BatchGetItem", "PutItem"], 0)


@requirement("VLT-11")
def test_a_token_that_came_into_doubt_while_a_hand_out_waited_is_not_handed_out(scene: Scene) -> None:
    scene.age(STILL_GOOD_SECONDS)

    def fall_into_doubt() -> None:
        change(scene.stack, scene.session.connection_place(), status="in_doubt", lost=1)

    start_cold(scene, fall_into_doubt, fails=True)
    assert scene.asks() == "later" and audits(scene.stack) == []
