"""What a refresh must not change, and what a revocation must not forget."""

from typing import Any

import pytest

from tests.kit.connection_scene import Scene
from tests.kit.http.tokens import change
from tests.kit.requirement import requirement


@requirement("CB-11")
@pytest.mark.parametrize("status", ["partial", "in_doubt"])
def test_a_connection_with_less_than_was_asked_stays_partial_through_a_refresh(make_scene: Any, status: str) -> None:
    scene: Scene = make_scene("static")
    change(scene.stack, scene.session.connection_place(), status=status, is_partial=True)
    scene.expire()
    assert scene.asks() == "token"
    assert (scene.connection.status, scene.connection.is_partial) == ("partial", True)


@requirement("VLT-07")
def test_where_each_token_is_ended_for_itself_the_spent_one_is_ended_too(make_scene: Any) -> None:
    """Inside its grace it would still bring another."""
    scene: Scene = make_scene("sibling")
    scene.expire()
    assert scene.asks() == "token"
    held = {scene.stored("refresh_token"), scene.stored("previous"), scene.stored("access_token")}
    assert scene.end() == "revoked" and len(held) == 3
    assert {one.form["token"] for one in scene.provider.requests if one.endpoint == "revoke"} >= held
