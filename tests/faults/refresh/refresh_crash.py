"""The calls of a refresh, and what must hold after a crash at any of them."""

from tests.kit.connection_scene import Scene

KINDS = ["static", "once", "ask", "grace", "sibling"]
CALLS = {0: "read", 1: "lease", 2: "recovery", 3: "commit", 4: "second read", 5: "record"}
# Where the process dies between the provider's answer and the recovery item, only these can be saved without the user.
SAVED_WITHOUT_ANSWER = {"static", "grace", "sibling"}


def check_nothing_is_lost(scene: Scene, came: str, *, saved: bool, case: object = "") -> None:
    """Either all goes on, or the user is asked; the table holds what the provider takes, never nothing."""
    assert came == ("token" if saved else "reauth_required"), case
    assert scene.stored() != "", case
    if saved:
        assert scene.connection.status == "active" and scene.connection.attempt_started == 0, case
        assert scene.stored() in scene.lives_at_provider(), case
    else:
        assert scene.connection.status == "reauth_required", case
        scene.sign_in_again()
    scene.expire()
    assert scene.asks() == "token", case
