"""What refreshes come to decides whether a provider is left alone, for everybody whose tokens are there."""

from typing import Any

import pytest

from chalicelib.upstream.http import HttpResponse, ProviderUnavailable
from tests.kit.connection_scene import Scene
from tests.kit.http.tokens import change
from tests.kit.requirement import requirement

CALLS = 20


def refuse() -> None:
    raise ProviderUnavailable("connect_failed", sent=False)


def fail(scene: Scene, times: int, how: str) -> None:
    """So many refreshes of one connection, each as soon as it may be tried again."""
    for _ in range(times):
        scene.clock.advance(max(1, scene.connection.retry_at - scene.clock.now()))
        scene.session.tokens = scene.session.refresh().json
        scene.outside.instead = HttpResponse(status=429) if how == "refused" else None
        scene.outside.before = None if how == "refused" else refuse
        assert scene.asks() == "later"


@requirement("VLT-07")
@pytest.mark.parametrize("how", ["refused", "unreachable"])
def test_twenty_failed_refreshes_of_one_spare_the_provider_all_others(make_scene: Any, how: str) -> None:
    scene: Scene = make_scene("ask")
    scene.expire()
    fail(scene, CALLS - 1, how)
    other = scene.other_app()
    fail(scene, 1, how)
    scene.outside.instead = scene.outside.before = None
    assert scene.outside.refreshes == CALLS
    change(scene.stack, other.connection_place(), access_expires_at=scene.clock.now() - 1)
    other.tokens = other.refresh().json
    answer = other.exchange()
    assert (answer.status, answer.header("retry-after"), scene.outside.refreshes) == (503, "60", CALLS)
    scene.clock.advance(60)
    assert other.exchange().status == 200 and scene.outside.refreshes == CALLS + 1


@requirement("VLT-07")
def test_a_provider_that_answers_is_not_left_alone_whatever_it_says(make_scene: Any) -> None:
    """Users who have taken back their apps, one after the other, say nothing of how the provider is."""
    scene: Scene = make_scene("ask")
    scene.provider.faults.token_error = "invalid_grant"
    for _ in range(CALLS + 1):
        change(scene.stack, scene.session.connection_place(), status="active", access_expires_at=1)
        assert scene.asks() == "reauth_required"
    assert scene.outside.refreshes == CALLS + 1
