"""What was left alive for another app's sake is shown as long as that app is connected."""

from typing import Any

from tests.kit.connection_scene import Scene
from tests.kit.http.browser import request
from tests.kit.http.tokens import Session
from tests.kit.requirement import requirement


def call(session: Session, method: str, path: str = "/connections") -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {session.access}"}
    answer: dict[str, Any] = request(session.stack.netloc, method, path, headers=headers).json
    return answer


def end(session: Session) -> dict[str, Any]:
    return call(session, "DELETE", f"/connections/{session.claims['connections']['demo']}")


@requirement("CONS-07", "VLT-07")
def test_a_grant_that_was_kept_for_another_app_is_listed_until_that_one_ends(make_scene: Any) -> None:
    scene: Scene = make_scene("app")
    other = scene.other_app()
    ended = end(scene.session)
    assert ended["at_provider"] == "kept_shared" and scene.lives_at_provider() != []
    assert call(scene.session, "GET") == {"connections": [], "ended": [ended]}
    assert call(other, "GET")["ended"] == []
    assert end(other)["at_provider"] == "revoked" and scene.lives_at_provider() == []
    assert call(scene.session, "GET") == {"connections": [], "ended": []}
